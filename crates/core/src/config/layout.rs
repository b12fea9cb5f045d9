//! What a dir brings of its own: Dockerfiles, an entry point, another place for its code.

use std::collections::BTreeMap;

use super::merge::Resolved;
use super::origin::Located;

/// The keys of `config/keys/layout.rs`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayoutConfig {
    /// Where the super-repo is seen in containers; `None`: `/src/<workspace name>`.
    pub mount: Option<String>,
    /// Own Dockerfile, in the dir; `None`: `devops/Dockerfile` where it is there.
    pub dockerfile: Option<Located<String>>,
    /// Own Dockerfile for prod images, in the dir; `None`: a target of the other.
    pub prod_dockerfile: Option<Located<String>>,
    /// Whether own Dockerfiles may copy from the super-repo's root.
    pub context: Context,
    /// Ignore file of dev builds, in the dir.
    pub ignore_file: Option<String>,
    /// Ignore file of prod builds, in the dir.
    pub prod_ignore_file: Option<String>,
    /// Whether tags of `local` and `dev` images have the version's patch number.
    pub dev_patch: DevPatch,
    /// Files that `wharf image lock` copies back: path in the image, path in the dir.
    pub copy_out: Vec<(String, String)>,
    /// Build arguments, not yet filled in.
    pub args: BTreeMap<String, String>,
    /// Build arguments that differ in builds that make locks.
    pub lock_args: BTreeMap<String, String>,
    /// Script that is started with the command, in the dir.
    pub entrypoint: Option<String>,
    /// How it gets the command.
    pub takes: Takes,
    /// Variables of containers, not yet filled in.
    pub variables: BTreeMap<String, String>,
    /// Variables that get the value of another of the host.
    pub pass_as: BTreeMap<String, String>,
    /// A second place for the merged JUnit file, from the super-repo's root.
    pub junit: Option<String>,
    /// A place for a JUnit file of each dir, in the dir.
    pub dir_junit: Option<String>,
}

/// Where own Dockerfiles copy from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Context {
    /// The dir.
    #[default]
    Dir,
    /// The dir, and then the super-repo's root.
    Root,
}

/// Whether tags of `local` and `dev` images have the version's patch number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DevPatch {
    /// They do.
    #[default]
    Kept,
    /// It is 0 in them.
    Zero,
}

/// How an entry point gets the command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Takes {
    /// As its arguments.
    #[default]
    Words,
    /// As one argument, a line for a shell.
    Line,
}

impl LayoutConfig {
    pub(super) fn read(resolved: &Resolved) -> Self {
        let text = |path: &str| resolved.get(path).and_then(|(value, _)| value.as_text()).map(str::to_owned);
        let located = |path: &str| {
            let (value, origin) = resolved.get(path)?;
            Some(Located { value: value.as_text()?.to_owned(), origin: origin.clone() })
        };
        let named = |table: &str| -> BTreeMap<String, String> {
            let entries = resolved.named(table);
            entries.filter_map(|(name, value, _)| Some((name.to_owned(), value.as_text()?.to_owned()))).collect()
        };
        let copy_out = resolved.get("image.copy-out").and_then(|(value, _)| value.as_list()).unwrap_or_default();
        let split = |item: &String| item.split_once(':').map(|(from, to)| (from.to_owned(), to.to_owned()));
        let is = |path: &str, word: &str| text(path).is_some_and(|found| found == word);
        let keeps = resolved.get("image.dev-patch").and_then(|(value, _)| value.as_boolean()).unwrap_or(true);
        Self {
            mount: text("workspace.mount").map(|mount| mount.trim_end_matches('/').to_owned()),
            dockerfile: located("image.dockerfile"),
            prod_dockerfile: located("image.prod-dockerfile"),
            context: if is("image.context", "root") { Context::Root } else { Context::Dir },
            ignore_file: text("image.ignore-file"),
            prod_ignore_file: text("image.prod-ignore-file"),
            dev_patch: if keeps { DevPatch::Kept } else { DevPatch::Zero },
            copy_out: copy_out.iter().filter_map(split).collect(),
            args: named("build.args"),
            lock_args: named("build.lock-args"),
            entrypoint: text("run.entrypoint"),
            takes: if is("run.entrypoint-takes", "line") { Takes::Line } else { Takes::Words },
            variables: named("run.variables"),
            pass_as: named("run.pass-as"),
            junit: text("test.junit"),
            dir_junit: text("test.dir-junit"),
        }
    }
}
