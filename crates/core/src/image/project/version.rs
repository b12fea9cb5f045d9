//! The version of a package without running anything of it: stated, carried by a source distribution, read from a
//! literal that its backend points to, or made from Git tags as its backend would.

use std::path::Path;

use pep508_rs::pep440_rs::Version;

use super::discover::Sources;
use super::import_root::module_name;
use super::vcs::{self, Local, Scheme};
use super::{Error, GitDescribe, literal, version_file};
use crate::image::python::manifest::line_of;

/// The names under which Hatch and others look for a version.
const NAMES: [&str; 4] = ["__version__", "VERSION", "version", "__VERSION__"];

/// The version, with a note where it had to be guessed.
pub(super) fn find(
    sources: &Sources,
    name: &str,
    import_root: &Path,
    git: &dyn GitDescribe,
    notes: &mut Vec<String>,
) -> Result<String, Error> {
    if let Some(version) = stated(sources)? {
        return Ok(version);
    }
    if let Some(version) = sources.pkg_info("Version") {
        return Ok(normal(version));
    }
    if let Some(version) = pointed_to(sources, name, import_root) {
        return Ok(normal(&version));
    }
    let (scheme, local) = scheme(sources);
    if let Some(version) = git.describe(sources.dir).and_then(|described| vcs::version(&described, name, scheme, local))
    {
        return Ok(version);
    }
    if let Some(version) = written(sources).or_else(|| fallback(sources)) {
        return Ok(normal(&version));
    }
    let root = sources.dir.join(import_root);
    if let Some(version) = literal::in_module(&root, &module_name(name), "__version__") {
        return Ok(normal(&version));
    }
    notes.push(format!("no version of `{name}` is stated and no Git tag has one; 0.0.0 is used"));
    Ok("0.0.0".into())
}

fn normal(version: &str) -> String {
    version.trim().parse::<Version>().map_or_else(|_| version.trim().to_owned(), |version| version.to_string())
}

/// A version that is written down as such, which has to be a valid one.
fn stated(sources: &Sources) -> Result<Option<String>, Error> {
    if let Some(manifest) = &sources.manifest {
        let poetry = || manifest.string(&["tool", "poetry", "version"]).filter(|_| !poetry_dynamic(sources));
        let version = manifest.string(&["project", "version"]).or_else(poetry);
        if let Some(version) = version {
            let parsed = version.parse::<Version>().map_err(|_| Error::Version {
                file: manifest.path.clone(),
                line: manifest.line_of(version),
                version: version.to_owned(),
            })?;
            return Ok(Some(parsed.to_string()));
        }
    }
    let Some(cfg) = &sources.cfg else {
        return Ok(None);
    };
    let Some(version) =
        cfg.get("metadata", "version").filter(|text| !text.starts_with("attr:") && !text.starts_with("file:"))
    else {
        return Ok(None);
    };
    match version.parse::<Version>() {
        Ok(parsed) => Ok(Some(parsed.to_string())),
        Err(_) => Err(Error::Version {
            file: sources.dir.join("setup.cfg"),
            line: line_of(&cfg.text, version),
            version: version.to_owned(),
        }),
    }
}

fn poetry_dynamic(sources: &Sources) -> bool {
    let keys = ["tool", "poetry-dynamic-versioning", "enable"];
    sources.manifest.as_ref().and_then(|manifest| manifest.value(&keys)?.as_bool()).unwrap_or(false)
}

/// A version in a file that the backend's table points to.
fn pointed_to(sources: &Sources, name: &str, import_root: &Path) -> Option<String> {
    let backend = sources.backend();
    let roots = [sources.dir.join(import_root), sources.dir.to_owned()];
    let attribute = |dotted: &str| {
        let (module, attribute) = dotted.trim().rsplit_once('.')?;
        roots.iter().find_map(|root| literal::in_module(root, module, attribute))
    };
    let text = |path: &str| std::fs::read_to_string(sources.dir.join(path.trim())).ok();
    if backend.starts_with("hatchling") {
        let source = sources.string(&["tool", "hatch", "version", "source"]).unwrap_or("regex");
        let path = sources.string(&["tool", "hatch", "version", "path"])?;
        let expression = sources.string(&["tool", "hatch", "version", "expression"]);
        return match source {
            "regex" => literal::in_text(&text(path)?, &NAMES),
            "code" => literal::in_text(&text(path)?, &[expression.unwrap_or("__version__")]),
            _ => None,
        };
    }
    if backend.starts_with("flit") {
        let module =
            sources.string(&["tool", "flit", "module", "name"]).map_or_else(|| module_name(name), str::to_owned);
        return roots.iter().find_map(|root| literal::in_module(root, &module, "__version__"));
    }
    if backend.starts_with("pdm") {
        let path = sources.string(&["tool", "pdm", "version", "path"])?;
        return literal::in_text(&text(path)?, &NAMES);
    }
    if backend.starts_with("maturin") {
        let cargo: toml::Table = toml::from_str(&text("Cargo.toml")?).ok()?;
        return cargo.get("package")?.get("version")?.as_str().map(str::to_owned);
    }
    let dynamic = ["tool", "setuptools", "dynamic", "version"];
    let of = |key| sources.strings(&[&dynamic[..], &[key]].concat());
    if let Some(dotted) = of("attr").first() {
        return attribute(dotted);
    }
    if let Some(path) = of("file").first() {
        return text(path).map(|text| text.trim().to_owned());
    }
    let cfg = sources.cfg("metadata", "version")?;
    match cfg.split_once(':')? {
        ("attr", dotted) => attribute(dotted),
        ("file", path) => text(path).map(|text| text.trim().to_owned()),
        _ => None,
    }
}

/// How the package's tool makes a version from a tag.
fn scheme(sources: &Sources) -> (Scheme, Local) {
    if poetry_dynamic(sources) {
        return (Scheme::PoetryDynamic, Local::Node);
    }
    if sources.has(&["tool", "versioningit"]) {
        return (Scheme::Versioningit, Local::Node);
    }
    let option = |key: &str| {
        let hatch = sources.string(&["tool", "hatch", "version", "raw-options", key]);
        sources.string(&["tool", "setuptools_scm", key]).or(hatch)
    };
    let scheme = match option("version_scheme") {
        Some("no-guess-dev") => Scheme::NoGuessDev,
        Some("post-release") => Scheme::PostRelease,
        _ => Scheme::NextDev,
    };
    let local = if option("local_scheme") == Some("no-local-version") { Local::None } else { Local::Node };
    (scheme, local)
}

/// The version in a version file that an earlier build left.
fn written(sources: &Sources) -> Option<String> {
    let path = version_file::path(sources.manifest.as_ref()?)?;
    let text = std::fs::read_to_string(sources.dir.join(&path)).ok()?;
    if path.extension().is_some_and(|extension| extension == "py") {
        literal::in_text(&text, &NAMES)
    } else {
        Some(text.trim().to_owned())
    }
}

fn fallback(sources: &Sources) -> Option<String> {
    let scm = sources.string(&["tool", "setuptools_scm", "fallback_version"]);
    let scm = scm.or_else(|| sources.string(&["tool", "hatch", "version", "fallback-version"]));
    scm.or_else(|| sources.string(&["tool", "poetry", "version"])).map(str::to_owned)
}
