//! What sub-repos export, as the workspace has it: base images put in where they are named, templates, tasks, requirements.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Problem, Workspace};
use crate::config::{Config, ConfigError, ImageSource, Layer, Resolved};
use crate::sub_repo::Repo;
use crate::sub_repo::exports::{ExportedTasks, Exporter, path_and_part};

/// The typed configuration, its base image put in where it is the address of an exported one. One that is not known stays as it
/// is: only who builds with it is stopped by that.
pub(super) fn typed(resolved: &Resolved, exporters: &[Exporter]) -> Result<Config, ConfigError> {
    let mut config = Config::from_resolved(resolved)?;
    if let ImageSource::Base(base) = &mut config.image.source
        && let Some(address) = base.value.strip_prefix("//")
        && let Some((_, image)) = images(exporters).find(|(known, _)| known == address)
    {
        base.value = image.to_owned();
    }
    Ok(config)
}

/// All exported images: address without `//`, reference.
fn images(exporters: &[Exporter]) -> impl Iterator<Item = (String, &str)> {
    let of = |exporter: &'_ Exporter| {
        let path = exporter.path.clone();
        move |(name, image)| (format!("{path}:{name}"), image)
    };
    exporters.iter().flat_map(move |exporter| exporter.images().map(of(exporter)))
}

/// The first item of `[workspace] exports` that names no sub-repo of the super-repo.
pub(super) fn unknown(own: &Layer, repos: &[Repo]) -> Option<Problem> {
    let entry = own.get("workspace.exports")?;
    let paths = entry.value.as_list()?.iter().map(|item| path_and_part(item).0);
    let path = paths.into_iter().find(|path| !repos.iter().any(|repo| repo.path == **path))?;
    Some(Problem::NoExporter { place: entry.origin.to_string(), path: path.to_owned() })
}

/// Base images that no sub-repo exports, each place once.
pub(super) fn without_image(workspace: &Workspace) -> Vec<Problem> {
    let known: Vec<String> = images(&workspace.exporters).map(|(address, _)| format!("//{address}")).collect();
    let configs = workspace.dirs.iter().map(|dir| &dir.config).chain([&workspace.config]);
    let missing = configs.filter_map(|config| match &config.image.source {
        ImageSource::Base(base) if base.value.starts_with("//") => Some((base.origin.to_string(), base.value.clone())),
        _ => None,
    });
    let missing: BTreeSet<(String, String)> = missing.collect();
    let problem = |(place, image)| Problem::NoImage { place, image, known: known.clone() };
    missing.into_iter().map(problem).collect()
}

/// The templates that sub-repos export, by name, such as `helpers/library`: each is a folder in the exported one.
#[must_use]
pub fn templates(workspace: &Workspace) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for exporter in &workspace.exporters {
        let entries = exporter.templates().and_then(|folder| folder.read_dir().ok());
        for entry in entries.into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name().into_string().ok().filter(|name| is_folder && !name.starts_with('.'));
            found.extend(name.map(|name| (format!("{}/{name}", exporter.path), entry.path())));
        }
    }
    found.sort();
    found
}

/// The tasks that sub-repos export: path of the sub-repo, which of its tasks.
#[must_use]
pub fn tasks(workspace: &Workspace) -> Vec<(&str, ExportedTasks)> {
    let exporters = workspace.exporters.iter();
    exporters.filter_map(|exporter| Some((exporter.path.as_str(), exporter.tasks()?))).collect()
}

/// The requirements files that the super-repo's thin environment includes: path of the sub-repo, file.
#[must_use]
pub fn thin_env(exporters: &[Exporter]) -> Vec<(String, PathBuf)> {
    exporters.iter().filter_map(|exporter| Some((exporter.path.clone(), exporter.thin_env()?))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wharf_testkit::{Repo, Sandbox};

    use super::*;
    use crate::workspace::{Surroundings, discover};

    /// A super-repo with the sub-repo `helpers`, whose `wharf.toml` is this.
    fn workspace(sandbox: &Sandbox, toml: &str) -> Workspace {
        let repo = Repo::init(sandbox.path().join("w"));
        let helpers = Repo::init(repo.join("helpers"));
        helpers.write("templates/library/x.py", "").write("templates/.hidden/x", "").write("templates/readme.md", "");
        helpers.write("requirements.txt", "").write("wharf.toml", toml).commit("first");
        repo.write(".gitmodules", "[submodule \"helpers\"]\n\tpath = helpers\n\turl = ../helpers\n");
        repo.write("infra/devops/wharf.toml", "");
        let here = repo.path().canonicalize().unwrap();
        discover(Surroundings { here, cache: sandbox.path().join("cache"), ..Surroundings::default() }).unwrap()
    }

    fn base(config: &Config) -> &str {
        let ImageSource::Base(base) = &config.image.source else { panic!("a base image") };
        &base.value
    }

    #[test]
    fn all_that_is_exported_is_there() {
        let sandbox = Sandbox::new();
        let toml = "[exports]\ntasks = [\"lint\"]\ntemplates = \"templates\"\nthin-env = \"requirements.txt\"\n\
                    images = { python = \"acme/python:3\" }\n[exports.defaults.image]\nbase = \"//helpers:python\"\n";
        let workspace = workspace(&sandbox, toml);
        let templates = templates(&workspace);
        assert_eq!(templates.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["helpers/library"]);
        assert!(templates[0].1.join("x.py").is_file());
        assert_eq!(tasks(&workspace), [("helpers", ExportedTasks::Named(vec!["lint".into()]))]);
        let thin_env = thin_env(&workspace.exporters);
        assert_eq!((thin_env.len(), thin_env[0].0.as_str()), (1, "helpers"));
        assert!(thin_env[0].1.ends_with(Path::new("helpers/requirements.txt")));
        assert_eq!((base(&workspace.config), base(&workspace.dirs[0].config)), ("acme/python:3", "acme/python:3"));
        assert_eq!(workspace.problems, []);
    }

    #[test]
    fn an_image_that_nobody_exports_is_named() {
        let sandbox = Sandbox::new();
        let toml = "[exports.images]\ngo = \"go:1\"\n[exports.defaults.image]\nbase = \"//helpers:python\"\n";
        let workspace = workspace(&sandbox, toml);
        assert_eq!(base(&workspace.dirs[0].config), "//helpers:python");
        let [problem] = workspace.problems.as_slice() else { panic!("{:?}", workspace.problems) };
        let told = "names the base image `//helpers:python`, which no sub-repo here exports; there are `//helpers:go`";
        assert!(problem.to_string().contains(told), "{problem}");
    }
}
