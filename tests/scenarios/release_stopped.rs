//! Releases that are killed, cut off or run into each other: no floating tag names what was not read back, and the same
//! command goes on to the same end.

use std::sync::{Arc, Mutex};

use wharf_testkit::{Registry, Repo, Signal};

use crate::registry::front::{Front, Verdict};
use crate::release::{Release, both, dockerfile};

/// What always holds: a floating tag names the whole of its version, or nothing.
fn floats_on_what_is_there(stage: &Release, hosts: &[&str]) {
    for host in hosts {
        if let Some(floating) = stage.digest(host, "a", "dev") {
            for host in hosts {
                assert_eq!(stage.digest(host, "a", "dev-0.1.0").as_deref(), Some(floating.as_str()));
            }
        }
    }
}

#[test]
fn killed_at_each_step_it_goes_on_to_the_same_end() {
    let (first, second) = (Registry::start(), Registry::start());
    let (one, two) = (first.host(), second.host());
    let stage = Release::with("killed", &[&one, &two], &["a"], &both());
    for step in ["check", "rights", "build", "test", "qa", "promote", "push", "verify", "float", "tag"] {
        let running = stage.wharf(&["image", "release", "a"]).spawn();
        running.wait_stderr_contains(&format!("a 0.1.0: {step}: "));
        running.signal_group(Signal::KILL);
        running.wait();
        floats_on_what_is_there(&stage, &[&one, &two]);
    }
    let last = stage.release(&["a"]);
    last.assert_code(0).stderr_contains("a 0.1.0: build is done").stderr_contains("a 0.1.0: float is done");
    let digest = stage.digest(&one, "a", "dev-0.1.0").unwrap();
    for (host, tag) in [(&one, "dev"), (&two, "dev-0.1.0"), (&two, "dev")] {
        assert_eq!(stage.digest(host, "a", tag).as_ref(), Some(&digest), "{host} {tag}");
    }
    let head = stage.repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(stage.tagged(&format!("{}-a-0.1.0", stage.name)), format!("tag {head}"));
    assert_eq!(stage.repo.git(&["status", "--porcelain"]), "");
}

/// Its images are gone, and so is its record, as on another machine: what a registry has is gone on with.
#[test]
fn another_machine_goes_on_with_what_a_registry_has() {
    let (first, second) = (Registry::start(), Registry::start());
    let (one, two) = (first.host(), second.host());
    let stage = Release::with("adopt", &[&one, &two], &["a"], &both());
    let running = stage.wharf(&["image", "release", "a"]).spawn();
    running.wait_stderr_contains("a 0.1.0: verify: ");
    running.signal_group(Signal::KILL);
    running.wait();
    let digest = stage.digest(&one, "a", "dev-0.1.0").unwrap();
    let listed = stage.engine(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).stdout;
    let mine: Vec<&str> = listed.lines().filter(|line| line.contains(&format!("{}-a", stage.name))).collect();
    stage.engine(&[&["image", "rm", "--force"][..], &mine].concat()).assert_code(0);
    fs_err::remove_dir_all(stage.repo.join(".wharf/release")).unwrap();
    let went_on = stage.release(&["a"]);
    went_on.assert_code(0).stderr_contains("is there already, it is fetched");
    for host in [&one, &two] {
        assert_eq!(stage.digest(host, "a", "dev").as_ref(), Some(&digest), "{host}");
    }
}

#[test]
fn an_image_that_is_deleted_by_hand_is_made_again() {
    let registry = Registry::start();
    let stage = Release::new("deleted", &[&registry.host()], &["a"]);
    let running = stage.wharf(&["image", "release", "a"]).spawn();
    running.wait_stderr_contains("a 0.1.0: test: ");
    running.signal_group(Signal::KILL);
    running.wait();
    let listed = stage.engine(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).stdout;
    let mine: Vec<&str> = listed.lines().filter(|line| line.contains(&format!("{}-a:", stage.name))).collect();
    stage.engine(&[&["image", "rm", "--force"][..], &mine].concat()).assert_code(0);
    let planned = stage.release(&["a", "--dry-run"]);
    planned.assert_code(0).stdout_contains("build: images for all platforms (an image is not here any more)");
    stage.release(&["a"]).assert_code(0).stderr_contains("a 0.1.0: build: ");
    assert_eq!(stage.digest(&registry.host(), "a", "dev"), stage.digest(&registry.host(), "a", "dev-0.1.0"));
}

#[test]
fn a_registry_that_stops_in_mid_push() {
    let registry = Registry::start();
    let upstream = registry.host();
    let registry = Arc::new(Mutex::new(registry));
    let stopper = Arc::clone(&registry);
    let stops = Arc::new(Mutex::new(true));
    let still = Arc::clone(&stops);
    let front = Front::start(&upstream, move |asked| {
        // Layers go up by PATCH or PUT of blobs, after the upload that only asks whether one may.
        if *still.lock().unwrap() && asked.method != "GET" && asked.path.contains("/blobs/uploads/") && asked.before > 1
        {
            stopper.lock().unwrap().stop();
            return Verdict::Cut;
        }
        Verdict::Pass
    });
    let good = Registry::start();
    let hosts = [front.host(), good.host()];
    let stage = Release::new("stopped", &[&hosts[0], &hosts[1]], &["a"]).with_podman();
    let failed = stage.release(&["a"]);
    failed.assert_code(4).stderr_contains("a 0.1.0: push: ").stderr_contains("try again");
    assert_eq!(stage.digest(&hosts[1], "a", "dev"), None, "the other waits for all");
    *stops.lock().unwrap() = false;
    registry.lock().unwrap().start_again();
    let done = stage.release(&["a"]);
    done.assert_code(0).stderr_contains("a 0.1.0: promote is done");
    for host in &hosts {
        let digest = stage.digest(host, "a", "dev-0.1.0");
        assert!(digest.is_some());
        assert_eq!(stage.digest(host, "a", "dev"), digest);
    }
}

#[test]
fn a_full_disk_at_a_registry() {
    let full = Registry::with_disk(256 << 10);
    let stage = Release::new("full", &[&full.host()], &["a"]).with_podman();
    let failed = stage.release(&["a"]);
    failed.assert_code(4).stderr_contains("a 0.1.0: push: ");
    failed.stderr_contains(&format!("the disk of registry `{}` is full", full.host()));
    assert_eq!(stage.digest(&full.host(), "a", "dev"), None);
    assert_eq!(stage.tagged(&format!("{}-a-0.1.0", stage.name)), "");
}

/// A dir of a sub-repo, whose own remote gets the tag: it refuses at first.
#[test]
fn a_remote_that_refuses_the_tag() {
    let registry = Registry::start();
    let host = registry.host();
    let stage = Release::new("tag", &[&host], &[]);
    let remote = Repo::bare_remote(stage.sandbox.path().join("sub.git"));
    let inner = Repo::init(stage.sandbox.path().join("inner"));
    inner.write("devops/wharf.toml", "[python]\nmanager = \"none\"\n");
    inner.write("devops/Dockerfile", dockerfile(&stage.name));
    let name = format!("{}-sub", stage.name);
    inner.write("wharf.toml", format!("[workspace]\nname = \"{name}\"\n")).commit("first");
    inner.push_to(&remote);
    let sub = stage.repo.add_submodule(&remote, "sub");
    stage.repo.commit("with a sub-repo");
    let hook = remote.join("hooks/update");
    fs_err::create_dir_all(remote.join("hooks")).unwrap();
    fs_err::write(&hook, "#!/bin/sh\necho tags are frozen\nexit 1\n").unwrap();
    stage.sandbox.command("chmod").arg("+x").arg(&hook).run().assert_code(0);
    let refused = stage.release(&["sub"]);
    refused.assert_code(4).stderr_contains("could not be sent to origin").stderr_contains("only the tag is missing");
    fs_err::remove_file(hook).unwrap();
    let done = stage.release(&["sub"]);
    done.assert_code(0).stderr_contains("sub 0.1.0: float is done").stdout_contains(&format!("{host}/acme/"));
    let tags = remote.git(&["for-each-ref", "--format=%(refname:short) %(*objectname)", "refs/tags"]);
    assert_eq!(tags.split_whitespace().nth(1), Some(sub.git(&["rev-parse", "HEAD"]).as_str()), "{tags}");
    assert!(tags.split_whitespace().next().unwrap().ends_with("-0.1.0"), "{tags}");
    assert_eq!(stage.remote.git(&["tag"]), "", "the super-repo's remote gets none");
}

/// One registry takes the version, but not its floating tag: the others keep theirs, or have what was read back everywhere.
#[test]
fn a_floating_tag_that_cannot_move() {
    let (good, other) = (Registry::start(), Registry::start());
    let frozen = Arc::new(Mutex::new(true));
    let still = Arc::clone(&frozen);
    let front = Front::start(&other.host(), move |asked| {
        let floats = asked.method == "PUT" && asked.path.ends_with("/manifests/dev");
        match floats && *still.lock().unwrap() {
            true => Verdict::Answer("403 Forbidden", "", "{\"errors\":[{\"code\":\"DENIED\"}]}"),
            false => Verdict::Pass,
        }
    });
    let hosts = [front.host(), good.host()];
    let stage = Release::new("frozen", &[&hosts[0], &hosts[1]], &["a"]);
    let refused = stage.release(&["a"]);
    refused.assert_code(4).stderr_contains("a 0.1.0: float: ");
    floats_on_what_is_there(&stage, &[&hosts[0], &hosts[1]]);
    assert_eq!(stage.digest(&hosts[0], "a", "dev"), None);
    assert_eq!(stage.tagged(&format!("{}-a-0.1.0", stage.name)), "", "the tag says that all is done");
    *frozen.lock().unwrap() = false;
    stage.release(&["a"]).assert_code(0).stderr_contains("a 0.1.0: verify is done");
    assert_eq!(stage.digest(&hosts[0], "a", "dev"), stage.digest(&hosts[1], "a", "dev"));
}

#[test]
fn of_two_at_once_one_wins() {
    let registry = Registry::start();
    let stage = Release::new("twice", &[&registry.host()], &["a"]);
    let clone = stage.remote.clone_to(stage.sandbox.path().join("clone"));
    registry.hold();
    let first = stage.wharf(&["image", "release", "a"]).spawn();
    first.wait_stderr_contains("a 0.1.0: rights: ");
    for repo in [&stage.repo, &clone] {
        let command = stage.sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path());
        let second = command.args(["--engine", "docker", "image", "release", "a"]).run();
        second.assert_code(5).stderr_contains("is being released at this moment by process ");
    }
    registry.go_on();
    first.wait().assert_code(0);
    assert_eq!(stage.digest(&registry.host(), "a", "dev"), stage.digest(&registry.host(), "a", "dev-0.1.0"));
}

/// Two machines know nothing of each other: what a registry has decides.
#[test]
fn of_two_machines_one_wins() {
    let registry = Registry::start();
    let host = registry.host();
    let stage = Release::new("machines", &[&host], &["a"]);
    // The other one's image comes up while this one is about to write the version's tag.
    let other = Release::new("machines-other", &[&host], &["a"]);
    other.release(&["a"]).assert_code(0);
    let theirs = format!("docker://{host}/acme/{}-a:dev-0.1.0", other.name);
    let ours = format!("docker://{host}/acme/{}-a:dev-0.1.0", stage.name);
    let running = stage.wharf(&["image", "release", "a"]).spawn();
    running.wait_stderr_contains("a 0.1.0: build: ");
    let copy = ["copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", &theirs, &ours];
    stage.sandbox.command("skopeo").args(copy).run().assert_code(0);
    let lost = running.wait();
    lost.assert_code(5).stderr_contains("is there already with other content");
    assert_eq!(stage.digest(&host, "a", "dev-0.1.0"), other.digest(&host, "a", "dev-0.1.0"));
    assert_eq!(stage.digest(&host, "a", "dev"), None);
}
