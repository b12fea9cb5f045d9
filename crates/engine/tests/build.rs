//! Builds on the real engines, every way that is possible here, with the same expectations.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use wharf_engine::{BuildFailure, BuildSpec, Builder, Client, EngineError, Environment, Kind, Platform, detect};

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

/// What `cargo xtask engine` makes this machine run by emulation, and how `uname` calls it.
fn foreign() -> (Platform, &'static str) {
    let (text, machine) =
        if std::env::consts::ARCH == "aarch64" { ("linux/amd64", "x86_64") } else { ("linux/arm64", "aarch64") };
    (text.parse().unwrap(), machine)
}

/// An image that `cargo xtask base-image` makes for both.
const TINY: &str = "wharf-test/tiny:bookworm";

#[test]
fn builds_for_another_platform_from_the_base_of_that_platform() {
    let (platform, machine) = foreign();
    for (client, builder) in ways() {
        assert_eq!(client.native_platform().ok(), Platform::of_this_machine(), "{builder:?}");
        let before = client.image(TINY).unwrap().expect("`cargo xtask base-image` makes it");
        let (name, base) = client.image_for(TINY, platform).unwrap().expect("it is there for both");
        assert_eq!((name, base.platform), (platform.suffixed(TINY), Some(platform)));
        let dir = tempfile::tempdir().unwrap();
        let nonce = format!("{}-{builder:?}", std::process::id());
        // The variables of the builder and a base by its plain name; a later stage that cannot be had is not needed.
        let dockerfile = format!(
            "ARG TARGETARCH\nFROM {TINY}-${{TARGETARCH}} AS other\nFROM {TINY} AS dev\nRUN echo {nonce}; uname -m > /machine\n\
             COPY --from=other /etc/passwd /other\nFROM localhost:1/nowhere:1 AS prod\n"
        );
        let mut spec = spec(dir.path(), &dockerfile, &format!("foreign-{}", format!("{builder:?}").to_lowercase()));
        spec.target = Some("dev".into());
        spec.platform = Some(platform);
        client.build(builder, &spec, &|_| {}).unwrap_or_else(|failure| panic!("{builder:?}: {failure:?}"));
        assert_eq!(client.image(&spec.tag).unwrap().and_then(|image| image.platform), Some(platform), "{builder:?}");
        let run = ["run", "--rm", "--platform", &platform.to_string(), &spec.tag, "cat", "/machine"].map(str::to_owned);
        assert_eq!(client.command().args(run).run_checked().unwrap().text().trim(), machine, "{builder:?}");
        assert_eq!(client.image(TINY).unwrap().map(|image| image.id), Some(before.id), "{builder:?}");
        client.untag(&spec.tag).unwrap();
        client.untag(&spec.tag).unwrap();
    }
}

#[test]
fn a_base_that_is_here_for_another_platform_alone_is_no_base() {
    let (platform, _) = foreign();
    let native = Platform::of_this_machine().unwrap();
    for (client, builder) in ways() {
        let dir = tempfile::tempdir().unwrap();
        let alone = format!("localhost:1/wharf-test/alone-{}:1", std::process::id());
        client.tag(TINY, &alone).unwrap();
        let mut spec = spec(dir.path(), &format!("FROM {alone}\nRUN true\n"), "alone");
        spec.platform = Some(platform);
        let failure = client.build(builder, &spec, &|_| {}).unwrap_err();
        client.untag(&alone).unwrap();
        let BuildFailure::Engine(EngineError::NoPlatform { image, known, .. }) = &failure else {
            panic!("{builder:?}: {failure:?}")
        };
        assert_eq!((image, known.as_slice()), (&alone, [native.to_string()].as_slice()), "{builder:?}");
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
