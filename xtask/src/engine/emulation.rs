//! Programs of another architecture in containers: QEMU, registered with the kernel.
//!
//! Containers see an interpreter only where it was opened at its registration (flag `F` of `binfmt_misc`).

use std::path::Path;

use super::packages;
use crate::failure::{Failure, Outcome};
use crate::program::Program;

const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// An architecture that the tests run beside the machine's own.
struct Foreign {
    /// As images have it.
    platform: &'static str,
    /// As QEMU has it.
    name: &'static str,
    /// Start of its ELF header, and which bits of that count (QEMU's `scripts/qemu-binfmt-conf.sh`).
    magic: &'static str,
    mask: &'static str,
}

const ARM64: Foreign = Foreign {
    platform: "linux/arm64",
    name: "aarch64",
    magic: r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
    mask: r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
};

const AMD64: Foreign = Foreign {
    platform: "linux/amd64",
    name: "x86_64",
    magic: r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00",
    mask: r"\xff\xff\xff\xff\xff\xfe\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
};

/// The one of both that is not the machine's own.
fn foreign() -> &'static Foreign {
    if std::env::consts::ARCH == "aarch64" { &AMD64 } else { &ARM64 }
}

/// The platform that can be run by emulation, if one can.
pub fn state() -> Option<&'static str> {
    let foreign = foreign();
    let entry = fs_err::read_to_string(Path::new(BINFMT).join(format!("qemu-{}", foreign.name))).ok()?;
    let sees_it = entry.lines().any(|line| line.strip_prefix("flags:").is_some_and(|flags| flags.contains('F')));
    (entry.starts_with("enabled") && sees_it).then_some(foreign.platform)
}

/// Registers QEMU for the other architecture where it is not, so that containers see it.
pub fn ensure() -> Outcome<&'static str> {
    if let Some(platform) = state() {
        return Ok(platform);
    }
    let foreign = foreign();
    let entry = format!("qemu-{}", foreign.name);
    let lacking = |what: &str| Failure::not_ready(format!("programs for {} cannot be run: {what}", foreign.platform));
    if !packages::is_root()? {
        return Err(lacking("QEMU is not registered with the kernel, and only root can do it")
            .hint(format!("sudo update-binfmts --enable {entry}   # or: sudo systemctl restart binfmt-support")));
    }
    if !Path::new(BINFMT).join("register").exists() {
        Program::new("mount").args(["-t", "binfmt_misc", "binfmt_misc", BINFMT]).read()?;
    }
    let update = |verb: &str| Program::new("/usr/sbin/update-binfmts").args([verb, &entry]).succeeds();
    update("--import");
    update("--enable");
    if state().is_none() {
        // Its packaging registers it in another way, or without the flag.
        let old = Path::new(BINFMT).join(&entry);
        if old.exists() {
            fs_err::write(&old, "-1")?;
        }
        let Foreign { name, magic, mask, .. } = foreign;
        let line = format!(":{entry}:M::{magic}:{mask}:/usr/bin/qemu-{name}-static:F");
        fs_err::write(Path::new(BINFMT).join("register"), line)?;
    }
    state().ok_or_else(|| lacking("QEMU was registered, and the kernel does not show it"))
}
