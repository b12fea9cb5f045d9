//! All that can be observed of a workspace without running anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::error::AdoptError;
use crate::config::OLDER_FILES;
use crate::container::{Launch, Owner, Settings};
use crate::image::ensure::Body;
use crate::image::{ImageSpec, Place, Ready};
use crate::runnable_dir::RunnableDir;
use crate::test_suite::{self, Selection};
use crate::workspace::{StateDir, Workspace};

/// Facts of each dir, by what they are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// The dirs by address.
    pub dirs: BTreeMap<String, BTreeMap<String, String>>,
}

/// Something that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The dir.
    pub dir: String,
    /// What it is about.
    pub about: String,
    /// What it was; `None` where there was nothing.
    pub before: Option<String>,
    /// What it would be; `None` where there would be nothing.
    pub after: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |side: &Option<String>| side.as_ref().map_or_else(|| "nothing".to_owned(), |text| format!("`{text}`"));
        write!(f, "{}: {}: {} before, {} after", self.dir, self.about, shown(&self.before), shown(&self.after))
    }
}

/// Under this name stand the facts of the workspace as a whole.
const WHOLE: &str = "the workspace";

/// Whether a value decides anything in a dir: what an image is made of says nothing of a dir that uses another's.
pub(super) fn counts(dir: &RunnableDir, path: &str) -> bool {
    let is_of_image = path.starts_with("build.") || (path.starts_with("image.") && path != "image.from");
    path != OLDER_FILES && !(is_of_image && dir.image_from().is_some())
}

impl Picture {
    /// Looks at a workspace. Without a place for containers, the lines that start them are left out.
    ///
    /// # Errors
    /// When something that decides it cannot be read.
    pub fn of(workspace: &Workspace, place: Option<&Place>) -> Result<Self, AdoptError> {
        let mut dirs = BTreeMap::new();
        for dir in &workspace.dirs {
            let mut facts = BTreeMap::from([
                ("name".to_owned(), dir.name.clone()),
                ("version".to_owned(), dir.version.to_string()),
                ("mount".to_owned(), workspace.in_container(&dir.path)),
                ("test files".to_owned(), dir.tests.join(" ")),
            ]);
            let values = dir.resolved.entries().filter(|(path, ..)| counts(dir, path));
            facts.extend(values.map(|(path, value, _)| (format!("`{path}`"), value.to_string())));
            if dir.image_from().is_none() {
                image(workspace, dir, place, &mut facts)?;
            }
            dirs.insert(dir.address.to_string(), facts);
        }
        let needs = workspace.thin_env().map(|needs| format!("{needs:?}"));
        let whole = BTreeMap::from([
            ("name".to_owned(), workspace.name.clone()),
            ("mount".to_owned(), workspace.mount_point()),
            ("thin environment".to_owned(), needs.unwrap_or_else(|error| error.to_string())),
        ]);
        dirs.insert(WHOLE.to_owned(), whole);
        let mut picture = Self { dirs };
        picture.add_tests(workspace)?;
        Ok(picture)
    }

    /// What runs of each suite, and where.
    fn add_tests(&mut self, workspace: &Workspace) -> Result<(), AdoptError> {
        let suites = [None].into_iter().chain(test_suite::suites::names(workspace).into_iter().map(Some));
        for suite in suites {
            let selection = Selection { suites: suite.iter().cloned().collect(), ..Selection::default() };
            let about = suite.map_or_else(|| "tests".to_owned(), |suite| format!("tests of suite {suite}"));
            for dir in test_suite::plan(workspace, &selection)?.dirs {
                let words =
                    [dir.image_of.clone(), dir.image.clone(), dir.runs.to_string()].into_iter().chain(dir.arguments);
                let limits =
                    dir.suite.map(|suite| format!("{:?} {:?} {:?}", suite.timeout, suite.retries, suite.budget));
                let text = words.chain(limits).collect::<Vec<_>>().join(" ");
                self.dirs.entry(dir.path).or_default().insert(about.clone(), text);
            }
        }
        Ok(())
    }

    /// What of it is not the same in another.
    #[must_use]
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let none = BTreeMap::new();
        let names: BTreeSet<&String> = self.dirs.keys().chain(after.dirs.keys()).collect();
        let mut found = Vec::new();
        for dir in names {
            let (old, new) = (self.dirs.get(dir).unwrap_or(&none), after.dirs.get(dir).unwrap_or(&none));
            let abouts: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            found.extend(abouts.into_iter().filter(|about| old.get(*about) != new.get(*about)).map(|about| {
                Difference {
                    dir: dir.clone(),
                    about: about.clone(),
                    before: old.get(about).cloned(),
                    after: new.get(about).cloned(),
                }
            }));
        }
        found
    }
}

/// The files and the Dockerfile that decide the image, and the lines that start it.
fn image(
    workspace: &Workspace,
    dir: &RunnableDir,
    place: Option<&Place>,
    facts: &mut BTreeMap<String, String>,
) -> Result<(), AdoptError> {
    let spec = ImageSpec::read(workspace, dir)?;
    facts.insert("image inputs".to_owned(), spec.inputs.clone());
    facts.insert("Dockerfile".to_owned(), blake3::hash(spec.dockerfile.as_bytes()).to_hex()[..16].to_owned());
    for (path, file) in &spec.files {
        let mode = if file.executable { "executable " } else { "" };
        facts.insert(format!("build context: {path}"), format!("{mode}{}", &blake3::hash(&file.bytes).to_hex()[..16]));
    }
    let Some(place @ Place::Containers(_)) = place else { return Ok(()) };
    let ready = Ready {
        reference: dir.name.clone(),
        why: String::new(),
        body: Body::Image("IMAGE".to_owned()),
        spec: Arc::new(spec),
        labels: BTreeMap::new(),
    };
    let (state, owner) = (StateDir::peek(workspace), Owner::current());
    let launch = Launch { workspace, place, dir, ready: &ready, state: &state, owner: &owner };
    for verb in ["run", "test"] {
        // What it cannot start it cannot start afterwards either, for the same reason.
        let line = match launch.command(&Settings::new(verb, vec!["COMMAND".to_owned()])) {
            Ok(command) => command.to_string(),
            Err(error) => error.to_string(),
        };
        facts.insert(format!("container of `{verb}`"), line);
    }
    Ok(())
}
