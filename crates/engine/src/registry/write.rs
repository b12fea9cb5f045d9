//! Writing to a registry: manifests and tags. Layers and configs are the engine's part.

use reqwest::{Method, StatusCode, header};

use super::error::RegistryError;
use super::host::{Request, Right};
use super::index::{self, Manifest, OCI_INDEX, PlatformEntry, sha256};
use super::reference::{Reference, Repository};
use super::session::Registry;

impl Registry {
    /// Writes an index over images that the repository has already, under `tag`; gives its digest. The same images give the same digest.
    ///
    /// # Errors
    /// When the registry refuses.
    pub fn put_index(
        &self,
        repository: &Repository,
        tag: &str,
        entries: &[PlatformEntry],
    ) -> Result<String, RegistryError> {
        self.put(&repository.tag(tag)?, OCI_INDEX, &index::index(entries))
    }

    /// Gives what `reference` names one more tag in the same repository: the same bytes, so the same digest, which it gives back.
    ///
    /// # Errors
    /// When there is no such image, or the registry refuses.
    pub fn retag(&self, reference: &Reference, tag: &str) -> Result<String, RegistryError> {
        let Manifest { media_type, bytes, .. } = self.manifest(reference)?;
        self.put(&reference.repository().tag(tag)?, &media_type, &bytes)
    }

    fn put(&self, reference: &Reference, media_type: &str, bytes: &[u8]) -> Result<String, RegistryError> {
        let repository = reference.repository();
        let request = Request {
            method: Method::PUT,
            target: format!("/v2/{}/manifests/{}", repository.path(), reference.identifier()),
            repository,
            right: Right::Push,
            accept: Vec::new(),
            body: Some((media_type, bytes)),
        };
        let answer = self.ask(&request)?;
        if !answer.status.is_success() {
            return Err(self.refusal(&request, &answer));
        }
        let expected = sha256(bytes);
        match answer.header("docker-content-digest") {
            Some(found) if found != expected => {
                Err(RegistryError::Mismatch { reference: reference.clone().into(), expected, found: found.into() })
            }
            _ => Ok(expected),
        }
    }

    /// Whether this user may push to a repository, found out by starting an upload and taking it back. It tells a missing right, a
    /// refused log-in, and a registry that is not there, read-only or full apart, before anything is built or sent.
    ///
    /// # Errors
    /// Why no push can succeed.
    pub fn may_push(&self, repository: &Repository) -> Result<(), RegistryError> {
        let start = Request {
            method: Method::POST,
            target: format!("/v2/{}/blobs/uploads/", repository.path()),
            repository,
            right: Right::Push,
            accept: Vec::new(),
            body: None,
        };
        let answer = self.ask(&start)?;
        match answer.status {
            // Registries that make no repositories by themselves say so here.
            StatusCode::NOT_FOUND => {
                return Err(RegistryError::Denied {
                    repository: repository.clone().into(),
                    user: self.user(repository),
                    verb: "push to",
                    why: answer.words(),
                    kind: self.kind,
                });
            }
            status if !status.is_success() => return Err(self.refusal(&start, &answer)),
            _ => {}
        }
        if let Some(location) = answer.header(header::LOCATION) {
            let cancel = Request { method: Method::DELETE, target: location.to_owned(), ..start };
            // The registry drops what is never finished anyway; some do not know how to cancel.
            let _ = self.ask(&cancel);
        }
        Ok(())
    }
}
