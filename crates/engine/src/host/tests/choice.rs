//! Which interpreter is chosen.

use std::time::{Duration, Instant};

use super::*;
use crate::host::{Download, HostError, Search};

/// A folder with a link to an interpreter that answers, and where the real one is.
fn only_python3(folder: &Path) -> PathBuf {
    let real = Search::new(&host().1).select(None, Download::Forbidden).unwrap().path;
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(real, bin.join("python3")).unwrap();
    bin
}

#[test]
fn wanted_and_default() {
    let (_folder, tools) = host();
    let default = tools.ensure(&spec("k", &[]), &mut quiet()).unwrap();
    let mut wanted = spec("k", &[]);
    wanted.python = Some("3.12".into());
    let wanted = tools.ensure(&wanted, &mut quiet()).unwrap();
    assert!(wanted.python_version.starts_with("3.12."), "{}", wanted.python_version);
    assert!(default.python_version.starts_with("3."));
    assert_eq!(python(&wanted, "import sys; print(sys.version_info[1])"), "12");
    if !default.python_version.starts_with("3.12.") {
        assert_ne!(default.path, wanted.path);
    }
}

#[test]
fn a_least_version() {
    let (folder, tools) = host();
    let mut least = spec("k", &[]);
    least.python = Some(">=3.12".into());
    let made = tools.ensure(&least, &mut quiet()).unwrap();
    let minor: u32 = python(&made, "import sys; print(sys.version_info[1])").parse().unwrap();
    assert!(minor >= 12, "{}", made.python_version);

    let mut narrow = without_uv(tools);
    narrow.search_path = only_python3(folder.path()).into();
    narrow.env.clear();
    let select = |wanted| Search::new(&narrow).select(Some(wanted), Download::Forbidden);
    assert!(select(">=3.2").is_ok(), "the default will do");
    let error = select(">=3.99").unwrap_err();
    assert!(error.to_string().starts_with("Python >=3.99 is not here, only 3."), "{error}");
    assert!(error.hint().unwrap().contains("apt-get install python3"));
}

#[test]
fn missing_version_says_what_is_there() {
    let (_folder, tools) = host();
    for (tools, hint) in [(tools.clone(), "uv python install 3.99"), (without_uv(tools), "install uv, then")] {
        let mut spec = spec("k", &[]);
        spec.python = Some("3.99".into());
        assert!(tools.find(&spec).is_none());
        let error = tools.ensure(&spec, &mut quiet()).unwrap_err();
        let HostError::NoPython { wanted, found, .. } = &error else { panic!("{error:?}") };
        assert_eq!(wanted.as_deref(), Some("3.99"));
        assert!(found.iter().any(|python| python.starts_with("3.")), "{found:?}");
        assert!(error.to_string().starts_with("Python 3.99 is not here, only 3."), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
    }
}

#[test]
fn no_python_at_all_and_no_version_at_all() {
    let (folder, mut tools) = host();
    tools.search_path = folder.path().as_os_str().to_owned();
    tools.env.clear();
    let error = tools.ensure(&spec("k", &[]), &mut quiet()).unwrap_err();
    assert_eq!(error.to_string(), "Python 3 is not here, nor any other Python");
    let mut odd = spec("k", &[]);
    odd.python = Some("three".into());
    let error = tools.ensure(&odd, &mut quiet()).unwrap_err();
    assert_eq!(error.to_string(), "`three` is not a Python version");
}

#[test]
fn uv_finds_what_the_search_path_lacks() {
    let (folder, tools) = host();
    let real = Search::new(&tools).select(Some("3.12"), Download::Forbidden).unwrap();
    // A folder of uv's own making, as `uv python install` would leave it, is stood in for by a search path that only uv gets.
    let uv = folder.path().join("uv");
    let bin = real.path.parent().unwrap().display();
    let script = format!("#!/bin/sh\nPATH={bin}:$PATH exec {} \"$@\"\n", tools.uv.as_ref().unwrap().display());
    std::fs::write(&uv, script).unwrap();
    std::fs::set_permissions(&uv, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut narrow = tools.clone();
    narrow.search_path = "/no/such/folder".into();
    narrow.search_path.push(":");
    narrow.search_path.push(std::env::var_os("PATH").unwrap());
    narrow.search_path = std::env::join_paths(
        std::env::split_paths(&narrow.search_path)
            .filter(|dir| !dir.ends_with("shims") && !dir.join("python3.12").exists()),
    )
    .unwrap();
    narrow.env.clear();
    let mut spec = spec("k", &[]);
    spec.python = Some("3.12".into());
    narrow.uv = None;
    assert!(narrow.ensure(&spec, &mut quiet()).is_err());
    narrow.uv = Some(uv.clone());
    let venv = narrow.ensure(&spec, &mut quiet()).unwrap();
    assert!(venv.python_version.starts_with("3.12."));
    // Remembered: uv is not asked again.
    std::fs::remove_file(uv).unwrap();
    assert_eq!(narrow.find(&spec).unwrap().path, venv.path);
}

#[test]
fn finding_starts_no_program() {
    let (folder, tools) = host();
    let mut tools = without_uv(tools);
    let bin = only_python3(folder.path());
    tools.search_path = bin.clone().into();
    let spec = spec("k", &[]);
    let venv = tools.ensure(&spec, &mut quiet()).unwrap();
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(tools.find(&spec).unwrap().path, venv.path);
    }
    let each = start.elapsed() / 100;
    assert!(each < Duration::from_millis(2), "{each:?} for one look, more than starting no program takes");

    // A wrapper may answer differently each time and is asked each time.
    let real = bin.join("python3").canonicalize().unwrap();
    std::fs::remove_file(bin.join("python3")).unwrap();
    let asked = folder.path().join("asked");
    let script = format!("#!/bin/sh\necho x >> {}\nexec {} \"$@\"\n", asked.display(), real.display());
    std::fs::write(bin.join("python3"), script).unwrap();
    std::fs::set_permissions(bin.join("python3"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(tools.find(&spec).unwrap().path, venv.path);
    assert_eq!(tools.find(&spec).unwrap().path, venv.path);
    assert_eq!(std::fs::read_to_string(asked).unwrap(), "x\nx\n");
}

#[test]
fn pyenv_is_read_and_not_run() {
    let (folder, mut tools) = host();
    let real = Search::new(&tools).select(Some("3.12"), Download::Forbidden).unwrap().path;
    let root = folder.path().join("pyenv");
    let bin = root.join("versions/3.12.1/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(root.join("shims")).unwrap();
    std::os::unix::fs::symlink(&real, bin.join("python3")).unwrap();
    for name in ["python3", "python3.12"] {
        std::fs::write(root.join("shims").join(name), "#!/bin/sh\nexit 127\n").unwrap();
    }
    tools.search_path = root.join("shims").into();
    tools.env.clear();
    tools.uv = None;
    let mut search = Search::new(&tools);
    let wanted = search.select(Some("3.12"), Download::Forbidden).unwrap();
    assert_eq!(wanted.path, real);
    assert!(search.select(None, Download::Forbidden).is_err(), "no version is chosen yet");
    std::fs::write(root.join("version"), "3.12\n").unwrap();
    assert_eq!(search.select(None, Download::Forbidden).unwrap().path, real);
}
