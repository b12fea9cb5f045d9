//! Whether the engine's machine can run programs of another architecture.
//!
//! Linux runs them through interpreters that are registered with `binfmt_misc` (kernel documentation, "Kernel Support for
//! miscellaneous Binary Formats"). A container sees such an interpreter only where it was opened at its registration:
//! flag `F`. Where the machine cannot be looked at (a remote engine, or one in a virtual machine) nothing is said
//! beforehand; a build then finds out, see `build/bases.rs`.

use std::path::Path;

use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::platform::Platform;

/// Where the kernel shows what is registered.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// How programs of a platform run on the engine's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    /// On its processor.
    Natively,
    /// Through an emulator.
    Emulated,
    /// Cannot be known from here.
    Unknown,
}

impl Client {
    /// How programs of `platform` run here.
    ///
    /// # Errors
    /// [`EngineError::NoEmulation`] where it is known that they do not run.
    pub fn running(&self, platform: Platform) -> Result<Running, EngineError> {
        let native = self.native_platform()?;
        if runs_natively(native, platform) {
            return Ok(Running::Natively);
        }
        let is_here = self.kind() == Kind::Podman || self.socket().is_some();
        let folder = Path::new(BINFMT);
        if !is_here || !folder.join("status").is_file() {
            return Ok(Running::Unknown);
        }
        match registered(folder, platform) {
            Ok(()) => Ok(Running::Emulated),
            Err(why) => Err(EngineError::NoEmulation { kind: self.kind(), platform, why }),
        }
    }
}

/// Processors run the programs of those before them.
fn runs_natively(native: Platform, platform: Platform) -> bool {
    let pair = (native.architecture(), platform.architecture());
    native == platform
        || pair == ("amd64", "386")
        || pair == ("arm64", "arm")
        || (native.variant(), platform.variant(), pair) == (Some("v7"), Some("v6"), ("arm", "arm"))
}

/// How ELF headers tell the architectures (`e_ident` class and data, `e_machine`; elf(5) and the psABIs).
fn elf(platform: Platform) -> Option<(u8, u8, u16)> {
    let (little, big) = (1, 2);
    Some(match platform.architecture() {
        "amd64" => (2, little, 62),
        "arm64" => (2, little, 183),
        "arm" => (1, little, 40),
        "386" => (1, little, 3),
        "ppc64le" => (2, little, 21),
        "s390x" => (2, big, 22),
        "riscv64" => (2, little, 243),
        "mips64le" => (2, little, 8),
        "loong64" => (2, little, 258),
        _ => return None,
    })
}

/// Whether an interpreter is registered that containers can use; else why not.
fn registered(folder: &Path, platform: Platform) -> Result<(), String> {
    let none = || "no emulator for it is registered with the kernel".to_owned();
    let Some(wanted) = elf(platform) else { return Err(none()) };
    if read(&folder.join("status")).trim() == "disabled" {
        return Err("the kernel has all emulators turned off".into());
    }
    let mut why = none();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| !["register", "status"].iter().any(|name| entry.file_name() == *name)) {
        let text = read(&entry.path());
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("magic").and_then(magic) != Some(wanted) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if text.lines().next() != Some("enabled") {
            why = format!("`{name}` is registered and turned off");
        } else if !field("flags:").unwrap_or_default().contains('F') {
            why = format!("`{name}` is registered without flag F, so containers do not see it");
        } else {
            return Ok(());
        }
    }
    Err(why)
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

/// The class, data and machine of the ELF header that an entry stands for.
fn magic(hex: &str) -> Option<(u8, u8, u16)> {
    let byte = |at: usize| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok();
    if !hex.starts_with("7f454c46") {
        return None;
    }
    let (class, data) = (byte(4)?, byte(5)?);
    let machine = [byte(18)?, byte(19)?];
    Some((class, data, if data == 1 { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    /// As the kernel writes it.
    fn entry(state: &str, flags: &str, magic: &str) -> String {
        format!("{state}\ninterpreter /usr/bin/qemu\nflags: {flags}\noffset 0\nmagic {magic}\nmask ffff\n")
    }

    const ARM64: &str = "7f454c460201010000000000000000000200b700";
    const S390X: &str = "7f454c4602020100000000000000000000020016";

    #[test]
    fn an_interpreter_counts_where_containers_see_it() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let arm64 = || registered(dir.path(), platform("linux/arm64"));
        write("status", "enabled\n");
        write("python3.11", "enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n");
        assert_eq!(arm64(), Err("no emulator for it is registered with the kernel".into()));
        write("qemu-aarch64", &entry("disabled", "PF", ARM64));
        assert_eq!(arm64(), Err("`qemu-aarch64` is registered and turned off".into()));
        write("qemu-aarch64", &entry("enabled", "P", ARM64));
        assert!(arm64().unwrap_err().contains("without flag F"));
        write("rosetta", &entry("enabled", "OCF", ARM64));
        assert_eq!(arm64(), Ok(()));
        assert!(registered(dir.path(), platform("linux/s390x")).is_err());
        write("qemu-s390x", &entry("enabled", "F", S390X));
        assert_eq!(registered(dir.path(), platform("linux/s390x")), Ok(()));
        write("status", "disabled\n");
        assert!(arm64().unwrap_err().contains("turned off"));
    }

    #[test]
    fn processors_run_older_ones() {
        let natively = |native: &str, other: &str| runs_natively(platform(native), platform(other));
        assert!(natively("linux/amd64", "linux/386") && natively("linux/arm64", "linux/arm/v7"));
        assert!(!natively("linux/386", "linux/amd64") && !natively("linux/arm/v6", "linux/arm/v7"));
        assert!(!natively("linux/amd64", "linux/arm64"));
    }

    #[test]
    fn each_platform_has_a_header() {
        assert!(Platform::known().all(|known| elf(known).is_some()));
    }
}
