//! What cannot be done, and what is said then.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::host::{Download, HostError, Search};

#[test]
fn a_requirement_that_is_not_to_be_had() {
    let (_folder, tools) = host();
    for (key, tools) in [("uv", tools.clone()), ("pip", without_uv(tools))] {
        let mut bad = spec(key, &[InstallStep::Requirements { file: "requirements.txt".into() }]);
        bad.files.insert("requirements.txt".into(), b"iniconfig==0.0.99\n".to_vec());
        let error = tools.ensure(&bad, &mut quiet()).unwrap_err();
        let HostError::Install { command, tail, log, .. } = &error else { panic!("{error:?}") };
        assert!(command.contains("requirements.txt"), "{command}");
        assert!(tail.contains("iniconfig==0.0.99"), "{tail}");
        let whole = std::fs::read_to_string(log).unwrap();
        assert!(whole.contains(tail.as_str()) && whole.contains("venv"), "{whole}");
        assert!(log.starts_with(tools.cache.join("logs")));
        assert!(error.hint().unwrap().contains("less "));
        assert!(tools.find(&bad).is_none());
    }
    assert!(attempts(&host_at(&_folder.path().join("cache"))).is_empty(), "a failed attempt leaves nothing");
}

#[test]
fn passwords_are_hidden_everywhere() {
    let (_folder, mut tools) = host();
    let index = "http://me:s3cret@127.0.0.1:9/simple";
    tools.env.push(("UV_INDEX_URL".into(), index.into()));
    tools.env.push(("PIP_INDEX_URL".into(), index.into()));
    tools.env.push(("PIP_RETRIES".into(), "0".into()));
    tools.env.push(("UV_HTTP_RETRIES".into(), "0".into()));
    for (key, tools) in [("uv", tools.clone()), ("pip", without_uv(tools))] {
        let mut lines = String::new();
        let step = packages(&["--verbose", "no-such-package-of-wharf"]);
        let error = tools.ensure(&spec(key, &[step]), &mut |line| lines.push_str(line)).unwrap_err();
        let HostError::Install { log, .. } = &error else { panic!("{error:?}") };
        let all = format!("{lines}{error}{error:?}{tools:?}{}", std::fs::read_to_string(log).unwrap());
        assert!(all.contains("127.0.0.1") && !all.contains("s3cret"), "{all}");
    }
}

#[test]
fn a_cache_that_cannot_be_written() {
    let (folder, tools) = host();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for cache in [folder.path().join("file/cache"), PathBuf::from("/sys/wharf-cache")] {
        let tools = HostTools { cache, ..tools.clone() };
        let error = tools.ensure(&spec("k", &[]), &mut quiet()).unwrap_err();
        assert!(matches!(error, HostError::Cache { .. }), "{error:?}");
        assert!(error.to_string().contains(tools.cache.parent().unwrap().to_str().unwrap()), "{error}");
        assert!(error.hint().is_some());
        assert!(tools.list().is_empty());
    }
}

#[test]
fn environments_in_a_folder_of_their_own() {
    let (folder, mut tools) = host();
    let venvs = folder.path().join("data/envs");
    tools.venvs = Some(venvs.clone());
    let spec = spec("k", &[]);
    assert!(tools.describe(&spec).is_none());
    let venv = tools.ensure(&spec, &mut quiet()).unwrap();
    assert!(venv.path.starts_with(&venvs) && !tools.cache.join("venvs").exists());
    let listed = tools.list();
    assert_eq!(listed, [tools.describe(&spec).unwrap()]);
    assert_eq!((&listed[0].path, listed[0].place()), (&venv.path, venv.path.parent().unwrap()));
    assert!(tools.remove(&listed[0]).unwrap());
    assert!(tools.find(&spec).is_none() && tools.list().is_empty());
}

#[test]
fn a_made_environment_works_in_a_read_only_cache() {
    let (_folder, tools) = host();
    let spec = spec("k", &[]);
    let venv = tools.ensure(&spec, &mut quiet()).unwrap();
    let slot = venv.path.parent().unwrap();
    std::fs::remove_file(slot.join(".used")).unwrap();
    let locked = [slot, &tools.cache.join("venvs"), &tools.cache];
    for folder in locked {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o555)).unwrap();
    }
    let found = tools.ensure(&spec, &mut quiet()).map(|found| found.path);
    for folder in locked {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    assert_eq!(found.unwrap(), venv.path);
}

#[test]
fn a_file_outside_of_the_staging_folder() {
    let (_folder, tools) = host();
    for name in ["../x", "/etc/x", "a/../../x", ""] {
        let mut spec = spec("k", &[]);
        spec.files.insert(name.into(), Vec::new());
        let error = tools.ensure(&spec, &mut quiet()).unwrap_err();
        assert!(matches!(error, HostError::OutsideStaging { .. }), "{error:?}");
    }
}

/// A Python as Debian has it without `python3-venv`: all of it but `ensurepip`.
fn without_ensurepip(folder: &Path) -> PathBuf {
    let real = Search::new(&host().1).select(Some("3.12"), Download::Forbidden).unwrap().path;
    let prefix = real.parent().unwrap().parent().unwrap();
    let (bin, library) = (folder.join("python/bin"), folder.join("python/lib/python3.12"));
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(&library).unwrap();
    std::fs::copy(&real, bin.join("python3.12")).unwrap();
    symlink("python3.12", bin.join("python3")).unwrap();
    for entry in prefix.join("lib/python3.12").read_dir().unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "ensurepip" && entry.file_name() != "site-packages" {
            symlink(entry.path(), library.join(entry.file_name())).unwrap();
        }
    }
    bin
}

#[test]
fn debians_python_without_its_venv_package() {
    let (folder, tools) = host();
    let mut tools = without_uv(tools);
    let bin = without_ensurepip(folder.path());
    tools.search_path = bin.clone().into();
    tools.env.clear();
    let spec = spec("k", &[packages(&["iniconfig==2.0.0"])]);
    let error = tools.ensure(&spec, &mut quiet()).unwrap_err();
    assert!(matches!(error, HostError::NoEnsurePip { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("apt-get install python3-venv"), "{:?}", error.hint());

    // With virtualenv on the search path it works.
    let (_other, other) = host();
    let own = other.ensure(&super::spec("virtualenv", &[packages(&["virtualenv"])]), &mut quiet()).unwrap();
    symlink(own.bin().join("virtualenv"), bin.join("virtualenv")).unwrap();
    let venv = tools.ensure(&spec, &mut quiet()).unwrap();
    assert_eq!(installed(&venv), ["iniconfig 2.0.0"]);
}

#[test]
fn a_project_that_needs_another_python_is_not_given_one_behind_our_back() {
    let (_folder, tools) = host();
    let mut spec = spec("k", &[InstallStep::UvSync { groups: vec![], extras: vec![], main: true, package: None }]);
    spec.python = Some("3.12".into());
    let pyproject = "[project]\nname='a'\nversion='1'\nrequires-python='>=3.13'\n";
    let lock = "version = 1\nrevision = 3\nrequires-python = \">=3.13\"\n\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { virtual = \".\" }\n";
    spec.files.insert("pyproject.toml".into(), pyproject.into());
    spec.files.insert("uv.lock".into(), lock.into());
    let error = tools.ensure(&spec, &mut quiet()).unwrap_err();
    assert!(matches!(&error, HostError::Install { tail, .. } if tail.contains("3.13")), "{error:?}");
}
