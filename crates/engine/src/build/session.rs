//! A BuildKit session over Docker's API: needs neither buildx nor an old client.
//!
//! The context goes up as a tar through the session, secrets are handed out by the session when a step asks for
//! them, and a second connection follows the progress.

use std::path::Path;

use bollard::grpc::BuildRef;
use bollard::grpc::build::{ImageBuildFrontendOptions, ImageBuildLoadInput, ImageBuildPlatform, SecretSource};
use bollard::grpc::driver::Build;
use bollard::grpc::driver::moby::Moby;

use super::{BuildFailure, BuildSpec, status};
use crate::api;
use crate::client::Client;
use crate::credentials;
use crate::error::EngineError;

pub(super) fn build(client: &Client, spec: &BuildSpec, on_line: &(dyn Fn(&str) + Sync)) -> Result<(), BuildFailure> {
    let Some(socket) = client.socket() else {
        return Err(refused(client, "the engine is not on a local socket").into());
    };
    let context = pack(&spec.context).map_err(|error| refused(client, &format!("packing the context: {error}")))?;
    let options = options(spec);
    let dockerfile = std::fs::read_to_string(spec.context.join(&spec.dockerfile)).unwrap_or_default();
    let logins = credentials::for_dockerfile(client.environment(), &dockerfile);
    let runtime = api::runtime()?;
    let mut progress = status::Progress::default();
    let result = runtime.block_on(async {
        let docker = api::connect(socket)?;
        let reference = BuildRef::random();
        let id = reference.as_ref().to_owned();
        let load = ImageBuildLoadInput::Upload(context.into());
        let logins = logins.iter().map(|(host, login)| (host.as_str(), login.clone())).collect();
        let solve = Moby::new(&docker).docker_build(&spec.tag, options, load, Some(logins), Some(reference));
        let follow = status::follow(socket, &id, &mut progress, on_line);
        tokio::pin!(solve, follow);
        let mut following = true;
        let result = loop {
            tokio::select! {
                result = &mut solve => break result,
                () = &mut follow, if following => following = false,
            }
        };
        if following {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(300), follow).await;
        }
        Ok::<_, EngineError>(result)
    })?;
    result.map_err(|error| progress.failure(client, &error.to_string()))
}

fn options(spec: &BuildSpec) -> ImageBuildFrontendOptions {
    let mut builder = ImageBuildFrontendOptions::builder().dockerfile(Path::new(&spec.dockerfile));
    builder = builder.nocache(spec.no_cache);
    if let Some(target) = &spec.target {
        builder = builder.target(target);
    }
    for (name, value) in &spec.labels {
        builder = builder.label(name, value);
    }
    for (name, value) in &spec.args {
        builder = builder.buildarg(name, value);
    }
    for (id, file) in &spec.secrets {
        builder = builder.set_secret(id, &SecretSource::File(file.clone()));
    }
    if let Some(platform) = spec.platform {
        builder = builder.platforms(&ImageBuildPlatform {
            architecture: platform.architecture().into(),
            os: "linux".into(),
            variant: platform.variant().map(str::to_owned),
        });
    }
    builder.build()
}

fn pack(context: &Path) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.mode(tar::HeaderMode::Deterministic);
    archive.follow_symlinks(false);
    archive.append_dir_all(".", context)?;
    archive.into_inner()
}

fn refused(client: &Client, detail: &str) -> EngineError {
    EngineError::Refused { kind: client.kind(), verb: "build".into(), detail: detail.into() }
}
