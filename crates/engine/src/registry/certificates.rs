//! Which certificates are trusted beside the system's: those that the engine trusts for a registry, and a bundle that the caller names.
//!
//! Sources: Docker, "Verify repository client with certificates"; containers-certs.d(5).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::reference::is_loopback;
use crate::environment::Environment;
use crate::kind::Kind;

/// The folder in which the engine looks for a registry's CA.
pub(super) fn folder(kind: Kind, host: &str) -> String {
    match kind {
        Kind::Podman => format!("/etc/containers/certs.d/{host}"),
        _ => format!("/etc/docker/certs.d/{host}"),
    }
}

/// What TLS with `host` is done by.
///
/// # Errors
/// When there is no certificate at all to trust.
pub(super) fn tls(
    kind: Kind,
    environment: &Environment,
    host: &str,
    bundles: &[PathBuf],
) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let extra = extra(kind, environment, host, bundles);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(extra.iter().cloned());
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let usual = usual.build().map_err(|error| format!("no certificates to trust: {error}"))?;
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    let verifier = Arc::new(Verifier { usual, extra, provider });
    // Not less strict, but for a certificate that was named as it is.
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Certificates to trust for `host` beside the system's.
fn extra(kind: Kind, environment: &Environment, host: &str, bundles: &[PathBuf]) -> Vec<CertificateDer<'static>> {
    let mut folders = vec![PathBuf::from(folder(kind, host))];
    if kind == Kind::Podman {
        folders.push(folder(Kind::Docker, host).into());
        folders.extend(environment.config_home().map(|config| config.join("containers/certs.d").join(host)));
    }
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| in_folder(folder)).collect();
    files.extend(bundles.iter().cloned());
    // One that cannot be read is one not trusted: the connection then says so.
    files.iter().filter_map(|file| CertificateDer::pem_file_iter(file).ok()).flatten().flatten().collect()
}

/// The usual verifier, which also takes a server's own certificate where just that one was named. Docker's manual makes such
/// certificates for registries (`openssl req -x509`): marked as a CA's, which the usual verifier refuses in a server. Its name and its
/// time have to be right all the same; the time is looked at before the mark is.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verdict {
            Err(error) if is_ca_mark(&error) && self.extra.iter().any(|known| known == end_entity) => {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn is_ca_mark(error: &Error) -> bool {
    error.to_string().contains("CaUsedAsEndEntity")
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.flatten().map(|entry| entry.path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "crt")).collect()
}

/// What a connection's error says of the certificate, if that is what is wrong.
pub(super) fn complaint(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let start = lower.find("invalid peer certificate").or_else(|| lower.find("certificate verify failed"))?;
    let said = text.get(start..).unwrap_or(text).trim_start_matches("invalid peer certificate: ");
    // Nobody who does not trust it yet is helped by the library's word for it.
    Some(if said.contains("CaUsedAsEndEntity") { "it is signed by itself".into() } else { said.to_owned() })
}

/// Whether plain HTTP is tried first, as Docker does with registries of this machine.
pub(super) fn is_plain(host: &str) -> bool {
    is_loopback(host)
}
