//! What a Compose tool makes of a Compose file, read line by line.
//!
//! `config` of every tool writes plain block YAML: services are the keys two blanks deep below `services:`, their
//! settings four. No more than that is taken for granted.

/// A Compose file as its tool renders it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rendered {
    /// Version of the format, where it says one.
    pub version: Option<String>,
    /// Its services, and whether the image of each is built.
    pub services: Vec<(String, bool)>,
    /// The text, without what would make two runs meet.
    pub text: String,
}

/// Reads what was rendered. Fixed names of containers go; ports of the host too, unless they are kept.
pub(super) fn read(rendered: &str, keep_ports: bool) -> Rendered {
    let mut found = Rendered::default();
    let (mut in_services, mut leaves_out) = (false, false);
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
        if in_services && depth == 2 && key.is_some() {
            found.services.push((key.unwrap_or_default().to_owned(), false));
        }
        if in_services && depth == 4 {
            leaves_out = key == Some("container_name") || (key == Some("ports") && !keep_ports);
            if let (Some("build"), Some(service)) = (key, found.services.last_mut()) {
                service.1 = true;
            }
        }
        if !leaves_out {
            found.text.push_str(line);
            found.text.push('\n');
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(found.services, [("db".to_owned(), true), ("web".to_owned(), false)]);
        assert_eq!(found.version.as_deref(), Some("3.9"));
        assert!(!found.text.contains("fixed") && !found.text.contains("8000"), "{}", found.text);
        assert!(found.text.contains("    volumes:\n    - /x:/x:rw\nversion"), "{}", found.text);
        assert!(read(RENDERED, true).text.contains("published: 8000"));
    }
}
