//! Platforms to test with: the machine's own, and one that it runs by emulation.

/// The platform of this machine's engines.
pub fn native_platform() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "linux/arm64" } else { "linux/amd64" }
}

/// A platform that this machine's engines run by emulation, which `cargo xtask engine` makes ready.
pub fn foreign_platform() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "linux/amd64" } else { "linux/arm64" }
}

/// The tiny base image for a platform, `linux/amd64` or `linux/arm64`, in docker and podman: busybox and nothing else. Made
/// by `cargo xtask base-image`. Without the suffix the name stands for that of `native_platform`.
#[track_caller]
pub fn tiny_image(platform: &str) -> String {
    let architecture = platform.strip_prefix("linux/").filter(|name| ["amd64", "arm64"].contains(name));
    let architecture = architecture.unwrap_or_else(|| panic!("there is no tiny image for `{platform}`"));
    format!("wharf-test/tiny:bookworm-{architecture}")
}

/// What `uname -m` says on a platform, `linux/amd64` or `linux/arm64`.
pub fn machine(platform: &str) -> &'static str {
    if platform == "linux/arm64" { "aarch64" } else { "x86_64" }
}
