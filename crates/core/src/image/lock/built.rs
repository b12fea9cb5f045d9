//! Locks that an own Dockerfile makes: its image is built with `build.lock-args`, and the files of `image.copy-out` are taken out of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use wharf_engine::{BuildFailure, BuildSpec, Client};

use super::resolve::{self, Order, Resolution, Rewrite, Upgrade};
use super::{LockError, Target, pins};
use crate::event::{Event, ImageState};
use crate::image::change::{Extent, compare};
use crate::image::place::Place;
use crate::image::python::Manager;
use crate::image::spec::{DOCKERFILE, ImageSpec};
use crate::image::{ImageError, brought, context, secrets};
use crate::runnable_dir::RunnableDir;
use crate::workspace::{StateDir, Workspace};

/// Name of the images that a lock is taken out of, which stay only where Wharf was killed. They carry [`Order::labels`].
pub const TEMPORARY: &str = "wharf-lock";

/// What such a dir locks; `None` where its image gives nothing back.
///
/// # Errors
/// When a file that is to be written lies outside of the workspace.
pub(super) fn target(workspace: &Workspace, dir: &RunnableDir) -> Result<Option<Target>, LockError> {
    let layout = &dir.config.layout;
    if layout.dockerfile.is_none() {
        return Ok(None);
    }
    let mut out = layout.copy_out.iter().map(|(_, to)| real(workspace, dir, to));
    let Some(lock) = out.next().transpose()? else { return Ok(None) };
    let place = lock.parent().unwrap_or(&dir.path).to_path_buf();
    let list = out.next().transpose()?.unwrap_or_else(|| place.join(super::LIST));
    let (dir, root) = (dir.address.to_string(), place.clone());
    Ok(Some(Target { dir, manager: Manager::Poetry, root, place, lock, list }))
}

/// What is at the other end of a link is what is written, as far as that is a file of the workspace.
fn real(workspace: &Workspace, dir: &RunnableDir, path: &str) -> Result<PathBuf, LockError> {
    let path = dir.path.join(path);
    brought::refuse_dangling(workspace, dir, &path)?;
    // One that is not there yet will be where its folder really is.
    let there = path.ancestors().find(|above| above.exists()).unwrap_or(&path);
    let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
    let real = if rest.as_os_str().is_empty() { there.canonicalize()? } else { there.canonicalize()?.join(rest) };
    if real.starts_with(&workspace.root) || real.starts_with(workspace.root.canonicalize()?) {
        return Ok(real);
    }
    Err(LockError::LeadsOut { dir: dir.address.to_string(), file: path, to: real })
}

/// Which versions may move: an own Dockerfile resolves all or nothing.
fn moves(dir: &RunnableDir, lock: &Path, upgrade: &Upgrade) -> Result<bool, LockError> {
    match upgrade {
        Upgrade::All => Ok(true),
        Upgrade::Nothing => Ok(!lock.is_file()),
        Upgrade::Only(_) => Err(LockError::AllOrNothing { dir: dir.address.to_string() }),
    }
}

/// Builds and takes out. Nothing of the image stays.
pub(super) fn resolve(order: &Order<'_>, target: Target, upgrade: &Upgrade) -> Result<Resolution, LockError> {
    let Place::Containers(client) = order.place else {
        return Err(ImageError::HostCannot { what: "build images, in which this dir makes its locks".into() }.into());
    };
    let moves = moves(order.dir, &target.lock, upgrade)?;
    let tag = build(order, client, moves, upgrade)?;
    let copies = &order.dir.config.layout.copy_out;
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let wanted = |path: &str| copies.iter().any(|(from, _)| from.trim_start_matches('/') == path);
    let mut take = |path: &str, bytes: &[u8]| {
        found.insert(format!("/{path}"), bytes.to_vec());
    };
    let read = client.read_files(&tag, order.labels, &wanted, &mut take);
    let removed = client.remove_image(&tag);
    read.and(removed).map_err(ImageError::from)?;
    let mut files = Vec::new();
    for (from, to) in copies {
        let path = real(order.workspace, order.dir, to)?;
        let after = found.remove(from).ok_or_else(|| LockError::Result {
            dir: target.dir.clone(),
            manager: target.manager,
            reason: format!("the image has no `{from}`"),
        })?;
        files.push(Rewrite { before: resolve::read(&path)?, path, after });
    }
    let text =
        |bytes: Option<&Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let lock = files.first();
    let before = pins::read(target.manager, &text(lock.and_then(|lock| lock.before.as_ref())));
    let after = pins::read(target.manager, &text(lock.map(|lock| &lock.after)));
    let is_stale = lock.is_some_and(|lock| lock.before.as_ref() != Some(&lock.after));
    Ok(Resolution { changes: compare(&before, &after, Extent::Differences), target, is_stale, files })
}

/// An image with no labels but who makes it, so that it is never taken for one of a dir. Where versions move, the Dockerfile is told so
/// by `build.lock-args`; what earlier builds left counts unless that was asked for.
fn build(order: &Order<'_>, client: &Client, moves: bool, upgrade: &Upgrade) -> Result<String, LockError> {
    let Order { workspace, dir, listener, .. } = *order;
    let spec = ImageSpec::read(workspace, dir)?;
    let mut stated = dir.config.layout.args.clone();
    if moves {
        stated.extend(dir.config.layout.lock_args.clone());
    }
    let folder = tempfile::Builder::new().prefix("wharf-lock-").tempdir()?;
    context::stage(folder.path(), &spec.dockerfile, &spec.files)?;
    let secrets = secrets::gather(workspace, dir)?;
    // The folder's name is nobody else's.
    let unique = folder.path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let tag = format!("{TEMPORARY}:{}-{}-{unique}", dir.slug().to_lowercase(), std::process::id());
    let build = BuildSpec {
        context: folder.path().to_path_buf(),
        dockerfile: DOCKERFILE.into(),
        target: spec.target.clone(),
        tag: tag.clone(),
        labels: order.labels.clone(),
        args: brought::arguments(dir, &stated, &spec.dockerfile),
        secrets: secrets.files.clone(),
        platform: None,
        timestamp: None,
        no_cache: *upgrade != Upgrade::Nothing,
    };
    let log_path = StateDir::open(workspace)?.folder("logs")?.join(format!("lock-{}.log", dir.slug()));
    let log = Mutex::new(fs_err::File::create(&log_path)?);
    let on_line = |line: &str| {
        if let Ok(mut log) = log.lock() {
            // The log is a courtesy: a full disk must not fail a build.
            let _ = writeln!(log, "{line}");
        }
        let state = ImageState::Building { image: tag.clone(), step: line.to_owned() };
        listener.on(Event::Image { dir: dir.address.to_string(), state });
    };
    let builder = client.builder().map_err(ImageError::from)?;
    client.build(builder, &build, &on_line).map_err(|failure| match failure {
        BuildFailure::Engine(error) => ImageError::from(error).into(),
        BuildFailure::Step { summary, tail } => LockError::Image(ImageError::Build {
            dir: dir.address.to_string(),
            summary,
            lines: tail,
            log: log_path.clone(),
        }),
    })?;
    Ok(tag)
}
