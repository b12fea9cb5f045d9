//! What stands in for an image on the host engine: a virtual environment with the same Python packages.

use std::collections::BTreeMap;

use wharf_engine::host::{HostTools, VenvSpec};

use super::error::ImageError;
use super::spec::ImageSpec;
use super::{Ready, ensure::Body};
use crate::event::{Event, ImageState, Listener};

/// The environment that a dir needs, as the engine takes it. Its key is the content alone, so that dirs with the
/// same needs share one.
#[must_use]
pub fn venv_spec(spec: &ImageSpec) -> VenvSpec {
    let steps = spec.dependencies.dev.clone();
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{steps:?}").as_bytes());
    for (name, bytes) in &spec.dependencies.files {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    VenvSpec {
        key: hasher.finalize().to_hex()[..32].to_owned(),
        python: spec.python.clone(),
        files: spec.dependencies.files.clone(),
        steps,
    }
}

/// What people call the environment that `spec` needs.
#[must_use]
pub fn name(spec: &ImageSpec) -> String {
    name_of(&venv_spec(spec))
}

fn name_of(wanted: &VenvSpec) -> String {
    format!("venv {}", &wanted.key[..8])
}

/// The environment, where it is made already.
#[must_use]
pub fn find(tools: &HostTools, spec: &ImageSpec) -> Option<Ready> {
    let wanted = venv_spec(spec);
    let venv = tools.find(&wanted)?;
    let why = format!("Python {}", venv.python_version);
    Some(Ready {
        reference: name_of(&wanted),
        why,
        body: Body::Venv(venv),
        spec: spec.clone().into(),
        labels: BTreeMap::new(),
    })
}

/// Finds or makes the environment.
///
/// # Errors
/// When a package cannot be installed or no Python will do.
pub fn ensure(tools: &HostTools, spec: &ImageSpec, listener: &dyn Listener) -> Result<Ready, ImageError> {
    let tell = |state| listener.on(Event::Image { dir: spec.dir.clone(), state });
    if let Some(ready) = find(tools, spec) {
        tell(ImageState::Found { image: ready.reference.clone(), why: ready.why.clone() });
        return Ok(ready);
    }
    let wanted = venv_spec(spec);
    let name = name_of(&wanted);
    let mut on_line = |line: &str| tell(ImageState::Building { image: name.clone(), step: line.to_owned() });
    let made = tools.ensure(&wanted, &mut on_line);
    let venv = made.map_err(|source| ImageError::Host { dir: spec.dir.clone(), source: Box::new(source) })?;
    let why = format!("made now, Python {}", venv.python_version);
    tell(ImageState::Ready { image: name.clone(), why: why.clone() });
    Ok(Ready { reference: name, why, body: Body::Venv(venv), spec: spec.clone().into(), labels: BTreeMap::new() })
}
