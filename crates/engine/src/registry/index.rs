//! Manifests and indexes: what is read of them, and how an index is written.
//!
//! Source: OCI image specification 1.1, "Image Index", and Docker's image manifest version 2, schema 2.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Media type of an index that Wharf writes.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// All that Wharf can read, for `Accept`.
pub(crate) const ACCEPTED: [&str; 4] = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST];

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Operating system: `linux`.
    pub os: String,
    /// Architecture as OCI writes it: `amd64`, `arm64`, `arm`.
    pub architecture: String,
    /// Variant: `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Reads `linux/arm64` or `linux/arm/v7`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/').filter(|part| !part.is_empty());
        let (os, architecture) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let platform = Self { os, architecture, variant: parts.next().map(str::to_owned) };
        parts.next().is_none().then(|| platform.canonical())
    }

    /// The architecture with its variant, as tags carry it: `arm64`, `arm-v7`.
    #[must_use]
    pub fn suffix(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}-{variant}", self.architecture),
            None => self.architecture.clone(),
        }
    }

    /// `arm64/v8` is what `arm64` means.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        if self.architecture == "arm64" && self.variant.as_deref() == Some("v8") {
            self.variant = None;
        }
        self.variant = self.variant.filter(|variant| !variant.is_empty());
        self
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// One platform's image in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformEntry {
    /// What it runs on.
    pub platform: Platform,
    /// Digest of its manifest.
    pub digest: String,
    /// Media type of its manifest.
    pub media_type: String,
    /// Size of its manifest in bytes.
    pub size: u64,
}

/// Something by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob {
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    #[serde(default)]
    pub size: u64,
}

/// A manifest, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Digest of its bytes.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes, as the registry has them.
    pub bytes: Vec<u8>,
    /// What it says.
    pub body: Body,
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// One image.
    Image {
        /// Its config.
        config: Blob,
        /// Its layers, compressed.
        layers: Vec<Blob>,
    },
    /// One image for each of several platforms.
    Index(Vec<PlatformEntry>),
}

/// What an image's config says, as far as Wharf cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// Digest of the config: the image's id in Docker and Podman.
    pub id: String,
    /// What it runs on.
    pub platform: Platform,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest; what is wrong with it otherwise. `stated` is the media type that the registry said.
    pub(crate) fn read(bytes: Vec<u8>, stated: Option<&str>) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        let written = value.get("mediaType").and_then(Value::as_str);
        let stated = stated.and_then(|stated| stated.split(';').next()).map(str::trim);
        let media_type = written.or(stated).unwrap_or(OCI_MANIFEST).to_owned();
        let body = match media_type.as_str() {
            OCI_INDEX | DOCKER_LIST => Body::Index(entries(&value)?),
            OCI_MANIFEST | DOCKER_MANIFEST => image(&value)?,
            other => return Err(format!("a manifest of type `{other}`")),
        };
        Ok(Self { digest: sha256(&bytes), media_type, bytes, body })
    }

    /// Size in bytes of what has to be fetched for it: config and layers.
    #[must_use]
    pub fn content_size(&self) -> u64 {
        match &self.body {
            Body::Image { config, layers } => config.size + layers.iter().map(|layer| layer.size).sum::<u64>(),
            Body::Index(_) => 0,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenEntry {
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<Platform>,
}

fn entries(value: &Value) -> Result<Vec<PlatformEntry>, String> {
    let list = value.get("manifests").cloned().ok_or("an index without manifests")?;
    let list: Vec<WrittenEntry> = serde_json::from_value(list).map_err(|error| error.to_string())?;
    // BuildKit lists attestations as images for `unknown/unknown`.
    let known = list.into_iter().filter_map(|entry| {
        let platform = entry.platform.filter(|platform| platform.os != "unknown")?.canonical();
        Some(PlatformEntry { platform, digest: entry.digest, media_type: entry.media_type, size: entry.size })
    });
    Ok(known.collect())
}

fn image(value: &Value) -> Result<Body, String> {
    let part = |name: &str| value.get(name).cloned().ok_or(format!("a manifest without {name}"));
    let read = |error: serde_json::Error| error.to_string();
    Ok(Body::Image {
        config: serde_json::from_value(part("config")?).map_err(read)?,
        layers: serde_json::from_value(part("layers")?).map_err(read)?,
    })
}

/// Reads an image's config.
pub(crate) fn config(bytes: &[u8]) -> Result<ImageConfig, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let platform = Platform {
        os: text("os").unwrap_or_else(|| "linux".into()),
        architecture: text("architecture").ok_or("a config without architecture")?,
        variant: text("variant"),
    };
    let labels = value.pointer("/config/Labels").and_then(Value::as_object).into_iter().flatten();
    let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    Ok(ImageConfig { id: sha256(bytes), platform: platform.canonical(), labels })
}

/// The bytes of an index over these images: the same images give the same bytes, in whatever order they come.
#[must_use]
pub fn index(entries: &[PlatformEntry]) -> Vec<u8> {
    let mut sorted: Vec<&PlatformEntry> = entries.iter().collect();
    sorted.sort_by(|a, b| (&a.platform, &a.digest).cmp(&(&b.platform, &b.digest)));
    let manifests: Vec<Value> = sorted
        .into_iter()
        .map(|entry| {
            serde_json::json!({
                "mediaType": entry.media_type,
                "digest": entry.digest,
                "size": entry.size,
                "platform": entry.platform,
            })
        })
        .collect();
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests });
    index.to_string().into_bytes()
}

/// The digest of bytes, as registries write it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::from("sha256:"), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(platform: &str, digest: &str) -> PlatformEntry {
        PlatformEntry {
            platform: Platform::parse(platform).unwrap(),
            digest: digest.into(),
            media_type: DOCKER_MANIFEST.into(),
            size: 7,
        }
    }

    #[test]
    fn platforms_have_suffixes() {
        let suffix = |text: &str| Platform::parse(text).map(|platform| (platform.to_string(), platform.suffix()));
        assert_eq!(suffix("linux/arm/v7"), Some(("linux/arm/v7".into(), "arm-v7".into())));
        assert_eq!(suffix("linux/arm64/v8"), Some(("linux/arm64".into(), "arm64".into())));
        assert_eq!(suffix("linux"), None);
        assert_eq!(suffix("linux/a/b/c"), None);
    }

    #[test]
    fn an_index_is_the_same_in_any_order_and_reads_back() {
        let (one, two) = (entry("linux/arm64", "sha256:b"), entry("linux/amd64", "sha256:a"));
        let bytes = index(&[one.clone(), two.clone()]);
        assert_eq!(bytes, index(&[two.clone(), one.clone()]));
        let read = Manifest::read(bytes.clone(), None).unwrap();
        assert_eq!(read.body, Body::Index(vec![two, one]));
        assert_eq!((read.media_type.as_str(), read.digest), (OCI_INDEX, sha256(&bytes)));
    }

    #[test]
    fn manifests_and_configs_are_read() {
        let text =
            br#"{"schemaVersion":2,"config":{"digest":"sha256:c","size":3},"layers":[{"digest":"sha256:l","size":4}]}"#;
        let read =
            Manifest::read(text.to_vec(), Some("application/vnd.docker.distribution.manifest.v2+json; x")).unwrap();
        assert_eq!((read.content_size(), read.media_type.as_str()), (7, DOCKER_MANIFEST));
        assert!(Manifest::read(b"{\"schemaVersion\":1}".to_vec(), Some("text/html")).is_err());
        let read =
            config(br#"{"os":"linux","architecture":"arm64","variant":"v8","config":{"Labels":{"a":"b"}}}"#).unwrap();
        assert_eq!((read.platform.to_string().as_str(), read.labels["a"].as_str()), ("linux/arm64", "b"));
        assert_eq!(sha256(b""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
