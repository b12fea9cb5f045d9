//! Whole dirs in, packages out.

use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A dir with these files.
pub(super) fn dir(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

struct Fixed(Option<Described>);

impl GitDescribe for Fixed {
    fn describe(&self, _: &Path) -> Option<Described> {
        self.0.clone()
    }
}

fn tagged(tag: &str, distance: u32) -> Fixed {
    Fixed(Some(Described { tag: Some(tag.into()), distance, node: "abc1234".into(), dirty: false }))
}

fn found(files: &[(&str, &str)]) -> Project {
    discover(dir(files).path(), &Fixed(None)).unwrap().unwrap()
}

fn fields<'p>(project: &'p Project, name: &str) -> Vec<&'p str> {
    project.metadata.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn what_is_no_package_is_none() {
    for files in [
        &[][..],
        &[("main.py", "")],
        &[("pyproject.toml", "[tool.ruff]\n")],
        &[("pyproject.toml", "[tool.poetry]\nname = 'x'\npackage-mode = false\n")],
        &[("pyproject.toml", "[project]\nname = 'x'\n[tool.uv]\npackage = false\n")],
    ] {
        assert_eq!(discover(dir(files).path(), &Fixed(None)).unwrap(), None, "{files:?}");
    }
}

#[test]
fn a_src_layout_is_found() {
    let manifest = "[project]\nname = 'My.Demo'\nversion = '1.0.0-rc1'\ndependencies = ['six']\n[project.scripts]\ndemo = 'my_demo.cli:app.main'\n";
    let project = found(&[("pyproject.toml", manifest), ("src/my_demo/__init__.py", ""), ("setup.py", "")]);
    assert_eq!((project.name.as_str(), project.version.as_str()), ("My.Demo", "1.0.0rc1"));
    assert_eq!(project.import_root, Path::new("src"));
    let files = project.site_files("/src/harbor/a b/src");
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let info = "my_demo-1.0.0rc1.dist-info";
    let expected = ["INSTALLER", "METADATA", "RECORD", "direct_url.json", "entry_points.txt", "top_level.txt"]
        .map(|name| format!("{info}/{name}"));
    assert_eq!(names[0], "bin/demo");
    assert_eq!(names[1..7], expected);
    assert_eq!(names[7..], ["wharf-my_demo.pth"]);
    let text = |name: &str| std::str::from_utf8(&files[name].bytes).unwrap();
    assert_eq!(
        text(&format!("{info}/direct_url.json")),
        r#"{"dir_info":{"editable":true},"url":"file:///src/harbor/a%20b"}"#
    );
    assert_eq!(text("wharf-my_demo.pth"), "/src/harbor/a b/src\n");
    assert!(
        text("bin/demo").contains("from my_demo.cli import app\n") && text("bin/demo").contains("sys.exit(app.main())")
    );
    assert!(files["bin/demo"].executable && !files["wharf-my_demo.pth"].executable);
    assert_eq!(text(&format!("{info}/top_level.txt")), "my_demo\n");
}

#[test]
fn import_roots_are_as_the_backend_is_told() {
    for (manifest, folder, root) in [
        ("[tool.setuptools]\npackage-dir = { '' = 'lib' }\n", "lib", "lib"),
        ("[tool.setuptools]\npackage-dir = { x = 'python/x' }\n", "python/x", "python"),
        ("[tool.setuptools.packages.find]\nwhere = ['code']\n", "code", "code"),
        (
            "[build-system]\nbuild-backend = 'hatchling.build'\n[tool.hatch.build.targets.wheel]\npackages = ['source/x']\n",
            "source/x",
            "source",
        ),
        (
            "[build-system]\nbuild-backend = 'poetry.core.masonry.api'\n[tool.poetry]\npackages = [{ include = 'x', from = 'here' }]\n",
            "here/x",
            "here",
        ),
        ("[build-system]\nbuild-backend = 'pdm.backend'\n[tool.pdm.build]\npackage-dir = 'there'\n", "there", "there"),
        ("[build-system]\nbuild-backend = 'uv_build'\n", "src", "src"),
        ("", "src/x", "src"),
        ("", "x", "."),
    ] {
        let manifest = format!("[project]\nname = 'x'\nversion = '1'\n{manifest}");
        let project = found(&[("pyproject.toml", &manifest), (&format!("{folder}/__init__.py"), "")]);
        assert_eq!(project.import_root, Path::new(root), "{manifest}");
    }
    // A folder `src` that is itself the package.
    assert_eq!(
        found(&[("pyproject.toml", "[project]\nname = 'x'\nversion = '1'\n"), ("src/__init__.py", "")]).import_root,
        Path::new(".")
    );
}

#[test]
fn versions_are_read_where_they_are_kept() {
    let dynamic = "[project]\nname = 'x'\ndynamic = ['version']\n";
    let setuptools = format!("{dynamic}[tool.setuptools.dynamic]\nversion = {{ attr = 'x.__version__' }}\n");
    let init = ("src/x/__init__.py", "from ._version import __version__\n");
    assert_eq!(
        found(&[("pyproject.toml", &setuptools), init, ("src/x/_version.py", "__version__ = '1.4'\n")]).version,
        "1.4"
    );
    let file = format!("{dynamic}[tool.setuptools.dynamic]\nversion = {{ file = 'VERSION' }}\n");
    assert_eq!(found(&[("pyproject.toml", &file), ("VERSION", "2.0\n")]).version, "2.0");
    let hatch = format!(
        "{dynamic}[build-system]\nbuild-backend = 'hatchling.build'\n[tool.hatch.version]\npath = 'x/about.py'\n"
    );
    assert_eq!(found(&[("pyproject.toml", &hatch), ("x/about.py", "VERSION = '3.1'\n")]).version, "3.1");
    let cfg = "[metadata]\nname = x\nversion = attr: x.__version__\n";
    assert_eq!(found(&[("setup.cfg", cfg), ("x.py", "__version__ = '4'\n")]).version, "4");
    assert_eq!(found(&[("pyproject.toml", dynamic), ("PKG-INFO", "Name: x\nVersion: 5.0\n")]).version, "5.0");
    let none = found(&[("pyproject.toml", dynamic)]);
    assert_eq!((none.version.as_str(), none.notes.len()), ("0.0.0", 1));
}

#[test]
fn tags_make_versions_and_version_files() {
    let manifest =
        "[project]\nname = 'x'\ndynamic = ['version']\n[tool.setuptools_scm]\nversion_file = 'src/x/_version.py'\n";
    let files = [("pyproject.toml", manifest), ("src/x/__init__.py", "from ._version import version\n")];
    let root = dir(&files);
    let project = discover(root.path(), &tagged("v1.4.0", 2)).unwrap().unwrap();
    assert_eq!(project.version, "1.4.1.dev2+gabc1234");
    let file = project.missing_version_file.unwrap();
    assert_eq!(file.path, Path::new("src/x/_version.py"));
    assert!(file.contents.contains("__version__ = version = '1.4.1.dev2+gabc1234'\n__version_tuple__ = version_tuple = (1, 4, 1, 'dev2', 'gabc1234')\n"));
    std::fs::write(root.path().join("src/x/_version.py"), "version = '9'").unwrap();
    assert_eq!(discover(root.path(), &tagged("v1.4.0", 0)).unwrap().unwrap().missing_version_file, None);
    assert_eq!(discover(root.path(), &Fixed(None)).unwrap().unwrap().version, "9", "left by an earlier build");

    let poetry = "[tool.poetry]\nname = 'x'\nversion = '0.0.0'\n[tool.poetry-dynamic-versioning]\nenable = true\n";
    let project = discover(dir(&[("pyproject.toml", poetry)]).path(), &tagged("v2.0", 3)).unwrap().unwrap();
    assert_eq!(project.version, "2.0.post3.dev0+abc1234");
}

#[test]
fn source_distributions_carry_their_metadata() {
    let info = "Metadata-Version: 2.1\nName: old\nVersion: 1.2\nRequires-Dist: six\n\nLong text: here\n";
    let project = found(&[
        ("PKG-INFO", info),
        ("setup.py", "boom"),
        ("old.egg-info/entry_points.txt", "[console_scripts]\nold = old:main\n"),
        ("old.py", ""),
    ]);
    assert_eq!((project.name.as_str(), project.version.as_str()), ("old", "1.2"));
    assert_eq!(fields(&project, "Requires-Dist"), ["six"]);
    assert_eq!(project.entry_points.scripts().collect::<Vec<_>>(), [("old", "old:main")]);
}

#[test]
fn what_is_wrong_is_said() {
    let message = |manifest: &str| {
        let root = dir(&[("pyproject.toml", manifest)]);
        discover(root.path(), &Fixed(None)).unwrap_err().to_string().replace(&root.path().display().to_string(), "")
    };
    assert_eq!(
        message("[project]\nname = 'x'\nversion = 'one'\n"),
        "`/pyproject.toml`, line 3: `one` is not a version"
    );
    assert_eq!(
        message("[project]\nname = 'x'\nversion = '1'\n[project.scripts]\nx = 'x.main'\n"),
        "`/pyproject.toml`, line 5: `x.main` is not `module:function`"
    );
    assert_eq!(message("[project]\nname = '../x'\nversion = '1'\n"), "``: `../x` is not a package name");
}
