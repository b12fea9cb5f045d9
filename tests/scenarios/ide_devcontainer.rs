//! What a devcontainer has beside its mounts: services, an engine, the dir's own entry point. By the devcontainers' own CLI.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, base_image, require, sample};

use crate::ide::{devcontainer, ide, sandbox};
use crate::testing::{containers, wharf};

const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

/// A container of the devcontainers CLI, removed at the end, also at that of a failed test.
struct Up<'a> {
    sandbox: &'a Sandbox,
    repo: &'a Repo,
    dir: &'a str,
    id: String,
}

impl<'a> Up<'a> {
    #[track_caller]
    fn new(sandbox: &'a Sandbox, repo: &'a Repo, dir: &'a str) -> Self {
        let up = devcontainer(sandbox, repo, "up", dir).run();
        let id = up.assert_code(0).json()["containerId"].as_str().expect("a container").to_owned();
        Self { sandbox, repo, dir, id }
    }

    fn exec(&self, script: &str) -> Output {
        devcontainer(self.sandbox, self.repo, "exec", self.dir).args(["sh", "-c", script]).run()
    }

    fn docker(&self, arguments: &[&str]) -> Output {
        self.sandbox.command("docker").args(arguments).run()
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        self.docker(&["rm", "--force", "--volumes", &self.id]);
        self.docker(&["image", "rm", "--force", &format!("sample-{}:editor", self.dir)]);
    }
}

/// From now on `wharf` is called by somebody who may use the engine by a group alone. Whoever calls `wharf ide image` is who works in
/// the container.
fn unprivileged(sandbox: &mut Sandbox) {
    let bin = sandbox.path().join("bin");
    fs_err::create_dir_all(&bin).expect("a sandbox is writable");
    fs_err::copy(env!("CARGO_BIN_EXE_wharf"), bin.join("program")).expect("the binary can be copied");
    let group = fs_err::metadata("/var/run/docker.sock").expect("the engine listens there").gid();
    let program = bin.join("program");
    let script =
        format!("#!/bin/sh\nexec setpriv --reuid=1234 --regid=1234 --groups={group} -- {} \"$@\"\n", program.display());
    fs_err::write(bin.join("wharf"), script).expect("a sandbox is writable");
    fs_err::set_permissions(bin.join("wharf"), std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let root = sandbox.path().parent().expect("it has a root").to_owned();
    sandbox.command("chown").args(["-R", "1234:1234"]).arg(root).run().assert_code(0);
    let path = sandbox.variables().iter().find(|(name, _)| name == "PATH").expect("it is always set").1.clone();
    let all = std::iter::once(bin).chain(std::env::split_paths(&path));
    sandbox.set("PATH", std::env::join_paths(all).expect("no part has a colon"));
}

#[test]
fn services_are_beside_a_devcontainer() {
    require(EngineKind::Docker);
    let mut sandbox = sandbox();
    sandbox.set("DEMO_KEY", "1 2");
    let command = "command = [\"sh\", \"-c\", \"cd /etc; exec python3 -m http.server 8080\"]\nready = \"tcp:8080\"\n";
    let toml = format!(
        "{NO_PYTHON}[run]\nservices = [\"web\"]\nenv = [\"*_KEY\"]\n[services.web]\nimage = \"{}\"\n{command}",
        base_image()
    );
    let repo = sample::workspace(&sandbox).dir("served", |dir| dir.no_requirements().toml(&toml)).build();
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0).stderr_lacks("goes without");
    let text = repo.read(".devcontainer/served/devcontainer.json");
    assert!(text.contains("--network=wharf-editor-${devcontainerId}"), "{text}");
    // Nor does what this machine knows decide what is committed.
    wharf(&sandbox, &repo).args(["ide", "generate", "devcontainer", "--check"]).env("B_KEY", "x").run().assert_code(0);
    let up = Up::new(&sandbox, &repo, "served");
    let script = "echo $DEMO_KEY; python3 -c \"import os, urllib.request as r; e = os.environ; print(r.urlopen(\
                  'http://%s:%s/hostname' % (e['WHARF_SERVICE_WEB_HOST'], e['WHARF_SERVICE_WEB_PORT'])).read().decode()); \
                  print(r.urlopen('http://web:8080/hostname').status)\"";
    let seen = up.exec(script);
    assert!(seen.assert_code(0).stdout.starts_with("1 2\n") && seen.stdout.ends_with("\n200\n"), "{}", seen.told());
    // `wharf bash` has the same ones, and they are still there.
    let mine = wharf(&sandbox, &repo).args(["run", "served", "--", "sh", "-c", script]).run();
    assert_eq!(mine.assert_code(0).stdout, seen.stdout, "{}", mine.stderr);
    // Another clone does not meet them, though the file is the same.
    repo.commit("editors");
    let other = repo.clone_to(sandbox.path().join("elsewhere/sample"));
    wharf(&sandbox, &other).args(["ide", "generate", "devcontainer", "--check"]).run().assert_code(0);
    let second = Up::new(&sandbox, &other, "served");
    let others = second.exec(script).assert_code(0).stdout.clone();
    assert!(others.ends_with("\n200\n") && others != seen.stdout, "{others}");
    drop(second);
    wharf(&sandbox, &other).args(["down", "--dir", "served"]).run().assert_code(0).stdout_contains("-up-web\n");
    // A network under a container that is stopped would keep that from being started again.
    let network =
        up.docker(&["inspect", "--format", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}", &up.id]);
    let network = network.assert_code(0).stdout.trim().to_owned();
    assert!(network.starts_with("wharf-editor-") && !network.contains('$'), "{network}");
    up.docker(&["stop", "--time", "0", &up.id]).assert_code(0);
    wharf(&sandbox, &repo).args(["down", "--dir", "served"]).run().assert_code(0).stdout_contains("-up-web\n");
    wharf(&sandbox, &repo).args(["prune"]).run().assert_code(0);
    devcontainer(&sandbox, &repo, "up", "served")
        .run()
        .assert_code(0)
        .stderr_contains("stay until `wharf down --dir served`");
    assert_eq!(up.exec(script).assert_code(0).stdout.lines().last(), Some("200"));
    drop(up);
    // Without it, nothing is left of the network.
    let dry = wharf(&sandbox, &repo).args(["down", "--dir", "served", "--dry-run"]).run();
    dry.assert_code(0).stdout_contains(&format!("docker network rm {network}\n"));
    wharf(&sandbox, &repo).args(["down", "--dir", "served"]).run().assert_code(0);
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
    let left =
        sandbox.command("docker").args(["network", "ls", "--quiet", "--filter", &format!("name={network}")]).run();
    assert_eq!(left.assert_code(0).stdout, "");
}

#[test]
fn a_devcontainer_has_the_dirs_own_entry_point() {
    require(EngineKind::Docker);
    let sandbox = sandbox();
    let toml = format!("{NO_PYTHON}[run]\nentrypoint = \"devops/start.sh\"\n");
    let start =
        "#!/bin/bash\nexport FROM_START=\"it's $1\" PATH=\"/opt/mine:$PATH\"\ntouch /tmp/started\nexec \"$@\"\n";
    let repo = sample::workspace(&sandbox).dir("entered", |dir| dir.no_requirements().toml(&toml)).build();
    repo.write("entered/devops/start.sh", start);
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0).stderr_lacks("warning");
    let up = Up::new(&sandbox, &repo, "entered");
    let seen = up.exec("echo $FROM_START; echo $PATH; ls /tmp/started; id -u");
    let lines: Vec<&str> = seen.assert_code(0).stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), ("it's /bin/sh", "/tmp/started"), "{}", seen.told());
    assert!(lines[1].starts_with("/opt/mine:"), "{}", seen.told());
    // What runs first is the script, as often as the container starts.
    up.docker(&["exec", &up.id, "rm", "/tmp/started"]).assert_code(0);
    up.docker(&["stop", "--time", "5", &up.id]).assert_code(0);
    devcontainer(&sandbox, &repo, "up", "entered").run().assert_code(0);
    up.exec("ls /tmp/started; test -n \"$FROM_START\"").assert_code(0);
}

#[test]
fn siblings_of_a_devcontainer_need_no_sudo_and_see_the_same_files() {
    require(EngineKind::Docker);
    let mut sandbox = sandbox();
    let toml = format!("{NO_PYTHON}[run]\ndocker = \"sibling\"\n");
    let fill = |dir: sample::Dir| dir.no_requirements().toml(&toml).file("a.txt", "hello\n");
    let repo = sample::workspace(&sandbox).dir("lender", fill).build();
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0).stderr_lacks("warning");
    unprivileged(&mut sandbox);
    let up = Up::new(&sandbox, &repo, "lender");
    let base = base_image();
    let script = format!(
        "set -e; id -u; id -g; docker run --rm -v $PWD:/x:ro {base} cat /x/a.txt; docker run --rm -v $WHARF_HOST_ROOT:/x {base} ls /x/lender/a.txt
         docker run -d {base} sleep 3000 >/dev/null; docker ps --quiet --filter label=dev.wharf.root=$WHARF_HOST_ROOT | wc -l
         test -S /var/run/docker.sock; wharf -q run lender -- cat a.txt"
    );
    let seen = up.exec(&script);
    assert_eq!(seen.assert_code(0).stdout, "1234\n1234\nhello\n/x/lender/a.txt\n1\nhello\n", "{}", seen.told());
    // What stays behind is listed with the workspace, and ends with all of it.
    let listed = wharf(&sandbox, &repo).args(["ps", "--json"]).run().assert_code(0).json();
    assert_eq!((&listed[0]["dir"], &listed[0]["verb"]), (&"lender".into(), &"sibling".into()), "{listed}");
    wharf(&sandbox, &repo).args(["stop", "--all", "--time", "0"]).run().assert_code(0);
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}

#[test]
fn a_devcontainer_can_have_an_engine_of_its_own() {
    require(EngineKind::Docker);
    let mut sandbox = sandbox();
    let toml = format!("{NO_PYTHON}[os]\npackages = [\"docker.io\"]\n[run]\ndocker = \"child\"\n");
    let repo = sample::workspace(&sandbox).dir("owner", |dir| dir.no_requirements().toml(&toml)).build();
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0).stderr_lacks("warning");
    unprivileged(&mut sandbox);
    let up = Up::new(&sandbox, &repo, "owner");
    let script = "id -u; id -g; docker ps --quiet; docker info --format '{{.Name}}' | cmp - /etc/hostname && echo its own; touch made";
    let seen = up.exec(script);
    assert_eq!(seen.assert_code(0).stdout, "1234\n1234\nits own\n", "{}", seen.told());
    assert_eq!(fs_err::metadata(repo.join("owner/made")).expect("it is seen here").uid(), 1234);
}

#[test]
fn nothing_of_one_machine_is_committed() {
    let sandbox = sandbox();
    let toml = format!(
        "{NO_PYTHON}[run]\nenv = [\"*_KEY\"]\npass-as = {{ INSIDE = \"OUTSIDE\" }}\n[run.variables]\nWHERE = \"{{host-name}} {{root}}\"\nDIR = \"{{dir}}\"\n"
    );
    let repo = sample::workspace(&sandbox).dir("plain", |dir| dir.no_requirements().toml(&toml)).build();
    let generate = |more: &[&str]| {
        let command = wharf(&sandbox, &repo).args(["ide", "generate", "devcontainer"]).args(more);
        command.env("OUTSIDE", "secret-1").env("A_KEY", "secret-2").run()
    };
    generate(&[]).assert_code(0);
    let text = repo.read(".devcontainer/plain/devcontainer.json");
    assert!(!text.contains("secret") && !text.contains("A_KEY") && !text.contains("WHERE"), "{text}");
    assert!(
        text.contains("\"INSIDE\": \"${localEnv:OUTSIDE}\"") && text.contains("\"DIR\": \"/src/sample/plain\""),
        "{text}"
    );
    ide(&sandbox, &repo, &["generate", "devcontainer", "--check"]).assert_code(0);
    // What they are is said beside, on each machine; no value of the caller's is.
    require(EngineKind::Docker);
    let image = wharf(&sandbox, &repo).args(["ide", "image", "plain"]).env("A_KEY", "secret-2").run();
    image.assert_code(0);
    let env = repo.read(".wharf/editor/plain/env");
    assert!(env.contains(&format!(" {}\n", repo.path().display())) && env.ends_with("\nA_KEY\n"), "{env}");
    sandbox.command("docker").args(["image", "rm", "sample-plain:editor"]).run().assert_code(0);
    // A network of the dir's own has no room for services.
    let clash = "[run]\nservices = [\"web\"]\nnetwork = \"mine\"\n[services.web]\nimage = \"x\"\n";
    repo.write("plain/devops/wharf.toml", format!("{NO_PYTHON}{clash}"));
    generate(&[]).assert_code(3).stderr_contains("`plain` joins the network `mine`");
}

#[test]
fn what_a_devcontainer_cannot_have_is_said_before_it_starts() {
    require(EngineKind::Docker);
    let sandbox = sandbox();
    let service = format!("[services.web]\nimage = \"{}\"\ncommand = [\"sleep\", \"1000\"]\n", base_image());
    let toml = format!("{NO_PYTHON}[run]\nservices = [\"web\"]\n{service}");
    let repo = sample::workspace(&sandbox).dir("waiter", |dir| dir.no_requirements().toml(&toml)).build();
    // A file of before there were services names no network.
    let old = ide(&sandbox, &repo, &["image", "waiter"]);
    old.assert_code(0).stderr_contains("no network is named in which `waiter` could find its services");
    repo.write("waiter/devops/wharf.toml", format!("{toml}ready = \"exit 1\"\nready-timeout = \"1s\"\n"));
    let network = format!("wharf-editor-test-{}", std::process::id());
    let failed = ide(&sandbox, &repo, &["image", "waiter", "--network", &network]);
    failed.assert_code(4).stderr_contains("service `web` did not get ready");
    wharf(&sandbox, &repo).args(["down", "--dir", "waiter"]).run().assert_code(0);
    let left =
        sandbox.command("docker").args(["network", "ls", "--quiet", "--filter", &format!("name={network}")]).run();
    assert_eq!((left.assert_code(0).stdout.as_str(), containers(&sandbox, &repo, EngineKind::Docker)), ("", vec![]));
    repo.write("not.json", "{}");
    let served = ide(&sandbox, &repo, &["engine", "not.json"]);
    served.assert_code(4).stderr_contains("`not.json` does not say what is served").stderr_contains("hint: ");
    sandbox.command("docker").args(["image", "rm", "sample-waiter:editor"]).run().assert_code(0);
}
