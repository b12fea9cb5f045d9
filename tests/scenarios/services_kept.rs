//! Services that stay: `wharf up` and `wharf down`, and what several of them do to each other.

use wharf_testkit::{EngineKind, Repo, Sandbox, WharfCommand, sample};

use crate::testing::{containers, wait_for, wharf};

const ENGINE: EngineKind = EngineKind::Docker;
const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

fn service(name: &str, script: &str, more: &str) -> String {
    format!(
        "[services.{name}]\nimage = \"wharf-test/empty:bookworm\"\ncommand = [\"sh\", \"-c\", '''{script}''']\n{more}\n"
    )
}

fn repo(sandbox: &Sandbox, toml: &str) -> Repo {
    sample::workspace(sandbox).dir("app", |dir| dir.no_requirements().toml(&format!("{NO_PYTHON}{toml}"))).build()
}

fn run(sandbox: &Sandbox, repo: &Repo, arguments: &[&str]) -> WharfCommand {
    wharf(sandbox, repo).args(["--engine", ENGINE.name()]).args(arguments)
}

fn docker(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.command("docker").args(arguments).run().assert_code(0).stdout.clone()
}

#[test]
fn one_that_has_ended_is_started_again_with_what_it_has() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &service("web", "date +%s%N >>/starts; exec sleep 1000", ""));
    run(&sandbox, &repo, &["up", "--dir", "app"]).run().assert_code(0).stderr_contains("starting web");
    let name = containers(&sandbox, &repo, ENGINE).pop().expect("it runs");
    docker(&sandbox, &["kill", &name]);
    run(&sandbox, &repo, &["prune"]).run().assert_code(0).stdout_lacks(&name);
    run(&sandbox, &repo, &["up", "--dir", "app"]).run().assert_code(0).stderr_contains("starting web again");
    wait_for("the second start", || docker(&sandbox, &["exec", &name, "cat", "/starts"]).lines().count() == 2);
    run(&sandbox, &repo, &["down", "--dir", "app"]).run().assert_code(0);
}

#[test]
fn two_at_once_make_one_set() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &service("web", "exec sleep 1000", "ready = \"sleep 1\""));
    let both = [(), ()].map(|()| run(&sandbox, &repo, &["up", "--dir", "app"]).spawn());
    let said = both.map(|running| {
        let output = running.wait();
        output.assert_code(0);
        output.stderr.matches("starting web").count()
    });
    assert_eq!(said.iter().sum::<usize>(), 1, "the second one finds it: {said:?}");
    assert_eq!(containers(&sandbox, &repo, ENGINE).len(), 1);
    run(&sandbox, &repo, &["down", "--dir", "app"]).run().assert_code(0);
    assert_eq!(containers(&sandbox, &repo, ENGINE), [""; 0]);
}

#[test]
fn down_does_not_need_the_configuration_of_then() {
    let sandbox = Sandbox::new();
    let toml = service("web", "exec sleep 1000", "volumes = [\"data:/data\"]");
    let repo =
        repo(&sandbox, &format!("{toml}{}", service("other", "exec sleep 1000", "volumes = [\"data-2:/data\"]")));
    run(&sandbox, &repo, &["up", "--dir", "app"]).run().assert_code(0);
    let label = format!("label=dev.wharf.root={}", repo.path().display());
    let volumes = || docker(&sandbox, &["volume", "ls", "--quiet", "--filter", &label]).lines().count();
    assert_eq!(volumes(), 2);
    run(&sandbox, &repo, &["down", "wbe", "--dir", "app"]).run().assert_code(2).stderr_contains("did you mean `web`?");
    let dry = run(&sandbox, &repo, &["down", "--volumes", "--dir", "app", "--dry-run"]).run();
    dry.assert_code(0).stdout_contains("docker rm --force").stdout_contains("network rm").stdout_contains("volume rm");
    let one = run(&sandbox, &repo, &["down", "other", "--volumes", "--dir", "app", "--json"]).run();
    one.assert_code(0);
    assert_eq!((&one.json()[0]["dir"], &one.json()[0]["service"]), (&"app".into(), &"other".into()));
    assert_eq!((volumes(), containers(&sandbox, &repo, ENGINE).len()), (1, 1));
    // It is not described any more, and what is cannot be started in any order.
    let circle = "[services.a]\nimage = \"a\"\nneeds = [\"a\"]\n";
    repo.write("app/devops/wharf.toml", format!("{NO_PYTHON}{circle}"));
    run(&sandbox, &repo, &["down", "--volumes", "--dir", "app"]).run().assert_code(0).stdout_contains("-up-web\n");
    assert_eq!((volumes(), containers(&sandbox, &repo, ENGINE).len()), (0, 0));
}

#[test]
fn a_failure_does_not_wait_for_the_others() {
    let sandbox = Sandbox::new();
    let slow = service("slow", "exec sleep 1000", "ready = \"sleep 800\"\nready-timeout = \"15m\"");
    let toml =
        format!("{slow}{}[run]\nservices = [\"slow\", \"ends\"]\n", service("ends", "exit 7", "ready = \"tcp:80\""));
    let repo = repo(&sandbox, &toml);
    let output = run(&sandbox, &repo, &["run", "app", "--", "true"]).run();
    output.assert_code(4).stderr_contains("service `ends` did not get ready: it ended with code 7");
    assert_eq!(containers(&sandbox, &repo, ENGINE), [""; 0]);
}
