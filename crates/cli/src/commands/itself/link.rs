//! `wharf self link`: links under the names that people typed before.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use wharf_process::Command;

use crate::commands::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::older::LINKS;

/// Makes links named `i`, `invoke` and `main_pytest.py` that lead to this wharf, which then understands the tasks and options of these.
///
/// Never replaces what is not such a link.
#[derive(Debug, clap::Args)]
pub struct Link {
    /// The folder; without it, the first on PATH that is in your home.
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Removes the links.
    #[arg(long)]
    remove: bool,
    /// Prints the commands that would do it, and does nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What there is at the place of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
enum There {
    Nothing,
    /// A link to this very program.
    Link,
    /// A link to some other wharf.
    OtherLink,
    /// Something that is not ours.
    Else,
}

/// What is done about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Make(PathBuf),
    Replace(PathBuf),
    Remove(PathBuf),
}

impl Link {
    /// Runs the command.
    ///
    /// # Errors
    /// When something is in the way, or no folder can be found.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let program = std::env::current_exe()?.canonicalize()?;
        let dir = match &self.dir {
            Some(dir) => context.surroundings.here.join(dir),
            None => home_folder(context)?,
        };
        let steps = if self.remove { plan_removal(&dir, &program)? } else { plan(&dir, &program)? };
        if self.dry_run {
            let mut lines: Vec<Command> = Vec::new();
            if !steps.is_empty() && !self.remove && !dir.is_dir() {
                lines.push(Command::new("mkdir").arg("-p").arg(dir));
            }
            lines.extend(steps.iter().map(|step| step.command(&program)));
            lines.iter().try_for_each(|line| data::line(&line.to_string()))?;
            return Ok(0);
        }
        if !self.remove {
            fs_err::create_dir_all(&dir)?;
        }
        for step in &steps {
            step.apply(&program)?;
            data::line(&step.path().display().to_string())?;
        }
        if steps.is_empty() {
            context.talk.note(&format!("nothing is to be done in `{}`", dir.display()));
        } else if !self.remove {
            say_reach(context, &dir);
        }
        Ok(0)
    }
}

/// The first folder on PATH that is in the user's home.
fn home_folder(context: &Context) -> Result<PathBuf, Failure> {
    let missing = || {
        Failure::environment("no folder on PATH is in your home")
            .hint("name one, such as `wharf self link ~/.local/bin`, and put it on PATH")
    };
    let home = context.surroundings.home.clone().ok_or_else(missing)?;
    let path = context.surroundings.variable("PATH").unwrap_or_default();
    // One that is managed by a tool for other programs is no good place: `~/.cargo/bin`, `~/.pyenv/shims`.
    let usual = [home.join(".local/bin"), home.join("bin"), home.join(".bin")];
    std::env::split_paths(path).find(|folder| usual.contains(folder)).ok_or_else(missing)
}

fn there(path: &Path, program: &Path) -> Result<There, Failure> {
    let kind = match fs_err::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(There::Nothing);
        }
        Err(error) => return Err(error.into()),
        Ok(metadata) => metadata.file_type(),
    };
    if !kind.is_symlink() {
        return Ok(There::Else);
    }
    let target = fs_err::read_link(path)?;
    let target = path.parent().unwrap_or(Path::new("/")).join(target);
    Ok(match target.canonicalize() {
        Ok(real) if real == program => There::Link,
        _ if target.file_name().is_some_and(|name| name == "wharf") => There::OtherLink,
        _ => There::Else,
    })
}

fn plan(dir: &Path, program: &Path) -> Result<Vec<Step>, Failure> {
    if program.file_name().is_none_or(|name| name != "wharf") {
        return Err(Failure::refused(format!("this program is not named `wharf` but `{}`", program.display()))
            .hint("a link to it could not be told from other programs' links; rename it"));
    }
    let (mut steps, mut taken) = (Vec::new(), Vec::new());
    for name in LINKS {
        let path = dir.join(name);
        match there(&path, program)? {
            There::Nothing => steps.push(Step::Make(path)),
            There::OtherLink => steps.push(Step::Replace(path)),
            There::Link => {}
            There::Else => taken.push(format!("`{}`", path.display())),
        }
    }
    if taken.is_empty() {
        return Ok(steps);
    }
    let are = if taken.len() == 1 { "is no link of wharf" } else { "are no links of wharf" };
    Err(Failure::refused(format!("{} {are}", taken.join(", ")))
        .hint("name another folder, `wharf self link DIR`, that stands before this one on PATH"))
}

fn plan_removal(dir: &Path, program: &Path) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for name in LINKS {
        let path = dir.join(name);
        if let There::Link | There::OtherLink = there(&path, program)? {
            steps.push(Step::Remove(path));
        }
    }
    Ok(steps)
}

impl Step {
    fn path(&self) -> &Path {
        match self {
            Self::Make(path) | Self::Replace(path) | Self::Remove(path) => path,
        }
    }

    fn command(&self, program: &Path) -> Command {
        match self {
            Self::Make(path) => Command::new("ln").arg("-s").arg(program).arg(path),
            Self::Replace(path) => Command::new("ln").arg("-sfn").arg(program).arg(path),
            Self::Remove(path) => Command::new("rm").arg(path),
        }
    }

    fn apply(&self, program: &Path) -> Result<(), Failure> {
        match self {
            // Fails where something has come meanwhile.
            Self::Make(path) => fs_err::os::unix::fs::symlink(program, path)?,
            Self::Replace(path) => {
                let aside = path.with_extension(format!("wharf-{}", std::process::id()));
                fs_err::os::unix::fs::symlink(program, &aside)?;
                fs_err::rename(&aside, path)?;
            }
            Self::Remove(path) => fs_err::remove_file(path)?,
        }
        Ok(())
    }
}

/// Says where another program of one of the names comes first.
fn say_reach(context: &Context, dir: &Path) {
    let path = context.surroundings.variable("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    let Some(place) = folders.iter().position(|folder| folder == dir) else {
        context.talk.warning(&format!("`{}` is not on PATH", dir.display()));
        return;
    };
    for name in LINKS {
        if let Some(first) = folders[..place].iter().map(|folder| folder.join(name)).find(|file| file.is_file()) {
            context.talk.warning(&format!("`{}` comes before the link named `{name}` on PATH", first.display()));
        }
    }
}
