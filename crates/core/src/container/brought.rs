//! What a dir's configuration adds to its containers by name: its own entry point, variables with places filled in, patterns of
//! variables that are passed on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;

use wharf_engine::Entrypoint;
use wharf_process::Command;

use super::launch::{Launch, Settings};
use crate::config::{Takes, Variable};
use crate::image::place::Place;
use crate::image::site::Seen;

impl Launch<'_> {
    /// What is started first in a container, with the words behind it.
    pub(super) fn entry(&self, settings: &Settings) -> (Entrypoint, Vec<String>) {
        let layout = &self.dir.config.layout;
        let Some(script) = layout.entrypoint.as_ref().filter(|_| !self.ready.is_prod()) else {
            return (Entrypoint::Cleared, settings.command.clone());
        };
        let file = self.dir.path.join(script);
        let inside = format!("{}/{script}", self.workspace.in_container(&self.dir.path));
        let mut words = match layout.takes {
            Takes::Words => settings.command.clone(),
            // A shell that waits for a command keeps signals to itself, so the command takes its place.
            Takes::Line => vec![format!("exec {}", line(&settings.command))],
        };
        let can_run = std::fs::metadata(&file).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
        if can_run {
            return (Entrypoint::Program(inside), words);
        }
        words.insert(0, inside);
        (Entrypoint::Program("bash".to_owned()), words)
    }

    /// Adds the variables of `run.variables`, filled in.
    pub(super) fn own_variables(&self, env: &mut BTreeMap<String, String>) {
        for (name, text) in &self.dir.config.layout.variables {
            env.insert(name.clone(), self.filled(text));
        }
    }

    /// The same for whoever asks whether all is as it was: who sits where is left as it is written.
    pub(super) fn unfilled(&self, env: &mut BTreeMap<String, String>) {
        for (name, text) in &self.dir.config.layout.variables {
            if is_of_seat(text) && env.get(name) == Some(&self.filled(text)) {
                env.insert(name.clone(), text.clone());
            }
        }
    }

    /// Those of them that hold who sits where, filled in, unless something else sets them.
    pub(super) fn of_seat(&self) -> Vec<(String, String)> {
        let mine =
            self.dir.config.layout.variables.iter().filter(|(name, text)| is_of_seat(text) && !self.is_set(name));
        mine.map(|(name, text)| (name.clone(), self.filled(text))).collect()
    }

    fn is_set(&self, wanted: &str) -> bool {
        let variables = &self.dir.config.run.env;
        variables.iter().any(|variable| matches!(variable, Variable::Set { name, .. } if name == wanted))
    }

    fn filled(&self, text: &str) -> String {
        if !text.contains('{') {
            return text.to_owned();
        }
        let (workspace, seen) = (self.workspace, self.seen());
        let shown = |path: &std::path::Path| match seen {
            Seen::InContainer => workspace.in_container(path),
            Seen::OnHost => path.display().to_string(),
        };
        let has_child = self.dir.resolved.get("run.docker").and_then(|(value, _)| value.as_text()) == Some("child");
        let host = &workspace.surroundings.host;
        [
            ("{mount}", shown(&workspace.root)),
            ("{dir}", shown(&self.dir.path)),
            ("{root}", workspace.root.display().to_string()),
            ("{user}", workspace.surroundings.user.clone()),
            ("{host-name}", host.name.clone()),
            ("{host-os}", host.os.clone()),
            ("{host-os-version}", host.os_version.clone()),
            ("{child-engine}", if has_child { "1" } else { "0" }.to_owned()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (place, value)| text.replace(place, value))
    }

    fn seen(&self) -> Seen {
        if matches!(self.place, Place::Host(_)) { Seen::OnHost } else { Seen::InContainer }
    }

    /// The names that a pattern such as `*_API_KEY` means, sorted.
    pub(super) fn names_of(&self, pattern: &str) -> Vec<String> {
        let Some((before, after)) = pattern.split_once('*') else { return vec![pattern.to_owned()] };
        let known = self.workspace.surroundings.variables.iter().filter_map(|(name, _)| name.to_str());
        let is_meant =
            |name: &&str| name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after);
        let mut names: Vec<String> = known.filter(is_meant).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// The variables of `run.pass-as` whose source is set: name in the container, value.
    pub(super) fn passed_as(&self) -> Vec<(String, OsString)> {
        let known = &self.workspace.surroundings.variables;
        let value = |source: &String| {
            known
                .iter()
                .find(|(name, value)| name == source.as_str() && !value.is_empty())
                .map(|(_, value)| value.clone())
        };
        let pairs = self.dir.config.layout.pass_as.iter().filter(|(name, _)| !self.is_set(name));
        pairs.filter_map(|(name, source)| Some((name.clone(), value(source)?))).collect()
    }

    /// The engine's program with those variables in its environment, from where it hands them on unseen.
    pub(super) fn with_passed_as(&self, command: Command) -> Command {
        self.passed_as().into_iter().fold(command, |command, (name, value)| command.pass_env(name, value))
    }
}

/// Whether the text of a variable holds who sits where.
pub(super) fn is_of_seat(text: &str) -> bool {
    ["{host-", "{user}", "{root}"].iter().any(|place| text.contains(place))
}

/// The words as one line that a shell reads as just these words.
fn line(words: &[String]) -> String {
    let quoted = |word: &String| shlex::try_quote(word).map_or_else(|_| String::new(), std::borrow::Cow::into_owned);
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_same_words() {
        let words = ["sh", "-c", "echo \"$HOME\" | wc -l && echo 'x y'", "", "é*"].map(str::to_owned);
        let line = line(&words);
        assert_eq!(shlex::split(&line).unwrap(), words);
        let echoed = std::process::Command::new("bash").args(["-c", "eval \"printf '%s\\n' $@\"", "x", &line]).output();
        assert_eq!(String::from_utf8(echoed.unwrap().stdout).unwrap(), words.map(|word| word + "\n").concat());
    }
}
