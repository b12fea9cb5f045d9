//! What a devcontainer has beside its mounts: services, an engine, the dir's own entry point. By the devcontainers' own CLI.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, base_image, require, sample};

use crate::ide::{devcontainer, ide, sandbox};
use crate::testing::{containers, wharf};
use crate::workspace::for_nobody;

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
    let repo = sample::workspace(&sandbox).dir("app", |dir| dir.no_requirements().toml(&toml)).build();
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0).stderr_lacks("goes without");
    let text = repo.read(".devcontainer/app/devcontainer.json");
    assert!(text.contains("--network=wharf-editor-${devcontainerId}"), "{text}");
    // Nor does what this machine knows decide what is committed.
    wharf(&sandbox, &repo).args(["ide", "generate", "devcontainer", "--check"]).env("B_KEY", "x").run().assert_code(0);
    let up = Up::new(&sandbox, &repo, "app");
    let script = "echo $DEMO_KEY; python3 -c \"import os, urllib.request as r; e = os.environ; print(r.urlopen(\
                  'http://%s:%s/hostname' % (e['WHARF_SERVICE_WEB_HOST'], e['WHARF_SERVICE_WEB_PORT'])).read().decode()); \
                  print(r.urlopen('http://web:8080/hostname').status)\"";
    let seen = up.exec(script);
    assert!(seen.assert_code(0).stdout.starts_with("1 2\n") && seen.stdout.ends_with("\n200\n"), "{}", seen.told());
    // `wharf bash` has the same ones, and they are still there.
    let mine = wharf(&sandbox, &repo).args(["run", "app", "--", "sh", "-c", script]).run();
    assert_eq!(mine.assert_code(0).stdout, seen.stdout, "{}", mine.stderr);
    // A network under a container that is stopped would keep that from being started again.
    let network = up.docker(&["inspect", "--format", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}", &up.id]);
    let network = network.assert_code(0).stdout.trim().to_owned();
    assert!(network.starts_with("wharf-editor-") && !network.contains('$'), "{network}");
    up.docker(&["stop", "--time", "0", &up.id]).assert_code(0);
    wharf(&sandbox, &repo).args(["down", "--dir", "app"]).run().assert_code(0).stdout_contains("-up-web\n");
    wharf(&sandbox, &repo).args(["prune"]).run().assert_code(0);
    devcontainer(&sandbox, &repo, "up", "app").run().assert_code(0).stderr_contains("stay until `wharf down --dir app`");
    assert_eq!(up.exec(script).assert_code(0).stdout.lines().last(), Some("200"));
    drop(up);
    // Without it, nothing is left of the network.
    let dry = wharf(&sandbox, &repo).args(["down", "--dir", "app", "--dry-run"]).run();
    dry.assert_code(0).stdout_contains(&format!("docker network rm {network}\n"));
    wharf(&sandbox, &repo).args(["down", "--dir", "app"]).run().assert_code(0);
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
    let left = sandbox.command("docker").args(["network", "ls", "--quiet", "--filter", &format!("name={network}")]).run();
    assert_eq!(left.assert_code(0).stdout, "");
}

#[test]
fn a_devcontainer_has_the_dirs_own_entry_point() {
    require(EngineKind::Docker);
    let sandbox = sandbox();
    let toml = format!("{NO_PYTHON}[run]\nentrypoint = \"devops/start.sh\"\n");
    let start = "#!/bin/bash\nexport FROM_START=\"it's $1\" PATH=\"/opt/mine:$PATH\"\ntouch /tmp/started\nexec \"$@\"\n";
    let repo = sample::workspace(&sandbox).dir("app", |dir| dir.no_requirements().toml(&toml)).build();
    repo.write("app/devops/start.sh", start);
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0).stderr_lacks("warning");
    let up = Up::new(&sandbox, &repo, "app");
    let seen = up.exec("echo $FROM_START; echo $PATH; ls /tmp/started; id -u");
    let lines: Vec<&str> = seen.assert_code(0).stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), ("it's /bin/sh", "/tmp/started"), "{}", seen.told());
    assert!(lines[1].starts_with("/opt/mine:"), "{}", seen.told());
    // What runs first is the script, as often as the container starts.
    up.docker(&["exec", &up.id, "rm", "/tmp/started"]).assert_code(0);
    up.docker(&["stop", "--time", "5", &up.id]).assert_code(0);
    devcontainer(&sandbox, &repo, "up", "app").run().assert_code(0);
    up.exec("ls /tmp/started; test -n \"$FROM_START\"").assert_code(0);
}

#[test]
fn siblings_of_a_devcontainer_need_no_sudo_and_see_the_same_files() {
    require(EngineKind::Docker);
    let mut sandbox = sandbox();
    let toml = format!("{NO_PYTHON}[run]\ndocker = \"sibling\"\n");
    let fill = |dir: sample::Dir| dir.no_requirements().toml(&toml).file("a.txt", "hello\n");
    let repo = sample::workspace(&sandbox).dir("infra", fill).build();
    ide(&sandbox, &repo, &["generate", "devcontainer"]).assert_code(0).stderr_lacks("warning");
    // Whoever calls `wharf ide image` is who works in it: here somebody who may use the engine by a group alone.
    let wharf_of_nobody = for_nobody(&sandbox);
    let group = fs_err::metadata("/var/run/docker.sock").expect("the engine listens there").gid();
    let bin = sandbox.path().join("bin");
    fs_err::create_dir_all(&bin).expect("a sandbox is writable");
    let script = format!(
        "#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --groups={group} -- {} \"$@\"\n",
        wharf_of_nobody.display()
    );
    fs_err::write(bin.join("wharf"), script).expect("a sandbox is writable");
    fs_err::set_permissions(bin.join("wharf"), std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let path = sandbox.variables().iter().find(|(name, _)| name == "PATH").expect("it is always set").1.clone();
    let all = std::iter::once(bin).chain(std::env::split_paths(&path));
    sandbox.set("PATH", std::env::join_paths(all).expect("no part has a colon"));
    let up = Up::new(&sandbox, &repo, "infra");
    let base = base_image();
    let script = format!(
        "set -e; id -u; id -g; docker run --rm -v $PWD:/x:ro {base} cat /x/a.txt; docker run --rm -v $WHARF_HOST_ROOT:/x {base} ls /x/infra/a.txt
         docker run -d {base} sleep 3000 >/dev/null; docker ps --quiet --filter label=dev.wharf.root=$WHARF_HOST_ROOT | wc -l
         test -S /var/run/docker.sock; wharf -q run infra -- cat a.txt"
    );
    let seen = up.exec(&script);
    assert_eq!(seen.assert_code(0).stdout, "65534\n65534\nhello\n/x/infra/a.txt\n1\nhello\n", "{}", seen.told());
    // What stays behind is listed with the workspace, and ends with all of it.
    let listed = wharf(&sandbox, &repo).args(["ps", "--json"]).run().assert_code(0).json();
    assert_eq!((&listed[0]["dir"], &listed[0]["verb"]), (&"infra".into(), &"sibling".into()), "{listed}");
    wharf(&sandbox, &repo).args(["stop", "--all"]).run().assert_code(0);
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}
