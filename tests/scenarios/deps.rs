//! `wharf deps`: which file needs which.

use std::path::Path;

use serde_json::{Value, json};
use wharf_testkit::{Repo, Sandbox, WharfCommand, sample};

fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).arg("deps")
}

fn paths(answer: &Value) -> Vec<&str> {
    answer["files"].as_array().expect("an array").iter().map(|row| row["path"].as_str().expect("a path")).collect()
}

/// Two dirs that use each other's code, one of them declared, and a library that belongs to no dir.
fn sample(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .file("lib/__init__.py", "")
        .file("lib/text.py", "")
        .dir("infra", |dir| {
            dir.file("__init__.py", "")
                .file("server.py", "from lib import text\n\ndef late():\n    import ml.model\n")
                .test("tests/test_server.py", "import infra.server\n")
                .file("tests/conftest.py", "")
        })
        .dir("ml", |dir| dir.file("model.py", "import infra.server\n").toml("[python]\nuses = [\"//infra\"]\n"))
        .dir("web", |dir| dir.file("page.py", "import infra.server\n").toml("[image]\nfrom = \"//infra\"\n"))
        .build()
}

#[test]
fn a_file_needs_and_is_needed() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let output = wharf(&sandbox, &repo).arg("infra/server.py").run();
    output.assert_code(0);
    assert_eq!(
        output.stdout,
        "infra/__init__.py  (package)\n\
         lib/__init__.py  (infra/server.py:1 package)\n\
         lib/text.py  (infra/server.py:1 import)\n\
         ml/model.py  (infra/server.py:4 import, in function)\n"
    );
    assert_eq!(output.stderr, "");
    let all = wharf(&sandbox, &repo).args(["infra/tests/test_server.py", "--transitive"]).run();
    let expected =
        "infra/__init__.py\ninfra/server.py\ninfra/tests/conftest.py\nlib/__init__.py\nlib/text.py\nml/model.py\n";
    assert_eq!(all.stdout, expected);
    let reverse = wharf(&sandbox, &repo).args(["lib/text.py", "--reverse", "--transitive", "--json"]).run().json();
    assert_eq!(paths(&reverse), ["infra/server.py", "infra/tests/test_server.py", "ml/model.py", "web/page.py"]);
    assert_eq!(
        reverse["files"][0]["because"],
        json!([{ "path": "infra/server.py", "line": 1, "how": "import", "when": [] }])
    );
    // From a folder, and of a folder: what is in it is left out.
    let folder = wharf(&sandbox, &repo).arg("--json").arg("-C").arg(repo.join("infra")).arg(".").run().json();
    assert_eq!(paths(&folder), ["lib/__init__.py", "lib/text.py", "ml/model.py"]);
    let none = wharf(&sandbox, &repo).arg("lib/text.py").args(["--direct", "-q"]).run();
    assert_eq!(none.stdout, "lib/__init__.py  (package)\n");
}

#[test]
fn what_crosses_runnable_dirs_is_shown_and_judged() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let output = wharf(&sandbox, &repo).run();
    output.assert_code(0);
    assert_eq!(
        output.stdout,
        "dir    uses   imports  declared\n\
         infra  ml           1  no\n\
         ml     infra        1  uses\n\
         web    infra        1  same image\n"
    );
    assert!(
        output.stderr.contains("`uses = [\"//ml\"]` in `[python]` of `infra/devops/wharf.toml`"),
        "{}",
        output.told()
    );
    let between = wharf(&sandbox, &repo).args(["--between", "infra", "//ml"]).run();
    between.assert_code(0);
    assert_eq!(
        between.stdout,
        "infra/server.py:4: ml/model.py (in function); not declared\nml/model.py:1: infra/server.py\n"
    );
    let undeclared = wharf(&sandbox, &repo).args(["--undeclared", "--json"]).run();
    undeclared.assert_code(1);
    assert_eq!(
        undeclared.json(),
        json!([{
            "path": "infra/server.py", "line": 4, "imports": "ml/model.py", "from": "infra", "to": "ml",
            "how": "import", "when": ["in function"], "declared": "no"
        }])
    );
    repo.write("infra/devops/wharf.toml", "[python]\nuses = [\"ml\"]\n");
    wharf(&sandbox, &repo).arg("--undeclared").run().assert_code(0);
}

#[test]
fn cycles_have_an_exit_code() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    // The import in a function is how this circle is broken.
    let output = wharf(&sandbox, &repo).arg("--cycles").run();
    output.assert_code(0);
    assert_eq!(output.stdout, "");
    repo.write("ml/model.py", "import ml.loss\nimport infra.server\n");
    repo.write("ml/loss.py", "\nfrom ml import model\n");
    let output = wharf(&sandbox, &repo).arg("--cycles").run();
    output.assert_code(1);
    assert_eq!(output.stdout, "ml/loss.py:2 → ml/model.py:1 → ml/loss.py\n");
    let way = wharf(&sandbox, &repo).args(["--cycles", "--json"]).run().json();
    assert_eq!(way[0]["members"], json!(["ml/loss.py", "ml/model.py"]));
}

#[test]
fn faulty_files_are_named_and_the_rest_stands() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    repo.write("ml/old.py", "import infra.server\nprint 'Python 2'\nimport lib.text\n");
    repo.write("ml/odd.py", [&b"# coding: latin-1\nNAME = '\xe9'\nimport ml.old\n"[..], b""].concat());
    let output = wharf(&sandbox, &repo).args(["ml/odd.py", "--transitive"]).run();
    output.assert_code(0);
    assert!(output.stderr.contains("warning: ml/old.py:2: "), "{}", output.told());
    for path in ["ml/old.py", "lib/text.py", "infra/server.py"] {
        assert!(output.stdout.contains(path), "{path}: {}", output.told());
    }
}

#[test]
fn usage_errors_name_what_is_wrong() {
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    for (arguments, code, said) in [
        (&["nowhere.py"][..], 2, "`nowhere.py` is not there"),
        (&["wharf.toml"], 2, "is no Python file"),
        (&["infra/devops"], 2, "there is no Python file in `infra/devops`"),
        (&["--between", "infra", "lib"], 2, "`lib` is not a runnable dir"),
        (&["--reverse"], 2, "PATH"),
        (&["infra", "--cycles"], 2, "cannot be used with"),
    ] {
        let output = wharf(&sandbox, &repo).args(arguments).run();
        output.assert_code(code);
        assert!(output.stderr.contains(said), "{}", output.told());
    }
    assert!(Path::new(&repo.join(".wharf")).is_dir());
}
