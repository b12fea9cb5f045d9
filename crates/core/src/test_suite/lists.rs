//! The files that tell the plugin which tests to run.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::event::DirIndex;
use super::run::Shared;

/// Where they are; `None` where there is nothing to say.
pub(super) struct Lists {
    /// Ids of the tests that run.
    pub select: Option<PathBuf>,
    /// Test files that do not.
    pub leave_out: Option<PathBuf>,
    /// Whose test files are whose.
    pub shard: Option<PathBuf>,
}

impl Lists {
    /// Writes those of one attempt at a dir, of whose tests only those of `selection` run.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        shared: &Shared,
        index: DirIndex,
        attempt: u32,
        selection: Option<&[String]>,
    ) -> std::io::Result<Self> {
        let plan = &shared.plan.dirs[index];
        let write =
            |name: &str, text: String| write(shared, name, &format!("{}-{index}-{attempt}.txt", shared.run), &text);
        let left = (!plan.leave_out.is_empty()).then(|| plan.leave_out.iter().map(String::as_str).collect::<Vec<_>>());
        Ok(Self {
            select: selection.map(|ids| write("select", ids.join("\n"))).transpose()?,
            leave_out: left.map(|files| write("leave-out", files.join("\n"))).transpose()?,
            shard: plan.shard.as_ref().map(|shard| write("shard", shard.list())).transpose()?,
        })
    }
}

fn write(shared: &Shared, folder: &str, name: &str, text: &str) -> std::io::Result<PathBuf> {
    let path = shared.state.folder(folder)?.join(name);
    fs_err::write(&path, text)?;
    // The user of a prod image is somebody else.
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
    Ok(path)
}
