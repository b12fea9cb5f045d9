//! All that can be said of an image, for people and as JSON.

use serde::Serialize;
use wharf_engine::{Client, Details, EngineError, Image};

use super::choice::{Checkout, Choice, Wish, choose};
use super::error::ImageError;
use super::platform::WantedPlatform;
use super::spec::ImageSpec;
use super::stage;
use super::tested::{self, Tested};
use crate::config::mask_credentials;
use crate::runnable_dir::RunnableDir;
use crate::workspace::{StateDir, Workspace};

/// What an image is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspected {
    /// Content id.
    pub id: String,
    /// Names with tags.
    pub references: Vec<String>,
    /// Address of the runnable dir whose image it is, where it is one of this workspace.
    pub dir: Option<String>,
    /// `local`, `dev` or `prod`; `None` for an image that Wharf did not make, as all that follows from labels.
    pub stage: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Such as `linux/amd64`.
    pub platform: String,
    /// Hash of what decides it.
    pub inputs: Option<String>,
    /// Whether that is what is checked out; `None` where it cannot be said.
    pub matches: Option<bool>,
    /// What it is based on.
    pub base: Base,
    /// Id of the local image that it was promoted from.
    pub promoted_from: Option<String>,
    /// Whether it was promoted without tests.
    pub untested: bool,
    /// The last time that the dir's whole suite passed on it, or on the image that it was promoted from.
    pub tested: Option<Tested>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Size in bytes, layers shared with others included.
    pub size: u64,
    /// Steps that left something, the oldest first.
    pub layers: Vec<Layer>,
    /// Who runs in it; empty for root.
    pub user: String,
    /// What is started first; Wharf starts the command itself instead.
    pub entrypoint: Vec<String>,
    /// What is started, or the entrypoint's arguments.
    pub command: Vec<String>,
    /// Folder it starts in.
    pub workdir: String,
    /// Variables; values of those that look like secrets are `***`.
    pub env: Vec<(String, String)>,
    /// Names with the digests under which registries have it.
    pub digests: Vec<String>,
}

/// What an image is based on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Base {
    /// Its name, as the checkout has it.
    pub reference: Option<String>,
    /// Its id at the time of the build.
    pub id: Option<String>,
    /// Whether the engine's base image is still that one; `None` where it does not have it.
    pub current: Option<bool>,
}

/// A step that left something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// Bytes.
    pub size: u64,
    /// What made it.
    pub made_by: String,
}

/// The image that commands of `dir`, which owns its image, would use now, else its newest one that is here.
///
/// # Errors
/// When the engine does not answer, or what decides the image cannot be read.
pub fn of_dir(workspace: &Workspace, client: &Client, dir: &RunnableDir) -> Result<Option<Image>, ImageError> {
    let spec = ImageSpec::read(workspace, dir)?;
    let images = client.images(stage::INPUTS)?;
    let base = base_id(client, &spec)?;
    let wish = Wish::default();
    let wanted = WantedPlatform::of(client, &wish)?;
    let user = &workspace.surroundings.user;
    let checkout =
        Checkout { version: &dir.version, user, dev_patch: dir.config.layout.dev_patch, base: base.as_deref(), wanted };
    if let Choice::Use { image, .. } = choose(&spec, &wish, &checkout, &images) {
        return Ok(Some(image));
    }
    let is_mine = |image: &Image| {
        image.references.iter().any(|name| stage::is_tagged(name))
            && image.labels.get(stage::NAME).is_some_and(|name| *name == dir.name)
    };
    Ok(images.into_iter().filter(is_mine).max_by_key(|image| image.created))
}

/// Says what the image `reference` is.
///
/// # Errors
/// When the engine does not answer or does not have it.
pub fn inspect(workspace: &Workspace, client: &Client, reference: &str) -> Result<Inspected, ImageError> {
    let details = client.details(&[reference])?.pop().ok_or_else(|| EngineError::Answer {
        kind: client.kind(),
        verb: "inspect images".into(),
        detail: format!("it says nothing of `{reference}`"),
    })?;
    let history = client.history(&details.id)?;
    let label = |name: &str| details.labels.get(name).cloned();
    let name = label(stage::NAME);
    let owns = |dir: &&RunnableDir| dir.image_from().is_none() && name.as_ref() == Some(&dir.name);
    let dir = workspace.dirs.iter().find(owns);
    let spec = dir.and_then(|dir| ImageSpec::read(workspace, dir).ok());
    let inputs = label(stage::INPUTS);
    let base = base(client, spec.as_ref(), label(stage::BASE))?;
    let promoted_from = label(stage::PROMOTED_FROM);
    let state = StateDir::peek(workspace);
    let record = |id: &str| dir.and_then(|dir| tested::read(&state, dir, id));
    Ok(Inspected {
        dir: dir.map(|dir| dir.address.to_string()),
        stage: label(stage::STAGE),
        version: label(stage::VERSION),
        matches: spec.as_ref().zip(inputs.as_ref()).map(|(spec, inputs)| spec.inputs == *inputs),
        inputs,
        base,
        untested: label(stage::UNTESTED).is_some_and(|value| value == "true"),
        tested: record(&details.id).or_else(|| record(promoted_from.as_deref()?)),
        promoted_from,
        layers: history
            .into_iter()
            .map(|layer| Layer { size: layer.size, made_by: mask_credentials(&layer.made_by).into_owned() })
            .collect(),
        env: details.env.iter().map(shown).collect(),
        references: details.references.iter().map(|name| name.trim_start_matches("localhost/").to_owned()).collect(),
        ..from_details(details)
    })
}

fn from_details(details: Details) -> Inspected {
    Inspected {
        id: details.id,
        references: Vec::new(),
        dir: None,
        stage: None,
        version: None,
        platform: details.platform,
        inputs: None,
        matches: None,
        base: Base::default(),
        promoted_from: None,
        untested: false,
        tested: None,
        created: details.created,
        size: details.size,
        layers: Vec::new(),
        user: details.user,
        entrypoint: details.entrypoint,
        command: details.command,
        workdir: details.workdir,
        env: Vec::new(),
        digests: details.digests.into_iter().filter(|digest| !digest.starts_with("localhost/")).collect(),
    }
}

fn base(client: &Client, spec: Option<&ImageSpec>, id: Option<String>) -> Result<Base, EngineError> {
    let now = match spec {
        Some(spec) => base_id(client, spec)?,
        None => None,
    };
    let current = id.as_ref().zip(now).map(|(then, now)| *then == now);
    Ok(Base { reference: spec.and_then(|spec| spec.base.clone()), id, current })
}

fn base_id(client: &Client, spec: &ImageSpec) -> Result<Option<String>, EngineError> {
    let Some(base) = spec.base.as_deref() else { return Ok(None) };
    Ok(client.image(base)?.map(|image| image.id))
}

fn shown((name, value): &(String, String)) -> (String, String) {
    let value = if looks_secret(name) { "***".to_owned() } else { mask_credentials(value).into_owned() };
    (name.clone(), value)
}

/// Whether a variable's name says that its value is nobody's business.
fn looks_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    let words: Vec<&str> = name.split('_').collect();
    let telling = ["TOKEN", "SECRET", "SECRETS", "KEY", "APIKEY", "PASS", "AUTH", "CREDENTIAL", "CREDENTIALS", "PAT"];
    words.iter().any(|word| telling.contains(word))
        || ["PASSWORD", "PASSWD", "PASSPHRASE"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_are_not_shown() {
        let shown = |name: &str, value: &str| shown(&(name.to_owned(), value.to_owned())).1;
        for name in ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "pgpassword", "NPM_AUTH", "API_KEY"] {
            assert_eq!(shown(name, "x"), "***", "{name}");
        }
        assert_eq!(shown("KEYBOARD", "de"), "de");
        assert_eq!(shown("PATH", "/venv/bin"), "/venv/bin");
        assert_eq!(shown("INDEX", "https://me:pw@host/simple"), "https://me:***@host/simple");
    }
}
