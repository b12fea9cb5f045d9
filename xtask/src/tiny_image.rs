//! The tiny images that the tests of platforms build on: a static busybox for amd64 and for arm64.
//!
//! `wharf-test/tiny:bookworm-amd64` and `-arm64`, of which the machine's own is `wharf-test/tiny:bookworm` as well. `docker
//! import` writes down the machine's architecture whatever it is told (Docker 20.10), so the archive is made here, in the
//! form of `docker save` (Docker image spec 1.2, "Combined Image JSON + Filesystem Changeset Format"). It is the same to the
//! byte on each machine, so both engines have it under one id.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base_image::{Engine, LABEL, SUITE, VERSION, busybox_tree};
use crate::engine;
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;

const NAME: &str = "wharf-test/tiny:bookworm";

/// Makes them where an engine lacks them.
pub fn ensure(place: &Place) -> Outcome {
    let native = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    for architecture in ["amd64", "arm64"] {
        let name = format!("{NAME}-{architecture}");
        for program in ["docker", "podman"] {
            let engine = Engine { place, program };
            if !engine.has_current(&name)? {
                let archive = archive(place, architecture, &name)?;
                eprintln!("{program}: loading {name}");
                engine.program()?.args(["load", "--quiet", "--input"]).arg(archive).read()?;
            }
            if architecture == native && !engine.has_current(NAME)? {
                engine.program()?.args(["tag", &name, NAME]).read()?;
            }
        }
    }
    Ok(())
}

/// The archive of one, made where it is missing.
fn archive(place: &Place, architecture: &str, name: &str) -> Outcome<PathBuf> {
    let dir = place.target_dir("base-image")?;
    let file = dir.join(format!("tiny-{architecture}-{VERSION}.tar"));
    if file.is_file() {
        return Ok(file);
    }
    // It is asked for its names below.
    engine::ensure_emulation()?;
    eprintln!("making {name}");
    let scratch = dir.join(format!("tiny-{architecture}.new"));
    if scratch.exists() {
        fs_err::remove_dir_all(&scratch)?;
    }
    fs_err::create_dir_all(scratch.join("image"))?;
    let tree = scratch.join("tree");
    busybox_tree(&tree, &busybox(&scratch, architecture)?)?;
    let layer = scratch.join("image/layer.tar");
    pack(&tree, &layer)?;
    let sum = Program::new("sha256sum").arg(&layer).read()?;
    let digest = sum.split_whitespace().next().unwrap_or_default();
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "created": "2024-01-01T00:00:00Z",
        "config": { "Cmd": ["/bin/sh"], "Env": ["PATH=/bin:/usr/bin"], "Labels": { LABEL: VERSION } },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
        "history": [{ "created": "2024-01-01T00:00:00Z", "created_by": "cargo xtask base-image" }],
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"] }]);
    fs_err::write(scratch.join("image/config.json"), config.to_string())?;
    fs_err::write(scratch.join("image/manifest.json"), manifest.to_string())?;
    pack(&scratch.join("image"), &scratch.join("whole.tar"))?;
    fs_err::rename(scratch.join("whole.tar"), &file)?;
    fs_err::remove_dir_all(&scratch)?;
    Ok(file)
}

fn pack(tree: &Path, archive: &Path) -> Outcome {
    let plain = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--sort=name", "--format=ustar", "-C"];
    Program::new("tar").args(plain).arg(tree).arg("-cf").arg(archive).arg(".").run()
}

/// Debian's static busybox for an architecture, unpacked without installing anything.
fn busybox(scratch: &Path, architecture: &str) -> Outcome<PathBuf> {
    let archive = scratch.join("package.tar");
    Program::new("mmdebstrap")
        .args(["--quiet", "--variant=extract", "--include=busybox-static", "--aptopt=Acquire::Languages \"none\""])
        .arg(format!("--arch={architecture}"))
        .arg(SUITE)
        .arg(&archive)
        .run_on_stderr()
        .map_err(|failure| {
            Failure::not_ready(failure.message).hint("`cargo xtask engine` installs mmdebstrap and Debian's keys")
        })?;
    let package = scratch.join("package");
    fs_err::create_dir_all(&package)?;
    let unpack =
        |member: &str| Program::new("tar").arg("-C").arg(&package).arg("-xf").arg(&archive).arg(member).succeeds();
    ["bin/busybox", "usr/bin/busybox"]
        .into_iter()
        .find(|member| unpack(&format!("./{member}")))
        .map(|member| package.join(member))
        .ok_or_else(|| Failure::not_ready("the package busybox-static has no busybox in it"))
}
