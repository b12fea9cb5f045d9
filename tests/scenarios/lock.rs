//! `wharf image lock` and `wharf image diff`, with the real managers and the real package index.

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, engines, sample};

use crate::image::Made;

/// Builds and managers in containers trust what the host trusts.
const TRUST: &str = "[build]\nca-certificates = \"host\"\n";

fn image(sandbox: &Sandbox, repo: &Repo, engine: EngineKind, args: &[&str]) -> Output {
    let wharf =
        sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name(), "image"]);
    wharf.args(args).deadline(std::time::Duration::from_secs(400)).run()
}

/// Everything below the dir, but what Git ignores: nothing may have changed there.
fn state(repo: &Repo) -> String {
    repo.git(&["status", "--short"])
}

fn containers() -> Vec<EngineKind> {
    engines().into_iter().filter(|engine| engine.has_containers()).collect()
}

#[test]
fn pip_locks_beside_what_people_wrote() {
    for engine in engines().into_iter().filter(|engine| *engine != EngineKind::Podman) {
        let sandbox = Sandbox::new();
        let name = format!("piplock-{}-{engine}", std::process::id());
        let wanted = "# why six\nsix<1.17  # not yet\n";
        let repo = sample::workspace(&sandbox)
            .name(&name)
            .toml(TRUST)
            .dir("a", |dir| {
                dir.no_requirements()
                    .file("requirements.txt", wanted)
                    .file("requirements-test.txt", "iniconfig==1.1.1\n")
            })
            .build();
        let lock = |args: &[&str]| image(&sandbox, &repo, engine, &[&["lock", "a"], args].concat());
        let planned = lock(&["--dry-run"]);
        planned.assert_code(0).stdout_contains("# a: pip in ").stdout_contains("`a/devops/requirements.lock`");
        planned.stdout_contains("image lock //a\n");
        lock(&["--check"]).assert_code(5).stderr_contains("hint: bring it up to date with `wharf image lock a`");
        assert_eq!(state(&repo), "", "nothing is written yet");

        let made = lock(&[]);
        made.assert_code(0).stdout_contains("+ six 1.16.0\n").stdout_contains("+ iniconfig 1.1.1\n");
        made.stderr_contains("wrote `a/devops/requirements.lock` and `a/devops/pip_list.txt`");
        let text = repo.read("a/devops/requirements.lock");
        assert!(text.contains("\niniconfig==1.1.1\n") && text.contains("\nsix==1.16.0\n"), "{text}");
        assert!(repo.read("a/devops/pip_list.txt").contains("six 1.16.0\n"));
        assert_eq!(repo.read("a/requirements.txt"), wanted);
        repo.commit("locked");
        lock(&["--check"]).assert_code(0).stderr_contains("is as it should be");
        if engine.has_containers() {
            continue; // The rest is the same anywhere, and quicker on the host.
        }
        assert_eq!((lock(&[]).stdout.as_str(), state(&repo).as_str()), ("", ""), "a second time changes nothing");

        // What satisfies stays, also where there is something newer.
        repo.write("a/requirements.txt", "six\n").write("a/requirements-test.txt", "iniconfig<2.1\n");
        let kept = lock(&["--json"]);
        kept.assert_code(0);
        assert_eq!(kept.json()[0]["changes"], serde_json::json!([]));
        let moved = lock(&["--upgrade", "six"]);
        moved.assert_code(0).stdout_contains("six 1.16.0 -> 1.").stdout_lacks("iniconfig");
        lock(&["--upgrade", "sixx"]).assert_code(2).stderr_contains("hint: did you mean `six`?");

        let before = repo.read("a/devops/requirements.lock");
        repo.write("a/requirements-test.txt", "iniconfig==1.1.1\n")
            .write("a/requirements.txt", "six==1.16.0\nsix<1.16\n");
        let refused = lock(&[]);
        refused.assert_code(1).stderr_contains("pip cannot resolve what `a` needs").stderr_contains("six<1.16");
        assert_eq!(repo.read("a/devops/requirements.lock"), before);
    }
}

const UV: &str = "[project]\nname = \"demo\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"six<1.17\", \"lib\"]\n\
                  [dependency-groups]\ntest = [\"iniconfig<2.1\", \"pytest==8.3.4\"]\n[tool.uv.sources]\nlib = { path = \"../lib\" }\n";
const LIB: &str = "[project]\nname = \"lib\"\nversion = \"3\"\ndependencies = [\"markupsafe==2.1.5\"]\n";

#[test]
fn uv_locks_with_a_package_of_the_repo() {
    for engine in [EngineKind::Docker].into_iter().filter(|engine| engines().contains(engine)) {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .name(&format!("uvlock-{}", std::process::id()))
            .toml(TRUST)
            .file("lib/pyproject.toml", LIB)
            .dir("a", |dir| dir.no_requirements().toml("[python]\nmanager = \"uv\"\n").file("pyproject.toml", UV))
            .build();
        let lock = |args: &[&str]| image(&sandbox, &repo, engine, &[&["lock", "a"], args].concat());
        lock(&["--check"]).assert_code(5).stderr_contains("`a/uv.lock` is not what the files of `a` ask for");
        assert_eq!(state(&repo), "");
        let made = lock(&[]);
        made.assert_code(0).stdout_contains("+ six 1.16.0\n").stdout_contains("+ markupsafe 2.1.5\n");
        made.stdout_lacks("lib 3");
        assert!(repo.read("a/uv.lock").contains("source = { directory = \"../lib\" }"), "{}", repo.read("a/uv.lock"));
        let list = repo.read("a/devops/pip_list.txt");
        for line in ["six 1.16.0\n", "markupsafe 2.1.5\n", "iniconfig 2.0.0\n", "pytest 8.3.4\n"] {
            assert!(list.contains(line), "{line}: {list}");
        }
        assert!(!list.contains("lib "), "code of the repo is not installed: {list}");
        repo.commit("locked");
        lock(&["--check"]).assert_code(0);

        repo.write("a/pyproject.toml", UV.replace("<1.17", "").replace("<2.1", ""));
        lock(&["--check"]).assert_code(5).stderr_contains("no version would move");
        assert_eq!(lock(&[]).stdout, "");
        lock(&["--upgrade", "six"]).assert_code(0).stdout_contains("six 1.16.0 -> 1.").stdout_lacks("iniconfig");
        // What no group brings but an image still gets is in the list too.
        repo.write("a/pyproject.toml", UV.replace(", \"pytest==8.3.4\"", ""));
        lock(&[]).assert_code(0).stdout_contains("- pytest 8.3.4\n");
        assert!(repo.read("a/devops/pip_list.txt").contains("pytest "));
        let before = repo.read("a/uv.lock");
        repo.write("a/pyproject.toml", UV.replace("\"six<1.17\"", "\"six>=99\""));
        let refused = lock(&[]);
        refused.assert_code(1).stderr_contains("uv cannot resolve what `a` needs").stderr_contains("six>=99");
        assert_eq!(repo.read("a/uv.lock"), before);
    }
}

const POETRY: &str = "[tool.poetry]\nname = \"demo\"\nversion = \"1\"\ndescription = \"\"\nauthors = []\npackage-mode = false\n\
                      [tool.poetry.dependencies]\npython = \">=3.9\"\nsix = \"<1.17\"\n\
                      [tool.poetry.group.test.dependencies]\niniconfig = \"2.0.0\"\npytest = \"8.3.4\"\n\
                      [[tool.poetry.source]]\nname = \"simple\"\nurl = \"https://pypi.org/simple/\"\npriority = \"primary\"\n";

#[test]
fn poetry_locks_and_its_image_gets_that() {
    for engine in [EngineKind::Docker].into_iter().filter(|engine| engines().contains(engine)) {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .name(&format!("poetrylock-{}", std::process::id()))
            .toml(TRUST)
            .dir("a", |dir| {
                dir.no_requirements().toml("[python]\nmanager = \"poetry\"\n").file("pyproject.toml", POETRY)
            })
            .build();
        let lock = |args: &[&str]| image(&sandbox, &repo, engine, &[&["lock", "a"], args].concat());
        let made = lock(&[]);
        made.assert_code(0).stdout_contains("+ iniconfig 2.0.0\n").stdout_contains("+ six 1.16.0\n");
        assert!(repo.read("a/devops/pip_list.txt").contains("iniconfig 2.0.0\n"));
        repo.commit("locked");
        lock(&["--check"]).assert_code(0);
        repo.write("a/pyproject.toml", POETRY.replace("<1.17", "*"));
        lock(&["--check"]).assert_code(5).stderr_contains("`a/poetry.lock` is not what");
        lock(&["--upgrade", "six"]).assert_code(0).stdout_contains("six 1.16.0 -> 1.").stdout_lacks("iniconfig");
        let before = repo.read("a/poetry.lock");
        repo.write("a/pyproject.toml", POETRY.replace("<1.17", ">=99"));
        let refused = lock(&[]);
        refused.assert_code(1).stderr_contains("poetry cannot resolve what `a` needs").stderr_contains("six");
        assert_eq!(repo.read("a/poetry.lock"), before);
    }
}

#[test]
fn what_cannot_be_locked_is_said() {
    if !engines().contains(&EngineKind::Host) {
        return;
    }
    let sandbox = Sandbox::new();
    let index = "[build]\nindex-url = \"http://ada:s3cret@127.0.0.1:9/simple\"\n";
    let repo = sample::workspace(&sandbox)
        .toml(index)
        .dir("a", |dir| {
            dir.no_requirements().toml("[python]\nmanager = \"uv\"\n").file(
                "pyproject.toml",
                UV.replace(", \"lib\"", "").replace("[tool.uv.sources]\nlib = { path = \"../lib\" }\n", ""),
            )
        })
        .dir("none", |dir| dir.no_requirements())
        .build();
    let lock = |args: &[&str]| image(&sandbox, &repo, EngineKind::Host, &[&["lock"], args].concat());
    let cut = lock(&["a"]);
    cut.assert_code(4).stderr_contains("uv cannot reach the package index for `a`").stderr_lacks("s3cret");
    assert_eq!((cut.stdout.as_str(), state(&repo).as_str()), ("", ""));
    lock(&["none"]).assert_code(3).stderr_contains("`none` states no Python dependencies");
    lock(&["nowhere"]).assert_code(2);
}

/// An image that takes no time: a package for the OS, one for Python in `/venv`, one elsewhere.
const OWN: &str = "FROM wharf-test/empty:bookworm AS dev\nENV WHICH=1\nCOPY devops/status /var/lib/dpkg/status\n\
                   COPY devops/pyvenv.cfg /venv/pyvenv.cfg\n\
                   COPY devops/six /venv/lib/python3.11/site-packages/six-1.dist-info/METADATA\n\
                   COPY devops/acme /usr/lib/python3/dist-packages/acme.egg-info/PKG-INFO\nFROM dev AS prod\n";

fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n")
}

fn status(version: &str) -> String {
    let bash = "Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n";
    format!("{bash}Package: curl\nStatus: install ok installed\nVersion: {version}\n")
}

#[test]
fn two_versions_of_an_image_are_compared() {
    for engine in containers() {
        let sandbox = Sandbox::new();
        let name = format!("difflock-{}-{engine}", std::process::id());
        let repo = sample::workspace(&sandbox)
            .name(&name)
            .dir("a", |dir| {
                dir.no_requirements()
                    .toml("[python]\nmanager = \"none\"\n")
                    .file("devops/Dockerfile", OWN)
                    .file("devops/status", status("7.88"))
                    .file("devops/pyvenv.cfg", "version = 3.11.2\n")
                    .file("devops/six", metadata("six", "1.16.0"))
                    .file("devops/acme", metadata("Acme", "7"))
            })
            .build();
        let run = |args: &[&str]| image(&sandbox, &repo, engine, args);
        let tags = ["0.1.0", "0.2.0"].map(|version| format!("{name}-a:local-root-{version}"));
        let _made = tags.each_ref().map(|tag| Made(&sandbox, engine, tag));
        run(&["diff", "a", "a"]).assert_code(4).stderr_contains("hint: make it with `wharf image build a`");
        run(&["build", "a"]).assert_code(0);
        run(&["diff", "a", "a@0.1.0"]).assert_code(0).stdout_contains("both are the same image\n");

        repo.write("a/changelog.txt", format!("# {name}-a-0.2.0\n- more\n"));
        repo.write("a/devops/six", metadata("six", "1.17.0")).write("a/devops/status", status("7.99"));
        repo.write("a/devops/Dockerfile", OWN.replace("WHICH=1", "WHICH=https://ada:s3cret@example.org/"));
        run(&["build", "a"]).assert_code(0);
        let compared = run(&["diff", "a@0.1.0", "a"]);
        compared.assert_code(0).stdout_contains(&format!("A  {}", tags[0])).stdout_contains(&format!("B  {}", tags[1]));
        compared.stdout_contains("\nPython packages\n  six 1.16.0 -> 1.17.0\n\nOS packages\n  curl 7.88 -> 7.99\n");
        compared.stdout_contains("\nVariables\n  WHICH 1 -> https://ada:***@example.org/\n").stdout_lacks("acme");
        let filters =
            ["label=dev.wharf.verb=diff".to_owned(), format!("label=dev.wharf.root={}", repo.path().display())];
        let list = sandbox.command(engine.name()).args(["ps", "--all", "--quiet"]);
        let left = filters.iter().fold(list, |list, filter| list.args(["--filter", filter])).run();
        assert_eq!(left.stdout, "", "no container is left");
        if engine == EngineKind::Podman {
            continue; // The rest is the same on every engine.
        }
        let all = run(&["diff", &tags[0], &tags[1], "--all"]);
        all.assert_code(0).stdout_contains("  bash 5.2\n").stdout_contains("outside of /venv\n  acme 7\n");
        let json = run(&["diff", "a", "a@0.1.0", "--json"]).json();
        assert_eq!(json["os"], serde_json::json!([{"name": "curl", "before": "7.99", "after": "7.88"}]));
        assert_eq!((json["same"].as_bool(), json["a"]["python"].as_str()), (Some(false), Some("3.11.2")));
        run(&["diff", "a", "a@9.9.9"]).assert_code(4).stderr_contains("9.9.9");
        run(&["diff", "a", "nothing-of-that-name"]).assert_code(2).stderr_contains("no image and no runnable dir");
    }
}

#[test]
fn two_environments_of_the_host_are_compared() {
    if !engines().contains(&EngineKind::Host) {
        return;
    }
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("a", |dir| dir.no_requirements().file("requirements.txt", "six==1.16.0\npytest==8.3.4\n"))
        .dir("b", |dir| dir.no_requirements().file("requirements.txt", "six==1.17.0\npytest==8.3.4\nmarkupsafe\n"))
        .build();
    let run = |args: &[&str]| image(&sandbox, &repo, EngineKind::Host, args);
    run(&["build"]).assert_code(0);
    let compared = run(&["diff", "a", "b"]);
    compared.assert_code(0).stdout_contains("  six 1.16.0 -> 1.17.0\n").stdout_contains("  + markupsafe ");
    compared.stdout_lacks("pytest");
    run(&["diff", "a", "b@1.0.0"]).assert_code(4).stderr_contains("engine `host` cannot compare versions");
}
