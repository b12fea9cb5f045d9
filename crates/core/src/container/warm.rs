//! Warm containers: one that is kept for the next `run` or `bash` of a dir.
//!
//! Its name holds a hash of all that it is started with, so that a command either finds just the container that it would
//! start itself, or none. Its first process, the keeper, ends it when nothing was run for a while; there is no daemon on the
//! host. Before each command Wharf writes to a file that the keeper sees, and then looks whether the keeper is about to end:
//! one of the two always notices the other. See `docs/design/warm.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use wharf_engine::exec::PIDS;
use wharf_engine::{Client, EngineError, ExecSpec, Mount, RunSpec, Terminal};
use wharf_process::Command;

use super::error::ContainerError;
use super::owner::{Life, Owner};
use super::{IMAGE, Launch, OWNER, Settings, VERB, WARM, WORKSPACE};
use crate::image::ensure::Body;
use crate::image::place::Place;
use crate::image::stage;
use crate::workspace::{Lock, Patience, StateDir, Workspace};

const KEEPER: &str = include_str!("keeper.sh");
/// Where the keeper sees its folder of the host.
const FOLDER: &str = "/opt/wharf/warm";
/// What a warm container is for, as the label says it.
pub const PURPOSE: &str = "warm";
/// Before the owner, in the name of the file of one use.
const USE: &str = "use-";
/// How often to look, a round apart, for what another process or the engine does: half a minute.
const ROUNDS: usize = 600;
const ROUND: Duration = Duration::from_millis(50);

/// How many uses this process has announced.
static USES: AtomicUsize = AtomicUsize::new(0);

/// A warm container, to be found or made, and a command for it.
#[derive(Debug)]
pub struct Warm<'a> {
    client: &'a Client,
    workspace: &'a Workspace,
    keeper: RunSpec,
    /// The command.
    pub exec: ExecSpec,
    folder: PathBuf,
    dir: String,
}

/// A use of a warm container, until it is dropped.
#[derive(Debug)]
pub struct Used {
    folder: PathBuf,
    file: PathBuf,
    stamp: String,
}

/// What is known of a warm container that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarmState {
    /// Whether a command runs in it.
    pub in_use: bool,
    /// When it ends unless it is used, in seconds since 1970; `None` while it is in use, or where that is not known.
    pub until: Option<u64>,
}

impl<'a> Warm<'a> {
    /// The container and the command for these settings; `None` where there is no container, where the image has its own
    /// code, and where an entry point is started with each command.
    ///
    /// # Errors
    /// When small files that are lent to it cannot be made.
    pub fn plan(launch: &Launch<'a>, settings: &Settings, idle: Duration) -> Result<Option<Self>, ContainerError> {
        let (Place::Containers(client), Body::Image(image)) = (launch.place, &launch.ready.body) else {
            return Ok(None);
        };
        if launch.ready.is_prod() || launch.dir.config.layout.entrypoint.is_some() {
            return Ok(None);
        }
        let token = launch.owner.to_string();
        let wish = launch.spec(client, image, settings)?;
        let kept = Settings {
            verb: PURPOSE,
            number: 0,
            command: keeper_command(idle),
            terminal: Terminal::None,
            env: Vec::new(),
            user: None,
            workdir: None,
            labels: BTreeMap::from([(OWNER.to_owned(), PURPOSE.to_owned())]),
            ..settings.clone()
        };
        let mut keeper = launch.spec(client, image, &kept)?;
        keeper.passed_env.clear();
        keeper.options.extend(["--detach".to_owned(), "--tmpfs".to_owned(), format!("{PIDS}:rw,mode=0777")]);
        // The line is all that decides it, but for names: one image may have several.
        keeper.name.clear();
        let named = keeper.labels.remove(IMAGE);
        let hash = blake3::hash(client.run_command(&keeper).to_string().as_bytes()).to_hex();
        keeper.labels.extend(named.map(|named| (IMAGE.to_owned(), named)));
        keeper.name = format!("wharf-{}-{}-warm-{}", &launch.workspace.id[..6], launch.dir.slug(), &hash[..12]);
        let folder = launch.state.path().join("warm").join(&keeper.name);
        let uid = launch.workspace.surroundings.ids.0;
        keeper.labels.insert(WARM.to_owned(), format!("{}:{uid}:{}", idle.as_secs(), folder.display()));
        keeper.mounts.push(Mount { host: folder.clone(), container: FOLDER.to_owned(), read_only: false });
        let passed_as: BTreeMap<_, _> = launch.passed_as().into_iter().collect();
        let value = |name: &String| {
            let own = || launch.workspace.surroundings.variables.iter().find(|(known, _)| known == name.as_str());
            let found = passed_as.get(name).or_else(|| Some(&own()?.1));
            found.map(|value| (name.clone(), value.clone()))
        };
        let exec = ExecSpec {
            container: keeper.name.clone(),
            command: wish.command,
            token,
            env: wish.env,
            passed_env: wish.passed_env.iter().filter_map(value).collect(),
            workdir: wish.workdir,
            user: wish.user,
            terminal: wish.terminal,
        };
        let dir = launch.dir.address.to_string();
        Ok(Some(Self { client, workspace: launch.workspace, keeper, exec, folder, dir }))
    }

    /// Notes down which image the dir's container has, for [`last_image`].
    pub fn remember(&self) {
        let file = image_file(self.workspace, &self.dir);
        // It only saves time.
        if std::fs::read_to_string(&file).ok().as_deref() != Some(&self.keeper.image) {
            let _ = std::fs::write(file, &self.keeper.image);
        }
    }

    /// The commands that do the same, to paste.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn commands(&self) -> Result<Vec<Command>, ContainerError> {
        let mut commands = Vec::new();
        if !self.client.is_running(&self.keeper.name)? {
            commands.push(Command::new("mkdir").arg("-p").arg(&self.folder));
            commands.push(self.client.run_command(&self.keeper));
        }
        commands.push(self.client.exec_command(&self.exec));
        Ok(commands)
    }

    /// Announces a use: from now on the keeper does not end the container. `None` where it is about to, or there is none
    /// yet: then [`Warm::make`] is next.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn announce(&self) -> Result<Option<Used>, ContainerError> {
        if !self.folder.is_dir() {
            return Ok(None);
        }
        let used = Used::announce(&self.folder, &self.exec.token).map_err(|source| self.unwritten(source))?;
        Ok((!self.folder.join("ending").exists()).then_some(used))
    }

    /// Starts the container where none runs, after the end of idle ones of the dir, which may have the ports that it is to
    /// have. Two processes at once make one: a lock makes the second wait and find it.
    ///
    /// # Errors
    /// When the engine refuses; nothing is left of the container then.
    pub fn make(&self) -> Result<(), ContainerError> {
        let lock = self.folder.with_extension("lock");
        let _lock = Lock::take(&lock, "a warm container", Patience::Wait).ok();
        for _ in 0..ROUNDS {
            if !self.client.is_running(&self.keeper.name)? {
                break;
            }
            // Without its folder nobody can tell it anything: a `git clean` took that, or there is another clone here.
            if !self.folder.is_dir() {
                self.client.remove(std::slice::from_ref(&self.keeper.name))?;
                break;
            }
            // Its keeper either ends it now or has seen that it is wanted.
            if !self.folder.join("ending").exists() {
                return Ok(());
            }
            std::thread::sleep(ROUND);
        }
        fs_err::create_dir_all(&self.folder).map_err(|source| self.unwritten(source))?;
        // Who uses the container tries again, and tells what cannot be done.
        let _ = self.end_others();
        let mut round = 0;
        loop {
            round += 1;
            for stale in ["ending", "retire"] {
                let _ = std::fs::remove_file(self.folder.join(stale));
            }
            match self.client.start(&self.keeper) {
                // One that has just ended may still have the name.
                Err(EngineError::Refused { detail, .. })
                    if is_name_taken(&detail, &self.keeper.name) && round < ROUNDS =>
                {
                    self.client.remove(std::slice::from_ref(&self.keeper.name))?;
                    std::thread::sleep(ROUND);
                }
                Err(error) => {
                    // Engines leave what they made and could not start.
                    let _ = self.client.remove(std::slice::from_ref(&self.keeper.name));
                    return Err(error.into());
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Whether the container runs.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn is_running(&self) -> Result<bool, ContainerError> {
        Ok(self.client.is_running(&self.keeper.name)?)
    }

    /// Ends the dir's earlier warm containers: at once where they are idle, else as soon as they are. Removes what is left
    /// of those that are gone.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn end_others(&self) -> Result<(), ContainerError> {
        let labels = [format!("{WORKSPACE}={}", self.workspace.id), format!("{VERB}={PURPOSE}")];
        let there = self.client.containers(&labels)?;
        let uid = self.workspace.surroundings.ids.0.to_string();
        let mut idle = Vec::new();
        for container in &there {
            let label = |name: &str| container.labels.get(name).map(String::as_str).unwrap_or_default();
            let Some(known) = Known::read(label(WARM)) else { continue };
            if container.name == self.keeper.name || label(stage::DIR) != self.dir || known.uid != uid {
                continue;
            }
            if is_in_use(&known.folder) {
                let _ = std::fs::write(known.folder.join("retire"), "");
            } else {
                idle.push(container.id.clone());
            }
        }
        self.client.remove(&idle)?;
        let Some(all) = self.folder.parent() else { return Ok(()) };
        for folder in std::fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_there = there.iter().any(|container| container.name == name && !idle.contains(&container.id));
            if folder.is_dir() && !is_there && name != self.keeper.name && !is_in_use(&folder) {
                self.forget(&folder, &name)?;
            }
        }
        Ok(())
    }

    /// Removes the folder of a container that is gone. The lock of one that another process is just making is held; its file
    /// stays, since whoever waits for it has opened it.
    fn forget(&self, folder: &Path, name: &str) -> Result<(), ContainerError> {
        let lock = Lock::take(&folder.with_extension("lock"), "the end of a warm container", Patience::GiveUp);
        if lock.is_ok() && !is_in_use(folder) && !self.client.is_running(name)? {
            // Another process may just have done the same.
            let _ = std::fs::remove_dir_all(folder);
        }
        Ok(())
    }

    fn unwritten(&self, source: std::io::Error) -> ContainerError {
        ContainerError::Io { dir: self.dir.clone(), source }
    }
}

/// Id of the image that the dir's warm container had last.
#[must_use]
pub fn last_image(workspace: &Workspace, dir: &str) -> Option<String> {
    std::fs::read_to_string(image_file(workspace, dir)).ok()
}

/// Whether an engine's refusal says that another container has this name. A port that is taken is "in use", too, at an
/// endpoint of that name.
fn is_name_taken(refusal: &str, name: &str) -> bool {
    let refusal = refusal.to_lowercase();
    refusal.contains("already in use") && refusal.contains("container name") && refusal.contains(name)
}

fn image_file(workspace: &Workspace, dir: &str) -> PathBuf {
    let name = &blake3::hash(dir.as_bytes()).to_hex()[..12];
    StateDir::peek(workspace).path().join("warm").join(format!("{name}.image"))
}

impl Used {
    fn announce(folder: &Path, token: &str) -> std::io::Result<Self> {
        let file = folder.join(format!("{USE}{token}"));
        fs_err::write(&file, "")?;
        // Another one in each use: the owner tells processes apart, the number the uses of one.
        let stamp = format!("{token} {}", USES.fetch_add(1, Ordering::Relaxed));
        fs_err::write(folder.join("used"), format!("{stamp}\n"))?;
        Ok(Self { folder: folder.to_path_buf(), file, stamp })
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        // The time counts from the end.
        let _ = std::fs::write(self.folder.join("used"), format!("{} ended\n", self.stamp));
        let _ = std::fs::remove_file(&self.file);
    }
}

/// What the label of a warm container says.
struct Known {
    seconds: u64,
    uid: String,
    folder: PathBuf,
}

impl Known {
    fn read(label: &str) -> Option<Self> {
        let mut parts = label.splitn(3, ':');
        let (seconds, uid, folder) = (parts.next()?.parse().ok()?, parts.next()?.to_owned(), parts.next()?.into());
        Some(Self { seconds, uid, folder })
    }
}

/// What is known of the container with this label [`WARM`]; `None` where it is none of ours.
#[must_use]
pub fn state(label: &str) -> Option<WarmState> {
    let known = Known::read(label)?;
    let in_use = is_in_use(&known.folder);
    let changed = std::fs::metadata(known.folder.join("used")).and_then(|metadata| metadata.modified()).ok();
    let until = changed.and_then(|at| Some(at.duration_since(UNIX_EPOCH).ok()?.as_secs() + known.seconds));
    Some(WarmState { in_use, until: until.filter(|_| !in_use) })
}

/// Ends commands in warm containers whose `wharf` was killed: they would go on for ever, and keep the container.
pub(super) fn end_orphans(workspace: &Workspace, client: &Client) {
    let all = StateDir::peek(workspace).path().join("warm");
    for folder in std::fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path()) {
        for (file, owner) in uses(&folder) {
            if owner.life() == Life::Dead {
                let container = folder.file_name().unwrap_or_default().to_string_lossy();
                let _ = client.exec_end(&container, &owner.to_string());
                let _ = std::fs::remove_file(file);
            }
        }
    }
}

fn is_in_use(folder: &Path) -> bool {
    uses(folder).iter().any(|(_, owner)| owner.life() != Life::Dead)
}

fn uses(folder: &Path) -> Vec<(PathBuf, Owner)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .filter_map(|file| {
            let owner = file.file_name()?.to_str()?.strip_prefix(USE)?.parse().ok()?;
            Some((file, owner))
        })
        .collect()
}

/// Ten rounds, each of 1 s to 30 s, so that a container is kept at most a tenth longer than asked.
fn keeper_command(idle: Duration) -> Vec<String> {
    let seconds = idle.as_secs().max(1);
    let round = (seconds / 10).clamp(1, 30);
    let rounds = seconds.div_ceil(round);
    let script: Vec<&str> = KEEPER.lines().filter(|line| !line.starts_with('#')).collect();
    let words = ["/bin/sh", "-c", &script.join("\n"), "wharf-keeper"].map(str::to_owned);
    words.into_iter().chain([rounds.to_string(), round.to_string()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_seen_and_moves_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let label = format!("60:0:{}", folder.path().display());
        assert_eq!(state(&label), Some(WarmState { in_use: false, until: None }));
        let used = Used::announce(folder.path(), &Owner::current().to_string()).unwrap();
        assert_eq!(state(&label), Some(WarmState { in_use: true, until: None }));
        let before = fs_err::read_to_string(folder.path().join("used")).unwrap();
        drop(used);
        let after = state(&label).unwrap();
        assert!(!after.in_use && after.until > Some(60));
        assert_ne!(fs_err::read_to_string(folder.path().join("used")).unwrap(), before, "the keeper must see the end");
        assert_eq!(state("no label"), None);
    }

    #[test]
    fn a_taken_port_is_no_taken_name() {
        let docker =
            "Conflict. The container name \"/w-1\" is already in use by container \"ab\". You have to remove it.";
        let podman =
            "creating container storage: the container name \"w-1\" is already in use by ab. You have to remove it";
        assert!(is_name_taken(docker, "w-1") && is_name_taken(podman, "w-1"));
        assert!(!is_name_taken(docker, "w-2"));
        let port = "driver failed programming external connectivity on endpoint w-1 (ab): Error starting userland proxy: \
                    listen tcp4 127.0.0.1:80: bind: address already in use";
        assert!(!is_name_taken(port, "w-1"));
    }

    #[test]
    fn a_container_is_kept_for_the_time_asked() {
        let times = |seconds: u64| {
            let words = keeper_command(Duration::from_secs(seconds));
            words[4].parse::<u64>().unwrap() * words[5].parse::<u64>().unwrap()
        };
        for seconds in [1, 2, 9, 10, 55, 300, 1800, 86400] {
            assert!((seconds..=seconds + seconds / 10 + 1).contains(&times(seconds)), "{seconds}: {}", times(seconds));
        }
    }
}
