//! `wharf ci run`.

use wharf_core::ci::{CiError, Job};
use wharf_core::config::nearest_word;
use wharf_core::workspace::Workspace;
use wharf_process::Command;

use super::super::data;
use super::super::interrupt::Interrupt;
use super::Which;
use crate::context::Context;
use crate::exit::Failure;

/// Runs a job's steps here, with the lines that CI runs; ends with the code of the first that fails.
///
/// With `--tag`, `release` is the job that releases what the tag names.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// The jobs, by id or name as `wharf ci matrix` lists them; `all` for each of them.
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Prints the lines, and runs none.
    #[arg(long)]
    dry_run: bool,
}

impl Run {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let jobs = self.wanted(&workspace)?;
        if jobs.is_empty()
            && let Some(tag) = &self.which.tag
        {
            // Somebody else's tag is no reason to fail a pipeline.
            context
                .talk
                .note(&format!("tag `{tag}` names no version of an image of this workspace, so nothing is released"));
            return Ok(0);
        }
        if self.dry_run {
            for job in &jobs {
                data::line(&job.run)?;
            }
            return Ok(0);
        }
        let program = std::env::current_exe()
            .map_err(|error| Failure::environment(format!("the path of this program is not known: {error}")))?;
        let interrupt = Interrupt::listen()?;
        for job in &jobs {
            // As a shell with `set -x` would show it.
            context.talk.line(&format!("+ {}", job.run));
            let flags = context.surroundings.flags.iter().flat_map(|(_, text, flag)| [flag.clone(), text.clone()]);
            let words = flags.chain(job.words[1..].iter().cloned());
            let command = Command::new(&program).args(words).cwd(workspace.root.clone());
            let exit = command
                .foreground_with(|pid| interrupt.hand_over(pid, None))
                .map_err(|error| Failure::environment(Failure::describe(&error)))?;
            let code = u8::try_from(exit.shell_code() & 0xff).unwrap_or(1);
            if code != 0 {
                return Ok(code);
            }
        }
        Ok(0)
    }

    fn wanted(&self, workspace: &Workspace) -> Result<Vec<Job>, Failure> {
        let all = self.which.jobs(workspace, &super::whole(workspace)?)?;
        let is_release = |name: &String| name == "release" && self.which.tag.is_some();
        if self.jobs.iter().any(|name| name == "all") || (all.is_empty() && self.jobs.iter().all(is_release)) {
            return Ok(all);
        }
        let mut wanted: Vec<Job> = Vec::new();
        for name in &self.jobs {
            let is_meant =
                |job: &&Job| job.id == *name || job.name == *name || (self.which.tag.is_some() && name == "release");
            match all.iter().find(is_meant) {
                Some(job) if wanted.iter().any(|known| known.id == job.id) => {}
                Some(job) => wanted.push(job.clone()),
                None => {
                    let known: Vec<String> = all.iter().map(|job| job.id.clone()).collect();
                    let words: Vec<&str> = known.iter().map(String::as_str).collect();
                    let nearest = nearest_word(name, &words);
                    return Err(CiError::NoJob { name: name.clone(), known, nearest }.into());
                }
            }
        }
        Ok(wanted)
    }
}
