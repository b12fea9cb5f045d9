use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;

use super::layer;
use crate::config::{Layer, LayerKind, Places, Source, Value, resolve};

#[test]
fn stronger_layers_override_whole_keys() {
    let user = layer(LayerKind::User, "test.slow = '1s'\nrun.env = ['A']");
    let root = layer(LayerKind::SuperRepo, "[test]\nslow = '2s'\nargs = ['-x']\n[run]\nenv = ['B', 'C']");
    let dir = layer(LayerKind::RunnableDir, "\n[run]\nenv = ['D']");
    let resolved = resolve(&[&user, &root, &dir]);
    let text = |path| resolved.get(path).map(|(value, origin)| format!("{value} {origin}"));
    assert_eq!(text("test.slow").as_deref(), Some("\"2s\" wharf.toml:2"));
    assert_eq!(text("run.env").as_deref(), Some("[\"D\"] infra/devops/wharf.toml:3"));
    assert_eq!(text("test.args").as_deref(), Some("[\"-x\"] wharf.toml:3"));
    assert_eq!(text("image.base").as_deref(), Some("\"python:3.12-slim-bookworm\" default"));
    assert_eq!(text("image.name"), None);
}

#[test]
fn named_things_merge_by_name() {
    let root =
        layer(LayerKind::SuperRepo, "[build.secrets]\nnpm = 'env:A'\npip = 'env:B'\n[python.groups]\nprod = ['p']");
    let dir = layer(LayerKind::RunnableDir, "build.secrets = { npm = 'file:x' }\npython.groups.dev = ['d']");
    let resolved = resolve(&[&root, &dir]);
    let named = |table| -> Vec<String> {
        let things = resolved.named(table);
        things.map(|(name, value, origin)| format!("{name} {value} {}", origin.layer.name())).collect()
    };
    assert_eq!(named("build.secrets"), ["npm \"file:x\" runnable-dir", "pip \"env:B\" super-repo"]);
    assert_eq!(named("python.groups"), ["dev [\"d\"] runnable-dir", "prod [\"p\"] super-repo"]);
}

#[test]
fn a_sub_repo_does_not_rename_the_workspace() {
    let root = layer(LayerKind::SuperRepo, "workspace.name = 'harbor'");
    let sub = layer(LayerKind::SubRepo, "workspace.name = 'libs'\ntest.jobs = 7\nimage.base = 'debian:12'");
    let resolved = resolve(&[&root, &sub]);
    assert_eq!(resolved.get("workspace.name").unwrap().0.as_text(), Some("harbor"));
    assert_eq!(resolved.get("test.jobs"), None);
    assert_eq!(resolved.get("image.base").unwrap().0.as_text(), Some("debian:12"));
    assert_eq!(sub.get("workspace.name").unwrap().value, Value::Text("libs".into()));
}

#[test]
fn empty_files_state_nothing() {
    for text in ["", "\n \t\r\n", "# only a comment\n", "[image]\n[python.groups]\n"] {
        assert_eq!(layer(LayerKind::RunnableDir, text).entries().count(), 0);
    }
}

#[test]
fn paths_start_where_they_are_stated() {
    let dir = layer(LayerKind::RunnableDir, "build.ca-certificates = 'ca.pem'");
    let places = Places { root: "/w".into(), here: "/w/infra/src".into(), home: Some("/home/me".into()) };
    let origin = &dir.get("build.ca-certificates").unwrap().origin;
    assert_eq!(places.path("ca.pem", origin), PathBuf::from("/w/infra/devops/ca.pem"));
    assert_eq!(places.path("/etc/ca.pem", origin), PathBuf::from("/etc/ca.pem"));
    assert_eq!(places.path("~/ca.pem", origin), PathBuf::from("/home/me/ca.pem"));
    assert_eq!(places.path("~", origin), PathBuf::from("/home/me"));
    let user = layer(LayerKind::User, "build.ca-certificates = 'ca.pem'");
    let origin = &user.get("build.ca-certificates").unwrap().origin;
    assert_eq!(places.path("ca.pem", origin), PathBuf::from("/home/me/.config/wharf/ca.pem"));
    let variable = Layer::from_variables([("WHARF_BUILD_CA_CERTIFICATES", "ca.pem")]).unwrap();
    let origin = &variable.get("build.ca-certificates").unwrap().origin;
    assert_eq!(places.path("ca.pem", origin), PathBuf::from("/w/infra/src/ca.pem"));
}

#[test]
fn json_has_values_and_origins() {
    let root = layer(LayerKind::SuperRepo, "[test]\nretries = 2\nargs = ['-x']\n[build.secrets]\nnpm = 'env:A'");
    let variables = Layer::from_variables([("WHARF_ENGINE", "podman")]).unwrap();
    let resolved = resolve(&[&root, &variables]);
    let json = resolved.to_json();
    let origin = |line: usize| json!({ "layer": "super-repo", "file": "wharf.toml", "line": line });
    assert_eq!(json["test.retries"], json!({ "value": 2, "origin": origin(2) }));
    assert_eq!(json["build.secrets.npm"], json!({ "value": "env:A", "origin": origin(5) }));
    assert_eq!(
        json["engine.kind"],
        json!({ "value": "podman", "origin": { "layer": "variables", "variable": "WHARF_ENGINE" } })
    );
    assert_eq!(json["test.slow"], json!({ "value": "5s", "origin": { "layer": "defaults" } }));
    let nested = resolved.to_nested_json();
    let history = json!({ "keep": "180d" });
    assert_eq!(
        nested["test"],
        json!({ "args": ["-x"], "history": history, "retries": 2, "slow": "5s", "timeout": "none" })
    );
    assert_eq!(nested["build"]["secrets"], json!({ "npm": "env:A" }));
}

#[test]
fn a_thousand_layers_are_cheap() {
    let text = "[image]\nbase = 'debian:12'\n[os]\npackages = ['a', 'b']\n";
    let layers: Vec<_> = (0..1_000).map(|_| layer(LayerKind::RunnableDir, text)).collect();
    let all: Vec<_> = layers.iter().map(|layer| resolve(&[layer])).collect();
    assert!(all.iter().all(|resolved| resolved.get("os.packages").is_some()));
}

const KINDS: [LayerKind; 4] = [LayerKind::User, LayerKind::SuperRepo, LayerKind::SubRepo, LayerKind::RunnableDir];

prop_compose! {
    /// A layer of the given kind with any of five keys.
    fn any_layer(kind: LayerKind)(lines in prop::collection::vec(prop::option::of(0u8..3), 5)) -> Layer {
        let keys = ["test.retries = ", "image.base = 'image-", "run.env = ['A", "build.secrets.a = 'env:A", "build.secrets.b = 'env:B"];
        let ends = ["", "'", "']", "'", "'"];
        let lines = keys.iter().zip(ends).zip(lines);
        let text: String = lines.filter_map(|((key, end), value)| Some(format!("{key}{}{end}\n", value?))).collect();
        layer(kind, &text)
    }
}

proptest! {
    #[test]
    fn merging_has_laws(
        a in any_layer(KINDS[0]), b in any_layer(KINDS[1]), c in any_layer(KINDS[2]), d in any_layer(KINDS[3]),
    ) {
        let all = resolve(&[&a, &b, &c, &d]);
        prop_assert_eq!(&resolve(&[&a, &a, &b, &b, &c, &c, &d, &d, Layer::defaults()]), &all);
        prop_assert_eq!(&resolve(&[&d, &b, &a, &c]), &all);
        for entry in d.entries() {
            prop_assert_eq!(all.get(&entry.path), Some((&entry.value, &entry.origin)));
        }
        for (path, value, origin) in all.entries() {
            let strongest = [&d, &c, &b, &a, Layer::defaults()].into_iter().find_map(|layer| layer.get(path));
            let strongest = strongest.expect("every value is stated somewhere");
            prop_assert_eq!((value, origin), (&strongest.value, &strongest.origin));
        }
    }

    #[test]
    fn any_text_is_a_layer_or_an_error_with_places(text in "([a-z.\\[\\]=\"'{}#,0-9 ü]|\n|image|base|\\[os\\]\n){0,40}") {
        if let Err(error) = super::read(LayerKind::RunnableDir, &text) {
            prop_assert!(!error.problems().is_empty());
            prop_assert!(error.render(false).starts_with("error: "));
        }
    }
}

#[test]
fn origins_name_variables_and_flags() {
    let layer = Layer::from_variables([("WHARF_TEST_RETRIES", "3")]).unwrap();
    let entry = layer.get("test.retries").unwrap();
    assert_eq!(entry.origin.source, Source::Variable("WHARF_TEST_RETRIES".into()));
    assert_eq!(entry.origin.to_string(), "WHARF_TEST_RETRIES");
}
