//! `wharf setenv` in real shells: all that it sets holds, and all of it is taken back.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, WharfCommand, engines, sample};

/// A shell, with what keeps it from reading files of anybody.
const SHELLS: [(&str, &[&str]); 4] =
    [("bash", &["--norc", "--noprofile"]), ("zsh", &["-f"]), ("fish", &["--no-config"]), ("dash", &[])];

/// Written with everything that a shell could trip over.
const TOML: &str = r#"
[setenv]
DATA = "${ROOT}/data"
NASTY = "a 'b' \"c\" $HOME `id` \\ ! * ~ # \n\tlast; exit 9\n"
TWICE = "${DATA}:$${DATA}"
EMPTY = ""
OLD_AND_NEW = "new"
path = ["bin"]
"#;

/// A sandbox whose search path starts with the program under test.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_wharf")).parent().expect("a program lies in a folder").to_owned();
    let path = sandbox.variables().iter().find(|(name, _)| name == "PATH").expect("it is always set").1.clone();
    // An entry that is no UTF-8, one that is empty, and one with a quote.
    let strange = OsStr::from_bytes(b":/opt/\xff\xfe/bin::/it's \"here\"/bin");
    let mut all = bin.into_os_string();
    for part in [OsStr::new(":"), &path, strange] {
        all.push(part);
    }
    sandbox.set("PATH", all);
    sandbox
}

fn repo(sandbox: &Sandbox, folder: &str, toml: &str) -> Repo {
    let repo = Repo::init(sandbox.path().join(folder));
    repo.write("wharf.toml", toml)
        .write("infra/devops/wharf.toml", "[setenv]\nDATA = \"${DIR}/own\"\npath = [\"tools\"]\n");
    repo.commit("sample: first");
    repo
}

fn shell(sandbox: &Sandbox, name: &str, folder: &Path, lines: &str) -> WharfCommand {
    let (_, arguments) = SHELLS.iter().find(|(known, _)| *known == name).expect("a shell of the list");
    let file = sandbox.path().join(format!("script.{name}"));
    fs_err::write(&file, spoken(name, lines)).expect("a sandbox is writable");
    sandbox.command(name).args(*arguments).arg(file).cwd(folder)
}

/// `EVAL words` in the language of a shell.
fn spoken(name: &str, lines: &str) -> String {
    let start = if name == "fish" { "" } else { "set -eu\n" };
    let word = if name == "dash" { "sh" } else { name };
    let line = |line: &str| match (line.strip_prefix("EVAL "), name) {
        (None, _) => line.to_owned(),
        (Some(words), "fish") => format!("wharf setenv --shell fish {words} | source"),
        (Some(words), _) => format!("eval \"$(wharf setenv --shell {word} {words})\""),
    };
    start.to_owned() + &lines.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// The variables that `env -0` wrote, as a set: their order means nothing.
fn variables(sandbox: &Sandbox, file: &str) -> BTreeSet<Vec<u8>> {
    let bytes = fs_err::read(sandbox.path().join(file)).expect("the shell has written it");
    bytes.split(|byte| *byte == 0).filter(|one| !one.is_empty()).map(<[u8]>::to_vec).collect()
}

#[track_caller]
fn value(all: &BTreeSet<Vec<u8>>, name: &str) -> Option<Vec<u8>> {
    let start = format!("{name}=");
    all.iter().find_map(|one| one.strip_prefix(start.as_bytes()).map(<[u8]>::to_vec))
}

fn text(all: &BTreeSet<Vec<u8>>, name: &str) -> Option<String> {
    value(all, name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn each_shell_gets_back_its_variables_byte_for_byte() {
    let sandbox = sandbox();
    let part = Repo::init(sandbox.path().join("part"));
    part.write("part.py", "").commit("part: first");
    let folder = "it's \"a\" $HOME `id` répo";
    let repo = repo(&sandbox, folder, TOML);
    repo.add_submodule(&part, "libs/the part");
    let root = repo.path().display().to_string();
    for (name, _) in SHELLS {
        let lines = "env -0 > ../before\nEVAL\u{20}\nenv -0 > ../during\nwharf setenv --no-completions --shell sh > ../again\n\
                     EVAL infra\nenv -0 > ../dir\nEVAL --undo\nenv -0 > ../after\nEVAL --undo\n";
        let old = OsStr::from_bytes(b"old \xff 'value'\nwith two lines\n");
        let command = shell(&sandbox, name, repo.path(), lines).env("OLD_AND_NEW", old).env("EMPTY", "");
        command.env("PYTHONPATH", "/mine::/other").run().assert_code(0).stderr_lacks("rror");
        let [before, during, dir, after] = ["before", "during", "dir", "after"].map(|file| variables(&sandbox, file));
        assert_eq!(before, after, "{name}");
        assert_eq!(value(&before, "OLD_AND_NEW").as_deref(), Some(old.as_bytes()), "{name}");
        let has = |name: &str| text(&during, name).unwrap_or_default();
        assert_eq!(has("DATA"), format!("{root}/data"), "{name}");
        assert_eq!(has("TWICE"), format!("{root}/data:${{DATA}}"), "{name}");
        assert_eq!(has("NASTY"), "a 'b' \"c\" $HOME `id` \\ ! * ~ # \n\tlast; exit 9\n", "{name}");
        assert_eq!((has("EMPTY"), has("OLD_AND_NEW")), (String::new(), "new".into()), "{name}");
        assert_eq!((has("WHARF_ROOT"), has("WHARF_WORKSPACE")), (root.clone(), folder.to_owned()), "{name}");
        assert!(has("PYTHONPATH").starts_with(&format!("{root}:{root}/libs/the part:/mine:")), "{}", has("PYTHONPATH"));
        let path = value(&during, "PATH").expect("it is set");
        let mut expected = format!("{root}/bin:").into_bytes();
        expected.extend(value(&before, "PATH").expect("it is set"));
        assert_eq!(path, expected, "{name}");
        assert_eq!(fs_err::read(sandbox.path().join("again")).expect("it was written"), b"", "{name}");
        assert_eq!(text(&dir, "DATA"), Some(format!("{root}/infra/own")), "{name}");
        assert_eq!(text(&dir, "WHARF_DIR").as_deref(), Some("infra"), "{name}");
        let path = text(&dir, "PATH").expect("it is set");
        assert!(path.starts_with(&format!("{root}/infra/devops/tools:{root}/bin:")), "{path}");
    }
}

#[test]
fn what_the_user_changed_in_between_stays() {
    let sandbox = sandbox();
    let repo = repo(&sandbox, "one", TOML);
    repo.write("../two/wharf.toml", "[setenv]\nSECOND = \"2\"\n");
    Repo::init(sandbox.path().join("two"));
    for (name, _) in SHELLS {
        let set = |name: &str, variable: &str, value: &str| match name {
            "fish" => format!("set -gx {variable} {value}"),
            _ => format!("export {variable}={value}"),
        };
        let path = if name == "fish" { "set -gx PATH /mine $PATH".to_owned() } else { "PATH=/mine:$PATH".to_owned() };
        let lines = [
            "env -0 > ../before".to_owned(),
            "EVAL ".into(),
            set(name, "DATA", "changed"),
            path,
            "cd ../two".into(),
            "EVAL ".into(),
            "env -0 > ../second".into(),
            "EVAL --undo".into(),
            "env -0 > ../after".into(),
        ];
        shell(&sandbox, name, repo.path(), &lines.join("\n")).run().assert_code(0);
        let [before, second, after] = ["before", "second", "after"].map(|file| variables(&sandbox, file));
        // The first workspace is taken back, though the shell stands elsewhere.
        let names = ["NASTY", "TWICE", "EMPTY", "SECOND", "DATA"].map(|name| text(&second, name));
        assert_eq!(names, [None, None, None, Some("2".into()), Some("changed".into())], "{name}");
        let mine = [b"/mine:".to_vec(), value(&before, "PATH").expect("it is set")].concat();
        assert_eq!(value(&after, "PATH"), Some(mine), "{name}");
        let is_other =
            |one: &&Vec<u8>| ![&b"PATH="[..], b"DATA=", b"PWD=", b"OLDPWD="].iter().any(|start| one.starts_with(start));
        let others = |all: &BTreeSet<Vec<u8>>| all.iter().filter(is_other).cloned().collect::<Vec<_>>();
        assert_eq!(others(&before), others(&after), "{name}");
    }
}

fn setenv(sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Output {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).arg("setenv").args(args).cwd(folder).run()
}

#[test]
fn an_error_says_nothing_to_the_shell() {
    let sandbox = sandbox();
    let repo = repo(&sandbox, "one", TOML);
    let refused = |output: &Output, code: i32, said: &str| {
        output.assert_code(code).stderr_contains(said);
        assert_eq!(output.stdout, "", "{said}");
    };
    refused(&setenv(&sandbox, repo.path(), &["--shell", "tcsh"]), 2, "fish");
    refused(&setenv(&sandbox, repo.path(), &[]), 2, "`SHELL` is not set");
    let tcsh = sandbox.command(env!("CARGO_BIN_EXE_wharf")).arg("setenv").env("SHELL", "/bin/tcsh");
    refused(&tcsh.cwd(repo.path()).run(), 2, "shell `tcsh` is not known");
    refused(&setenv(&sandbox, &sandbox.path(), &["--shell", "sh"]), 4, "Git repo");
    refused(&setenv(&sandbox, repo.path(), &["--shell", "sh", "infar"]), 2, "infra");
    refused(&setenv(&sandbox, repo.path(), &["--shell", "sh", "--hooks"]), 3, "git-hooks");
    for (line, said) in [
        ("A = \"${B}\"\nB = \"x${A}\"", "`A` → `B` → `A`"),
        ("A = \"${USER}\"", "`USER` is none"),
        ("A = \"${ROOT\"", "`}`"),
        ("PATH = \"/bin\"", "setenv.path"),
        ("LD_PRELOAD = \"x.so\"", "LD_PRELOAD"),
        ("BASH_ENV = \"x\"", "BASH_ENV"),
        ("\"A B\" = \"x\"", "A B"),
        ("A = 1", "a string"),
        ("A = \"a\\u0000b\"", "NUL"),
        ("path = [\"a:b\"]", "without `:`"),
    ] {
        repo.write("wharf.toml", format!("[setenv]\n{line}\n"));
        refused(&setenv(&sandbox, repo.path(), &["--shell", "sh"]), 3, said);
    }
    // Taking back needs no workspace, and no configuration that can be read.
    assert_eq!(setenv(&sandbox, repo.path(), &["--shell", "sh", "--undo"]).assert_code(0).stdout, "");
}

#[test]
fn a_file_to_source_does_the_same_and_none_is_overwritten() {
    let sandbox = sandbox();
    let repo = repo(&sandbox, "one", TOML);
    let dry = setenv(&sandbox, repo.path(), &["--write", "--dry-run"]);
    dry.assert_code(0).stdout_contains("cat > ").stdout_contains("dev_scripts_one/setenv.sh");
    assert!(!repo.join("dev_scripts_one").exists());
    let written = setenv(&sandbox, repo.path(), &["--write", "--envrc"]);
    let files = [repo.join("dev_scripts_one/setenv.sh"), repo.join(".envrc")];
    assert_eq!(written.assert_code(0).stdout, files.each_ref().map(|file| format!("{}\n", file.display())).concat());
    let again = setenv(&sandbox, repo.path(), &["--write", "--envrc"]);
    assert_eq!(again.assert_code(0).stderr_contains("is there already").stdout, "");
    for (name, folder) in [("bash", ".."), ("zsh", ".."), ("dash", "one/infra")] {
        let lines = format!(". {}\necho \"$DATA ${{_wharf_code-}}\"\n", files[0].display());
        let folder = if folder == ".." { sandbox.path() } else { sandbox.path().join(folder) };
        let output = shell(&sandbox, name, &folder, &lines).run();
        assert_eq!(output.assert_code(0).stdout, format!("{}/data \n", repo.path().display()), "{name}");
    }
    let direnv = |args: &[&str]| sandbox.command("direnv").args(args).cwd(repo.path()).run();
    direnv(&["allow", "."]).assert_code(0);
    let output = direnv(&["exec", ".", "sh", "-c", "echo \"$DATA\""]);
    assert_eq!(output.assert_code(0).stdout, format!("{}/data\n", repo.path().display()));
    repo.write("wharf.toml", "[setenv]\nA = \"${B}\"\n");
    let failing = format!(". {} || echo \"code $?\"\n", files[0].display());
    shell(&sandbox, "bash", repo.path(), &failing).run().assert_code(0).stdout_contains("code 3");
    repo.write("wharf.toml", "").write(".envrc", "layout python\n");
    setenv(&sandbox, repo.path(), &["--envrc"]).assert_code(5).stderr_contains("not as Wharf would write it");
    assert_eq!(repo.read(".envrc"), "layout python\n");
}

#[test]
fn git_hooks_come_on_request_and_go_with_the_rest() {
    let sandbox = sandbox();
    let repo = repo(&sandbox, "one", "[setenv]\ngit-hooks = \"dev/git hooks\"\n");
    let lines = "EVAL \nEVAL --hooks\ngit config core.hooksPath\nEVAL infra\ngit config core.hooksPath\nEVAL --undo\n\
                 git config core.hooksPath || true\n";
    let output = shell(&sandbox, "bash", repo.path(), lines).run();
    output.assert_code(0).stderr_contains("Git takes its hooks");
    assert_eq!(output.stdout, "dev/git hooks\ndev/git hooks\n");
    repo.git(&["config", "core.hooksPath", "mine"]);
    let output = setenv(&sandbox, repo.path(), &["--shell", "bash", "--hooks"]);
    assert_eq!(output.assert_code(5).stderr_contains("`mine`").stdout, "");
}

#[test]
fn completions_come_to_shells_for_people_and_go() {
    let sandbox = sandbox();
    let repo = repo(&sandbox, "one", "");
    for (name, asks) in [
        ("bash", "complete -p wharf 2>/dev/null || echo none"),
        ("zsh", "echo ${_comps[wharf]:-none}"),
        ("fish", "complete -c wharf; or true; test -z (complete -c wharf | string collect); and echo none; or true"),
    ] {
        let start = if name == "zsh" { "autoload -Uz compinit; compinit -D -u" } else { "" };
        let lines = spoken(name, &format!("{start}\n{asks}\nEVAL \n{asks}\nEVAL --undo\n{asks}"));
        let lines = lines.trim_start_matches("set -eu\n");
        let (_, arguments) = SHELLS.iter().find(|(known, _)| *known == name).expect("a shell of the list");
        let output = sandbox.command(name).args(*arguments).args(["-i", "-c", lines]).cwd(repo.path()).run();
        let said: Vec<&str> = output.assert_code(0).stdout.lines().collect();
        assert!(matches!(said.as_slice(), ["none", some, "none"] if some.contains("wharf")), "{}", output.told());
    }
    // Another shell than the one that was named is not confused by them.
    let dash = "eval \"$(wharf setenv --shell bash)\"; eval \"$(wharf setenv --shell zsh)\"; echo \"$WHARF_WORKSPACE\"";
    let output = sandbox.command("dash").args(["-c", dash]).cwd(repo.path()).run();
    assert_eq!(output.assert_code(0).stdout, "one\n");
}

#[test]
fn containers_have_the_same_variables() {
    let sandbox = sandbox();
    let toml = "[setenv]\nDATA = \"${ROOT}/data\"\nOWN = \"${DIR}/x\"\nHOMELY = \"${HOME}/x\"\nWORD = \"a 'b' $c\"\nOVER = \"team\"\n";
    let dir = "[python]\nmanager = \"none\"\n[run]\nenv = [\"OVER=run\"]\n[setenv]\nWORD = \"of the dir\"\n";
    let repo = sample::workspace(&sandbox).toml(toml).dir("infra", |it| it.no_requirements().toml(dir)).build();
    for engine in engines().into_iter().filter(|engine| *engine != EngineKind::Podman) {
        let print = "echo \"$DATA,$OWN,$WORD,$OVER,$WHARF_WORKSPACE,${HOMELY-unset}\"";
        let command =
            sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(["--engine", engine.name(), "run", "infra", "--"]);
        let output = command.args(["sh", "-c", print]).cwd(repo.path()).run();
        let (root, home) = match engine {
            EngineKind::Host => (repo.path().display().to_string(), format!("{}/x", sandbox.home().display())),
            _ => ("/src/sample".to_owned(), "unset".to_owned()),
        };
        let expected = format!("{root}/data,{root}/infra/x,of the dir,run,sample,{home}\n");
        assert_eq!(output.assert_code(0).stdout, expected, "{engine}");
    }
}
