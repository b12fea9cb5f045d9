use std::path::Path;

use super::{error, read};
use crate::config::{ConfigError, Layer, LayerKind, MAX_FILE_BYTES};

#[track_caller]
fn says(error: &ConfigError, lines: &[&str]) {
    assert_eq!(error.to_string(), lines.join("\n"));
}

fn bytes(bytes: &[u8]) -> ConfigError {
    Layer::from_toml(LayerKind::SuperRepo, Path::new("wharf.toml"), bytes).expect_err("the file is bad")
}

#[test]
fn unknown_key_names_the_nearest() {
    let error = error("\n\nimgae.base = \"x\"\n");
    says(&error, &["unknown key `imgae.base` in `infra/devops/wharf.toml`, line 3; did you mean `image.base`?"]);
    assert_eq!(error.hint().as_deref(), Some("write `image.base`"));
}

#[test]
fn unknown_keys_in_all_their_variety() {
    let cases = [
        ("[image]\nbse = 'x'", "unknown key `image.bse`", Some("image.base")),
        ("[os]\npackage = []", "unknown key `os.package`", Some("os.packages")),
        ("packages = []", "unknown key `packages`", Some("os.packages")),
        ("[image]\npackages = []", "unknown key `image.packages`", Some("os.packages")),
        ("[build]\nca_certificates = 'host'", "unknown key `build.ca_certificates`", Some("build.ca-certificates")),
        ("[Image]\nBase = 'x'", "unknown key `Image.Base`", Some("image.base")),
        ("\"image.base\" = 'x'", "unknown key `\"image.base\"`", Some("image.base")),
        ("[image]\nzzz = 'x'", "unknown key `image.zzz`", None),
        ("[tests]\nretries = 1\njobs = 2", "unknown table `tests`", Some("test")),
        ("[zzzzzz]\nx = 1\ny = 2", "unknown table `zzzzzz`", None),
        ("[tests]\nzzzzzz = 1", "unknown table `tests`", Some("test")),
        ("[zzzzzz]", "unknown table `zzzzzz`", None),
        ("[python.groups]\ndevel = []", "unknown key `python.groups.devel`", None),
        ("[python.groups]\npord = []", "unknown key `python.groups.pord`", Some("python.groups.prod")),
    ];
    for (text, summary, suggestion) in cases {
        let error = error(text);
        let [problem] = error.problems() else { panic!("{error}") };
        assert_eq!(problem.kind.summary(), summary);
        assert_eq!(problem.kind.suggestion().map(String::as_str), suggestion, "{text}");
        assert!(error.hint().is_some(), "{text}");
    }
}

#[test]
fn unknown_without_neighbour_lists_what_is_known() {
    assert_eq!(
        error("[image]\nzzzzz = 1").hint().as_deref(),
        Some(
            "the known keys of `image` are `name`, `base`, `from`, `platforms`, `requires`, `dockerfile`, `prod-dockerfile`, \
         `context`, `ignore-file`, `prod-ignore-file`, `dev-patch`, `copy-out`"
        )
    );
    assert_eq!(
        error("zzzzz = 1").hint().as_deref(),
        Some(
            "the known tables are `workspace`, `engine`, `git`, `registry`, `image`, `os`, `python`, `build`, `run`, `test`, \
             `cache`, `thin-env`, `files`, `setenv`, `exports`, `ci`, `services`, `tasks`"
        )
    );
}

#[test]
fn wrong_types() {
    let at = "in `infra/devops/wharf.toml`, line 1: expected";
    let cases = [
        ("os.packages = 'x'", format!("wrong type of `os.packages` {at} a list of strings, found a string")),
        ("os.packages = ['x', 1]", format!("wrong type of `os.packages[1]` {at} a string, found a whole number")),
        ("image.base = true", format!("wrong type of `image.base` {at} a string, found a boolean")),
        ("image = 1.5", format!("wrong type of `image` {at} a table, found a decimal number")),
        ("test.retries = '1'", format!("wrong type of `test.retries` {at} a whole number, found a string")),
        ("test.timeout = 60", format!("wrong type of `test.timeout` {at} a duration in quotes, found a whole number")),
        ("build.secrets = []", format!("wrong type of `build.secrets` {at} a table of strings, found a list")),
        ("build.secrets.a = {}", format!("wrong type of `build.secrets.a` {at} a string, found a table")),
        (
            "python.groups.dev = 'x'",
            format!("wrong type of `python.groups.dev` {at} a list of strings, found a string"),
        ),
        ("image.name = 2024-01-01", format!("wrong type of `image.name` {at} a string, found a date or time")),
    ];
    for (text, message) in cases {
        says(&error(text), &[&message]);
    }
    let hint = error("os.packages = 'x'").hint();
    assert_eq!(hint.as_deref(), Some("write it like `os.packages = [\"graphviz\", \"postgresql-client\"]`"));
    let hint = error("os.packages = [1]").hint();
    assert_eq!(hint.as_deref(), Some("write it like `os.packages = [\"graphviz\", \"postgresql-client\"]`"));
}

#[test]
fn bad_values() {
    let at = "in `infra/devops/wharf.toml`, line 1: expected";
    let cases = [
        (
            "python.manager = 'peotry'",
            format!(
                "bad value \"peotry\" of `python.manager` {at} `uv`, `poetry`, `pip` or `none`; did you mean `poetry`?"
            ),
        ),
        (
            "test.timeout = '1 hour'",
            format!("bad value \"1 hour\" of `test.timeout` {at} a duration such as `60s`, `5m` or `1h30m`, or `none`"),
        ),
        ("test.retries = 11", format!("bad value \"11\" of `test.retries` {at} 0 to 10")),
        (
            "test.retries = 99999999999999999999",
            format!("bad value \"99999999999999999999\" of `test.retries` {at} 0 to 10"),
        ),
        (
            "image.platforms = ['linux/amd64', 'aarch64']",
            format!(
                "bad value \"aarch64\" of `image.platforms[1]` {at} `linux/amd64`, `linux/arm64`, `linux/arm/v7`, `linux/arm/v6`, \
                 `linux/386`, `linux/ppc64le`, `linux/s390x`, `linux/riscv64`, `linux/mips64le` or `linux/loong64`; did you mean \
                 `linux/arm64`?"
            ),
        ),
        (
            "os.packages = ['a', '--x']",
            format!("bad value \"--x\" of `os.packages[1]` {at} a package name such as `graphviz`"),
        ),
        ("build.secrets.a = 'NAME'", format!("bad value \"NAME\" of `build.secrets.a` {at} `env:NAME` or `file:PATH`")),
        (
            "build.secrets.\"a b\" = 'env:A'",
            format!("bad value \"a b\" of `build.secrets` {at} a name of letters, digits, `_` and `-`"),
        ),
        (
            "os.packages = ['a\\nb']",
            format!("bad value \"a\\\\nb\" of `os.packages[0]` {at} a package name such as `graphviz`"),
        ),
    ];
    for (text, message) in cases {
        says(&error(text), &[&message]);
    }
    let jobs = read(LayerKind::SuperRepo, "test.jobs = 0").expect_err("zero");
    says(&jobs, &["bad value \"0\" of `test.jobs` in `wharf.toml`, line 1: expected 1 or more"]);
}

#[test]
fn keys_have_a_home() {
    let error = error("[workspace]\nname = 'x'\n");
    says(
        &error,
        &[
            "key `workspace.name` is not allowed in `infra/devops/wharf.toml`, line 2: only in `wharf.toml` at the super-repo's root",
        ],
    );
    assert_eq!(error.hint().as_deref(), Some("move it to `wharf.toml` at the super-repo's root"));
    let from = read(LayerKind::SuperRepo, "image.from = '//ml'").expect_err("not in the root");
    says(
        &from,
        &["key `image.from` is not allowed in `wharf.toml`, line 1: only in `devops/wharf.toml` of a runnable dir"],
    );
}

#[test]
fn keys_of_the_whole_workspace_are_not_a_dirs_own() {
    let error = error("engine.kind = 'host'");
    says(
        &error,
        &["key `engine.kind` is not allowed in `infra/devops/wharf.toml`, line 1: only in the user's `config.toml`, \
           `wharf.toml` at the super-repo's root, a variable, a flag"],
    );
    assert_eq!(error.hint().as_deref(), Some("move it to `wharf.toml` at the super-repo's root"));
}

#[test]
fn exclusive_keys() {
    let error = error("[image]\nbase = 'a'\nfrom = '//b'\n");
    says(&error, &["`image.from` and `image.base` exclude each other in `infra/devops/wharf.toml`, line 3"]);
    assert_eq!(error.hint().as_deref(), Some("remove `image.from` or `image.base`"));
}

#[test]
fn a_value_for_a_table_lists_its_keys() {
    let hint = error("image = 'debian:12'").hint();
    assert_eq!(
        hint.as_deref(),
        Some(
            "the known keys of `image` are `name`, `base`, `from`, `platforms`, `requires`, `dockerfile`, `prod-dockerfile`, \
         `context`, `ignore-file`, `prod-ignore-file`, `dev-patch`, `copy-out`"
        )
    );
}

#[test]
fn not_utf8() {
    let error = bytes(b"[image]\nbase = \"\xff\"\n");
    says(&error, &["text is not UTF-8 in `wharf.toml`, line 2: byte 0xff at offset 16"]);
    assert_eq!(error.hint().as_deref(), Some("save it as UTF-8"));
}

#[test]
fn too_large() {
    let error = bytes(&vec![b'#'; MAX_FILE_BYTES + 1]);
    says(&error, &["config file is too large in `wharf.toml`: 1048577 bytes, at most 1048576 are read"]);
    assert!(error.render(false).starts_with("error: config file is too large in `wharf.toml`: 1048577 bytes"));
}

#[test]
fn not_toml_shows_the_place() {
    let error = error("[image]\nbase = debian\n");
    assert_eq!(error.problems().len(), 1);
    assert!(error.to_string().starts_with("text is not TOML in `infra/devops/wharf.toml`, line 2: "), "{error}");
    assert_eq!(
        error.render(false),
        "\
error: text is not TOML
 --> infra/devops/wharf.toml:2:8
  |
2 | base = debian
  |        ^^^^^^ string values must be quoted, expected literal string
  |
  = hint: strings stand in quotes, lists in `[…]`: see https://toml.io"
    );
}

#[test]
fn twice_stated_is_not_toml() {
    let error = error("[image]\nbase = 'a'\nbase = 'b'\n");
    assert!(error.to_string().contains("line 3: duplicate key"), "{error}");
}

#[test]
fn all_problems_are_reported_in_order() {
    let error = error("[test]\nretries = 'x'\n[os]\nscripts = ['../x']\npackage = []\n[workspace]\nname = 'a'\n");
    let lines: Vec<_> = error.to_string().lines().map(|line| line.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        [
            "wrong type of `test.retries` in `infra/devops/wharf.toml`",
            "bad value \"../x\" of `os.scripts[0]` in `infra/devops/wharf.toml`",
            "unknown key `os.package` in `infra/devops/wharf.toml`",
            "key `workspace.name` is not allowed in `infra/devops/wharf.toml`",
        ]
    );
}

#[test]
fn errors_of_several_files_join() {
    let mut first = error("a = 1");
    first.extend(bytes(b"\xff"));
    assert_eq!(first.problems().len(), 2);
    assert_eq!(first.to_string().lines().count(), 2);
}

#[test]
fn rendering_marks_the_place() {
    let rendered = error("# größe\r\n[image]\r\nbsae = 'x'\r\n").render(false);
    assert_eq!(
        rendered,
        "\
error: unknown key `image.bsae`
 --> infra/devops/wharf.toml:3:1
  |
3 | bsae = 'x'
  | ^^^^
  |
  = hint: did you mean `image.base`?"
    );
    assert!(error("a = 1").render(true).contains("\u{1b}["));
}

#[test]
fn rendering_copes_with_odd_places() {
    for text in [
        "x = \"\"\"\na\nb\"\"\"",
        "ü = 'ü'",
        "image.base = [\n1,\n2]",
        "a",
        "[",
        "=",
        "\"",
        "a = '\u{7}'",
        "\u{feff}x = 1",
    ] {
        let error = error(text);
        assert!(error.render(false).contains(" --> infra/devops/wharf.toml:1:"), "{}", error.render(false));
    }
}

#[test]
fn a_thousand_problems_are_told_and_more_are_counted() {
    let text: String = (0..10_000).map(|n| format!("unknown-{n} = {n}\n")).collect();
    let error = error(&text);
    assert_eq!(error.problems().len(), 1_001);
    assert!(error.to_string().ends_with("\n9000 more problems in `infra/devops/wharf.toml`"));
    let line = format!("image = {{ {} }}", (0..10_000).map(|n| format!("u{n} = 1, ")).collect::<String>());
    let error = super::error(&line);
    let kept: usize = error.render(false).len();
    assert!(kept < 10_000_000, "{kept}");
}

#[test]
fn hostile_files_are_errors() {
    let deep = format!("image.base = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(error(&deep).to_string().starts_with("text is not TOML"));
    let garbage = "]=[\"\u{1b}[31m".repeat(MAX_FILE_BYTES / 12);
    assert!(!error(&garbage).render(false).contains('\u{1b}'));
    let urls = format!("x = '{}'", "://".repeat(MAX_FILE_BYTES / 3 - 10));
    assert_eq!(error(&urls).problems().len(), 1);
}
