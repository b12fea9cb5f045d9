use std::collections::BTreeSet;
use std::path::Path;

use crate::config::schema::{self, KEYS, Kind};
use crate::config::{Layer, LayerKind};

/// `GENERATE=1 cargo test -p wharf-core defaults` writes the file anew.
#[test]
fn defaults_are_generated() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/defaults.toml");
    if std::env::var_os("GENERATE").is_some() {
        std::fs::write(path, schema::defaults_text()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), schema::defaults_text());
}

#[test]
fn defaults_pass_their_own_schema_and_document_each_key() {
    let layer = Layer::defaults();
    let text = schema::defaults_text();
    for key in KEYS {
        assert_eq!(layer.get(key.path).is_some(), key.default.is_some(), "{}", key.path);
        assert!(text.contains(key.doc), "{}", key.path);
        assert!(!key.doc.is_empty() && !key.doc.contains('\n') && !key.doc.ends_with('.'), "{}", key.path);
    }
}

#[test]
fn every_key_has_a_good_example_or_default_and_a_home() {
    for key in KEYS {
        assert!(!key.scopes.is_empty(), "{}", key.path);
        assert_eq!(key.default.is_none(), !key.absent.is_empty(), "{}", key.path);
        let text = match schema::LISTED_TABLES.contains(&key.table()) {
            true => listed_example(key.table()),
            false if key.table() == "services.NAME" => service_example(key),
            false => format!("{} = {}", key.path, key.example),
        };
        let read = Layer::from_toml(LayerKind::Defaults, Path::new("example.toml"), text.as_bytes());
        assert!(read.unwrap_or_else(|error| panic!("{error}")).entries().count() > 0);
        if let Some(other) = key.excludes {
            assert_eq!(schema::find(other).expect("a key").table(), key.table());
        }
    }
}

/// A service with this key; it is nothing without an image.
fn service_example(key: &schema::Key) -> String {
    let image = if matches!(key.name(), "image" | "build") { "" } else { "services.db.image = \"a\"\n" };
    format!("{image}services.db.{} = {}", key.name(), key.example)
}

/// An item of a listed table that states all its keys.
fn listed_example(table: &str) -> String {
    let keys = KEYS.iter().filter(|key| key.table() == table);
    let lines: Vec<_> = keys.map(|key| format!("{} = {}\n", key.name(), key.example)).collect();
    format!("[[{table}]]\n{}", lines.concat())
}

#[test]
fn keys_are_unique_and_grouped_by_table() {
    let paths: BTreeSet<_> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(paths.len(), KEYS.len());
    let tables: BTreeSet<_> = schema::tables().into_iter().collect();
    assert_eq!(tables.len(), schema::tables().len());
    let names: BTreeSet<_> = schema::variables().map(|(name, _)| name).collect();
    assert_eq!(names.len(), schema::variables().count());
}

#[test]
fn find_knows_named_things() {
    let path = |path| schema::find(path).map(|key| key.path);
    assert_eq!(path("build.secrets.npm"), Some("build.secrets"));
    assert_eq!(path("image.base"), Some("image.base"));
    assert_eq!(path("image.base.x"), None);
    assert_eq!(path("image"), None);
}

#[test]
fn reference_lists_every_key_under_its_table() {
    let page = schema::reference_markdown();
    for key in KEYS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", key.path))).expect(key.path);
        assert!(row.contains(key.doc), "{row}");
        assert_eq!(row.replace("\\|", "").matches('|').count(), 8, "{row}");
        if key.is_allowed_in(LayerKind::Variables) {
            assert!(row.contains(&key.variable()), "{row}");
        }
        assert!(!matches!(key.kind, Kind::Integer { .. }) || row.contains("a whole number: "), "{row}");
    }
    let row = page.lines().find(|line| line.contains("engine.kind")).unwrap();
    assert_eq!(
        row,
        "| `engine.kind` | a string: `docker`, `podman` or `host` | the first of Docker and Podman that works, \
         else the host | user, super-repo, sub-repo (used when it stands alone) | `WHARF_ENGINE`, \
         `WHARF_ENGINE_KIND` | What runs containers | `kind = \"podman\"` |"
    );
}
