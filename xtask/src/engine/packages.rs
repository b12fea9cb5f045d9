//! The Debian packages that the engines and the base image need.
//!
//! A package counts as there when its program is, whoever installed it: Docker's own `docker-ce` serves as well as Debian's `docker.io`.

use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::program::{self, Program};

/// Package, and how to see that it is not needed any more.
type Need = (&'static str, fn() -> bool);

const NEEDS: &[Need] = &[
    ("docker.io", || {
        program::find("docker").is_some() && (program::find("dockerd").is_some() || super::docker::state().is_some())
    }),
    ("podman", || program::find("podman").is_some()),
    ("runc", || program::find("runc").is_some()),
    ("crun", || program::find("crun").is_some()),
    ("iptables", || program::find("iptables").is_some()),
    ("debian-archive-keyring", || Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").is_file()),
    ("mmdebstrap", || program::find("mmdebstrap").is_some()),
    ("qemu-user-static", || {
        ["qemu-aarch64-static", "qemu-x86_64-static"].iter().any(|name| program::find(name).is_some())
    }),
    ("binfmt-support", || program::find("update-binfmts").is_some() || super::emulation::state().is_some()),
    ("uidmap", || program::find("newuidmap").is_some()),
    ("docker-compose", || program::find("docker-compose").is_some()),
    ("docker-registry", || program::find("docker-registry").is_some()),
    ("skopeo", || program::find("skopeo").is_some()),
    ("openssl", || program::find("openssl").is_some()),
    ("perl-base", || program::find("perl").is_some()),
    ("zsh", || program::find("zsh").is_some()),
    ("fish", || program::find("fish").is_some()),
    ("direnv", || program::find("direnv").is_some()),
    ("dash", || program::find("dash").is_some()),
    ("chromium", || program::find("chromium").is_some()),
    ("nodejs", || program::find("node").is_some()),
    ("npm", || program::find("npm").is_some()),
    ("git", || program::find("git").is_some()),
    ("python3", || program::find("python3").is_some()),
    ("python3-venv", || Program::new("python3").args(["-c", "import ensurepip, venv"]).succeeds()),
    ("python3-pip", || Program::new("python3").args(["-m", "pip", "--version"]).succeeds()),
    ("ca-certificates", || Path::new("/etc/ssl/certs/ca-certificates.crt").is_file()),
];

/// The packages that are not there yet.
pub fn missing() -> Vec<&'static str> {
    NEEDS.iter().filter(|(_, is_there)| !is_there()).map(|(package, _)| *package).collect()
}

/// Installs what is missing; fails with the exact command where it cannot.
pub fn ensure() -> Outcome {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    if program::find("apt-get").is_none() {
        return Err(Failure::not_ready(format!("the tests need {}", missing.join(", ")))
            .hint("this is no Debian or Ubuntu: install these by your system's own packages, then run this again"));
    }
    if !is_root()? {
        return Err(Failure::not_ready(format!(
            "the tests need {}, and only root can install them",
            missing.join(", ")
        ))
        .hint(format!("sudo apt-get update && sudo {install}")));
    }
    eprintln!("installing {}", missing.join(" "));
    apt_get(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(&missing);
    apt_get(&arguments)?;
    let still = self::missing();
    if still.is_empty() {
        return Ok(());
    }
    Err(Failure::not_ready(format!("`{install}` went well, but {} cannot be found", still.join(", "))))
}

/// Runs `apt-get` without questions, on standard error.
pub fn apt_get(arguments: &[&str]) -> Outcome {
    Program::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").run_on_stderr().map_err(
        |mut failure| {
            failure.code = 4;
            failure
        },
    )
}

/// Is this process root?
pub fn is_root() -> Outcome<bool> {
    Ok(Program::new("id").arg("-u").read()? == "0")
}
