//! The module with the version that setuptools_scm and hatch-vcs write at build time and that code imports.

use std::path::{Path, PathBuf};

use pep508_rs::pep440_rs::Version;

use super::VersionFile;
use crate::image::python::manifest::Manifest;

/// Where the manifest wants the file, and its template if it has an own one.
fn wanted(manifest: &Manifest) -> Option<(&str, Option<&str>)> {
    let scm = |key: &str| manifest.string(&["tool", "setuptools_scm", key]);
    if let Some(path) = scm("version_file").or_else(|| scm("write_to")) {
        return Some((path, scm("version_file_template").or_else(|| scm("write_to_template"))));
    }
    let hook = |key: &str| manifest.string(&["tool", "hatch", "build", "hooks", "vcs", key]);
    if let Some(path) = hook("version-file") {
        return Some((path, hook("template")));
    }
    let pdm = |key: &str| manifest.string(&["tool", "pdm", "version", key]);
    pdm("write_to").map(|path| (path, pdm("write_template")))
}

/// The path of the configured version file, relative to the dir, there or not.
pub(super) fn path(manifest: &Manifest) -> Option<PathBuf> {
    wanted(manifest).map(|(path, _)| PathBuf::from(path))
}

/// The file, if it is configured, there or not.
pub(super) fn generated(manifest: &Manifest, version: &str) -> Option<VersionFile> {
    let (path, template) = wanted(manifest)?;
    let inside = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !inside {
        return None;
    }
    let tuple = tuple(version);
    let contents = match template {
        Some(template) => {
            template.replace("{version_tuple}", &tuple).replace("{version}", version).replace("{}", version)
        }
        None if path.ends_with(".py") => format!(
            "# written by wharf as the build backend would; do not change or track\n\
             __version__ = version = '{version}'\n__version_tuple__ = version_tuple = {tuple}\n"
        ),
        None => format!("{version}\n"),
    };
    Some(VersionFile { path: path.into(), contents })
}

/// The version as setuptools_scm's tuple: numbers, then `dev3` and the local part as strings.
fn tuple(version: &str) -> String {
    let Ok(parsed) = version.parse::<Version>() else {
        return format!("('{version}',)");
    };
    let mut parts: Vec<String> = parsed.release().iter().map(u64::to_string).collect();
    let public = version.split('+').next().unwrap_or(version);
    let extra = public.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    parts.extend(extra.split('.').filter(|part| !part.is_empty()).map(|part| format!("'{part}'")));
    parts.extend(version.split_once('+').map(|(_, local)| format!("'{local}'")));
    if parts.len() == 1 { format!("({},)", parts[0]) } else { format!("({})", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_are_those_of_setuptools_scm() {
        assert_eq!(tuple("1.2.3"), "(1, 2, 3)");
        assert_eq!(tuple("1.2.4.dev4+gabc"), "(1, 2, 4, 'dev4', 'gabc')");
        assert_eq!(tuple("1.0rc1"), "(1, 0, 'rc1')");
        assert_eq!(tuple("3"), "(3,)");
    }
}
