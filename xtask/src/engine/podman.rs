//! Podman: settings with which it runs as root on any machine, and a check that it does.

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;

/// Debian's defaults raise limits, which crun may not do where this machine's own are lower, and log to a journal, which a
/// machine without systemd does not have.
const SETTINGS: &str = r#"# Written by `cargo xtask engine`: Podman's settings for Wharf's tests.
[containers]
default_ulimits = []
log_driver = "k8s-file"

[engine]
runtime = "runc"
events_logger = "file"
"#;

/// Writes the settings unless they are there, and gives back their path.
pub fn write_settings(place: &Place) -> Outcome<PathBuf> {
    let file = place.target_dir("engine")?.join("containers.conf");
    if fs_err::read_to_string(&file).unwrap_or_default() != SETTINGS {
        fs_err::write(&file, SETTINGS)?;
    }
    Ok(file)
}

/// Version and storage where Podman works.
pub fn state(place: &Place) -> Outcome<Option<String>> {
    Ok(info(place)?.read().ok())
}

/// Fails with Podman's own words where it does not work.
pub fn ensure_working(place: &Place) -> Outcome<String> {
    info(place)?.read().map_err(|failure| {
        Failure::not_ready(failure.message).hint("`podman info` says more; Podman needs a writable /var/lib/containers")
    })
}

fn info(place: &Place) -> Outcome<Program> {
    let format =
        "{{.Version.Version}} ({{.Host.OCIRuntime.Name}}, {{.Store.GraphDriverName}}, cgroup {{.Host.CgroupsVersion}})";
    Ok(Program::new("podman").args(["info", "--format", format]).env("CONTAINERS_CONF", write_settings(place)?))
}
