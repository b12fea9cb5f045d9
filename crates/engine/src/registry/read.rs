//! Reading from a registry.

use reqwest::{Method, StatusCode, header};

use super::error::RegistryError;
use super::host::{Answer, Request, Right};
use super::index::{self, ACCEPTED, Body, ImageConfig, Manifest, Platform, sha256};
use super::reference::{Reference, Repository};
use super::session::Registry;

/// More pages of tags than this are those of a registry that goes round in circles.
const MOST_PAGES: usize = 1000;

/// A manifest that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Registry {
    /// The digest of an image or index; `None` where there is none of that name.
    ///
    /// # Errors
    /// When the registry cannot be reached or does not let us read.
    pub fn digest(&self, reference: &Reference) -> Result<Option<Found>, RegistryError> {
        let request = manifest_request(reference, Method::HEAD);
        let answer = self.ask(&request)?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let text = |name: header::HeaderName| answer.header(name).map(str::to_owned);
        let digest = answer.header("docker-content-digest").map(str::to_owned);
        let size = text(header::CONTENT_LENGTH).and_then(|size| size.parse().ok());
        if let (true, Some(digest), Some(media_type), Some(size)) =
            (answer.status.is_success(), digest, text(header::CONTENT_TYPE), size)
        {
            return Ok(Some(Found { digest, media_type, size }));
        }
        // Headers are optional in answers to HEAD, and an error has no body there that could say why.
        let found = self.try_manifest(reference)?.map(|manifest| Found {
            digest: manifest.digest,
            media_type: manifest.media_type,
            size: manifest.bytes.len() as u64,
        });
        Ok(found)
    }

    /// A manifest or index.
    ///
    /// # Errors
    /// [`RegistryError::Missing`] where there is none, [`RegistryError::Mismatch`] where its bytes are not those of the digest asked for.
    pub fn manifest(&self, reference: &Reference) -> Result<Manifest, RegistryError> {
        self.try_manifest(reference)?.ok_or_else(|| RegistryError::Missing { reference: reference.clone().into() })
    }

    /// The same, `None` where there is none of that name.
    ///
    /// # Errors
    /// As [`Registry::manifest`], but for the missing one.
    pub fn try_manifest(&self, reference: &Reference) -> Result<Option<Manifest>, RegistryError> {
        let request = manifest_request(reference, Method::GET);
        let answer = self.ask(&request)?;
        match answer.status {
            StatusCode::NOT_FOUND => return Ok(None),
            status if !status.is_success() => return Err(self.refusal(&request, &answer)),
            _ => {}
        }
        let stated = answer.header(header::CONTENT_TYPE).map(str::to_owned);
        let manifest = Manifest::read(answer.body, stated.as_deref())
            .map_err(|detail| self.nonsense(reference.repository(), "read a manifest", detail))?;
        let asked = reference.identifier();
        if asked.starts_with("sha256:") && asked != manifest.digest {
            let (expected, found) = (asked.to_owned(), manifest.digest);
            return Err(RegistryError::Mismatch { reference: reference.clone().into(), expected, found });
        }
        Ok(Some(manifest))
    }

    /// The images that a manifest or index stands for, each with its platform, the manifest's own digest, and its config.
    ///
    /// # Errors
    /// When something that it names is missing or cannot be read.
    pub fn images(
        &self,
        repository: &Repository,
        manifest: &Manifest,
    ) -> Result<Vec<(Manifest, ImageConfig)>, RegistryError> {
        match &manifest.body {
            Body::Image { .. } => Ok(vec![(manifest.clone(), self.config(repository, manifest)?)]),
            Body::Index(entries) => entries
                .iter()
                .map(|entry| {
                    let image = self.manifest(&repository.digest(&entry.digest)?)?;
                    let config = self.config(repository, &image)?;
                    Ok((image, config))
                })
                .collect(),
        }
    }

    /// The labels of an image; of an index those of `platform`, else of its first image. `None` where there is no such image.
    ///
    /// # Errors
    /// When the registry cannot be reached, does not let us read, or is damaged.
    pub fn config_labels(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
    ) -> Result<Option<ImageConfig>, RegistryError> {
        let Some(manifest) = self.try_manifest(reference)? else { return Ok(None) };
        let repository = reference.repository();
        let image = match &manifest.body {
            Body::Image { .. } => manifest,
            Body::Index(entries) => {
                let wanted = entries.iter().find(|entry| platform.is_none_or(|platform| *platform == entry.platform));
                let Some(entry) = wanted else { return Ok(None) };
                self.manifest(&repository.digest(&entry.digest)?)?
            }
        };
        let config = self.config(repository, &image)?;
        Ok(platform.is_none_or(|platform| *platform == config.platform).then_some(config))
    }

    /// All tags of a repository, sorted as the registry sorts them; none where there is no such repository.
    ///
    /// # Errors
    /// When the registry cannot be reached or does not let us read.
    pub fn tags(&self, repository: &Repository) -> Result<Vec<String>, RegistryError> {
        let mut tags = Vec::new();
        let mut target = format!("/v2/{}/tags/list?n=1000", repository.path());
        for _ in 0..MOST_PAGES {
            let request =
                Request { method: Method::GET, target, repository, right: Right::Pull, accept: Vec::new(), body: None };
            let answer = self.ask(&request)?;
            match answer.status {
                StatusCode::NOT_FOUND => return Ok(tags),
                status if !status.is_success() => return Err(self.refusal(&request, &answer)),
                _ => {}
            }
            let value: serde_json::Value = serde_json::from_slice(&answer.body)
                .map_err(|error| self.nonsense(repository, "list tags", error.to_string()))?;
            let page = value.get("tags").and_then(serde_json::Value::as_array).into_iter().flatten();
            tags.extend(page.filter_map(|tag| tag.as_str().map(str::to_owned)));
            match next_page(&answer) {
                Some(next) => target = next,
                None => break,
            }
        }
        Ok(tags)
    }

    /// Reads again what is there under `reference`, and all that it stands for: manifests by their digests, and whether each config and
    /// layer is there with its size.
    ///
    /// # Errors
    /// [`RegistryError::Mismatch`] where it is not `expected`, [`RegistryError::Missing`] where a part is missing.
    pub fn verify(&self, reference: &Reference, expected: &str) -> Result<(), RegistryError> {
        let manifest = self.manifest(reference)?;
        if manifest.digest != expected {
            let expected = expected.to_owned();
            return Err(RegistryError::Mismatch {
                reference: reference.clone().into(),
                expected,
                found: manifest.digest,
            });
        }
        let repository = reference.repository();
        self.manifest(&repository.digest(expected)?)?;
        let images = match &manifest.body {
            Body::Image { .. } => vec![manifest],
            Body::Index(entries) => {
                let read = |digest: &str| self.manifest(&repository.digest(digest)?);
                entries.iter().map(|entry| read(&entry.digest)).collect::<Result<_, _>>()?
            }
        };
        for image in images {
            let Body::Image { config, layers } = &image.body else { continue };
            for blob in layers.iter().chain([config]) {
                self.has_blob(repository, &blob.digest, blob.size)?;
            }
        }
        Ok(())
    }

    fn has_blob(&self, repository: &Repository, digest: &str, size: u64) -> Result<(), RegistryError> {
        let request = blob_request(repository, digest, Method::HEAD);
        let answer = self.ask(&request)?;
        match answer.status {
            StatusCode::NOT_FOUND => {
                return Err(RegistryError::Missing { reference: repository.digest(digest)?.into() });
            }
            status if !status.is_success() => return Err(self.refusal(&request, &answer)),
            _ => {}
        }
        let found = answer.header(header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
        match found {
            Some(found) if found != size => Err(RegistryError::Mismatch {
                reference: repository.digest(digest)?.into(),
                expected: format!("{size} bytes long"),
                found: format!("{found} bytes long"),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn config(&self, repository: &Repository, image: &Manifest) -> Result<ImageConfig, RegistryError> {
        let Body::Image { config, .. } = &image.body else {
            return Err(self.nonsense(repository, "read a config", "an index in an index".into()));
        };
        let request = blob_request(repository, &config.digest, Method::GET);
        let answer = self.ask(&request)?;
        let reference = Box::new(repository.digest(&config.digest)?);
        match answer.status {
            StatusCode::NOT_FOUND => return Err(RegistryError::Missing { reference }),
            status if !status.is_success() => return Err(self.refusal(&request, &answer)),
            _ => {}
        }
        let found = sha256(&answer.body);
        if found != config.digest {
            return Err(RegistryError::Mismatch { reference, expected: config.digest.clone(), found });
        }
        index::config(&answer.body).map_err(|detail| self.nonsense(repository, "read a config", detail))
    }
}

fn manifest_request(reference: &Reference, method: Method) -> Request<'_> {
    let repository = reference.repository();
    Request {
        method,
        target: format!("/v2/{}/manifests/{}", repository.path(), reference.identifier()),
        repository,
        right: Right::Pull,
        accept: ACCEPTED.to_vec(),
        body: None,
    }
}

fn blob_request<'a>(repository: &'a Repository, digest: &str, method: Method) -> Request<'a> {
    let target = format!("/v2/{}/blobs/{digest}", repository.path());
    Request { method, target, repository, right: Right::Pull, accept: Vec::new(), body: None }
}

/// `Link: </v2/acme/infra/tags/list?last=x&n=1000>; rel="next"` (RFC 8288).
fn next_page(answer: &Answer) -> Option<String> {
    let link = answer.header(header::LINK)?;
    let (target, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then(|| target.to_owned())
}
