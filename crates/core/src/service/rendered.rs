//! What a Compose tool makes of a Compose file, read line by line.
//!
//! `config` of every tool writes plain block YAML: services are the keys two blanks deep below `services:`, their
//! settings four. No more than that is taken for granted.

use std::path::{Component, Path};

/// A Compose file as its tool renders it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rendered {
    /// Version of the format, where it says one.
    pub version: Option<String>,
    /// Its services.
    pub services: Vec<Service>,
    /// The text, without what would make two runs meet.
    pub text: String,
}

/// A service in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Service {
    /// Its name.
    pub name: String,
    /// Whether its image is built.
    pub is_built: bool,
    /// How its networks are written, where they are.
    pub networks: Option<Form>,
}

/// How several things are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a list.
    List,
    /// As a table.
    Table,
}

/// Reads what was rendered of a file in `folder`. Fixed names of containers go; ports of the host too, unless they are kept.
/// Paths become absolute, since the text is written elsewhere: `podman-compose` leaves them as they are.
pub(super) fn read(rendered: &str, folder: &Path, keep_ports: bool) -> Rendered {
    let mut found = Rendered::default();
    let (mut in_services, mut leaves_out, mut at_networks, mut at_paths) = (false, false, false, false);
    for line in rendered.lines() {
        let depth = line.len() - line.trim_start().len();
        let word = line.trim_start();
        let key = word.split_once(':').map(|(key, _)| key.trim_matches(['"', '\'']));
        if depth == 0 && !word.starts_with('-') {
            in_services = key == Some("services");
            if key == Some("version") {
                found.version = word.split_once(':').map(|(_, text)| text.trim().trim_matches(['"', '\'']).to_owned());
            }
        }
        if leaves_out && (depth > 4 || (depth == 4 && word.starts_with('-'))) {
            continue;
        }
        leaves_out = false;
        if let Some(service) = found.services.last_mut().filter(|_| std::mem::take(&mut at_networks)) {
            service.networks = Some(if word.starts_with('-') { Form::List } else { Form::Table });
        }
        if in_services && depth == 2 && key.is_some() {
            let name = key.unwrap_or_default().to_owned();
            found.services.push(Service { name, ..Service::default() });
        }
        if in_services && depth == 4 {
            leaves_out = key == Some("container_name") || (key == Some("ports") && !keep_ports);
            at_networks = key == Some("networks");
            at_paths = matches!(key, Some("volumes" | "build" | "env_file")) || (at_paths && word.starts_with('-'));
            if let (Some("build"), Some(service)) = (key, found.services.last_mut()) {
                service.is_built = true;
            }
        }
        if !leaves_out {
            let absolute = if in_services && at_paths { absolute(line, folder) } else { None };
            found.text.push_str(absolute.as_deref().unwrap_or(line));
            found.text.push('\n');
        }
    }
    found
}

/// A line with its path made absolute, where it has a relative one: `- ./a:/b`, `context: .`, `source: ../c`.
fn absolute(line: &str, folder: &Path) -> Option<String> {
    let start = line.len() - line.trim_start_matches([' ', '-']).len();
    let keys = ["source: ", "context: ", "build: ", "env_file: "];
    let key = keys.into_iter().find(|key| line[start..].starts_with(key)).unwrap_or_default();
    let (before, value) = line.split_at(start + key.len());
    let value = value.trim_matches(['"', '\'']);
    let (path, rest) = value.split_at(value.find(':').unwrap_or(value.len()));
    let path = Path::new(path);
    let is_relative = matches!(path.components().next(), Some(Component::CurDir | Component::ParentDir));
    // Text in JSON is text in YAML, whatever stands in it.
    is_relative.then(|| format!("{before}{}", serde_json::json!(format!("{}{rest}", folder.join(path).display()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rendered: &str, keep_ports: bool) -> Rendered {
        super::read(rendered, Path::new("/here"), keep_ports)
    }

    const RENDERED: &str = "\
networks:
  back: {}
services:
  db:
    build:
      context: /x
    container_name: fixed
    networks:
      back: null
  web:
    command: sh -c \"x\"
    image: a:1
    ports:
    - published: 8000
      target: 8000
    volumes:
    - /x:/x:rw
version: '3.9'
";

    #[test]
    fn what_makes_runs_meet_goes() {
        let found = read(RENDERED, false);
        let service = |name: &str, is_built, networks| Service { name: name.into(), is_built, networks };
        assert_eq!(found.services, [service("db", true, Some(Form::Table)), service("web", false, None)]);
        let listed = read("services:\n  a:\n    networks:\n    - x\n", false);
        assert_eq!(listed.services, [service("a", false, Some(Form::List))]);
        assert_eq!(found.version.as_deref(), Some("3.9"));
        assert!(!found.text.contains("fixed") && !found.text.contains("8000"), "{}", found.text);
        assert!(found.text.contains("    volumes:\n    - /x:/x:rw\nversion"), "{}", found.text);
        assert!(read(RENDERED, true).text.contains("published: 8000"));
    }

    /// As Compose's second version renders with `-p wharf-1`: lists are deeper, and names of all are written out.
    const SECOND: &str = "\
name: wharf-1
services:
  db:
    container_name: fixed
    image: a:1
    networks:
      default: null
    ports:
      - mode: ingress
        target: 80
        published: \"8000\"
    volumes:
      - type: volume
        source: db
        target: /data
        volume: {}
networks:
  default:
    name: wharf-1_default
volumes:
  db:
    name: wharf-1_db
";

    #[test]
    fn the_second_versions_names_are_the_projects() {
        let found = read(SECOND, false);
        assert_eq!(found.services.len(), 1);
        assert_eq!(found.services[0].networks, Some(Form::Table));
        for gone in ["fixed", "8000", "ingress"] {
            assert!(!found.text.contains(gone), "{}", found.text);
        }
        assert!(found.text.contains("        source: db\n") && found.text.contains("    name: wharf-1_db\n"));
    }

    #[test]
    fn paths_do_not_depend_on_where_the_text_lies() {
        let text = "\
services:
  a:
    build: .
    command: ./run
    env_file:
    - ./e.env
    volumes:
    - ./a b:/x:ro
    - named:/y
    - source: ../c
      type: bind
  b:
    build:
      context: ./b
";
        let expected = text
            .replace("build: .", "build: \"/here/.\"")
            .replace("- ./e.env", "- \"/here/./e.env\"")
            .replace("- ./a b:/x:ro", "- \"/here/./a b:/x:ro\"")
            .replace("source: ../c", "source: \"/here/../c\"")
            .replace("context: ./b", "context: \"/here/./b\"");
        assert_eq!(read(text, false).text, expected);
    }
}
