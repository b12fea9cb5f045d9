//! Jupyter in a browser, ports on the host, and what containers use.

use std::net::TcpListener;

use serde_json::json;
use wharf_testkit::{Browser, EngineKind, Repo, Sandbox, Signal, WharfCommand, engines, require, sample};

const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";
const JUPYTER: &str = "jupyterlab==4.4.3\nipykernel==6.29.5\n";
const NOTEBOOK: &str = r#"{
 "cells": [{"cell_type": "code", "execution_count": null, "id": "one", "metadata": {}, "outputs": [],
            "source": ["import os\n", "print('answer', 6 * 7, os.environ['WHARF_DIR'])"]}],
 "metadata": {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}},
 "nbformat": 4, "nbformat_minor": 5
}
"#;

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()])
}

fn plain(sandbox: &Sandbox, toml: &str) -> Repo {
    let toml = format!("{NO_PYTHON}{toml}");
    sample::workspace(sandbox).dir("infra", |dir| dir.no_requirements().toml(&toml)).build()
}

/// What the line with the link says: all before the token, and the token.
fn link(stdout: &str) -> (String, String) {
    let line = stdout.lines().next().expect("a link");
    let (address, token) = line.split_once("/?token=").expect("a link with a token");
    (address.to_owned(), token.to_owned())
}

#[test]
fn a_cell_is_run_in_a_browser() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let fill = |dir: sample::Dir| dir.requirements(JUPYTER).file("note.ipynb", NOTEBOOK);
    let repo = sample::workspace(&sandbox).dir("infra", fill).build();
    let wharf = || wharf(&sandbox, &repo, EngineKind::Docker);
    wharf().args(["image", "build", "infra"]).run().assert_code(0);
    // Two at once, each on a port of its own; for one who has come by ssh.
    let first = wharf().args(["jupyter", "infra"]).env("SSH_CONNECTION", "192.0.2.1 5 192.0.2.2 2222").spawn();
    let second = wharf().args(["jupyter", "infra"]).spawn();
    first.wait_stdout_contains("?token=");
    second.wait_stdout_contains("?token=");
    first.wait_stderr_contains("ssh -p 2222 -N -L ");
    let ((address, token), other) = (link(&first.so_far().stdout), link(&second.so_far().stdout));
    assert!(address != other.0 && token != other.1, "{address} {other:?}");
    let listed = sandbox.command("sh").args(["-c", "ps -A -o args"]).run();
    listed.assert_code(0).stdout_lacks(&token);
    second.signal(Signal::TERM);
    second.wait();
    let mut browser = Browser::start();
    browser.size(1400, 900);
    browser.call("Page.navigate", &json!({"url": format!("{address}/lab/tree/note.ipynb?token={token}")}));
    let run = r#"jp-button[data-command="notebook:run-cell-and-select-next"]"#;
    browser.wait_for(&format!("document.querySelector('{run}') !== null"));
    // It has opened the kernel when it says that it idles.
    browser.wait_for("document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=\"idle\"]') !== null");
    // While the page settles, a click may meet a button that is about to be drawn anew.
    let answered =
        "(document.querySelector('.jp-OutputArea-output pre')?.textContent ?? '').includes('answer 42 infra')";
    let soon = format!(
        "new Promise(done => {{ let tries = 0; const timer = setInterval(() => {{ \
         if ({answered} || ++tries > 30) {{ clearInterval(timer); done({answered}); }} }}, 100); }})"
    );
    for _ in 0..10 {
        browser.click(run);
        if browser.eval(&soon) == json!(true) {
            break;
        }
    }
    browser.wait_for(answered);
    first.signal(Signal::TERM);
    first.wait();
    let listed = wharf().args(["ps", "--json"]).run();
    assert_eq!(listed.assert_code(0).stdout, "[]\n", "nothing is left");
}

#[test]
fn an_image_without_jupyter_says_what_to_add() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = plain(&sandbox, "");
        let output = wharf(&sandbox, &repo, engine).args(["jupyter", "infra"]).run();
        output.assert_code(4).stderr_contains("there is no Jupyter in the image of `infra`");
        output.stderr_contains("add the line `jupyterlab` to `infra/devops/requirements.txt`");
        assert_eq!(output.stdout, "", "{engine}");
    }
    let sandbox = Sandbox::new();
    let repo = plain(&sandbox, "");
    wharf(&sandbox, &repo, EngineKind::Host).args(["jupyter", "infar"]).run().assert_code(2).stderr_contains("`infra`");
}

#[test]
fn a_port_is_found_and_one_that_is_taken_is_named() {
    for engine in engines().into_iter().filter(|engine| engine.has_containers()) {
        let sandbox = Sandbox::new();
        let repo = plain(&sandbox, "");
        let run = |port: &str, command: &[&str]| {
            wharf(&sandbox, &repo, engine).args(["run", "infra", "--port", port, "--"]).args(command)
        };
        let serve = ["python3", "-m", "http.server", "8000"];
        let running = run("auto:8000", &serve).spawn();
        running.wait_stderr_contains("port 8000 is 127.0.0.1:");
        let stderr = running.so_far().stderr;
        let port = stderr.split("127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a port");
        let script = format!("until curl -sf http://127.0.0.1:{port}/ >page; do sleep 0.1; done; cat page");
        sandbox.command("sh").args(["-c", &script]).run().assert_code(0).stdout_contains("Directory listing");
        // Who has it: one of the engine's containers, or another process.
        let refused = run(&format!("127.0.0.1:{port}:80"), &["true"]).run();
        refused.assert_code(4).stderr_contains(&format!("port {port} of this machine is taken by container `wharf-"));
        refused.stderr_contains("hint: take a free one with `--port auto:80`");
        // A bare server in a container of its own does not heed what asks it to end.
        wharf(&sandbox, &repo, engine).args(["stop", "--all", "--time", "0"]).run().assert_code(0);
        running.wait();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let refused = run(&format!("127.0.0.1:{port}:80"), &["true"]).run();
        refused.assert_code(4).stderr_contains(&format!("(process {})", std::process::id()));
        // Its link would lead to that.
        let refused = wharf(&sandbox, &repo, engine).args(["jupyter", "infra", "--port", &port.to_string()]).run();
        refused.assert_code(4).stdout_lacks("?token=").stderr_contains(&format!("(process {})", std::process::id()));
    }
}

#[test]
fn what_containers_use_is_shown() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = plain(&sandbox, "[run]\nwarm = \"10m\"\n");
        let wharf = || wharf(&sandbox, &repo, engine);
        if !engine.has_containers() {
            wharf().arg("stats").run().assert_code(4).stderr_contains("engine `host` has no containers");
            continue;
        }
        assert_eq!(wharf().args(["stats", "--json"]).run().assert_code(0).stdout, "[]\n");
        let busy = wharf().args(["run", "infra", "--", "sh", "-c", "echo ready; while :; do :; done"]).spawn();
        busy.wait_stdout_contains("ready");
        let output = wharf().args(["stats", "--json"]).run();
        let rows: Vec<serde_json::Value> = serde_json::from_str(&output.assert_code(0).stdout).expect("JSON");
        assert_eq!((rows.len(), &rows[0]["dir"], &rows[0]["for"]), (1, &"infra".into(), &"warm".into()), "{rows:?}");
        let number = |name: &str| rows[0][name].as_f64().expect("a number");
        assert!(number("cpu_percent") > 0.0 && number("memory_bytes") > 0.0, "{engine}: {rows:?}");
        wharf().arg("stats").run().assert_code(0).stdout_contains("memory").stdout_contains("infra");
        wharf().args(["stop", "--all", "--time", "0"]).run().assert_code(0);
        busy.wait();
    }
}
