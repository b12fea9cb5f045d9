use std::time::Duration;

use proptest::prelude::*;

use crate::config::schema::Form;
use crate::config::{format_duration, parse_duration};

#[track_caller]
fn form(form: Form, good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(form.accepts(text), "{form:?} must accept {text:?}");
    }
    for text in bad.iter().chain(&["a\0b"]) {
        assert!(!form.accepts(text), "{form:?} must refuse {text:?}");
    }
}

#[test]
fn durations() {
    let good =
        [("60s", 60_000), ("5m", 300_000), ("1h30m", 5_400_000), ("500ms", 500), ("1m1ms", 60_001), ("60", 60_000)];
    for (text, millis) in good {
        assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
    }
    let bad = [
        "",
        "0",
        "0s",
        "s",
        "1x",
        "30m1h",
        "1m1m",
        "-1s",
        "1.5s",
        " 1s",
        "1 s",
        "99999999999999999999h",
        "9999999999999999h",
        "none",
        "1h30",
    ];
    for text in bad {
        assert_eq!(parse_duration(text), None, "{text}");
    }
    assert_eq!(format_duration(Duration::from_millis(5_461_005)), "1h31m1s5ms");
    assert_eq!(format_duration(Duration::ZERO), "0s");
}

#[test]
fn forms_for_names() {
    form(Form::Name, &["harbor", "a-b_c.d", "7"], &["", ".a", "-a", "a/b", "a b", "ü"]);
    form(Form::ImageName, &["infra", "acme/infra-2", "a__b"], &["", "Infra", "a:1", "a//b", "/a", "a/", "-a", "a-"]);
    form(
        Form::ImageReference,
        &["debian:bookworm", "ghcr.io/a/b@sha256:00", "localhost:5000/a"],
        &["", "-v", "a b", "a\nb", "https://a"],
    );
    form(
        Form::BaseImage,
        &["debian:bookworm", "//helpers:python", "//libs/helpers:py-3"],
        &["", "-v", "//helpers", "//:a", "//../a:b", "//a:b c", "//a:", "helpers//:a b"],
    );
    form(Form::Export, &["helpers", "//libs/a", "a:files", "a:thin-env"], &["", "a:b", "../a", "/a", "a:", "*"]);
    form(Form::RepoPath, &["templates", "a/b/", "r.txt"], &["", ".", "../a", "/a", "a/../b", "*.txt", ".git/x", "-a"]);
    form(Form::Registry, &["ghcr.io/acme", "localhost:5000"], &["", "https://ghcr.io", "ghcr.io/", "a b"]);
    form(Form::Address, &["//ml", "ml/x", ".", "//."], &["", "/ml", "../ml", "//../ml", "a\\b", "-x"]);
    form(Form::Network, &["host", "my_net"], &["", "-x", "a b"]);
    form(Form::Choice(&["a", "b"]), &["a", "b"], &["", "c", "A"]);
    form(Form::Glob, &["third_party/**", "*.x"], &["", "[", "a{b"]);
}

#[test]
fn forms_that_reach_a_dockerfile() {
    form(
        Form::OsPackage,
        &["graphviz", "libstdc++6", "libc6:arm64", "git=1:2.39.2-1~deb12u1"],
        &["", "-y", "a b", "a;b", "a\nb", "a$(b)", "a&b"],
    );
    form(Form::DevopsFile, &["install aws.sh", "scripts/a.sh"], &["", "/a.sh", "../a.sh", "a/../../b", "-a", "a\nb"]);
    form(Form::PythonVersion, &["3.12", "3.12.4"], &["", "3", "3.x", "3.12.1.1", ">=3.12", "3.", "3.12-rc"]);
    form(
        Form::Url,
        &["https://a/simple", "http://u:p@a", "file:///srv/wheels"],
        &["", "a/b", "https://", "https://a b", "ftp://a", "https://a\nb"],
    );
}

#[test]
fn forms_for_versions() {
    form(Form::Requirement, &[">=1.2", "1.2", "=1.2.3", ">=1.2, <2", "*"], &["", ">=v1", "1.2.3.4", "latest", ">="]);
}

#[test]
fn forms_for_running() {
    form(
        Form::SecretSource,
        &["env:NPM_TOKEN", "file:~/.netrc", "file:a:b"],
        &["", "env:", "env:1", "file:", "NPM", "vault:x"],
    );
    form(Form::Variable, &["AWS_PROFILE", "A=", "A=b=c", "_a"], &["", "=a", "1A", "A B", "A-B=1"]);
    form(
        Form::Volume,
        &["~/.aws:/home/.aws:ro", "data:/data", "./x:/x:rw,Z"],
        &["", "/a", ":/a", "/a:b", "/a:/b:rx", "/a:/b:", "a\n:/b"],
    );
    form(
        Form::Port,
        &["80", "8080:80", "127.0.0.1:8080:80", "[::1]:8080:80", "53:53/udp", "8000-8010:8000-8010", "127.0.0.1::80"],
        &["", "0", "65536", "a:80", "80:", ":80", "80/x", "9-8", "1:2:3", "x:1:2"],
    );
    form(Form::HostNoneOrPath, &["host", "none", "a b.pem"], &["", "a\nb"]);
    form(Form::DurationOrNone, &["none", "1s"], &["", "0s"]);
    form(Form::Duration, &["1s"], &["", "none"]);
    form(Form::File, &["a/b.txt", "~/x y.txt"], &["", " ", "a\nb"]);
    form(
        Form::PythonRequirement,
        &["invoke", "invoke>=2,<3", "a[b]==1 ; python_version > '3.8'", "a==1 --hash=sha256:0a --hash=sha256:0b"],
        &["", "-r x.txt", "a b", "a\nb", "./here", "a==1 --hash=sha256:0a --pre", "# no"],
    );
    form(Form::Any, &["", "-x", "a\nb"], &[]);
}

proptest! {
    #[test]
    fn durations_round_trip(millis in 1u64..=u64::MAX / 2) {
        let duration = Duration::from_millis(millis);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
    }

    #[test]
    fn no_form_panics(text in any::<String>()) {
        for form in [Form::Glob, Form::Port, Form::Volume, Form::Url, Form::ImageName, Form::PythonVersion, Form::DurationOrNone] {
            let _ = form.accepts(&text);
        }
    }
}
