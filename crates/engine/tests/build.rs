//! Builds on the real engines, every way that is possible here, with the same expectations.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use wharf_engine::{BuildFailure, BuildSpec, Builder, Client, EngineError, Environment, Kind, detect};

fn base() -> String {
    std::env::var("WHARF_TEST_BASE").unwrap_or_else(|_| "wharf-test/python:bookworm".into())
}

fn client(kind: Kind) -> Client {
    let environment =
        Environment { search_path: std::env::var_os("PATH").unwrap(), user: (0, 0), ..Environment::default() };
    detect(kind, &environment).unwrap_or_else(|error| panic!("{error}; run `cargo xtask engine`"))
}

fn ways() -> Vec<(Client, Builder)> {
    let docker = client(Kind::Docker);
    let podman = client(Kind::Podman);
    let usual = docker.builder().unwrap();
    let mut ways = vec![(podman, Builder::Podman), (docker.clone(), Builder::Session)];
    if usual != Builder::Session {
        ways.push((docker, usual));
    }
    ways
}

fn spec(context: &Path, dockerfile: &str, tag: &str) -> BuildSpec {
    fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    BuildSpec {
        context: context.into(),
        dockerfile: "Dockerfile".into(),
        target: None,
        tag: format!("wharf-test/{tag}"),
        labels: BTreeMap::from([("dev.wharf.test".into(), tag.into())]),
        args: BTreeMap::new(),
        secrets: BTreeMap::new(),
        platform: None,
        timestamp: None,
        no_cache: false,
    }
}

#[test]
fn builds_with_secrets_that_stay_out_of_the_image() {
    for (client, builder) in ways() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret.txt");
        fs::write(&secret, "s3cret-value").unwrap();
        let context = dir.path().join("context");
        fs::create_dir(&context).unwrap();
        fs::write(context.join("hello.txt"), "hello").unwrap();
        let nonce = format!("{}-{:?}", std::process::id(), builder);
        let dockerfile = format!(
            "FROM {}\nCOPY hello.txt /hello.txt\nRUN --mount=type=secret,id=key,target=/run/key echo {nonce}; wc -c < /run/key > /size\n",
            base()
        );
        let mut spec = spec(&context, &dockerfile, &format!("secret-{}", format!("{builder:?}").to_lowercase()));
        spec.secrets.insert("key".into(), secret);
        let lines = Mutex::new(Vec::new());
        client.build(builder, &spec, &|line| lines.lock().unwrap().push(line.to_owned())).unwrap();
        let lines = lines.into_inner().unwrap();
        assert!(lines.iter().any(|line| line.contains(&nonce)), "{builder:?} shows the steps: {lines:#?}");
        let image = client.image(&spec.tag).unwrap().expect("the image is there");
        assert_eq!(image.labels["dev.wharf.test"], spec.labels["dev.wharf.test"]);
        let label = format!("dev.wharf.test={}", spec.labels["dev.wharf.test"]);
        assert!(client.images(&label).unwrap().iter().any(|found| found.id == image.id));
        let output =
            client.command().args(["run", "--rm", &spec.tag, "cat", "/size", "/hello.txt"]).run_checked().unwrap();
        assert_eq!(output.text(), "12\nhello");
        let remove = client.command().args(["image", "rm", &spec.tag]).run_checked();
        remove.unwrap();
    }
}

#[test]
fn a_failing_step_shows_its_last_lines() {
    for (client, builder) in ways() {
        let dir = tempfile::tempdir().unwrap();
        let dockerfile = format!("FROM {}\nRUN echo first; echo the-reason >&2; exit 7\n", base());
        let spec = spec(dir.path(), &dockerfile, "failing");
        let failure = client.build(builder, &spec, &|_| {}).unwrap_err();
        let BuildFailure::Step { summary, tail } = failure else { panic!("{builder:?}: {failure:?}") };
        assert!(tail.iter().any(|line| line.contains("the-reason")), "{builder:?}: {summary} {tail:#?}");
    }
}

#[test]
fn a_base_image_that_cannot_be_had_is_named() {
    for (client, builder) in ways() {
        let dir = tempfile::tempdir().unwrap();
        let spec = spec(dir.path(), "FROM localhost:1/no-such-image-here:1\nRUN true\n", "nobase");
        let failure = client.build(builder, &spec, &|_| {}).unwrap_err();
        let BuildFailure::Engine(EngineError::NoImage { image, .. }) = &failure else {
            panic!("{builder:?}: {failure:?}")
        };
        assert!(image.contains("no-such-image-here"), "{builder:?}: {image}: {failure}");
    }
}

#[test]
fn an_engine_that_is_not_there_says_which_way() {
    let environment = Environment { search_path: "/nonexistent".into(), ..Environment::default() };
    assert!(matches!(detect(Kind::Docker, &environment), Err(EngineError::Absent(Kind::Docker))));
    let dir = tempfile::tempdir().unwrap();
    let environment = Environment {
        search_path: std::env::var_os("PATH").unwrap(),
        docker_host: Some(format!("unix://{}/no.sock", dir.path().display())),
        ..Environment::default()
    };
    let error = detect(Kind::Docker, &environment).unwrap_err();
    assert!(matches!(error, EngineError::NotRunning { .. }), "{error}");
    assert!(error.hint().is_some());
}
