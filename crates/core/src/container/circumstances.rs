//! What a command would find around it, beside the work tree: names and values, for whoever asks whether all is as it was.

use std::collections::BTreeMap;

use super::Settings;
use super::error::ContainerError;
use super::launch::{Launch, is_lent};
use crate::image::ensure::Body;
use crate::image::place::Place;
use crate::image::site::Seen;
use crate::image::{host, platform};

/// Variables of the host that say where somebody sits, not what programs do.
const OF_THE_SEAT: [&str; 4] = ["TERM", "COLORTERM", "SHELL", "NO_COLOR"];

impl Launch<'_> {
    /// The image, the command, variables with their values, mounts and the like; nothing that is another in each run, such as
    /// names of containers. The values may be secret: they are there to be hashed. Who the caller is counts only as far as being
    /// root does, so that a team can share what it learns.
    ///
    /// # Errors
    /// When small files that are lent to it cannot be made.
    pub fn circumstances(&self, settings: &Settings) -> Result<Vec<(String, String)>, ContainerError> {
        let seen = if matches!(self.place, Place::Host(_)) { Seen::OnHost } else { Seen::InContainer };
        let package = self.packages(seen)?;
        let (mut env, mut passed) = (BTreeMap::new(), Vec::new());
        env.extend(self.team_variables(seen));
        self.variables(settings, &mut env, &mut passed);
        self.unfilled(&mut env);
        env.extend(self.passed_as().into_iter().map(|(name, value)| (name, value.to_string_lossy().into_owned())));
        let image = match &self.ready.body {
            Body::Image(id) => id.clone(),
            Body::Venv(venv) => format!("{} {}", host::venv_spec(&self.ready.spec).key, venv.python_version),
        };
        let platform = platform::labelled(&self.ready.labels).map(|platform| platform.to_string()).unwrap_or_default();
        let root = match seen {
            Seen::InContainer => self.workspace.mount_point(),
            Seen::OnHost => self.workspace.root.display().to_string(),
        };
        let run = &self.dir.config.run;
        let mut parts: Vec<(String, String)> = [
            ("engine", if seen == Seen::OnHost { "host" } else { "container" }.to_owned()),
            ("image", image),
            ("platform", platform),
            ("root", root),
            ("dir", self.dir.address.to_string()),
            ("import path", self.python_path(package.as_ref(), settings, seen).join(":")),
            ("network", settings.network.clone().or_else(|| run.network.clone()).unwrap_or_default()),
            ("docker", run.nested.docker.word().to_owned()),
            ("is root", (self.workspace.surroundings.ids.0 == 0).to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        parts.extend(self.entry_point(seen));
        parts.extend(settings.command.iter().map(|word| ("command".to_owned(), word.clone())));
        parts.extend(self.volumes(settings).into_iter().map(|volume| ("volume".to_owned(), volume)));
        parts.extend(env.into_iter().map(|(name, value)| (format!("${name}"), value)));
        parts.extend(self.values(seen, &passed));
        Ok(parts)
    }

    /// The dir's own entry point, with the content of all shell scripts that it may go through.
    fn entry_point(&self, seen: Seen) -> Vec<(String, String)> {
        let layout = &self.dir.config.layout;
        let Some(script) = layout.entrypoint.as_ref().filter(|_| seen == Seen::InContainer && !self.ready.is_prod())
        else {
            return Vec::new();
        };
        let content = fs_err::read(self.dir.path.join(script)).unwrap_or_default();
        [
            ("entry point", script.clone()),
            ("entry point takes", format!("{:?}", layout.takes)),
            ("entry point content", blake3::hash(&content).to_string()),
            ("shell scripts", self.workspace.shell_scripts().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Variables that come from the caller.
    fn values(&self, seen: Seen, passed: &[String]) -> Vec<(String, String)> {
        let is_seen = |name: &str| {
            let lent = seen == Seen::OnHost && (is_lent(name) || name == "PATH");
            let seat = OF_THE_SEAT.contains(&name) || name.starts_with("XDG_S") || name.starts_with("XDG_V");
            passed.iter().any(|passed| passed == name) || (lent && !seat)
        };
        let known = self.workspace.surroundings.variables.iter();
        let known = known.filter_map(|(name, value)| Some((name.to_str().filter(|name| is_seen(name))?, value)));
        let mut values: Vec<(String, String)> =
            known.map(|(name, value)| (format!("${name}"), value.to_string_lossy().into_owned())).collect();
        values.sort();
        values
    }
}
