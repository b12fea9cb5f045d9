//! Commands that install what is missing, by the package manager that this machine has.

use crate::context::Context;

/// Something that can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    Git,
    Docker,
    Buildx,
    Podman,
    Python,
    Init,
}

/// Package managers: the program, the words that install, and the names of git, docker, buildx, podman, Python and Podman's init program there.
const MANAGERS: [(&str, &str, [&str; 6]); 6] = [
    (
        "apt-get",
        "apt-get install --yes",
        ["git", "docker.io", "docker-buildx", "podman", "python3 python3-venv", "catatonit"],
    ),
    ("dnf", "dnf install --assumeyes", ["git", "moby-engine", "docker-buildx", "podman", "python3", "catatonit"]),
    ("zypper", "zypper install", ["git", "docker", "docker-buildx", "podman", "python3", "catatonit"]),
    ("pacman", "pacman -S", ["git", "docker", "docker-buildx", "podman", "python", "catatonit"]),
    ("apk", "apk add", ["git", "docker", "docker-cli-buildx", "podman", "python3", "catatonit"]),
    ("brew", "brew install", ["git", "docker", "docker-buildx", "podman", "python", "catatonit"]),
];

/// The command that installs a package; the first manager's where none is on the search path.
pub(super) fn install(package: Package, context: &Context) -> String {
    let surroundings = &context.surroundings;
    let path = surroundings.variables.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let path = path.unwrap_or_default();
    let is_there = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    command(package, surroundings.ids.0, is_there)
}

fn command(package: Package, user: u32, is_there: impl Fn(&str) -> bool) -> String {
    let known = MANAGERS.iter().find(|(program, ..)| is_there(program)).unwrap_or(&MANAGERS[0]);
    let (program, install, names) = known;
    let name = names[package as usize];
    // Homebrew refuses to be root.
    let sudo = if user == 0 || *program == "brew" { "" } else { "sudo " };
    format!("{sudo}{install} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_package_manager_that_is_here() {
        assert_eq!(command(Package::Python, 0, |_| false), "apt-get install --yes python3 python3-venv");
        assert_eq!(command(Package::Docker, 1000, |name| name == "dnf"), "sudo dnf install --assumeyes moby-engine");
        assert_eq!(command(Package::Podman, 501, |name| name == "brew"), "brew install podman");
        assert_eq!(command(Package::Git, 1000, |name| name == "apk"), "sudo apk add git");
        assert_eq!(command(Package::Buildx, 0, |name| name == "apk"), "apk add docker-cli-buildx");
    }
}
