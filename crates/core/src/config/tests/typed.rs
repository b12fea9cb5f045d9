use std::time::Duration;

use super::layer;
use crate::config::{
    CaCertificates, Config, ConfigError, ImageSource, Layer, LayerKind, Proxy, PythonManager, Resolved, SecretSource,
    ThinRequirements, Variable, resolve,
};

fn config(layers: &[&Layer]) -> Config {
    Config::from_resolved(&resolve(layers)).unwrap()
}

fn base(source: &ImageSource) -> (&str, &str) {
    match source {
        ImageSource::Base(base) => ("base", &base.value),
        ImageSource::From(from) => ("from", &from.value),
    }
}

#[test]
fn defaults_are_a_configuration() {
    let config = config(&[]);
    assert_eq!(base(&config.image.source), ("base", "python:3.12-slim-bookworm"));
    assert_eq!(config.engine.kind, None);
    assert_eq!(config.build.ca_certificates.value, CaCertificates::Host);
    assert_eq!(config.build.proxy, Proxy::Host);
    assert_eq!(config.test.timeout, None);
    assert_eq!(config.test.slow, Duration::from_secs(5));
    assert_eq!((config.test.retries, config.test.jobs, config.build.jobs), (0, None, None));
    assert!(config.run.env.is_empty() && config.os.packages.is_empty() && config.build.secrets.is_empty());
}

#[test]
fn the_thin_environment_has_a_file_or_lines() {
    let file = layer(LayerKind::SuperRepo, "thin-env = { requirements = 'a.txt', python = '3.12' }\n");
    let thin = config(&[&file]).thin_env;
    assert_eq!(thin.requirements.unwrap().value, ThinRequirements::File("a.txt".into()));
    assert_eq!(thin.python.unwrap().value, "3.12");
    let lines = layer(LayerKind::SuperRepo, "thin-env.requirements = ['invoke>=2', 'six']\n");
    let expected = ThinRequirements::Lines(vec!["invoke>=2".into(), "six".into()]);
    assert_eq!(config(&[&file, &lines]).thin_env.requirements.unwrap().value, expected);
    let variable = Layer::from_variables([("WHARF_THIN_ENV_REQUIREMENTS", "b.txt")]).unwrap();
    assert_eq!(
        config(&[&lines, &variable]).thin_env.requirements.unwrap().value,
        ThinRequirements::File("b.txt".into())
    );
    let variable = Layer::from_variables([("WHARF_THIN_ENV_REQUIREMENTS", "['invoke>=2', 'six']")]).unwrap();
    assert_eq!(config(&[&variable]).thin_env.requirements.unwrap().value, expected);
    assert!(Layer::from_variables([("WHARF_THIN_ENV_REQUIREMENTS", "['not one']")]).is_err());
}

#[test]
fn every_table_is_typed() {
    let root = layer(
        LayerKind::SuperRepo,
        "engine.kind = 'podman'\nworkspace = { name = 'harbor', exclude = ['x/**'] }\nregistry.pull = 'ghcr.io/acme'\n\
         registry.push = ['ghcr.io/acme', 'localhost:5000/x']\n\
         test = { jobs = 3, timeout = '1m', retries = 1, slow = '500ms', args = ['-x'] }\nbuild.jobs = 2\n",
    );
    let dir = layer(
        LayerKind::RunnableDir,
        "python = { version = '3.11', manager = 'pip', groups = { dev = ['test'], prod = [] } }\n\
         os = { packages = ['git'], scripts = ['a.sh'] }\nimage.name = 'infra'\n\
         run = { env = ['A', 'B=c=d'], volumes = ['data:/data', '~/x:/x:ro,z'], ports = ['80'], network = 'host' }\n\
         [build]\nca-certificates = 'ca.pem'\nproxy = 'none'\nsecrets = { a = 'env:A', b = 'file:~/b' }\n",
    );
    let config = config(&[&root, &dir]);
    assert_eq!(config.engine.kind.unwrap().value, wharf_engine::Kind::Podman);
    assert_eq!(config.workspace.name.unwrap().value, "harbor");
    assert_eq!(config.workspace.exclude, ["x/**"]);
    assert_eq!(config.registry.pull.as_deref(), Some("ghcr.io/acme"));
    assert_eq!(config.registry.push, ["ghcr.io/acme", "localhost:5000/x"]);
    assert_eq!(config.image.name.unwrap().value, "infra");
    assert_eq!(config.os.scripts, ["a.sh"]);
    assert_eq!(config.python.version.unwrap().value, "3.11");
    assert_eq!(config.python.manager.unwrap().value, PythonManager::Pip);
    assert_eq!(config.python.dev_groups.unwrap().value, ["test"]);
    assert!(config.python.prod_groups.unwrap().value.is_empty());
    assert_eq!(config.build.ca_certificates.value, CaCertificates::File("ca.pem".into()));
    assert_eq!(config.build.proxy, Proxy::None);
    assert_eq!(config.build.secrets["a"].value, SecretSource::Variable("A".into()));
    assert_eq!(config.build.secrets["b"].value, SecretSource::File("~/b".into()));
    let set = Variable::Set { name: "B".into(), value: "c=d".into() };
    assert_eq!(config.run.env, [Variable::PassedOn("A".into()), set]);
    let [data, home] = &config.run.volumes[..] else { panic!("two volumes") };
    assert!(data.value.is_named() && !data.value.is_read_only());
    assert!(!home.value.is_named() && home.value.is_read_only());
    assert_eq!((home.value.host.as_str(), home.value.container.as_str()), ("~/x", "/x"));
    assert_eq!(config.test.timeout, Some(Duration::from_mins(1)));
    assert_eq!(config.test.slow, Duration::from_millis(500));
    assert_eq!((config.test.jobs.unwrap().get(), config.build.jobs.unwrap().get()), (3, 2));
}

#[test]
fn of_base_and_from_the_stronger_wins() {
    let root = layer(LayerKind::SuperRepo, "image.base = 'debian:12'");
    let dir = layer(LayerKind::RunnableDir, "image.from = '//ml'");
    let variables = Layer::from_variables([("WHARF_IMAGE_BASE", "debian:13")]).unwrap();
    assert_eq!(base(&config(&[&root, &dir]).image.source), ("from", "//ml"));
    assert_eq!(base(&config(&[&root, &dir, &variables]).image.source), ("base", "debian:13"));
}

#[test]
fn configuration_crosses_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<Layer>();
    crosses::<Config>();
    crosses::<Resolved>();
    crosses::<ConfigError>();
}

#[test]
fn a_service_is_replaced_wholly() {
    let root = layer(
        LayerKind::SuperRepo,
        "[services]\ncompose = 'a.yaml'\n[services.db]\nimage = 'a'\nneeds = ['x']\nready-timeout = '2m'\n[services.x]\nbuild = 'x'\n",
    );
    let dir = layer(
        LayerKind::RunnableDir,
        "[services.db]\nimage = 'b'\ncommand = 'run --all'\nports = ['auto:80']\n[run]\nservices = ['db']\n[test]\nservices = []\n",
    );
    let config = config(&[&root, &dir]);
    let db = &config.services.named["db"];
    assert_eq!((db.image.as_deref(), db.needs.len(), db.ready_timeout), (Some("b"), 0, Duration::from_secs(60)));
    assert_eq!(db.command, ["run", "--all"]);
    assert_eq!(config.services.named["x"].build.as_deref(), Some("x"));
    assert_eq!(config.services.compose.map(|file| file.value).as_deref(), Some("a.yaml"));
    assert_eq!((config.run.services, config.test.services), (vec!["db".to_owned()], Some(Vec::new())));
}
