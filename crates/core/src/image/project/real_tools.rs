//! Sample packages compared with what real `pip install -e` makes of them (pip and the backends come from PyPI).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::tests::dir;
use super::*;

/// What code can see of an installed package, in a form that does not depend on how it was written down.
const SEEN: &str = r#"
import importlib.metadata as m, importlib.util as u, json, re, sys
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.specifiers import SpecifierSet
name, module = sys.argv[1:]
d = m.distribution(name)
norm = lambda n: re.sub(r"[-_.]+", "-", n).lower()
def canonical(text):
    r = Requirement(text)
    r.name = norm(r.name)
    return str(r)
print(json.dumps({
    "name": norm(d.metadata["Name"]),
    "version": re.sub(r"\.d\d{8}$", "", d.version),
    "summary": d.metadata["Summary"],
    "python": str(SpecifierSet(d.metadata["Requires-Python"] or "")),
    "requires": sorted(map(canonical, d.requires or [])),
    "extras": sorted(map(norm, d.metadata.get_all("Provides-Extra") or [])),
    "entry_points": sorted((e.group, e.name, e.value.replace(" ", "")) for e in d.entry_points),
    "origin": u.find_spec(module).origin,
    "editable": json.loads(d.read_text("direct_url.json")),
}, indent=1, sort_keys=True))
"#;

struct Sample {
    name: &'static str,
    module: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// A tag, and whether a commit follows it.
    tag: Option<(&'static str, bool)>,
}

const SAMPLES: [Sample; 7] = [
    Sample {
        name: "Set.Tools",
        module: "set_tools",
        tag: None,
        files: &[
            (
                "pyproject.toml",
                r#"
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "Set.Tools"
description = "with setuptools"
requires-python = ">= 3.8"
dynamic = ["version", "dependencies"]
[project.optional-dependencies]
Fast_One = ["idna>=2; python_version < '3.9' or os_name == 'nt'", "six"]
all = ["Set.Tools[fast-one]"]
[project.scripts]
set-tools = "set_tools.cli:main"
[project.entry-points.pytest11]
set = "set_tools.plugin"
[tool.setuptools.dynamic]
version = { attr = "set_tools.__version__" }
dependencies = { file = ["deps.txt"] }
"#,
            ),
            ("deps.txt", "# them\nrequests >= 2, <3\ntoml[x]==1.0 ; sys_platform == 'win32'\n"),
            ("src/set_tools/__init__.py", "from set_tools._v import version as __version__\n"),
            ("src/set_tools/_v.py", "version = '1.04-beta2'\n"),
            ("src/set_tools/cli.py", "def main():\n    print('ran')\n"),
        ],
    },
    Sample {
        name: "hatched",
        module: "hatched",
        tag: Some(("v2.1", false)),
        files: &[
            (
                "pyproject.toml",
                r#"
[build-system]
requires = ["hatchling", "hatch-vcs"]
build-backend = "hatchling.build"
[project]
name = "hatched"
description = "with hatchling"
dynamic = ["version"]
dependencies = ["idna"]
[project.gui-scripts]
hatched-gui = "hatched:main"
[tool.hatch.version]
source = "vcs"
[tool.hatch.build.hooks.vcs]
version-file = "hatched/_version.py"
"#,
            ),
            ("hatched/__init__.py", "def main(): pass\n"),
            (".gitignore", "_version.py\n"),
        ],
    },
    Sample {
        name: "flat-flit",
        module: "flat_flit",
        tag: None,
        files: &[
            (
                "pyproject.toml",
                "[build-system]\nrequires = ['flit_core']\nbuild-backend = 'flit_core.buildapi'\n[project]\nname = 'flat-flit'\ndynamic = ['version', 'description']\ndependencies = ['idna']\noptional-dependencies = { test = ['pytest'] }\n",
            ),
            ("flat_flit.py", "\"\"\"Made with flit.\n\nMore.\n\"\"\"\n__version__ = '0.3'\n"),
        ],
    },
    Sample {
        name: "poet",
        module: "poet",
        tag: None,
        files: &[
            (
                "pyproject.toml",
                r#"
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
[tool.poetry]
name = "poet"
version = "1.2.3"
description = "with poetry"
authors = ["A <a@example.org>"]
packages = [{ include = "poet", from = "lib" }]
[tool.poetry.dependencies]
python = "^3.8"
idna = "^3.1"
six = { version = "~1.16", optional = true }
toml = { version = "*", python = "<3.11" }
requests = { version = ">=2,<4", extras = ["socks"], markers = "sys_platform == 'linux'" }
[tool.poetry.extras]
old = ["six"]
[tool.poetry.scripts]
poet = "poet:main"
[tool.poetry.plugins."demo.plugins"]
one = "poet:one"
"#,
            ),
            ("lib/poet/__init__.py", "def main(): pass\n"),
        ],
    },
    Sample {
        name: "cfg-only",
        module: "cfg_only",
        tag: Some(("cfg-only-0.9", true)),
        files: &[
            (
                "pyproject.toml",
                "[build-system]\nrequires = ['setuptools', 'setuptools_scm']\nbuild-backend = 'setuptools.build_meta'\n[tool.setuptools_scm]\n",
            ),
            (
                "setup.cfg",
                "[metadata]\nname = cfg-only\ndescription = with setup.cfg\n[options]\npy_modules = cfg_only\npython_requires = >=3.7\ninstall_requires =\n    idna\n    six; python_version<'3.10'\n[options.extras_require]\ntest = pytest\n[options.entry_points]\nconsole_scripts =\n    cfg-only = cfg_only:main\n",
            ),
            ("cfg_only.py", "def main(): pass\n"),
        ],
    },
    Sample {
        name: "pdmed",
        module: "pdmed",
        tag: None,
        files: &[
            (
                "pyproject.toml",
                "[build-system]\nrequires = ['pdm-backend']\nbuild-backend = 'pdm.backend'\n[project]\nname = 'pdmed'\ndynamic = ['version']\ndescription = 'with pdm'\ndependencies = ['idna']\n[tool.pdm.version]\nsource = 'file'\npath = 'python/pdmed/__init__.py'\n[tool.pdm.build]\npackage-dir = 'python'\n",
            ),
            ("python/pdmed/__init__.py", "__version__ = \"7.1\"\n"),
        ],
    },
    Sample {
        name: "uved",
        module: "uved",
        tag: None,
        files: &[
            (
                "pyproject.toml",
                "[build-system]\nrequires = ['uv_build']\nbuild-backend = 'uv_build'\n[project]\nname = 'uved'\nversion = '1'\nrequires-python = '>=3.8'\ndescription = 'with uv'\n[project.scripts]\nuved = 'uved:main'\n",
            ),
            ("src/uved/__init__.py", "def main(): pass\n"),
        ],
    },
];

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let identity = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "tag.gpgsign=false",
    ];
    run(Command::new("git").arg("-C").arg(dir).args(identity).args(arguments)).trim().to_owned()
}

struct RealGit;

impl GitDescribe for RealGit {
    fn describe(&self, dir: &Path) -> Option<Described> {
        let text = git(dir, &["describe", "--tags", "--long", "--dirty", "--abbrev=9"]);
        let bare = text.trim_end_matches("-dirty");
        let (rest, node) = bare.rsplit_once("-g")?;
        let (tag, distance) = rest.rsplit_once('-')?;
        Some(Described {
            tag: Some(tag.into()),
            distance: distance.parse().ok()?,
            node: node.into(),
            dirty: bare != text,
        })
    }
}

fn write(root: &Path, project: &Project, import_root: &Path) {
    for (path, file) in project.site_files(import_root.to_str().unwrap()) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.bytes).unwrap();
    }
}

/// A new environment with pip in it.
fn venv(root: &Path, name: &str) -> PathBuf {
    run(Command::new("python3").args(["-m", "venv"]).arg(root.join(name)));
    root.join(name).join("bin/python")
}

/// Makes a commit, the sample's tag, and a commit after it where the sample says so.
fn commit(dir: &Path, sample: &Sample) {
    let Some((tag, more)) = sample.tag else {
        return;
    };
    git(dir, &["init", "-q"]);
    git(dir, &["add", "."]);
    git(dir, &["commit", "-qm", "one"]);
    git(dir, &["tag", tag]);
    if more {
        git(dir, &["commit", "-q", "--allow-empty", "-m", "two"]);
    }
}

#[test]
fn packages_look_as_if_pip_had_installed_them() {
    let root = tempfile::tempdir().unwrap();
    let real = venv(root.path(), "real");
    let ours = venv(root.path(), "ours");
    let site = root.path().join("site");
    let dirs: Vec<_> = SAMPLES.iter().map(|sample| dir(sample.files)).collect();
    let mut pip = Command::new(&real);
    pip.args(["-m", "pip", "install", "-q", "--no-deps"]);
    for (sample, dir) in SAMPLES.iter().zip(&dirs) {
        commit(dir.path(), sample);
        let project = discover(dir.path(), &RealGit).unwrap().unwrap();
        if let Some(file) = &project.missing_version_file {
            std::fs::write(dir.path().join(&file.path), &file.contents).unwrap();
        }
        let import_root = dir.path().join(&project.import_root);
        let import_root = if project.import_root == Path::new(".") { dir.path().to_owned() } else { import_root };
        write(&site, &project, &import_root);
        pip.arg("-e").arg(dir.path());
    }
    run(&mut pip);
    let seen_by = |python: &Path, start: &str, sample: &Sample| {
        run(Command::new(python).args(["-c", &format!("{start}{SEEN}"), sample.name, sample.module]).current_dir("/"))
    };
    let add = format!("import site; site.addsitedir({site:?})\n");
    let mut different = String::new();
    for sample in &SAMPLES {
        let (real, ours) = (seen_by(&real, "", sample), seen_by(&ours, &add, sample));
        if real != ours {
            different.push_str(&format!("{}\npip: {real}\nwharf: {ours}\n", sample.name));
        }
    }
    assert!(different.is_empty(), "{different}");
    let script = Command::new(&ours)
        .arg(site.join("bin/set-tools"))
        .env("PYTHONPATH", dirs[0].path().join("src"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&script.stdout), "ran\n");
}
