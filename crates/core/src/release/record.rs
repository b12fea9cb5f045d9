//! What a release has done so far: one small file a version and stage, written whole or not at all.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Request, Step};
use crate::image::tested::Tested;

const FOLDER: &str = "release";
const SCHEMA: u32 = 1;

/// What a release has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of this form.
    pub schema: u32,
    /// Address of the dir.
    pub dir: String,
    /// Name of the image.
    pub name: String,
    /// Stage.
    pub stage: String,
    /// Version.
    pub version: String,
    /// The commit of the dir's repo that is released.
    pub commit: String,
    /// Hash of all that decides the image.
    pub inputs: String,
    /// The engine that has the images.
    pub engine: String,
    /// Ids of the images that were built or found, by platform.
    #[serde(default)]
    pub built: BTreeMap<String, String>,
    /// What came of the tests.
    #[serde(default)]
    pub tested: Option<Passed>,
    /// What came of the tests from outside.
    #[serde(default)]
    pub qa: Option<Passed>,
    /// Ids of the images that are released, by platform.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// Digests of the version's tag, by repository.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
    /// Steps that are done, with their times, RFC 3339 in UTC.
    #[serde(default)]
    pub done: BTreeMap<Step, String>,
}

/// Tests that passed, or that there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The record of the run; `None` where there was nothing to run.
    pub tests: Option<Tested>,
    /// In words.
    pub note: String,
}

impl Record {
    /// An empty one.
    #[must_use]
    pub fn new(request: &Request<'_>, commit: &str, inputs: &str) -> Self {
        let Request { dir, stage, client, .. } = *request;
        Self {
            schema: SCHEMA,
            dir: dir.address.to_string(),
            name: dir.name.clone(),
            stage: stage.word().to_owned(),
            version: dir.version.to_string(),
            commit: commit.to_owned(),
            inputs: inputs.to_owned(),
            engine: client.kind().word().to_owned(),
            ..Self::default()
        }
    }

    /// The record of this version, where there is one that can be read.
    #[must_use]
    pub fn read(request: &Request<'_>) -> Option<Self> {
        let bytes = std::fs::read(file(request)).ok()?;
        serde_json::from_slice::<Self>(&bytes).ok().filter(|record| record.schema == SCHEMA)
    }

    /// Writes it: to a temporary file that is then renamed, so that a stop leaves the one before.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, request: &Request<'_>) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(request.state.folder(FOLDER)?)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(self::file(request)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Whether a step is noted as done.
    #[must_use]
    pub fn has(&self, step: Step) -> bool {
        self.done.contains_key(&step)
    }

    /// Forgets a step and all that follow.
    pub fn reopen(&mut self, from: Step) {
        self.done.retain(|step, _| *step < from);
        let at_most = |step: Step| from <= step;
        if at_most(Step::Build) {
            self.built.clear();
        }
        if at_most(Step::Test) {
            self.tested = None;
        }
        if at_most(Step::Qa) {
            self.qa = None;
        }
        if at_most(Step::Promote) {
            self.images.clear();
        }
        if at_most(Step::Push) {
            self.digests.clear();
        }
    }
}

fn file(request: &Request<'_>) -> PathBuf {
    let Request { state, dir, stage, .. } = *request;
    state.path().join(FOLDER).join(format!("{}-{}-{stage}.json", dir.name, dir.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reopening_forgets_what_follows() {
        let all = |word: &str| BTreeMap::from([("linux/amd64".to_owned(), word.to_owned())]);
        let mut record = Record {
            built: all("b"),
            images: all("i"),
            digests: all("d"),
            tested: Some(Passed { tests: None, note: "none".into() }),
            ..Record::default()
        };
        for step in Step::all(crate::image::Stage::Dev) {
            record.done.insert(step, "now".into());
        }
        record.reopen(Step::Push);
        assert!(record.has(Step::Promote) && !record.has(Step::Push) && !record.has(Step::Tag));
        assert!(record.digests.is_empty() && !record.images.is_empty());
        record.reopen(Step::Build);
        assert!(record.built.is_empty() && record.tested.is_none() && record.images.is_empty());
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }
}
