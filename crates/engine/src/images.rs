//! What an image is made of, who uses it, and how it goes.

use std::collections::BTreeMap;

use serde_json::Value;
use wharf_process::Command;

use crate::client::{Client, is_missing, string_map, strings, text};
use crate::error::EngineError;
use crate::kind::Kind;

/// All that an engine says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Content id, `sha256:…`.
    pub id: String,
    /// Names with tags.
    pub references: Vec<String>,
    /// Names with the digests under which registries have it.
    pub digests: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Size in bytes, layers shared with others included.
    pub size: u64,
    /// Such as `linux/amd64`.
    pub platform: String,
    /// Who runs in it; empty for root.
    pub user: String,
    /// What is started first.
    pub entrypoint: Vec<String>,
    /// What is started, or the entrypoint's arguments.
    pub command: Vec<String>,
    /// Folder it starts in.
    pub workdir: String,
    /// Variables, in the image's order.
    pub env: Vec<(String, String)>,
    /// Digests of its layers' content, the base's first (OCI image spec 1.1, "rootfs.diff_ids").
    pub layers: Vec<String>,
}

/// A step of an image's history that left something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Bytes that it holds.
    pub size: u64,
    /// What made it, in the builder's words.
    pub made_by: String,
}

/// A container, running or not, that an image cannot go without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUser {
    /// Name of the container.
    pub container: String,
    /// Id of its image.
    pub image: String,
    /// `running`, `exited`, …
    pub state: String,
}

impl Client {
    /// Describes images, by id or name, in the order in which they are asked for.
    ///
    /// # Errors
    /// When the engine does not answer, or does not have one of them.
    pub fn details(&self, references: &[&str]) -> Result<Vec<Details>, EngineError> {
        if references.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["image", "inspect"];
        args.extend(references);
        let output = self.ask("inspect images", &args)?;
        Ok(self.json("inspect images", &output)?.iter().map(details).collect())
    }

    /// Describes every image that the engine has, nameless ones too.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn all_details(&self) -> Result<Vec<Details>, EngineError> {
        let ids = self.ask("list images", &["image", "ls", "--quiet", "--no-trunc"])?.text();
        let mut ids: Vec<&str> = ids.split_whitespace().collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["image", "inspect"];
        args.extend(ids);
        // One may go meanwhile: the others are printed all the same.
        let output = self.command().args(args).run().map_err(|source| self.process(source))?;
        if !output.exit.is_success() && !is_missing(&output.error_text()) {
            return Err(EngineError::classify(self.kind(), "inspect images", &output.error_text()));
        }
        Ok(self.json("inspect images", &output)?.iter().map(details).collect())
    }

    /// Steps of an image's history that left something, the oldest first.
    ///
    /// # Errors
    /// When the engine does not answer, or does not have it.
    pub fn history(&self, id: &str) -> Result<Vec<Layer>, EngineError> {
        let mut layers: Vec<Layer> = if self.kind() == Kind::Podman {
            let output = self.ask("show an image's history", &["history", "--no-trunc", "--format", "json", id])?;
            self.json("show an image's history", &output)?.iter().map(podman_layer).collect()
        } else {
            let args = ["history", "--no-trunc", "--human=false", "--format", "{{json .}}", id];
            let output = self.ask("show an image's history", &args)?.text();
            output.lines().filter_map(|line| serde_json::from_str(line).ok()).map(|line| docker_layer(&line)).collect()
        };
        layers.retain(|layer| layer.size > 0);
        layers.reverse();
        Ok(layers)
    }

    /// Every container, whoever started it, with the id of its image.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn image_users(&self) -> Result<Vec<ImageUser>, EngineError> {
        if self.kind() == Kind::Podman {
            let output = self.ask_podman("list containers", &["ps", "--all", "--no-trunc", "--format", "json"])?;
            return Ok(self.json("list containers", &output)?.iter().map(podman_user).collect());
        }
        let ids = self.ask("list containers", &["ps", "--all", "--quiet", "--no-trunc"])?.text();
        if ids.trim().is_empty() {
            return Ok(Vec::new());
        }
        let format = "{{.Image}} {{.State.Status}} {{.Name}}";
        let command = self.command().args(["container", "inspect", "--format", format]);
        let command = command.args(ids.split_whitespace().map(str::to_owned));
        let output = command.run().map_err(|source| self.process(source))?;
        if !output.exit.is_success() && !is_missing(&output.error_text()) {
            return Err(EngineError::classify(self.kind(), "list containers", &output.error_text()));
        }
        Ok(output.text().lines().filter_map(docker_user).collect())
    }

    /// Takes a name from an image, and removes the image with its last one; or removes a nameless one by its id. Never one
    /// that a container uses.
    ///
    /// # Errors
    /// When the engine refuses; an image that is already gone is no error.
    pub fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        match self.ask("remove an image", &["image", "rm", reference]) {
            Ok(_) => Ok(()),
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The command for [`Client::remove_image`].
    #[must_use]
    pub fn remove_image_command(&self, reference: &str) -> Command {
        self.command().args(["image", "rm"]).arg(reference.to_owned())
    }

    /// The command for [`Client::tag`].
    #[must_use]
    pub fn tag_command(&self, id: &str, reference: &str) -> Command {
        self.command().arg("tag").arg(id.to_owned()).arg(reference.to_owned())
    }
}

fn details(value: &Value) -> Details {
    let config = value.get("Config").unwrap_or(&Value::Null);
    let labels = config.get("Labels").filter(|labels| labels.is_object()).or_else(|| value.get("Labels"));
    let parts = [text(value, "Os"), text(value, "Architecture"), text(value, "Variant")];
    let pair = |line: String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    Details {
        id: full_id(&text(value, "Id")),
        references: strings(value.get("RepoTags")),
        digests: strings(value.get("RepoDigests")),
        labels: labels.map(string_map).unwrap_or_default(),
        created: text(value, "Created"),
        size: value.get("Size").and_then(Value::as_u64).unwrap_or(0),
        platform: parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"),
        user: text(config, "User"),
        entrypoint: strings(config.get("Entrypoint")),
        command: strings(config.get("Cmd")),
        workdir: text(config, "WorkingDir"),
        env: strings(config.get("Env")).into_iter().filter_map(pair).collect(),
        layers: strings(value.pointer("/RootFS/Layers")),
    }
}

fn full_id(id: &str) -> String {
    format!("sha256:{}", id.trim_start_matches("sha256:"))
}

fn podman_layer(value: &Value) -> Layer {
    let made_by = [text(value, "CreatedBy"), text(value, "createdBy")].concat();
    Layer { size: value.get("size").and_then(Value::as_u64).unwrap_or(0), made_by }
}

fn docker_layer(value: &Value) -> Layer {
    Layer { size: text(value, "Size").trim_end_matches('B').parse().unwrap_or(0), made_by: text(value, "CreatedBy") }
}

fn podman_user(value: &Value) -> ImageUser {
    ImageUser {
        container: strings(value.get("Names")).into_iter().next().unwrap_or_default(),
        image: full_id(&text(value, "ImageID")),
        state: text(value, "State"),
    }
}

fn docker_user(line: &str) -> Option<ImageUser> {
    let mut words = line.split(' ');
    let (image, state, name) = (words.next()?, words.next()?, words.next()?);
    Some(ImageUser { container: name.trim_start_matches('/').into(), image: full_id(image), state: state.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engines_say_is_understood() {
        let docker = serde_json::json!({
            "Id": "sha256:ab", "RepoTags": ["a:1"], "RepoDigests": ["r/a@sha256:cd"], "Created": "2026-01-02T03:04:05Z",
            "Size": 12, "Os": "linux", "Architecture": "arm64", "Variant": "v8", "RootFS": {"Layers": ["sha256:1"]},
            "Config": {"User": "wharf", "Entrypoint": null, "Cmd": ["sh"], "Env": ["A=b=c"], "Labels": {"x": "y"}}
        });
        let details = details(&docker);
        assert_eq!((details.platform.as_str(), details.env), ("linux/arm64/v8", vec![("A".into(), "b=c".into())]));
        assert_eq!(details.labels["x"], "y");
        let podman = serde_json::json!({"Id": "ab", "Labels": {"x": "z"}, "Config": {}});
        assert_eq!((self::details(&podman).id, &self::details(&podman).labels["x"]), ("sha256:ab".into(), &"z".into()));
        let user = docker_user("sha256:ab running /some_name").unwrap();
        assert_eq!((user.container.as_str(), user.state.as_str()), ("some_name", "running"));
        let layer = docker_layer(&serde_json::json!({"Size": "1234", "CreatedBy": "RUN x"}));
        assert_eq!(layer, Layer { size: 1234, made_by: "RUN x".into() });
    }
}
