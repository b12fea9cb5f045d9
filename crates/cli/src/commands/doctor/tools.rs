//! Programs of the host: Git, Python, uv.

use std::time::Duration;

use wharf_git::Git;
use wharf_process::Command;

use super::check::Check;
use super::fix::{Package, install};
use crate::context::Context;

/// The oldest Git whose behaviour Wharf relies on: `init --initial-branch` and what submodules do since then.
const GIT: [u32; 2] = [2, 30];

/// The oldest Python that the test plugin and pip's own tools run on.
const PYTHON: [u32; 2] = [3, 8];

const PATIENCE: Duration = Duration::from_secs(20);

/// Prints the version, and which of the modules that make environments are missing.
const QUESTION: &str = "\
import sys
missing = []
for name in ('venv', 'ensurepip'):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
print('.'.join(map(str, sys.version_info[:3])), ' '.join(missing))
";

/// A program of the host, and whether it can make environments.
#[derive(Debug)]
pub(in crate::commands) struct Tool {
    pub check: Check,
    pub works: bool,
}

/// Is Git here, and not too old?
pub(in crate::commands) fn git(context: &Context) -> Check {
    let Ok(version) = Git::version() else {
        return Check::bad("git", "not installed").fix(install(Package::Git, context));
    };
    if is_at_least(&version, GIT) {
        return Check::ok("git", version);
    }
    let [major, minor] = GIT;
    Check::bad("git", format!("{version} is older than {major}.{minor}")).fix(install(Package::Git, context))
}

/// Is there a Python that can make environments for the host engine?
pub(in crate::commands) fn python(context: &Context) -> Tool {
    let fix = || install(Package::Python, context);
    let answer = Command::new("python3").args(["-c", QUESTION]).limit(PATIENCE).run();
    let text = match answer {
        Ok(output) if output.exit.is_success() => output.text(),
        Ok(output) => {
            let detail = format!("`python3` does not run: {}", output.error_text());
            return Tool { check: Check::warn("python", detail).fix(fix()), works: false };
        }
        Err(_) => return Tool { check: Check::warn("python", "`python3` is not installed").fix(fix()), works: false },
    };
    let (version, missing) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !is_at_least(version, PYTHON) {
        let [major, minor] = PYTHON;
        let detail = format!("{version} is older than {major}.{minor}");
        return Tool { check: Check::warn("python", detail).fix(fix()), works: false };
    }
    if !missing.is_empty() {
        let detail = format!("{version} lacks {}", missing.replace(' ', " and "));
        return Tool { check: Check::warn("python", detail).fix(fix()), works: false };
    }
    Tool { check: Check::ok("python", format!("{version} with venv and pip")), works: true }
}

/// Is uv here? It is never needed.
pub(in crate::commands) fn uv() -> Tool {
    match Command::new("uv").arg("--version").limit(PATIENCE).run() {
        Ok(output) if output.exit.is_success() => {
            let text = output.text();
            Tool { check: Check::ok("uv", text.trim().trim_start_matches("uv ")), works: true }
        }
        Ok(output) => {
            let detail = format!("`uv` does not run: {}", output.error_text());
            Tool { check: Check::warn("uv", detail).fix("uv self update"), works: false }
        }
        Err(_) => Tool { check: Check::ok("uv", "not installed, and not needed: pip stands in for it"), works: false },
    }
}

fn is_at_least(version: &str, least: [u32; 2]) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)] >= least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_at_least("2.39.5 (Apple Git-154)", GIT));
        assert!(is_at_least("2.30", GIT) && is_at_least("3.0.1", GIT));
        assert!(!is_at_least("2.9.4", GIT) && !is_at_least("1.99", GIT) && !is_at_least("nonsense", GIT));
    }
}
