use std::path::Path;

use super::picture::{Difference, Picture};
use super::plan::place;
use super::text::{Values, text};
use crate::config::{Layer, LayerKind, Value};

fn values(entries: &[(&str, Value)]) -> Values {
    entries.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect()
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| (*item).to_owned()).collect())
}

/// What is written is read as what it was, whatever is in it.
#[test]
fn the_text_states_the_values() {
    let hosts = ["~/.aws:/home/.aws", "~/.config/gspread_pandas:/home/.config/gspread_pandas", "~/.ssh:/home/.ssh:ro"];
    let stated = values(&[
        ("image.name", Value::Text("odd-dash".into())),
        ("os.packages", list(&["graphviz"])),
        ("run.env", list(&["CSFY_CI", "A=it's \"x\" \\ $HOME\u{e9}"])),
        ("run.volumes", list(&hosts)),
        ("test.retries", Value::Integer(2)),
        ("test.suites.fast.markers", Value::Text("not slow and not superslow".into())),
        ("test.suites.fast.timeout", Value::Text("5s".into())),
        ("build.secrets.npm", Value::Text("env:NPM_TOKEN".into())),
    ]);
    let text = text(&stated);
    let layer = Layer::from_toml(LayerKind::RunnableDir, Path::new("devops/wharf.toml"), text.as_bytes());
    let layer = layer.unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)));
    let read: Values = layer.entries().map(|entry| (entry.path.clone(), entry.value.clone())).collect();
    assert_eq!(read, stated, "{text}");
    assert!(text.contains("[test.suites.fast]\nmarkers = "), "{text}");
    // A value with a password in it is not masked in the file that it goes to.
    let url = values(&[("registry.pull", Value::Text("https://user:secret@host/path".into()))]);
    assert!(super::text::text(&url).contains("user:secret@host"));
}

#[test]
fn a_value_goes_where_its_key_may_stand() {
    assert_eq!(place("run.network"), Some(LayerKind::RunnableDir));
    assert_eq!(place("image.dockerfile"), Some(LayerKind::RunnableDir));
    assert_eq!(place("workspace.mount"), Some(LayerKind::SuperRepo));
    assert_eq!(place("test.junit"), Some(LayerKind::SuperRepo), "one value for the whole workspace");
    assert_eq!(place("test.suites.fast.timeout"), Some(LayerKind::RunnableDir));
    assert_eq!(place("no.such-key"), None);
}

#[test]
fn differences_name_the_dir_and_both_sides() {
    let picture = |facts: &[(&str, &str, &str)]| {
        let mut picture = Picture::default();
        for (dir, about, value) in facts {
            picture.dirs.entry((*dir).to_owned()).or_default().insert((*about).to_owned(), (*value).to_owned());
        }
        picture
    };
    let before = picture(&[("a", "mount", "/app/a"), ("a", "name", "x"), ("b", "name", "y")]);
    assert_eq!(before.differences(&before), []);
    let after = picture(&[("a", "mount", "/src/w/a"), ("a", "name", "x"), ("a", "new", "z")]);
    let found = before.differences(&after);
    let shown: Vec<String> = found.iter().map(Difference::to_string).collect();
    assert_eq!(
        shown,
        [
            "a: mount: `/app/a` before, `/src/w/a` after",
            "a: new: nothing before, `z` after",
            "b: name: `y` before, nothing after"
        ]
    );
}
