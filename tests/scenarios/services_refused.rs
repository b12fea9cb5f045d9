//! Services that cannot be had, and those of Compose files.

use std::os::unix::fs::PermissionsExt;

use wharf_testkit::{EngineKind, Repo, Sandbox, WharfCommand, sample};

use crate::testing::{containers, wharf, wharf_test};

const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";
const IMAGE: &str = "image = \"wharf-test/empty:bookworm\"\ncommand = \"sleep 1000\"\n";

fn run(sandbox: &Sandbox, repo: &Repo, arguments: &[&str]) -> WharfCommand {
    wharf(sandbox, repo).args(["--engine", EngineKind::Docker.name()]).args(arguments)
}

fn repo(sandbox: &Sandbox, toml: &str) -> Repo {
    sample::workspace(sandbox)
        .dir("app", |dir| {
            dir.no_requirements().toml(&format!("{NO_PYTHON}{toml}")).test("test_a.py", "def test(): pass\n")
        })
        .build()
}

#[test]
fn wrong_configuration_is_named() {
    let cases = [
        (
            format!("[services.db]\n{IMAGE}[run]\nservices = [\"bd\"]\n"),
            "no service of `app` is named `bd`",
            "did you mean `db`?",
        ),
        (
            format!(
                "[services.a]\n{IMAGE}needs = [\"b\"]\n[services.b]\n{IMAGE}needs = [\"c\"]\n[services.c]\n{IMAGE}needs = [\"b\"]\n\
                 [run]\nservices = [\"a\"]\n"
            ),
            "services of `app` need each other: b → c → b",
            "`needs`",
        ),
        (
            format!("[services.my-db]\n{IMAGE}[services.my_db]\n{IMAGE}[run]\nservices = [\"my-db\", \"my_db\"]\n"),
            "services `my-db` and `my_db` of `app` clash",
            "another name",
        ),
        (
            format!("[services.db]\n{IMAGE}[run]\nservices = [\"db\"]\nnetwork = \"none\"\n"),
            "joins the network `none`",
            "leave `network` out",
        ),
        ("[services.db]\nready = \"true\"\n[run]\nservices = [\"db\"]\n".into(), "services.db", "an `image`"),
        (format!("[services.db]\n{IMAGE}build = \"db\"\n"), "exclude each other", "services.NAME.build"),
        (format!("[services.db]\n{IMAGE}redy = \"true\"\n"), "unknown key", "services.db.ready"),
        ("[services.DB]\nimage = \"a\"\n".into(), "DB", "small letters"),
        ("[services.db]\nimage = \"a\"\nports = [\"auto:x\"]\n".into(), "services.db.ports", "auto:5432"),
        (
            "[services.db]\nbuild = \"nowhere\"\n[run]\nservices = [\"db\"]\n".into(),
            "nowhere/Dockerfile",
            "is not there",
        ),
    ];
    for (toml, message, more) in cases {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, &toml);
        let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
        output.assert_code(3).stderr_contains(message).stderr_contains(more);
        assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
    }
}

#[test]
fn flags_name_services_too() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &format!("[services.db]\n{IMAGE}"));
    let dry = run(&sandbox, &repo, &["bash", "app", "--with", "db", "--dry-run"]).run();
    dry.assert_code(0)
        .stdout_contains("network create")
        .stdout_contains("--network-alias db")
        .stdout_contains("network rm");
    let output = run(&sandbox, &repo, &["run", "app", "--with", "bd", "--", "true"]).run();
    output.assert_code(2).stderr_contains("did you mean `db`?");
    run(&sandbox, &repo, &["up", "bd", "--dir", "app"]).run().assert_code(2);
    let output = run(&sandbox, &repo, &["run", "app", "--with", "db", "--", "getent", "hosts", "db"]).run();
    output.assert_code(0).stdout_contains("db");
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--with", "bd"]).run();
    output.assert_code(2).stderr_contains("no service of `app` is named `bd`");
    let plain = sample::workspace(&sandbox).name("plain").dir("app", |dir| dir.toml(NO_PYTHON)).build();
    run(&sandbox, &plain, &["up", "--dir", "app"]).run().assert_code(2).stderr_contains("has no services");
}

#[test]
fn a_port_that_is_taken_is_said() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let toml = format!("[services.db]\n{IMAGE}ports = [\"127.0.0.1:{port}:80\"]\n[run]\nservices = [\"db\"]\n");
    let repo = repo(&sandbox, &toml);
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
    output.assert_code(4).stderr_contains("service `db` could not be started").stderr_contains("`auto:`");
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}

#[test]
fn an_image_is_built_from_a_folder() {
    let sandbox = Sandbox::new();
    let name = format!("built-{}", std::process::id());
    let toml =
        format!("{NO_PYTHON}[services.web]\nbuild = \"web\"\nready = \"test -f /made\"\n[run]\nservices = [\"web\"]\n");
    let dockerfile = "FROM wharf-test/empty:bookworm\nCOPY made /made\nCMD [\"sh\", \"-c\", \"sleep 1000\"]\n";
    let repo = sample::workspace(&sandbox)
        .name(&name)
        .dir("app", |dir| {
            dir.no_requirements()
                .toml(&toml)
                .file("devops/web/Dockerfile", dockerfile)
                .file("devops/web/made", name.as_str())
        })
        .build();
    let images = || {
        let filter = format!("reference={name}-app-web");
        sandbox
            .command("docker")
            .args(["image", "ls", "--filter", &filter, "--format", "{{.Repository}}:{{.Tag}}"])
            .run()
    };
    for _ in 0..2 {
        run(&sandbox, &repo, &["run", "app", "--", "getent", "hosts", "web"]).run().assert_code(0);
    }
    let made = images().stdout;
    assert_eq!(made.lines().count(), 1, "{made}");
    sandbox.command("docker").args(["image", "rm", made.trim()]).run().assert_code(0);
    repo.write("app/devops/web/Dockerfile", "FROM wharf-test/empty:bookworm\nRUN echo reason && exit 3\n");
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
    output.assert_code(4).stderr_contains("the image of service `web` could not be built").stderr_contains("exit 3");
}

const COMPOSE: &str = "\
services:
  web:
    image: wharf-test/empty:bookworm
    container_name: taken-by-all
    command: sh -c 'nc -w 5 back 7777 > /got; mkdir /www; cp /got /www/x; exec httpd -f -p 80 -h /www'
    depends_on: [back]
    ports: [\"127.0.0.1:1:80\"]
    networks: [inner]
    healthcheck: { test: [\"CMD\", \"grep\", \"-q\", \"hello\", \"/www/x\"], interval: 1s, retries: 60 }
  back:
    image: wharf-test/empty:bookworm
    command: sh -c 'while :; do echo hello | nc -l -p 7777; done'
    networks: [inner]
    volumes: [\"stored:/stored\"]
networks:
  inner: {}
volumes:
  stored: {}
";

#[test]
fn a_compose_file_is_used_as_it_is() {
    let sandbox = Sandbox::new();
    let toml = "[services]\ncompose = \"devops/compose.yaml\"\n[test]\nservices = [\"web\"]\n";
    let test = "import os, urllib.request as r\n\
        def test():\n    assert r.urlopen('http://%s/x' % os.environ['WHARF_SERVICE_WEB_HOST']).read() == b'hello\\n'\n";
    let fill = |dir: sample::Dir| dir.toml(toml).test("test_a.py", test).file("devops/compose.yaml", COMPOSE);
    let repo = sample::workspace(&sandbox).dir("a", fill).dir("b", fill).build();
    wharf_test(&sandbox, &repo, EngineKind::Docker, &["-j", "2"]).run().assert_code(0);
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
    let id = run(&sandbox, &repo, &["config", "show"]).run();
    id.assert_code(0);
    for noun in ["network", "volume"] {
        let all = sandbox.command("docker").args([noun, "ls", "--format", "{{.Name}} {{.Labels}}"]).run();
        let mine = format!("{}", repo.path().display());
        assert!(!all.stdout.lines().any(|line| line.contains(&mine)), "{noun}: {}", all.stdout);
    }
    assert!(fs_err::metadata(repo.join(".wharf/runs/1/a.web.log")).is_ok());
    // A name that is there twice, and one that is not there.
    let both = format!("{toml}[services.back]\n{IMAGE}[run]\nservices = [\"web\", \"back\"]\n");
    repo.write("a/devops/wharf.toml", &both);
    run(&sandbox, &repo, &["run", "a", "--", "true"])
        .run()
        .assert_code(3)
        .stderr_contains("clash: one is in `[services]`");
    repo.write("a/devops/wharf.toml", toml);
    let output = run(&sandbox, &repo, &["run", "a", "--with", "wbe", "--", "true"]).run();
    output.assert_code(2).stderr_contains("did you mean `web`?");
}

#[test]
fn a_compose_file_with_errors_is_named_with_its_place() {
    let sandbox = Sandbox::new();
    let toml = "[services]\ncompose = \"compose.yaml\"\n[run]\nservices = [\"web\"]\n";
    let repo = repo(&sandbox, toml);
    run(&sandbox, &repo, &["run", "app", "--", "true"])
        .run()
        .assert_code(3)
        .stderr_contains("compose.yaml` of service `web` is not there");
    repo.write("app/devops/compose.yaml", "services:\n  web:\n    imag: x\n");
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
    output
        .assert_code(3)
        .stderr_contains("app/devops/compose.yaml")
        .stderr_contains("services.web")
        .stderr_contains("imag");
    repo.write("app/devops/compose.yaml", "services:\n  web: [\n");
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
    output.assert_code(3).stderr_contains("line 3");
    // Without the tool, that is what is said.
    let programs = crate::services::only(&sandbox, &["git", "docker"]);
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).env("PATH", programs).run();
    output.assert_code(4).stderr_contains("needs a Compose tool").stderr_contains("`docker-compose`");
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}

#[test]
fn what_compose_built_goes_where_it_cannot_be_started() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let toml = "[services]\ncompose = \"compose.yaml\"\n[run]\nservices = [\"web\"]\n";
    let repo = repo(&sandbox, toml);
    let unique = format!("wharf-compose-{}-{port}", std::process::id());
    let compose = format!("services:\n  web:\n    build: built\n    ports: [\"127.0.0.1:{port}:80\"]\n");
    repo.write("app/devops/compose.yaml", &compose);
    let dockerfile = format!("FROM wharf-test/empty:bookworm\nLABEL {unique}=1\nCMD [\"sleep\", \"1000\"]\n");
    repo.write("app/devops/built/Dockerfile", &dockerfile);
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
    output.assert_code(4).stderr_contains("service `web` could not be started");
    let images = ["image", "ls", "--quiet", "--filter", &format!("label={unique}")];
    assert_eq!(sandbox.command("docker").args(images).run().stdout, "");
    // One that Compose is told not to start is not ready.
    repo.write(
        "app/devops/compose.yaml",
        "version: \"2.2\"\nservices:\n  web:\n    image: wharf-test/empty:bookworm\n    scale: 0\n",
    );
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
    output.assert_code(4).stderr_contains("Compose made no container for it");
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}

#[test]
fn lines_with_a_compose_file_can_be_pasted() {
    let sandbox = Sandbox::new();
    let toml = "[services]\ncompose = \"compose.yaml\"\n[run]\nservices = [\"web\"]\n";
    let repo = repo(&sandbox, toml);
    let compose = "services:\n  web:\n    image: wharf-test/empty:bookworm\n    command: sleep 1000\n    stop_signal: SIGKILL\n\
                   \x20   volumes: [\"stored:/stored\"]\nvolumes:\n  stored: {}\n";
    repo.write("app/devops/compose.yaml", compose);
    run(&sandbox, &repo, &["image", "build", "app"]).run().assert_code(0);
    // Compose's second version writes names out, those of the project that it is asked as.
    let strict = sandbox.path().join("strict");
    fs_err::create_dir(&strict).unwrap();
    let real = sandbox.command("sh").args(["-c", "command -v docker-compose || true"]).run().stdout.trim().to_owned();
    let script = format!(
        "#!/bin/sh\ncase \"$* \" in\n*' config ') test \"$1\" = -p || {{ echo 'without a project' >&2; exit 1; }};;\nesac\n\
         exec {real} \"$@\"\n"
    );
    fs_err::write(strict.join("docker-compose"), script).unwrap();
    fs_err::set_permissions(strict.join("docker-compose"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", strict.display(), std::env::var("PATH").unwrap());
    let dry =
        run(&sandbox, &repo, &["run", "app", "--dry-run", "--", "getent", "hosts", "web"]).env("PATH", path).run();
    dry.assert_code(0).stdout_contains(" up --detach --build web)\n").stdout_contains(" down --volumes\n");
    let pasted = sandbox.command("sh").args(["-e", "-c", &dry.stdout]).run();
    pasted.assert_code(0).stdout_contains(" web");
    assert_eq!(containers(&sandbox, &repo, EngineKind::Docker), [""; 0]);
}

#[test]
fn a_flag_names_a_service_of_one_dir_beside_compose_files_of_others() {
    let sandbox = Sandbox::new();
    let test = "def test(): pass\n";
    let composed = "[services]\ncompose = \"compose.yaml\"\n";
    let repo = sample::workspace(&sandbox)
        .dir("app", |dir| dir.toml(&format!("[services.db]\n{IMAGE}")).test("test_a.py", test))
        .dir("other", |dir| dir.toml(composed).file("devops/compose.yaml", COMPOSE).test("test_a.py", test))
        .build();
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--with", "db"]).run();
    output.assert_code(0);
    assert!(fs_err::metadata(repo.join(".wharf/runs/1/app.db.log")).is_ok(), "it was there");
}
