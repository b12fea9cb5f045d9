//! Why an engine did not do what it was asked.

use wharf_process::ProcessError;

use crate::kind::Kind;
use crate::platform::Platform;

/// Why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Its program is not installed.
    #[error("engine `{0}` is not installed")]
    Absent(Kind),
    /// The program is there but nothing answers it.
    #[error("engine `{kind}` is installed but does not answer: {detail}")]
    NotRunning {
        /// Which engine.
        kind: Kind,
        /// What it said.
        detail: String,
    },
    /// It runs, but this user may not use it.
    #[error("engine `{kind}` runs, but this user may not use it: {detail}")]
    NoPermission {
        /// Which engine.
        kind: Kind,
        /// What it said.
        detail: String,
    },
    /// There is no image of that name, here or in a registry.
    #[error("engine `{kind}` cannot get the image `{image}`: {detail}")]
    NoImage {
        /// Which engine.
        kind: Kind,
        /// The image that was asked for.
        image: String,
        /// What it said.
        detail: String,
    },
    /// The image is there, but not for the platform.
    #[error("image `{image}` is not there for {platform}{}", others(.known))]
    NoPlatform {
        /// Which engine.
        kind: Kind,
        /// The image that was asked for.
        image: String,
        /// The platform that was asked for.
        platform: Platform,
        /// The platforms that it is there for; empty where that is not known.
        known: Vec<String>,
    },
    /// Programs of the platform do not run on the engine's machine.
    #[error("engine `{kind}` cannot run programs for {platform}: {why}")]
    NoEmulation {
        /// Which engine.
        kind: Kind,
        /// The platform that was asked for.
        platform: Platform,
        /// How that is known.
        why: String,
    },
    /// It has no socket here that a container could be lent.
    #[error("engine `{kind}` has no socket to lend to a container: {detail}")]
    NoSocket {
        /// Which engine.
        kind: Kind,
        /// What was looked for.
        detail: String,
    },
    /// It refused for some other reason.
    #[error("engine `{kind}` refused to {verb}: {detail}")]
    Refused {
        /// Which engine.
        kind: Kind,
        /// What it was asked to do.
        verb: String,
        /// What it said.
        detail: String,
    },
    /// Its program could not be run.
    #[error("engine `{kind}` could not be run")]
    Process {
        /// Which engine.
        kind: Kind,
        /// Why not.
        #[source]
        source: ProcessError,
    },
    /// Its answer could not be understood.
    #[error("engine `{kind}` gave an answer that makes no sense to `{verb}`: {detail}")]
    Answer {
        /// Which engine.
        kind: Kind,
        /// What it was asked to do.
        verb: String,
        /// What is wrong with the answer.
        detail: String,
    },
}

fn others(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(", only for {}", known.join(", ")) }
}

impl EngineError {
    /// Sorts what an engine's program wrote to standard error into a kind of error.
    #[must_use]
    pub fn classify(kind: Kind, verb: &str, detail: &str) -> Self {
        let detail = detail.trim().trim_start_matches("Error response from daemon: ").to_owned();
        let lower = detail.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if has(&["permission denied while trying to connect", "connect: permission denied"]) {
            Self::NoPermission { kind, detail }
        } else if has(&[
            "cannot connect to the docker daemon",
            "is the docker daemon running",
            "cannot connect to podman",
        ]) {
            Self::NotRunning { kind, detail }
        } else {
            Self::Refused { kind, verb: verb.into(), detail }
        }
    }

    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Absent(Kind::Docker) => {
                Some("install Docker Engine (https://docs.docker.com/engine/install), or use `--engine host`".into())
            }
            Self::Absent(kind) => Some(format!("install {kind}, or use `--engine host`")),
            Self::NotRunning { kind: Kind::Docker, .. } => {
                Some("start it with `sudo systemctl start docker`, or use `--engine host`".into())
            }
            Self::NotRunning { .. } | Self::Process { .. } => {
                Some("see what is wrong with `wharf doctor`, or use `--engine host`".into())
            }
            Self::NoPermission { .. } => {
                Some("add yourself to its group with `sudo usermod -aG docker $USER`, then log in again".into())
            }
            Self::NoImage { image, .. } => Some(format!(
                "check the name and that you are logged in: `docker pull {image}`; or set another `[image] base`"
            )),
            Self::NoPlatform { known, .. } => Some(match known.as_slice() {
                [] => "take a base image that is there for it, or leave that platform out".to_owned(),
                some => format!("take a base image that is there for it, or build for {} alone", some.join(", ")),
            }),
            Self::NoEmulation { kind, platform, .. } => Some(format!(
                "on Debian and Ubuntu `sudo apt-get install qemu-user-static binfmt-support` on the engine's machine brings it; on \
                 others `{kind} run --privileged --rm tonistiigi/binfmt --install {}`",
                platform.architecture()
            )),
            Self::NoSocket { .. } => Some(
                "use an engine of this machine, or `[run] docker = \"child\"`, which has one of its own inside".into(),
            ),
            Self::Refused { .. } | Self::Answer { .. } => None,
        }
    }
}
