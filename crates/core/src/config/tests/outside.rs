use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::config::{Flag, Layer, schema};

fn variables(pairs: &[(&str, &str)]) -> String {
    match Layer::from_variables(pairs.iter().copied()) {
        Ok(layer) => {
            let entries = layer.entries().map(|entry| format!("{}={} <- {}", entry.path, entry.value, entry.origin));
            entries.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

fn flags(flags: &[(&str, &str, &str)]) -> String {
    let flags = flags.iter().map(|(path, text, name)| Flag { path, text, name });
    match Layer::from_flags(flags) {
        Ok(layer) => {
            let entries = layer.entries().map(|entry| format!("{}={} <- {}", entry.path, entry.value, entry.origin));
            entries.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn names_of_variables() {
    let names: Vec<_> = schema::variables().map(|(name, key)| format!("{name} {}", key.path)).collect();
    for expected in [
        "WHARF_ENGINE engine.kind",
        "WHARF_ENGINE_KIND engine.kind",
        "WHARF_IMAGE_BASE image.base",
        "WHARF_TEST_TIMEOUT test.timeout",
        "WHARF_BUILD_CA_CERTIFICATES build.ca-certificates",
    ] {
        assert!(names.contains(&expected.to_owned()), "{expected}");
    }
    assert!(!names.iter().any(|name| name.starts_with("WHARF_IMAGE_FROM ")));
}

#[test]
fn variables_state_keys() {
    assert_eq!(variables(&[("WHARF_IMAGE_BASE", "a:1")]), "image.base=\"a:1\" <- WHARF_IMAGE_BASE");
    assert_eq!(variables(&[("WHARF_TEST_RETRIES", "2")]), "test.retries=2 <- WHARF_TEST_RETRIES");
    assert_eq!(variables(&[("WHARF_OS_PACKAGES", "a, b,")]), "os.packages=[\"a\", \"b\"] <- WHARF_OS_PACKAGES");
    assert_eq!(variables(&[("WHARF_TEST_ARGS", "['a,b', '-x']")]), "test.args=[\"a,b\", \"-x\"] <- WHARF_TEST_ARGS");
    assert_eq!(
        variables(&[("WHARF_BUILD_SECRETS", "{ npm = 'env:A' }")]),
        "build.secrets.npm=\"env:A\" <- WHARF_BUILD_SECRETS"
    );
}

#[test]
fn the_short_name_wins() {
    let short = ("WHARF_ENGINE", "host");
    let long = ("WHARF_ENGINE_KIND", "docker");
    assert_eq!(variables(&[short, long]), "engine.kind=\"host\" <- WHARF_ENGINE");
    assert_eq!(variables(&[long, short]), "engine.kind=\"host\" <- WHARF_ENGINE");
}

#[test]
fn other_and_empty_variables_are_left_alone() {
    assert_eq!(
        variables(&[("PATH", "x"), ("WHARF_UNRELATED", "x"), ("WHARF_IMAGE_BASE", ""), ("wharf_engine", "x")]),
        ""
    );
}

#[test]
fn bad_variables() {
    assert_eq!(
        variables(&[("WHARF_ENGINE", "dcoker"), ("WHARF_TEST_RETRIES", "many"), ("WHARF_IMAGE_FROM", "//a")]),
        "bad value \"dcoker\" of `engine.kind` in variable `WHARF_ENGINE`: expected `docker`, `podman` or `host`; did \
         you mean `docker`?\n\
         key `image.from` is not allowed in variable `WHARF_IMAGE_FROM`: only in `devops/wharf.toml` of a runnable dir\n\
         bad value \"many\" of `test.retries` in variable `WHARF_TEST_RETRIES`: expected 0 to 10"
    );
    assert!(variables(&[("WHARF_TEST_ARGS", "[a]")]).starts_with("text is not TOML in variable `WHARF_TEST_ARGS`: "));
    assert!(variables(&[("WHARF_BUILD_SECRETS", "a=b")]).starts_with("text is not TOML in variable"));
    let layer = Layer::from_variables([("WHARF_IMAGE_BASE", OsStr::from_bytes(b"ab\xff"))]);
    assert_eq!(
        layer.expect_err("not UTF-8").to_string(),
        "text is not UTF-8 in variable `WHARF_IMAGE_BASE`: at offset 2"
    );
}

#[test]
fn flags_state_keys() {
    assert_eq!(flags(&[("engine.kind", "host", "--engine")]), "engine.kind=\"host\" <- --engine");
    assert_eq!(
        flags(&[("run.env", "A=1,2", "--env"), ("run.env", "B", "--env")]),
        "run.env=[\"A=1,2\", \"B\"] <- --env"
    );
    assert_eq!(flags(&[("test.args", "['-x', 'a']", "--config")]), "test.args=[\"-x\", \"a\"] <- --config");
    assert_eq!(
        flags(&[("test.retries", "1", "--retries"), ("test.retries", "2", "--retries")]),
        "test.retries=2 <- --retries"
    );
}

#[test]
fn bad_flags() {
    assert_eq!(
        flags(&[
            ("engine.knd", "host", "--config"),
            ("test.timeout", "soon", "--timeout"),
            ("run.ports", "x", "--port")
        ]),
        "unknown key `engine.knd` in flag `--config`; did you mean `engine.kind`?\n\
         bad value \"soon\" of `test.timeout` in flag `--timeout`: expected a duration such as `60s`, `5m` or `1h30m`, \
         or `none`\n\
         bad value \"x\" of `run.ports[0]` in flag `--port`: expected a port such as `8080`, `8080:80` or \
         `127.0.0.1:8080:80`"
    );
    assert_eq!(
        flags(&[("os.scripts", "a.sh", "--config")]),
        "key `os.scripts` is not allowed in flag `--config`: only in `devops/wharf.toml` of a runnable dir"
    );
}
