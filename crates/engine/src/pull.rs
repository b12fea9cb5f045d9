//! Images of a certain platform: which one the engine's own is, what a name stands for, fetching one beside another.
//!
//! On a classic image store a name holds one image, so one platform. Fetching another one moves the name; here it is
//! moved back, and what was fetched gets a name of its own, with the platform's suffix. An engine with containerd's store
//! holds several behind one name, and nothing moves.

use std::time::Duration;

use serde_json::Value;

use crate::api;
use crate::client::{Client, Image};
use crate::error::EngineError;
use crate::kind::Kind;
use crate::platform::Platform;

/// How long a registry may take to say what it has.
const PATIENCE: Duration = Duration::from_secs(30);

impl Client {
    /// The platform that the engine runs without emulation. Asked once.
    ///
    /// # Errors
    /// When the engine does not answer, or its platform is none that Wharf knows.
    pub fn native_platform(&self) -> Result<Platform, EngineError> {
        if let Some(known) = self.native.get() {
            return Ok(*known);
        }
        let found = self.ask_native()?;
        Ok(*self.native.get_or_init(|| found))
    }

    fn ask_native(&self) -> Result<Platform, EngineError> {
        // Podman's containers run on the kernel that it runs on itself.
        if let (Kind::Podman, true, Some(platform)) =
            (self.kind(), cfg!(target_os = "linux"), Platform::of_this_machine())
        {
            return Ok(platform);
        }
        let words = if let Some(socket) = self.socket() {
            api::platform(socket)?
        } else {
            let format = match self.kind() {
                Kind::Podman => "{{if .Server}}{{.Server.OsArch}}{{else}}{{.Client.OsArch}}{{end}}",
                _ => "{{.Server.Os}}/{{.Server.Arch}}",
            };
            self.ask("say its platform", &["version", "--format", format])?.text()
        };
        let mut parts = words.trim().splitn(3, '/');
        let mut next = || parts.next().unwrap_or_default();
        Platform::from_words(next(), next(), next()).ok_or_else(|| EngineError::Answer {
            kind: self.kind(),
            verb: "say its platform".into(),
            detail: format!("`{}` is none that Wharf knows", words.trim()),
        })
    }

    /// The image for `platform` that `reference` stands for here, and by which name it is had: its own, or that with the
    /// platform's suffix. `None` where neither is here for it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn image_for(&self, reference: &str, platform: Platform) -> Result<Option<(String, Image)>, EngineError> {
        let native = self.native_platform()?;
        for name in [reference.to_owned(), platform.suffixed(reference)] {
            if let Some(image) = self.image(&name)?.filter(|image| image.platform.unwrap_or(native) == platform) {
                return Ok(Some((name, image)));
            }
        }
        Ok(None)
    }

    /// Fetches the image for `platform`; the name goes on standing for what it stood for before. Gives the name by which
    /// the fetched image is had.
    ///
    /// # Errors
    /// [`EngineError::NoPlatform`] when the registry has the image for other platforms only, [`EngineError::NoImage`] when
    /// it does not give it at all.
    pub fn pull_for(
        &self,
        reference: &str,
        platform: Platform,
        on_line: &(dyn Fn(&str) + Sync),
    ) -> Result<(String, Image), EngineError> {
        let before = self.image(reference)?;
        let command = self.command().args(["pull", "--platform"]).arg(platform.to_string()).arg(reference);
        let output = command.run().map_err(|source| self.process(source))?;
        output.text().lines().for_each(on_line);
        if !output.exit.is_success() {
            return Err(self.not_pulled(reference, platform, &output.error_text()));
        }
        let missing = || EngineError::Answer {
            kind: self.kind(),
            verb: "pull".into(),
            detail: format!("`{reference}` is not there afterwards"),
        };
        let pulled = self.image(reference)?.ok_or_else(missing)?;
        let own = platform.suffixed(reference);
        self.tag(&pulled.id, &own)?;
        match before {
            Some(before) if before.id != pulled.id => self.tag(&before.id, reference)?,
            Some(_) => {}
            None => self.untag(reference)?,
        }
        match pulled.platform {
            Some(found) if found != platform => {
                self.untag(&own)?;
                Err(EngineError::NoPlatform {
                    kind: self.kind(),
                    image: reference.into(),
                    platform,
                    known: vec![found.to_string()],
                })
            }
            _ => Ok((own, pulled)),
        }
    }

    fn not_pulled(&self, reference: &str, platform: Platform, detail: &str) -> EngineError {
        if lacks_platform(detail) {
            let known = self.offered_platforms(reference);
            return EngineError::NoPlatform { kind: self.kind(), image: reference.into(), platform, known };
        }
        // Podman says first what it is about to do.
        let told: Vec<&str> = detail.lines().filter(|line| !line.starts_with("Trying to pull")).collect();
        match EngineError::classify(self.kind(), "pull", &told.join("\n")) {
            EngineError::Refused { kind, detail, .. } => EngineError::NoImage { kind, image: reference.into(), detail },
            other => other,
        }
    }

    /// Takes a name from an image; an image without another one is removed.
    ///
    /// # Errors
    /// When the engine refuses; a name that is not there is no error.
    pub fn untag(&self, reference: &str) -> Result<(), EngineError> {
        match self.ask("remove an image", &["image", "rm", reference]) {
            Ok(_) => Ok(()),
            Err(_) if matches!(self.image(reference), Ok(None)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The platforms for which the registry has an image, in its own words. A courtesy for messages: empty where it cannot be
    /// asked, or does not say.
    #[must_use]
    pub fn offered_platforms(&self, reference: &str) -> Vec<String> {
        let mut command = self.command().args(["manifest", "inspect"]).limit(PATIENCE);
        if self.kind() == Kind::Docker {
            command = command.arg("--verbose");
            // The engine takes a registry on this machine without TLS by itself; this verb does not.
            if ["127.", "localhost:", "[::1]"].iter().any(|start| reference.starts_with(start)) {
                command = command.arg("--insecure");
            }
        }
        let answer = command.arg(reference).run().ok().filter(|output| output.exit.is_success());
        let answer: Value = answer.and_then(|output| serde_json::from_slice(&output.stdout).ok()).unwrap_or_default();
        platforms_in(&answer)
    }
}

/// The platforms in what `manifest inspect` says: docker's, an object for a single image or a list for an index, or
/// podman's, the index itself.
fn platforms_in(answer: &Value) -> Vec<String> {
    let items = match answer {
        Value::Array(items) => items.as_slice(),
        single => match single.get("manifests").and_then(Value::as_array) {
            Some(items) => items.as_slice(),
            None => std::slice::from_ref(single),
        },
    };
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let platforms = items.iter().filter_map(|item| {
        let platform = item.pointer("/Descriptor/platform").or_else(|| item.get("platform"))?;
        let (os, architecture, variant) =
            (word(platform, "os"), word(platform, "architecture"), word(platform, "variant"));
        // Attestations stand in an index as images for `unknown/unknown`.
        let known = Platform::from_words(&os, &architecture, &variant).map(|known| known.to_string());
        known.or_else(|| (!["unknown", ""].contains(&os.as_str())).then(|| format!("{os}/{architecture}")))
    });
    let mut platforms: Vec<String> = platforms.collect();
    platforms.sort_unstable();
    platforms.dedup();
    platforms
}

/// Whether a builder or a registry's client said that the image is there for other platforms only.
pub(crate) fn lacks_platform(text: &str) -> bool {
    let lower = text.to_lowercase();
    let signs = [
        "no match for platform in manifest",
        "no matching manifest for",
        "no image found in manifest list for",
        "no image found in image index for",
        "does not provide the specified platform",
        "does not match the specified platform",
    ];
    signs.iter().any(|sign| lower.contains(sign))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn platforms_are_read_from_each_form_of_a_manifest() {
        let amd64 = json!({ "architecture": "amd64", "os": "linux" });
        let arm = json!({ "architecture": "arm", "os": "linux", "variant": "v7" });
        let nothing = json!({ "architecture": "unknown", "os": "unknown" });
        let single = json!({ "Ref": "a", "Descriptor": { "platform": amd64 } });
        assert_eq!(platforms_in(&single), ["linux/amd64"]);
        let described = |platform: &Value| json!({ "Descriptor": { "platform": platform } });
        let list = json!([described(&arm), described(&amd64), described(&nothing)]);
        assert_eq!(platforms_in(&list), ["linux/amd64", "linux/arm/v7"]);
        let windows = json!({ "architecture": "amd64", "os": "windows" });
        let index = json!({ "manifests": [{ "platform": amd64 }, { "platform": windows }] });
        assert_eq!(platforms_in(&index), ["linux/amd64", "windows/amd64"]);
        assert_eq!(platforms_in(&json!({ "schemaVersion": 2, "layers": [] })), [""; 0]);
    }
}
