//! What a dir's container is handed beside its command: lists in files, and settings of the plugin that few runs need.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::collect::Purpose;
use super::event::DirIndex;
use super::plan::DirPlan;
use super::run::Shared;
use crate::config::Capability;
use crate::runnable_dir::RunnableDir;

/// Lists in files; `None` where there is nothing to say.
pub(super) struct Handed {
    /// Ids of the tests that run.
    pub select: Option<PathBuf>,
    /// Test files that do not.
    pub leave_out: Option<PathBuf>,
    /// The test lists.
    pub lists: Option<PathBuf>,
    /// Whose test files are whose.
    pub shard: Option<PathBuf>,
}

impl Shared {
    /// Writes the tests that are wanted, the files that are not (those whose verdicts are `recalled` among them), and the test lists,
    /// where each is said.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn write_lists(
        &self,
        index: DirIndex,
        attempt: u32,
        selection: Option<&[String]>,
        recalled: &BTreeSet<String>,
    ) -> std::io::Result<Handed> {
        let write = |name: &str, text: &str| self.write_list(name, index, attempt, text);
        let plan = &self.plan.dirs[index];
        let left: BTreeSet<&str> = plan.leave_out.iter().chain(recalled).map(String::as_str).collect();
        let text = || left.iter().copied().collect::<Vec<_>>().join("\n");
        let lists = self.plan.lists.as_ref().map(|wanted| write("lists", &wanted.lists.to_json()));
        Ok(Handed {
            select: selection.map(|ids| write("select", &ids.join("\n"))).transpose()?,
            leave_out: (!left.is_empty()).then(|| write("leave-out", &text())).transpose()?,
            lists: lists.transpose()?,
            shard: plan.shard.as_ref().map(|shard| write("shard", &shard.list())).transpose()?,
        })
    }

    fn write_list(&self, name: &str, index: DirIndex, attempt: u32, text: &str) -> std::io::Result<PathBuf> {
        let folder = self.state.folder(name)?;
        let path = folder.join(format!("{}-{index}-{attempt}.txt", self.run));
        fs_err::write(&path, text)?;
        // The user of a prod image is somebody else.
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        Ok(path)
    }

    /// Limit of one test of a dir: what the command line says, else its suite, else the dir.
    pub fn timeout(&self, plan: &DirPlan, dir: &RunnableDir) -> Option<Duration> {
        let suite = plan.suite.as_ref().and_then(|suite| suite.timeout);
        self.options.timeout.or(suite).unwrap_or(dir.config.test.timeout)
    }

    /// How often a failed test of a dir is tried again, likewise.
    pub fn retries(&self, plan: &DirPlan, dir: Option<&RunnableDir>) -> u32 {
        let suite = plan.suite.as_ref().and_then(|suite| suite.retries);
        self.options.retries.or(suite).or(dir.map(|dir| dir.config.test.retries)).unwrap_or(0)
    }

    /// Settings of the plugin for requirements and explanations.
    pub fn plugin_settings(&self, plan: &DirPlan, dir: &RunnableDir) -> Map<String, Value> {
        let mut settings = Map::new();
        let requires = &dir.config.test.requires;
        // Whoever only asks what would run has no services started.
        let looks = matches!(self.options.purpose, Purpose::Explain(_));
        let needed = dir.config.test.services.as_ref().unwrap_or(&dir.config.run.services);
        let started =
            |capability: &Capability| matches!(capability, Capability::Service(name, _) if needed.contains(name));
        if !requires.is_empty() {
            let requires = requires.iter().filter(|(_, capability)| !looks || !started(capability));
            let requires: Map<String, Value> =
                requires.map(|(marker, capability)| (marker.clone(), capability.to_string().into())).collect();
            settings.insert("requires".into(), requires.into());
            if !self.options.require.is_empty() {
                settings.insert("require".into(), json!(self.options.require));
            }
        }
        if let Purpose::Explain(question) = &self.options.purpose {
            let suite = question.suites.get(&plan.path).map(|suite| suite.markers.as_str());
            let question = json!({
                "id": question.id,
                "suite": suite.filter(|markers| !markers.is_empty()),
                "markexpr": question.markers,
                "keyword": question.keyword,
            });
            settings.insert("explain".into(), question);
        }
        settings
    }
}
