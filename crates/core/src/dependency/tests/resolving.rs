//! From names to files: as Python and pytest find them.

use std::collections::BTreeMap;

use wharf_testkit::{Sandbox, sample};

use super::{graph, named, reached};

/// Prints where each module would be found, the paths to search given first.
const SCRIPT: &str = r"
import importlib.util, json, os, sys
paths, names = json.loads(sys.argv[1])
sys.path[:0] = paths
def find(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    return spec.origin if spec and spec.origin and os.path.isfile(spec.origin) else None
json.dump({name: find(name) for name in names}, sys.stdout)
";

#[test]
fn modules_are_found_where_python_finds_them() {
    let names = [
        "pkg",
        "pkg.mod",
        "pkg.sub",
        "pkg.sub.deep",
        "pkg.none",
        "space.one",
        "space.two",
        "space.inner.three",
        "both",
        "both.inside",
        "helpers",
        "helpers.core",
        "infra.lib",
        "local",
        "json",
        "plain.x",
        "link.mod",
        "linked",
        "shadow",
        "pkg.mod.beyond",
        "sys",
    ];
    let imports: String = names.iter().map(|name| format!("import {name}\n")).collect();
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .file("pkg/__init__.py", "")
        .file("pkg/mod.py", "")
        .file("pkg/sub/__init__.py", "")
        .file("pkg/sub/deep.py", "")
        .file("space/one.py", "")
        .file("both.py", "")
        .file("both/__init__.py", "")
        .file("both/inside.py", "")
        .file("plain.py", "")
        .file("plain/x.py", "")
        .file("sys.py", "")
        .file("shadow/other.py", "")
        .dir("infra", |dir| dir.file("lib.py", "").file("local.py", "").file("main.py", imports.as_str()))
        .sub_repo("helpers", |sub| {
            sub.file("helpers/__init__.py", "")
                .file("helpers/core.py", "")
                .file("space/two.py", "")
                .file("space/inner/three.py", "")
                .file("shadow.py", "")
                .file("pkg/none.py", "")
        })
        .build();
    std::os::unix::fs::symlink("pkg", repo.join("link")).unwrap();
    std::os::unix::fs::symlink("pkg/mod.py", repo.join("linked.py")).unwrap();
    std::os::unix::fs::symlink("round", repo.join("round")).unwrap();
    std::os::unix::fs::symlink("..", repo.join("pkg/loop")).unwrap();
    let graph = graph(&sandbox, &repo);
    let file = graph.file("infra/main.py").unwrap();
    let paths = [repo.join("infra"), repo.path().to_owned(), repo.join("helpers")];
    let given = serde_json::to_string(&(paths, names)).unwrap();
    // Isolated from the folder that it starts in.
    let output = sandbox.command("python3").args(["-I", "-c", SCRIPT, &given]).run();
    output.assert_code(0);
    let found: BTreeMap<String, Option<String>> = serde_json::from_str(&output.stdout).unwrap();
    for (place, name) in names.iter().enumerate() {
        let line = u32::try_from(place + 1).unwrap();
        let links = graph.imports_of(file).iter().filter(|link| link.line == line && link.why.is_named());
        let mine: Vec<&str> = links.map(|link| graph.path(link.to)).collect();
        let theirs = found[*name].as_deref().and_then(|path| std::path::Path::new(path).strip_prefix(repo.path()).ok());
        match theirs.and_then(|path| path.to_str()) {
            // The graph has each file once, by the path without links to folders.
            Some(path) => assert_eq!(mine, [path.replace("link/", "pkg/")], "{name}"),
            // An import that fails midway has executed the packages around it.
            None => {
                let path = format!("{}.py", name.replace('.', "/"));
                assert!(mine.len() < 2 && !mine.contains(&path.as_str()), "{name}: {mine:?}");
            }
        }
    }
    assert_eq!(named(&graph, "linked.py"), ["pkg/mod.py"]);
}

#[test]
fn from_takes_submodules_names_and_stars() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .file("pkg/__init__.py", "__all__ = ['b', 'name']\nname = 1\n")
        .file("pkg/a.py", "from . import b\nfrom .sub import c, name\nfrom .. import beyond\n")
        .file("pkg/b.py", "from .a import x\n")
        .file("pkg/sub/__init__.py", "")
        .file("pkg/sub/c.py", "from .. import a\nfrom ..b import *\n")
        .file("star.py", "from pkg import *\n")
        .file("name.py", "from pkg import name\nfrom pkg import a as name\n")
        .build();
    let graph = graph(&sandbox, &repo);
    assert_eq!(named(&graph, "pkg/a.py"), ["pkg/b.py", "pkg/sub/__init__.py", "pkg/sub/c.py"]);
    assert_eq!(named(&graph, "pkg/sub/c.py"), ["pkg/a.py", "pkg/b.py"]);
    assert_eq!(named(&graph, "star.py"), ["pkg/__init__.py", "pkg/b.py"]);
    assert_eq!(named(&graph, "name.py"), ["pkg/__init__.py", "pkg/a.py"]);
    let cycles = graph.cycles();
    let ways: Vec<Vec<String>> = cycles
        .iter()
        .map(|cycle| cycle.way.iter().map(|(file, line)| format!("{}:{line}", graph.path(*file))).collect())
        .collect();
    assert_eq!(ways, [["pkg/a.py:1", "pkg/b.py:1"]]);
    assert_eq!(cycles[0].members.len(), 3);
}

#[test]
fn tests_reach_what_pytest_loads_for_them() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .file("conftest.py", "import shared\n")
        .file("shared.py", "")
        .file("other.py", "")
        .dir("infra", |dir| {
            dir.file("conftest.py", "pytest_plugins = ['infra.plugin']\n")
                .file("plugin.py", "")
                .file("tests/unit/test_a.py", "import side\nfrom .near import x\nimport infra.code\n")
                .file("tests/unit/__init__.py", "")
                .file("tests/unit/near.py", "")
                .file("tests/side.py", "import beside\n")
                .file("tests/beside.py", "")
                .file("code.py", "import local\n")
                .file("local.py", "")
        })
        .build();
    let graph = graph(&sandbox, &repo);
    let expected = [
        "conftest.py",
        "infra/code.py",
        "infra/conftest.py",
        "infra/local.py",
        "infra/plugin.py",
        "infra/tests/beside.py",
        "infra/tests/side.py",
        "infra/tests/unit/__init__.py",
        "infra/tests/unit/near.py",
        "infra/tests/unit/test_a.py",
        "shared.py",
    ];
    assert_eq!(reached(&graph, "infra/tests/unit/test_a.py"), expected);
    let test = graph.file("infra/tests/unit/test_a.py").unwrap();
    for needed in &expected {
        assert!(graph.needed_by(graph.file(needed).unwrap()).contains(&test), "{needed}");
    }
    assert!(!graph.needed_by(graph.file("other.py").unwrap()).contains(&test));
}

#[test]
fn a_new_file_that_shadows_is_a_candidate() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .file("pkg/__init__.py", "")
        .file("pkg/mod.py", "")
        .dir("infra", |dir| {
            dir.test(
                "tests/test_a.py",
                "import numpy\nfrom pkg import mod, later\nimport json.decoder\nimport new.part\n",
            )
        })
        .build();
    let graph = graph(&sandbox, &repo);
    let test = graph.file("infra/tests/test_a.py").unwrap();
    let absent = graph.absent_candidates(test);
    for path in [
        "infra/tests/numpy.py",
        "infra/numpy/__init__.py",
        "numpy.py",
        "infra/pkg.py",
        "pkg/mod/__init__.py",
        "pkg/later.py",
        "pkg/later/__init__.py",
        "infra/json/__init__.py",
        "json.py",
        "new/part.py",
        "infra/tests/conftest.py",
        "conftest.py",
        "infra/tests/__init__.py",
    ] {
        assert!(absent.contains(path), "{path} in {absent:#?}");
    }
    for path in &absent {
        assert!(!repo.join(path).exists(), "{path}");
    }
    // The law behind it: what a new file changes, it was a candidate for.
    let before = reached(&graph, "infra/tests/test_a.py").len();
    for path in ["infra/pkg.py", "numpy.py", "new/part.py", "pkg/later.py", "pkg/mod/__init__.py", "unrelated.py"] {
        repo.write(path, "");
        let changed = super::graph(&sandbox, &repo);
        let after = reached(&changed, "infra/tests/test_a.py");
        let moved = after.len() != before || after.contains(&path);
        assert_eq!(moved, absent.contains(path), "{path}: {after:?}");
        std::fs::remove_file(repo.join(path)).unwrap();
        if let Some(folder) = repo.join(path).parent() {
            // Only where it was made for this file.
            let _ = std::fs::remove_dir(folder);
        }
    }
}
