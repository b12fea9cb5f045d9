use std::path::Path;

use proptest::prelude::*;

use super::{error, layer, read};
use crate::config::{Config, Flag, Layer, LayerKind, mask_credentials, resolve};

#[test]
fn passwords_and_tokens_are_masked() {
    let cases = [
        ("https://me:secret@host/simple", "https://me:***@host/simple"),
        ("https://ghp_token@host/simple", "https://***@host/simple"),
        ("https://:secret@host", "https://:***@host"),
        ("https://me:se@cret@host/", "https://me:***@host/"),
        ("https://me:se/cret@host/", "https://me:***@host/"),
        ("https://me:1/cret@host/x", "https://me:1/cret@host/x"),
        ("a https://a:b@c, http://d:e@f", "a https://a:***@c, http://d:***@f"),
        ("postgres://me:secret@db:5432/x", "postgres://me:***@db:5432/x"),
    ];
    for (text, masked) in cases {
        assert_eq!(mask_credentials(text), masked);
    }
    for text in [
        "",
        "a:b@c",
        "https://host:8080/a@1.0",
        "https://host/a@b",
        "ssh://git@host/x",
        "https://[::1]:80/",
        "https://me:@host",
    ] {
        assert_eq!(mask_credentials(text), text);
    }
}

const SECRETIVE: &str = r#"
run.env = ["INDEX=https://me:hunter2@host/"]
[build]
index-url = "https://me:hunter2@host/simple"
extra-index-urls = ["https://hunter2@other/simple"]
"#;

#[test]
fn nothing_shown_holds_a_password() {
    let layer = layer(LayerKind::RunnableDir, SECRETIVE);
    let resolved = resolve(&[&layer]);
    let config = Config::from_resolved(&resolved).unwrap();
    assert_eq!(config.build.index_url.as_ref().unwrap().expose(), "https://me:hunter2@host/simple");
    let value = resolved.get("build.index-url").unwrap().0;
    assert_eq!(value.to_string(), "\"https://me:***@host/simple\"");
    let shown = [
        format!("{layer:?}{resolved:?}{config:?}"),
        format!("{:#?}", config.run),
        resolved.to_json().to_string(),
        resolved.to_nested_json().to_string(),
        config.build.index_url.unwrap().to_string(),
    ];
    for text in shown {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("***"), "{text}");
    }
}

#[test]
fn errors_hold_no_password() {
    let error = error("build.index-url = 'x://me:hunter2@host/'  # https://a:hunter2@b");
    let text = format!("{error} {error:?} {}", error.render(false));
    assert!(!text.contains("hunter2"), "{text}");
    assert!(
        error.render(false).contains(
            "\
1 | build.index-url = 'x://me:***@host/'  # https://a:***@b
  |                   ^^^^^^^^^^^^^^^^^^ expected"
        ),
        "{}",
        error.render(false)
    );
    let syntax = super::error("build.index-url = https://me:hunter2@host/");
    assert!(!format!("{syntax} {syntax:?} {}", syntax.render(false)).contains("hunter2"), "{syntax}");
    let root = read(LayerKind::SuperRepo, "image.from = 'https://me:hunter2@host'").expect_err("not here");
    assert!(!format!("{root} {}", root.render(false)).contains("hunter2"));
}

#[test]
fn a_cut_through_a_long_line_hides_no_less() {
    for spaces in [0, 1_990, 2_020, 2_040, 2_060, 5_000] {
        let line = format!("x = ['https://me:hunter2hunter2@host/'{}, é, 'https://me:hunter2@b']", " ".repeat(spaces));
        let rendered = error(&line).render(false);
        assert!(!rendered.contains("hunter") && !rendered.contains("nter2"), "{rendered}");
    }
}

#[test]
fn a_password_with_a_bad_byte_is_masked() {
    let bytes = b"build.index-url = 'https://me:hunter2\xff@host'";
    let error = Layer::from_toml(LayerKind::User, Path::new("config.toml"), bytes).expect_err("not UTF-8");
    let text = format!("{error} {error:?} {}", error.render(false));
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn flags_do_not_show_passwords() {
    let flag = Flag { path: "build.index-url", text: "https://me:hunter2@host/", name: "--index-url" };
    let layer = Layer::from_flags([flag]).unwrap();
    assert!(!format!("{layer:?}{flag:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn masking_twice_is_masking_once(text in "(a|:|@|/|://|https://|[*]|\"| |ü|1){0,20}") {
        let once = mask_credentials(&text).into_owned();
        prop_assert_eq!(mask_credentials(&once), once.as_str());
    }
}
