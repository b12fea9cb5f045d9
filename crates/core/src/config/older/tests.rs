//! Tests of the reader.

use std::path::Path;

use super::super::{Config, ConfigError, ImageSource, Layer, LayerKind, Place, resolve};
use super::{InDir, InRoot, Source, of_dir, of_root};

fn dir(name: &str, text: &str) -> Result<Layer, ConfigError> {
    let file = Some(Source { path: Path::new(name), bytes: text.as_bytes() });
    of_dir(&InDir { file, has: &["docker_build/dev.Dockerfile", "docker_run/entrypoint.sh"], ..InDir::default() })
}

fn yaml(text: &str) -> Result<Layer, ConfigError> {
    dir("infra/repo_config.yaml", text)
}

/// The one problem: what it says, its line and column.
fn wrong(result: Result<Layer, ConfigError>) -> (String, usize, usize) {
    let error = result.expect_err("it is bad");
    let [problem] = error.problems() else { panic!("{error}") };
    let Place::Line(at) = &problem.place else { panic!("{error}") };
    assert!(problem.hint().is_some(), "{error}");
    (problem.to_string(), at.line, at.column)
}

fn shown(layer: &Layer, key: &str) -> Option<(String, String)> {
    layer.get(key).map(|entry| (entry.value.to_string(), entry.origin.to_string()))
}

#[test]
fn facts_become_ordinary_keys_with_their_lines() {
    let layer = yaml(
        "docker_info:\n  docker_image_name: acme-infra\ncontainer_registry_info:\n  ecr: 1.dkr.ecr.amazonaws.com\n  ghcr: ghcr.io/acme\n",
    );
    let layer = layer.unwrap();
    let at = |line: usize| format!("infra/repo_config.yaml:{line}");
    assert_eq!(shown(&layer, "image.name").unwrap(), ("\"acme-infra\"".into(), at(2)));
    assert_eq!(shown(&layer, "registry.pull").unwrap(), ("\"1.dkr.ecr.amazonaws.com\"".into(), at(4)));
    assert_eq!(shown(&layer, "registry.push").unwrap().0, "[\"1.dkr.ecr.amazonaws.com\", \"ghcr.io/acme\"]");
    let fixed = shown(&layer, "image.dockerfile").unwrap();
    assert_eq!(fixed, ("\"devops/docker_build/dev.Dockerfile\"".into(), "older layout".into()));
    assert_eq!(layer.get("image.prod-dockerfile"), None, "what is not there is not stated");
}

#[test]
fn all_that_is_stated_is_a_key_of_its_form() {
    let root = of_root(&InRoot {
        thin_client: Some("dev_scripts_x/thin_client"),
        base_path: Some("r.example.org/a/"),
        ..InRoot::default()
    });
    let sibling = "docker_info:\n  docker_image_name: a\n  use_sibling_container_in_unit_tests: yes\n";
    let all = [root.unwrap(), yaml(sibling).unwrap()];
    for layer in &all {
        assert_eq!(layer.kind(), LayerKind::Older);
        for entry in layer.entries() {
            let general = super::super::suites::general(&entry.path).into_owned();
            let key = super::super::schema::find(&general).unwrap_or_else(|| panic!("{} is no key", entry.path));
            let texts: Vec<&str> = entry
                .value
                .as_text()
                .into_iter()
                .chain(entry.value.as_list().unwrap_or_default().iter().map(String::as_str))
                .collect();
            use super::super::schema::Kind;
            if let Kind::Text(form) | Kind::List(form) | Kind::NamedText(_, form) | Kind::TextOrList(form, _) = key.kind
            {
                assert!(texts.iter().all(|text| form.accepts(text)), "{}: {texts:?}", entry.path);
            }
        }
    }
    let config = Config::from_resolved(&resolve(&[&all[0], &all[1]])).unwrap();
    assert_eq!(config.layout.mount.as_deref(), Some("/app"));
    assert_eq!(config.registry.pull.as_deref(), Some("r.example.org/a"));
    assert_eq!(all[1].get("run.docker").unwrap().value.as_text(), Some("sibling"));
    assert_eq!(config.test.suites["superslow"].markers, "not slow and superslow");
}

#[test]
fn yaml_that_is_wrong_is_shown() {
    let (message, line, _) = wrong(yaml("docker_info:\n\tdocker_image_name: a\n"));
    assert!(message.starts_with("text is not YAML in `infra/repo_config.yaml`, line"), "{message}");
    assert!(line == 2 || line == 1, "{line}");
    let (message, line, column) = wrong(yaml("docker_info:\n  docker_image_name: a\n  docker_image_name: b\n"));
    assert_eq!((line, column), (3, 3));
    assert!(message.contains("`docker_info.docker_image_name` is there twice"), "{message}");
    let (message, line, column) = wrong(yaml("docker_info:\n  docker_image_name: Acme_É\n"));
    assert_eq!((line, column), (2, 22));
    assert!(message.contains("bad value \"Acme_É\" of `image.name`"), "{message}");
    let (message, ..) = wrong(yaml("- a\n- b\n"));
    assert!(message.contains("expected a mapping"), "{message}");
    let (message, line, _) = wrong(yaml("a: 1\nrunnable_dir_info:\n  use_helpers_as_nested_module: maybe\n"));
    assert_eq!(line, 3);
    assert!(message.contains("expected `true` or `false`"), "{message}");
}

#[test]
fn what_is_not_stated_is_left_to_the_defaults() {
    for text in
        ["", "\n# nothing\n", "docker_info:\n", "docker_info:\n  docker_image_name:\n", "repo_info:\n  repo_name: x\n"]
    {
        assert_eq!(yaml(text).unwrap().get("image.name"), None, "{text:?}");
    }
    let lists =
        "repo_info:\n  invalid_words: [a, {b: c}]\n  x: &anchor 1\n  y: *anchor\ndocker_info: {docker_image_name: a}\n";
    assert_eq!(shown(&yaml(lists).unwrap(), "image.name").unwrap().0, "\"a\"");
}

#[test]
fn yes_and_1_are_booleans() {
    let nested = |word: &str, shared: bool| {
        let text = format!("runnable_dir_info:\n  use_helpers_as_nested_module: {word}\n");
        let file = Some(Source { path: Path::new("repo_config.yaml"), bytes: text.as_bytes() });
        let layer = of_dir(&InDir { file, shared, ..InDir::default() }).unwrap();
        layer.get("run.variables.CSFY_USE_HELPERS_AS_NESTED_MODULE").unwrap().value.as_text().unwrap().to_owned()
    };
    for word in ["yes", "1", "true", "True", "on", "'1'"] {
        assert_eq!((nested(word, true).as_str(), nested(word, false).as_str()), ("1", "0"), "{word}");
    }
    for word in ["no", "0", "false", "False", "off"] {
        assert_eq!(nested(word, true), "0", "{word}");
    }
}

#[test]
fn python_is_read_and_not_run() {
    let source = "import os\n_NAME = \"acme-py\"\n\n\ndef get_docker_base_image_name() -> str:\n    \"\"\"\n    Return it.\n    \"\"\"\n    \
                  base_image_name = _NAME\n    return base_image_name\n\n\ndef get_name() -> str:\n    return '//acme'\n\n\ndef other():\n    return os.getcwd()\n";
    let layer = dir("repo_config.py", source).unwrap();
    assert_eq!(shown(&layer, "image.name").unwrap(), ("\"acme-py\"".into(), "repo_config.py:5".into()));
    let root = of_root(&InRoot {
        file: Some(Source { path: Path::new("repo_config.py"), bytes: source.as_bytes() }),
        ..InRoot::default()
    });
    assert_eq!(shown(&root.unwrap(), "workspace.name").unwrap().0, "\"acme\"");
}

#[test]
fn python_that_computes_is_named_and_may_be_stated_elsewhere() {
    let source =
        "import os\n\ndef get_docker_base_image_name():\n    if os.environ['X']:\n        return 'a'\n    return 'b'\n";
    let (message, line, _) = wrong(dir("repo_config.py", source));
    assert_eq!(line, 4);
    assert!(message.contains("what `get_docker_base_image_name` returns is computed"), "{message}");
    let error = dir("repo_config.py", source).unwrap_err();
    assert_eq!(error.hint().unwrap(), "state it in `devops/wharf.toml` beside it: `name = \"infra\"` in `[image]`");
    let own = Layer::from_toml(LayerKind::RunnableDir, Path::new("devops/wharf.toml"), b"[image]\nname = \"mine\"\n")
        .unwrap();
    let file = Some(Source { path: Path::new("repo_config.py"), bytes: source.as_bytes() });
    let layer = of_dir(&InDir { file, stated: Some(&own), ..InDir::default() }).unwrap();
    let config = Config::from_resolved(&resolve(&[&layer, &own])).unwrap();
    assert_eq!(config.image.name.unwrap().value, "mine");
    let (message, line, _) = wrong(dir("repo_config.py", "def broken(:\n"));
    assert_eq!(line, 1);
    assert!(message.starts_with("text is not Python"), "{message}");
}

/// The value that functions return is the one that names have once the file was run.
#[test]
fn python_names_that_are_bound_again_are_computed() {
    let get = "\n\ndef get_docker_image_name(x=1):\n    name: str = NAME\n    return name\n";
    let plain = format!("NAME: str = 'first'\nNAME = 'last'{get}");
    assert_eq!(shown(&dir("repo_config.py", &plain).unwrap(), "image.name").unwrap().0, "\"last\"");
    for other in [
        "NAME += '-x'",
        "NAME = make()",
        "if make():\n    NAME = 'b'",
        "try:\n    from site_config import NAME\nexcept ImportError:\n    pass",
        "for NAME in make():\n    pass",
        "def change():\n    global NAME\n    NAME = 'b'",
        "with make() as NAME:\n    pass",
        "from site_config import *",
        "del NAME",
    ] {
        for text in [format!("NAME = 'a'\n{other}\n{get}"), format!("NAME = 'a'\n{get}\n\n{other}\n")] {
            let (message, ..) = wrong(dir("repo_config.py", &text));
            assert!(message.contains("`get_docker_image_name` returns is computed"), "{text}\n{message}");
        }
    }
    // A name of the function's own, and a function that is there twice.
    let shadowed = "NAME = 'a'\n\n\ndef get_docker_image_name(NAME):\n    return NAME\n";
    wrong(dir("repo_config.py", shadowed));
    let twice = "def get_docker_image_name():\n    return 'a'\n\n\ndef get_docker_image_name():\n    return 'b'\n";
    assert_eq!(shown(&dir("repo_config.py", twice).unwrap(), "image.name").unwrap().0, "\"b\"");
    wrong(dir(
        "repo_config.py",
        "def get_docker_image_name():\n    return 'a'\n\n\nif x:\n    get_docker_image_name = y\n",
    ));
}

#[test]
fn no_computed_value_is_dropped() {
    for (name, key, states) in [
        ("get_ecr_base_path", "registry.pull", "[registry]\npull = \"x.example.org\"\n"),
        ("use_docker_sibling_containers", "run.docker", "[run]\ndocker = \"none\"\n"),
        (
            "use_helpers_as_nested_module",
            "run.variables",
            "[run.variables]\nCSFY_USE_HELPERS_AS_NESTED_MODULE = \"1\"\n",
        ),
    ] {
        let text = format!("def get_docker_image_name():\n    return 'a'\n\n\ndef {name}():\n    return compute()\n");
        let file = Some(Source { path: Path::new("repo_config.py"), bytes: text.as_bytes() });
        let dir = InDir { file, shared: true, ..InDir::default() };
        let (message, line, _) = wrong(of_dir(&dir));
        assert!(message.contains(&format!("what `{name}` returns is computed")) && line == 6, "{key}: {message}");
        let own = Layer::from_toml(LayerKind::SuperRepo, Path::new("wharf.toml"), states.as_bytes()).unwrap();
        of_dir(&InDir { stated: Some(&own), ..dir }).unwrap();
        of_dir(&InDir { stated_above: Some(&own), ..dir }).unwrap();
    }
}

#[test]
fn hostile_yaml_ends_soon() {
    let wide: String = (0..70_000).map(|number| format!("k{number}: 1\n")).collect();
    yaml(&wide).unwrap();
    let deep = format!("a: {}", "{a: ".repeat(20_000));
    let (message, ..) = wrong(yaml(&deep));
    assert!(message.starts_with("text is not YAML"), "{message}");
    let large = "x".repeat(crate::config::MAX_FILE_BYTES + 1);
    let source = Source { path: Path::new("repo_config.yaml"), bytes: large.as_bytes() };
    assert_eq!(super::image_name(source), None);
}

#[test]
fn an_alias_where_a_value_is_needed_is_shown() {
    for (text, at) in [
        ("x: &a acme\ndocker_info:\n  docker_image_name: *a\n", (3, 22)),
        ("x: &a {docker_image_name: b}\ndocker_info: *a\n", (2, 14)),
        ("x: &a {docker_image_name: b}\ndocker_info:\n  <<: *a\n", (3, 7)),
    ] {
        let (message, line, column) = wrong(yaml(text));
        assert!(message.contains("alias"), "{message}");
        assert_eq!((line, column), at, "{text}");
    }
}

#[test]
fn wharf_toml_overrides_single_values() {
    let own = b"[image]\nbase = \"debian:bookworm\"\n[run.variables]\nCSFY_HOST_NAME = \"mine\"\n";
    let own = Layer::from_toml(LayerKind::RunnableDir, Path::new("devops/wharf.toml"), own).unwrap();
    let has = &["docker_build/dev.Dockerfile"];
    let layer = of_dir(&InDir { has, stated: Some(&own), ..InDir::default() }).unwrap();
    let config = Config::from_resolved(&resolve(&[&layer, &own])).unwrap();
    assert_eq!(config.layout.variables["CSFY_HOST_NAME"], "mine");
    assert_eq!(config.layout.variables["CSFY_GIT_ROOT_PATH"], "{mount}");
    assert!(matches!(&config.image.source, ImageSource::Base(base) if base.value == "debian:bookworm"));
    assert_eq!(config.layout.dockerfile, None);
    let from = of_dir(&InDir { image_from: Some("."), ..InDir::default() }).unwrap();
    let config = Config::from_resolved(&resolve(&[&from])).unwrap();
    assert!(matches!(config.image.source, ImageSource::From(_)));
    let config = Config::from_resolved(&resolve(&[&from, &own])).unwrap();
    assert!(matches!(config.image.source, ImageSource::Base(_)));
}
