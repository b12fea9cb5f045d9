//! What is read of requirements files, and who keeps which environment. Environments themselves are the engine's tests and
//! those of `wharf env`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use wharf_engine::host::HostTools;

use super::requirements::logical;
use super::*;
use crate::config::{Config, Layer, LayerKind, Places, resolve};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

fn read(root: &Path, toml: &str) -> Result<Option<Needs>, ThinEnvError> {
    let root = root.canonicalize().unwrap();
    let layer = Layer::from_toml(LayerKind::SuperRepo, Path::new("wharf.toml"), toml.as_bytes()).unwrap();
    let config = Config::from_resolved(&resolve(&[&layer])).unwrap();
    Needs::read(&Places { here: root.clone(), root, home: None }, "harbor", &config, &[])
}

fn shown(needs: &Needs) -> Vec<String> {
    needs.lines.iter().map(|line| format!("{} {} {}", line.kind.word(), line.text, line.origin)).collect()
}

#[test]
fn lines_are_continued_and_comments_go() {
    let text = "\u{feff}# head\na==1 \\\n  --hash=sha256:0 \\\n  # between\n  --hash=sha256:1 # why\n\n b @ https://x/#egg=b\\\n";
    let lines: Vec<_> = logical(text).into_iter().map(|line| (line.number, line.text)).collect();
    let expected = [(2, "a==1 --hash=sha256:0 --hash=sha256:1"), (7, "b @ https://x/#egg=b")];
    assert_eq!(lines, expected.map(|(number, text)| (number, text.to_owned())));
}

#[test]
fn the_usual_file_is_found_by_the_workspaces_name() {
    let folder = TempDir::new().unwrap();
    assert_eq!(read(folder.path(), "").unwrap(), None);
    write(folder.path(), &[("dev_scripts_harbor/requirements.txt", "invoke\n")]);
    let needs = read(folder.path(), "").unwrap().unwrap();
    assert_eq!(shown(&needs), ["requirement invoke dev_scripts_harbor/requirements.txt:1"]);
    assert_eq!(needs.spec().python.as_deref(), Some(">=3.8"));
}

#[test]
fn includes_are_followed_with_their_origins() {
    let folder = TempDir::new().unwrap();
    write(
        folder.path(),
        &[
            ("tools/all.txt", "-r sub/more.txt\n-c limits.txt\n--pre\n--find-links=wheels\ninvoke>=2 # tasks\n"),
            ("tools/sub/more.txt", "--requirement ../all.txt\nsix\n"),
            ("tools/limits.txt", "six<2\n"),
        ],
    );
    let needs =
        read(folder.path(), "thin-env = { requirements = 'tools/all.txt', python = '3.12' }\n").unwrap().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let expected = [
        "requirement six tools/sub/more.txt:2".to_owned(),
        "constraint six<2 tools/limits.txt:1".to_owned(),
        "option --pre tools/all.txt:3".to_owned(),
        format!("option --find-links {} tools/all.txt:4", root.join("tools/wheels").display()),
        "requirement invoke>=2 tools/all.txt:5".to_owned(),
    ];
    assert_eq!(shown(&needs), expected);
    let spec = needs.spec();
    assert_eq!(spec.python.as_deref(), Some("3.12"));
    let text = String::from_utf8(spec.files["requirements.txt"].clone()).unwrap();
    assert!(text.starts_with("--pre\n") && text.ends_with("-c constraints.txt\ninvoke>=2\nsix\n"), "{text}");
    assert_eq!(spec.files["constraints.txt"], b"six<2\n");
}

#[test]
fn equal_needs_have_one_key() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &[("a.txt", "six\ninvoke\n"), ("b.txt", "# other\ninvoke\n-r c.txt\n"), ("c.txt", "six")]);
    let key = |toml: &str| read(folder.path(), toml).unwrap().unwrap().spec().key;
    let first = key("thin-env.requirements = 'a.txt'");
    assert_eq!(first, key("thin-env.requirements = 'b.txt'"));
    assert_eq!(first, key("thin-env.requirements = ['invoke', 'six']"));
    assert_ne!(first, key("thin-env.requirements = ['invoke', 'six>1']"));
    let empty = read(folder.path(), "thin-env.requirements = []").unwrap().unwrap().spec();
    assert!(empty.steps.is_empty());
}

#[test]
fn what_cannot_be_shared_or_read_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let refusal = |line: &str| {
        write(path, &[("a.txt", line)]);
        read(path, "thin-env.requirements = 'a.txt'").unwrap_err()
    };
    for line in ["-e .", "./lib", "/abs/x.whl", "lib/x.whl", "--editable=x", "x @ file:///x", "file:x"] {
        assert!(matches!(refusal(line), ThinEnvError::Local { .. }), "{line}");
    }
    assert!(matches!(refusal("-r https://x/y.txt"), ThinEnvError::Remote { .. }));
    let error = refusal("invoke\n-r gone.txt");
    assert!(error.to_string().contains("gone.txt`, which a.txt:2 names"), "{error}");
    assert!(error.hint().is_some());
    let error = read(path, "thin-env.requirements = 'none.txt'").unwrap_err();
    assert!(error.to_string().contains("none.txt`, which wharf.toml:1 names"), "{error}");
    write(path, &[("a.txt", "x @ git+https://host/x.git\nhttps://host/x.whl\nb")]);
    assert_eq!(read(path, "thin-env.requirements = 'a.txt'").unwrap().unwrap().lines.len(), 3);
}

/// A folder that looks like an environment to the engine.
fn made(venvs: &Path, name: &str) {
    let marker = r#"{"folder":"v1","key":"k","python_version":"3.12.1"}"#;
    write(&venvs.join(name), &[("v1/bin/python", ""), (".complete", marker), (".used", "")]);
}

fn used(venvs: &Path, name: &str, root: &Path, days: u32) {
    users::note(&venvs.join(name), root);
    let noted = venvs.join(name).join("users").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let noted = noted.into_iter().find(|file| std::fs::read(file).unwrap() == root.as_os_str().as_encoded_bytes());
    let file = std::fs::File::options().write(true).open(noted.unwrap()).unwrap();
    file.set_modified(SystemTime::now() - DAY * days).unwrap();
}

fn tools_in(folder: &Path) -> HostTools {
    let host = HostTools {
        cache: folder.join("cache"),
        venvs: None,
        uv: None,
        search_path: folder.join("envs/x/v1/bin").into_os_string(),
        env: Vec::new(),
    };
    tools(host, folder)
}

#[test]
fn an_active_thin_environment_does_not_choose_the_next_ones_python() {
    let folder = TempDir::new().unwrap();
    assert_eq!(tools_in(folder.path()).search_path, "");
}

#[test]
fn those_that_nobody_there_asked_for_may_go() {
    let folder = TempDir::new().unwrap();
    let (venvs, tools) = (folder.path().join("envs"), tools_in(folder.path()));
    let here = folder.path().join("here");
    std::fs::create_dir(&here).unwrap();
    let gone = folder.path().join("gone");
    for name in ["fresh", "old", "left", "both", "never"] {
        made(&venvs, name);
    }
    used(&venvs, "fresh", &here, 3);
    used(&venvs, "old", &here, 31);
    used(&venvs, "left", &gone, 0);
    used(&venvs, "both", &gone, 0);
    used(&venvs, "both", &here, 29);
    std::fs::create_dir_all(venvs.join("remains/v2")).unwrap();
    let names = |all: &[Unused]| {
        let mut names: Vec<_> = all.iter().map(|one| one.place().file_name().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let now = SystemTime::now();
    let stale = unused(&tools, DAY * 30, now);
    assert_eq!(names(&stale), ["left", "old"]);
    let why: Vec<_> = stale.iter().map(Unused::why).collect();
    assert!(why.contains(&"its workspaces are gone") && why.contains(&"not used lately"), "{why:?}");
    assert_eq!(names(&prune(&tools, stale).unwrap()), ["left", "old"]);
    assert!(!venvs.join("old").exists() && venvs.join("both").exists());
    assert_eq!(names(&unused(&tools, DAY * 30, now + DAY * 40)), ["both", "fresh", "never", "remains"]);
}

#[test]
fn use_is_noted_once_a_day() {
    let folder = TempDir::new().unwrap();
    made(folder.path(), "x");
    let (place, root) = (folder.path().join("x"), folder.path().to_owned());
    used(folder.path(), "x", &root, 3);
    let noted = || users(&place)[0].last_used;
    users::note(&place, &root);
    assert!(noted() > SystemTime::now() - DAY, "the stamp is newer");
    let before = noted();
    users::note(&place, &root);
    assert_eq!(noted(), before);
    assert!(users(&place)[0].exists);
}

#[test]
fn packages_are_read_from_their_metadata() {
    let folder = TempDir::new().unwrap();
    let site = "lib/python3.12/site-packages";
    write(
        folder.path(),
        &[
            (
                &format!("{site}/pre_commit-4.0.dist-info/METADATA"),
                "Metadata-Version: 2.1\nName: pre-commit\nVersion: 4.0\n\nName: no\n",
            ),
            (&format!("{site}/Invoke-2.dist-info/METADATA"), "Name: Invoke\nVersion: 2\n"),
            (&format!("{site}/broken-1.dist-info/METADATA"), "\n"),
            (&format!("{site}/invoke/__init__.py"), ""),
        ],
    );
    let found: Vec<_> = packages(folder.path()).into_iter().map(|one| (one.name, one.version)).collect();
    let expected =
        [("Invoke", "2"), ("pre-commit", "4.0")].map(|(name, version)| (name.to_owned(), version.to_owned()));
    assert_eq!(found, expected);
}
