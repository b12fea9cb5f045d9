//! Why a container said nothing that makes sense: from its exit code and its last lines. Pure.

use wharf_process::Exit;

/// A cause, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// One line.
    pub text: String,
    /// The next command to type, or what to change.
    pub hint: Option<String>,
}

/// Why pytest did not even start.
pub(super) fn not_started(dir: &str, exit: Exit, tail: &[String]) -> Cause {
    let has = |words: &[&str]| tail.iter().any(|line| words.iter().any(|word| line.contains(word)));
    let with = |text: String, hint: String| Cause { text, hint: Some(hint) };
    if has(&["No module named pytest", "No module named 'pytest'"]) {
        return with(
            "its image has no pytest".into(),
            format!(
                "add pytest to the Python dependencies of `{dir}` (or to its own Dockerfile), then `wharf test --dir {dir}`"
            ),
        );
    }
    if has(&[
        "executable file not found",
        "python3: not found",
        "exec: \"python3\"",
        "executable file `python3` not found",
    ]) || (matches!(exit, Exit::Code(127)) && has(&["python3"]))
    {
        return with("its image has no python3".into(), format!("set an `[image] base` with Python for `{dir}`"));
    }
    for (sign, what) in
        [("wharf: the image has no code at ", "code"), ("wharf: the image has no test files below ", "test files")]
    {
        if let Some(place) = tail.iter().find_map(|line| line.strip_prefix(sign)) {
            return with(
                format!("its prod image has no {what} at `{place}`"),
                format!(
                    "in target `prod` of the Dockerfile of `{dir}`, copy all of `.wharf/code/` to `${{WHARF_SRC}}/`"
                ),
            );
        }
    }
    if let Exit::Code(125) = exit {
        return with(
            format!("the engine could not start its container: {}", telling(tail)),
            "check with `wharf doctor`".into(),
        );
    }
    match exit {
        // Pytest ends so for options and settings that it does not understand, before any plugin hears of it.
        Exit::Code(4) => pytest_refused(4, tail),
        _ => Cause { text: format!("pytest did not start ({}): {}", shown(exit), last(tail)), hint: None },
    }
}

/// Why pytest stopped without having run tests: its exit status 2, 3 or 4 (pytest, "Exit codes").
pub(super) fn pytest_refused(status: i32, tail: &[String]) -> Cause {
    // `ERROR: usage: …` precedes the line that says why: `__main__.py: error: unrecognized arguments: …`.
    let detail = telling(tail).trim_start_matches("__main__.py: ").to_owned();
    let what = match status {
        2 => "pytest was interrupted",
        3 => "pytest had an internal error",
        4 => "pytest did not understand its options",
        _ => "pytest ended early",
    };
    Cause { text: format!("{what}: {detail}"), hint: None }
}

/// Why the container ended before pytest was done.
pub(super) fn ended_early(exit: Exit, tail: &[String]) -> String {
    let engine = [
        "error waiting for container",
        "Cannot connect to the Docker daemon",
        "unexpected EOF",
        "error during connect",
    ];
    if tail.iter().any(|line| engine.iter().any(|sign| line.contains(sign))) {
        return "the engine stopped while it ran".into();
    }
    match exit {
        Exit::Code(137) | Exit::Signal(9) => "it was killed (out of memory?)".into(),
        Exit::Code(139) | Exit::Signal(11) => "segmentation fault".into(),
        Exit::Code(134) | Exit::Signal(6) => "it aborted".into(),
        other => format!("its process {other} before pytest was done"),
    }
}

fn shown(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
    }
}

/// The last line that speaks of an error, such as Docker's before `Run 'docker run --help' for more information`.
fn telling(tail: &[String]) -> String {
    let line = tail
        .iter()
        .rev()
        .find(|line| ["error: ", "error response"].iter().any(|sign| line.to_lowercase().contains(sign)));
    line.map_or_else(|| last(tail), |line| last(std::slice::from_ref(line)))
}

fn last(tail: &[String]) -> String {
    let line = tail.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or("it printed nothing");
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_causes_are_named() {
        let tail = |line: &str| vec![line.to_owned()];
        let cause = not_started("a", Exit::Code(1), &tail("/usr/bin/python3: No module named pytest"));
        assert_eq!(cause.text, "its image has no pytest");
        let docker = r#"OCI runtime create failed: exec: "python3": executable file not found in $PATH: unknown"#;
        assert_eq!(not_started("a", Exit::Code(127), &tail(docker)).text, "its image has no python3");
        assert!(not_started("a", Exit::Code(125), &tail("invalid mount")).text.contains("invalid mount"));
        let refused = [
            "docker: Error response from daemon: network nope not found",
            "Run 'docker run --help' for more information",
        ];
        assert!(not_started("a", Exit::Code(125), &refused.map(str::to_owned)).text.contains("network nope not found"));
        assert_eq!(ended_early(Exit::Code(139), &[]), "segmentation fault");
        assert!(pytest_refused(4, &tail("ERROR: file not found: x.py")).text.contains("x.py"));
        let usage =
            ["ERROR: usage: __main__.py [options]", "__main__.py: error: unrecognized arguments: -y", "  rootdir: /a"];
        let cause = not_started("a", Exit::Code(4), &usage.map(str::to_owned));
        assert_eq!(cause.text, "pytest did not understand its options: error: unrecognized arguments: -y");
    }
}
