use std::path::Path;

use crate::config::{Layer, LayerKind, Value, check_exported, resolve};

fn sub_repo(path: &str, text: &str) -> Result<Layer, String> {
    let layer = Layer::from_toml(LayerKind::SubRepo, Path::new(path), text.as_bytes());
    layer.map_err(|error| error.to_string())
}

fn exported(path: &str, text: &str) -> Layer {
    sub_repo(path, text).unwrap().exported().unwrap()
}

fn super_repo(text: &str) -> Layer {
    Layer::from_toml(LayerKind::SuperRepo, Path::new("wharf.toml"), text.as_bytes()).unwrap()
}

#[test]
fn defaults_count_in_the_super_repo_below_its_own() {
    let text =
        "[image]\nbase = \"a\"\n\n[exports.defaults.image]\nbase = \"b\"\n[exports.defaults.test]\nretries = 2\n";
    let layer = sub_repo("helpers/wharf.toml", text).unwrap();
    let exported = layer.exported().unwrap();
    let resolved = resolve(&[&exported]);
    let (value, origin) = resolved.get("image.base").unwrap();
    assert_eq!((value, origin.to_string().as_str()), (&Value::Text("b".into()), "helpers/wharf.toml:5, exported"));
    assert_eq!(origin.to_json()["layer"], "exported");
    let own = super_repo("[image]\nbase = \"c\"\n");
    let resolved = resolve(&[&own, &exported]);
    assert_eq!(resolved.get("image.base").unwrap().0, &Value::Text("c".into()));
    assert_eq!(resolved.get("test.retries").unwrap().0, &Value::Integer(2));
    // Beside its own dirs' configuration, what the sub-repo exports has no effect.
    let resolved = resolve(&[&layer]);
    assert_eq!(resolved.get("image.base").unwrap().0, &Value::Text("a".into()));
    assert_eq!(resolved.get("exports.defaults.image.base"), None);
    assert!(sub_repo("x", "[exports]\ntasks = \"x\"").is_err());
    assert!(sub_repo("x", "[exports]\ntasks = [\"x\"]").unwrap().exported().is_none());
}

#[test]
fn what_gives_power_or_leaks_is_refused() {
    for (text, key) in [
        ("run = { env = [\"AWS_SECRET_ACCESS_KEY\"] }", "run.env"),
        ("run = { volumes = [\"~/.ssh:/ssh\"] }", "run.volumes"),
        ("run = { network = \"host\" }", "run.network"),
        ("run = { ports = [\"8080\"] }", "run.ports"),
        ("build = { secrets = { key = \"file:~/.ssh/id_rsa\" } }", "build.secrets"),
        ("build = { ca-certificates = \"ca.pem\" }", "build.ca-certificates"),
        ("registry = { push = [\"evil.example.org/x\"] }", "registry.push"),
        ("engine = { kind = \"host\" }", "engine.kind"),
        ("git = { token-hosts = [\"evil.example.org\"] }", "git.token-hosts"),
        ("workspace = { exclude = [\"**\"] }", "workspace.exclude"),
        ("files = [{ from = \"//a\", paths = [\"b\"] }]", "files.from"),
        ("exports = { tasks = [\"all\"] }", "exports.tasks"),
        ("exports = { defaults = { image = { base = \"a\" } } }", "exports.defaults"),
    ] {
        let error = sub_repo("helpers/wharf.toml", &format!("[exports.defaults]\n{text}\n")).unwrap_err();
        assert!(error.contains(&format!("key `{key}` cannot be exported in `helpers/wharf.toml`, line 2")), "{error}");
    }
    let error = sub_repo("helpers/wharf.toml", "[exports.defaults.image]\nbass = \"a\"\n").unwrap_err();
    assert!(error.contains("unknown key `image.bass`") && error.contains("did you mean `image.base`"), "{error}");
}

#[test]
fn two_that_differ_are_named_unless_something_nearer_decides() {
    let text = |base: &str| format!("[exports.defaults.image]\nbase = \"{base}\"\n");
    let both = [exported("a/wharf.toml", &text("one")), exported("b/wharf.toml", &text("two"))];
    let error = check_exported(&both, &[]).unwrap_err();
    let told = "two sub-repos export different values of `image.base`: `a/wharf.toml:2` and `b/wharf.toml:2`";
    assert_eq!(error.to_string(), told);
    assert!(error.hint().unwrap().contains("state `image.base` in `wharf.toml` at the super-repo's root"));
    assert!(check_exported(&both, &[&super_repo("[image]\nbase = \"mine\"\n")]).is_ok());
    let equal = [exported("a/wharf.toml", &text("one")), exported("b/wharf.toml", &text("one"))];
    assert!(check_exported(&equal, &[]).is_ok());
}

#[test]
fn reads_what_else_is_exported() {
    let text = "[exports]\ntasks = [\"all\"]\ntemplates = \"templates/\"\nthin-env = \"requirements.txt\"\n\
                files = [{ paths = [\"ci/\"], folder = \"common\" }]\nimages = { python = \"acme/python:3.12\" }\n";
    let layer = sub_repo("helpers/wharf.toml", text).unwrap();
    assert_eq!(layer.get("exports.files[0].folder").unwrap().value, Value::Text("common".into()));
    assert_eq!(layer.get("exports.images.python").unwrap().value, Value::Text("acme/python:3.12".into()));
    assert_eq!(resolve(&[&layer]).get("exports.files[0].folder"), None);
    for (text, told) in [
        ("[[exports.files]]\nto = [\".\"]\n", "no value of `exports.files.paths`"),
        ("[exports]\ntemplates = \"../x\"\n", "bad value \"../x\" of `exports.templates`"),
        ("[exports]\nthin-env = \"/etc/x\"\n", "bad value \"/etc/x\" of `exports.thin-env`"),
        ("[exports.images]\npython = \"https://x\"\n", "of `exports.images.python`"),
        ("[exports]\nfile = []\n", "did you mean"),
        ("[workspace]\nexports = [\"a:b\"]\n", "bad value \"a:b\" of `workspace.exports[0]`"),
        ("[image]\nbase = \"//helpers\"\n", "bad value \"//helpers\" of `image.base`"),
    ] {
        let error = sub_repo("helpers/wharf.toml", text).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
    assert!(sub_repo("w", "[image]\nbase = \"//libs/helpers:python\"\n").is_ok());
}
