//! How Git gets at private repos without asking: a token from a variable, ssh without questions.
//!
//! The token goes into no file, no argument and no log. Git is given a credential helper, a line of shell that names the
//! *variable*; the shell that Git starts for it reads the value when a server asks (gitcredentials(7)). For the hosts that
//! get the token, the user's own helpers are left out, because Git would hand the token to them to be stored.
//!
//! Only hosts that the user chose get it: that of the super-repo's own remote, and those in `git.token-hosts`, which a
//! `wharf.toml` in a repo cannot state: whoever writes a `.gitmodules` could else have tokens sent to them.

use wharf_process::Command;

use super::url::host;
use crate::config::GitConfig;
use crate::workspace::Surroundings;

/// How remote repos are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// Pairs of configuration keys and values for Git, in order.
    config: Vec<(String, String)>,
    /// How many such pairs the caller's environment has already.
    given: usize,
    /// Value of `GIT_SSH_COMMAND`; None where the user has a program of their own for it.
    ssh: Option<String>,
    /// What the caller's environment says about `ssh`.
    own_ssh: OwnSsh,
    /// The variable with the token and the hosts that get it; None where it is not set.
    token: Option<(String, Vec<String>)>,
}

impl Login {
    /// The login for a super-repo that comes from `remote`. `ssh_command` is Git's own setting `core.sshCommand`.
    #[must_use]
    pub fn new(config: &GitConfig, surroundings: &Surroundings, remote: &str, ssh_command: Option<&str>) -> Self {
        let given = surroundings.variable("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0);
        let own_ssh = OwnSsh {
            command: surroundings.variable("GIT_SSH_COMMAND").map(str::to_owned),
            has_program: surroundings.variable("GIT_SSH").is_some(),
        };
        let ssh = own_ssh.quiet(ssh_command);
        let mut login = Self { config: Vec::new(), given, ssh, own_ssh, token: None };
        let variable = &config.token_env;
        if surroundings.variable(variable).is_some() {
            let hosts = hosts(config, remote);
            for place in &hosts {
                login.add_helper(place, variable, &config.token_user);
            }
            login.token = Some((variable.clone(), hosts));
        }
        login
    }

    /// The same for a repo with a setting `core.sshCommand` of its own.
    #[must_use]
    pub fn with_ssh_command(&self, ssh_command: Option<&str>) -> Self {
        Self { ssh: self.own_ssh.quiet(ssh_command), ..self.clone() }
    }

    fn add_helper(&mut self, place: &str, variable: &str, user: &str) {
        let key = format!("credential.{place}.helper");
        let helper = format!(
            "!wharf() {{ test \"$1\" = get || return 0; printf 'username=%s\\npassword=%s\\n' '{user}' \"${variable}\"; }}; wharf"
        );
        self.config.push((key.clone(), String::new()));
        self.config.push((key, helper));
    }

    /// The command with all that it needs to get in.
    #[must_use]
    pub fn arm(&self, command: Command) -> Command {
        let mut command = match &self.ssh {
            Some(ssh) => command.env("GIT_SSH_COMMAND", ssh),
            None => command,
        };
        if self.config.is_empty() {
            return command;
        }
        for (index, (key, value)) in self.config.iter().enumerate() {
            let index = self.given + index;
            command =
                command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command.env("GIT_CONFIG_COUNT", (self.given + self.config.len()).to_string())
    }

    /// The variable whose token was sent where `url` is, if any was.
    #[must_use]
    pub fn token_for(&self, url: &str) -> Option<&str> {
        let (scheme, host) = host(url)?;
        let (variable, hosts) = self.token.as_ref()?;
        hosts.contains(&format!("{scheme}://{host}")).then_some(variable.as_str())
    }
}

/// What the caller's environment says about `ssh`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OwnSsh {
    /// `GIT_SSH_COMMAND`.
    command: Option<String>,
    /// Whether `GIT_SSH` is set.
    has_program: bool,
}

impl OwnSsh {
    /// The user's `ssh` with questions off: it would ask on the terminal, behind our back. A program that is not `ssh` is
    /// left as it is. `configured` is `core.sshCommand`, which is weaker than `GIT_SSH_COMMAND`.
    fn quiet(&self, configured: Option<&str>) -> Option<String> {
        let command = self.command.as_deref().or(configured);
        if command.is_none() && self.has_program {
            return None;
        }
        let command = command.unwrap_or("ssh");
        let program = command.split_whitespace().next().unwrap_or_default();
        (program.rsplit('/').next() == Some("ssh")).then(|| format!("{command} -o BatchMode=yes"))
    }
}

/// Scheme and host of all that get the token. Plain http gets it only on this machine.
fn hosts(config: &GitConfig, remote: &str) -> Vec<String> {
    let own = host(remote).filter(|(scheme, host)| scheme == "https" || (scheme == "http" && is_loopback(host)));
    let mut hosts: Vec<String> = own.iter().map(|(scheme, host)| format!("{scheme}://{host}")).collect();
    hosts.extend(config.token_hosts.iter().map(|host| format!("https://{}", host.to_ascii_lowercase())));
    hosts.dedup();
    hosts
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(
        host,
        |(name, port)| {
            if port.chars().all(|c| c.is_ascii_digit()) { name } else { host }
        },
    );
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(remote: &str, variables: &[(&str, &str)]) -> Login {
        let config = GitConfig {
            token_env: "TOKEN".into(),
            token_user: "x-access-token".into(),
            token_hosts: vec!["Other.example.org".into()],
        };
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Login::new(&config, &Surroundings { variables, ..Surroundings::default() }, remote, None)
    }

    #[test]
    fn the_value_is_nowhere() {
        let login = login("https://git.example.org/a", &[("TOKEN", "s3cret"), ("GIT_CONFIG_COUNT", "2")]);
        let line = login.arm(Command::new("git")).to_string();
        assert!(!line.contains("s3cret") && !format!("{login:?}").contains("s3cret"), "{line}");
        assert!(line.contains("GIT_CONFIG_KEY_2=") && line.contains("GIT_CONFIG_COUNT=6"), "{line}");
        assert!(line.contains("BatchMode=yes"), "{line}");
    }

    #[test]
    fn ssh_asks_nothing_and_other_programs_stay() {
        let ssh = |variables: &[(&str, &str)], configured: Option<&str>| {
            login("ssh://git.example.org/a", variables).with_ssh_command(configured).ssh
        };
        assert_eq!(ssh(&[], None).as_deref(), Some("ssh -o BatchMode=yes"));
        assert_eq!(ssh(&[], Some("ssh -i key")).as_deref(), Some("ssh -i key -o BatchMode=yes"));
        assert_eq!(
            ssh(&[("GIT_SSH_COMMAND", "ssh -p 1")], Some("ssh -i key")).as_deref(),
            Some("ssh -p 1 -o BatchMode=yes")
        );
        assert_eq!(ssh(&[], Some("plink")), None);
        assert_eq!(ssh(&[("GIT_SSH", "plink")], None), None);
    }

    #[test]
    fn only_chosen_hosts_get_it() {
        let own = login("https://git.example.org/a", &[("TOKEN", "x")]);
        assert_eq!(own.token_for("https://git.example.org/b"), Some("TOKEN"));
        assert_eq!(own.token_for("https://other.example.org/b"), Some("TOKEN"));
        assert_eq!(own.token_for("https://evil.example.org/b"), None);
        assert_eq!(own.token_for("http://git.example.org/b"), None);
        assert_eq!(login("http://git.example.org/a", &[("TOKEN", "x")]).token_for("http://git.example.org/a"), None);
        assert_eq!(login("http://127.0.0.1:80/a", &[("TOKEN", "x")]).token_for("http://127.0.0.1:80/b"), Some("TOKEN"));
        assert_eq!(login("https://git.example.org/a", &[]).token_for("https://git.example.org/b"), None);
    }
}
