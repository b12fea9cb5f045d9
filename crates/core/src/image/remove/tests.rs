use std::collections::BTreeMap;

use super::*;

static VERSION: Version = Version::new(1, 0, 0);

fn owner() -> Owner<'static> {
    Owner { address: "infra", name: "h-infra", version: &VERSION }
}

fn image(id: &str, stage: &str, references: &[&str]) -> Image {
    let labels = [(stage::STAGE, stage), (stage::NAME, "h-infra")];
    Image {
        id: id.into(),
        references: references.iter().map(|reference| (*reference).to_owned()).collect(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        created: 0,
        size: 0,
        platform: None,
    }
}

fn keep(newest: usize) -> Keep<'static> {
    Keep { newest, stage: None, user: "ada" }
}

fn names<'i>(chosen: &[(&Image, &'i str)]) -> Vec<&'i str> {
    chosen.iter().map(|(_, name)| *name).collect()
}

#[test]
fn tags_are_read() {
    let tag = |stage, version: Option<&str>, user: Option<&str>| {
        Some(Tag { stage, version: version.map(|text| text.parse().unwrap()), user: user.map(str::to_owned) })
    };
    assert_eq!(parse_tag("local-Ada-L-1.10.0"), tag(Stage::Local, Some("1.10.0"), Some("Ada-L")));
    assert_eq!(parse_tag("local-me-1.0.0-rc.1"), tag(Stage::Local, Some("1.0.0-rc.1"), Some("me")));
    assert_eq!(parse_tag("dev-1.2.0"), tag(Stage::Dev, Some("1.2.0"), None));
    assert_eq!(parse_tag("prod"), tag(Stage::Prod, None, None));
    for other in ["local", "latest", "dev-", "dev-1.2", "local-ada", "develop", "1.0.0"] {
        assert_eq!(parse_tag(other), None, "{other}");
    }
    assert_eq!(tag_of("localhost:5000/x/h-infra:dev", "h-infra"), Some("dev"));
    assert_eq!(tag_of("h-infra-more:dev", "h-infra"), None);
}

#[test]
fn the_newest_versions_stay_by_number_not_by_spelling() {
    let images: Vec<Image> = ["1.8.0", "1.9.0", "1.10.0", "1.11.0", "1.0.0"]
        .iter()
        .map(|version| image(version, "dev", &[&format!("h-infra:dev-{version}")]))
        .collect();
    // 1.0.0 is what the checkout asks for.
    assert_eq!(names(&prunable(owner(), keep(2), &images)), ["h-infra:dev-1.8.0", "h-infra:dev-1.9.0"]);
    assert_eq!(names(&prunable(owner(), keep(9), &images)), [""; 0]);
    let prod = Keep { stage: Some(Stage::Prod), ..keep(0) };
    assert_eq!(names(&prunable(owner(), prod, &images)), [""; 0]);
}

#[test]
fn what_a_floating_name_points_to_and_what_is_not_mine_stays() {
    let images = [
        image("a", "dev", &["h-infra:dev-0.1.0", "h-infra:dev"]),
        image("b", "dev", &["ghcr.io/acme/h-infra:dev-0.2.0"]),
        image("c", "local", &["h-infra:local-bob-0.1.0"]),
        image("d", "local", &["h-infra:local-ada-0.1.0", "h-other:local-ada-0.1.0"]),
        image("e", "local", &[]),
        image("f", "dev", &["h-infra:promoting"]),
        image("g", "dev", &["h-infra:mine", "mine:1"]),
    ];
    let chosen = prunable(owner(), keep(0), &images);
    let mut found = names(&chosen);
    found.sort_unstable();
    assert_eq!(found, ["e", "ghcr.io/acme/h-infra:dev-0.2.0", "h-infra:local-ada-0.1.0", "h-infra:promoting"]);
    let removals = plan(&chosen, &[owner()], &[]);
    let shared = removals.go.iter().find(|removal| removal.image == "d").unwrap();
    assert_eq!(shared.describe(), "untagged h-infra:local-ada-0.1.0: the image d stays as h-other:local-ada-0.1.0");
    let nameless = removals.go.iter().find(|removal| removal.image == "e").unwrap();
    assert_eq!((nameless.describe().as_str(), nameless.dir.as_str()), ("deleted e, which had no name", "infra"));
    // Once it is gone there is nothing to do.
    let rest: Vec<Image> =
        images.iter().filter(|image| !removals.go.iter().any(|removal| removal.image == image.id)).cloned().collect();
    assert_eq!(names(&prunable(owner(), keep(0), &rest)), [""; 0]);
}

#[test]
fn an_image_in_use_loses_names_but_not_the_last() {
    let images = [image("a", "dev", &["localhost/h-infra:dev-1.0.0", "h-infra:dev"])];
    let users = [ImageUser { container: "box".into(), image: "a".into(), state: "exited".into() }];
    let one = [(&images[0], "localhost/h-infra:dev-1.0.0")];
    let removals = plan(&one, &[owner()], &users);
    assert_eq!(removals.go[0].describe(), "untagged h-infra:dev-1.0.0: the image a stays as h-infra:dev");
    let all = of_dir(owner(), Filter { stage: None, version: None }, &images);
    let removals = plan(&all, &[owner()], &users);
    let expected = InUse { reference: "h-infra:dev-1.0.0".into(), container: "box".into(), state: "exited".into() };
    assert_eq!((removals.go.len(), removals.in_use), (0, vec![expected]));
    let free = plan(&all, &[owner()], &[]);
    assert_eq!(free.go[1].describe(), "deleted h-infra:dev: it was the last name of a, and the image went with it");
    let versioned = of_dir(owner(), Filter { stage: Some(Stage::Dev), version: Some(&VERSION) }, &images);
    assert_eq!(names(&versioned), ["localhost/h-infra:dev-1.0.0"]);
}

#[test]
fn only_layers_that_nobody_else_has_are_freed() {
    let details = |id: &str, layers: &[&str]| Details {
        id: id.into(),
        references: Vec::new(),
        digests: Vec::new(),
        labels: BTreeMap::new(),
        created: String::new(),
        size: 0,
        platform: String::new(),
        user: String::new(),
        entrypoint: Vec::new(),
        command: Vec::new(),
        workdir: String::new(),
        env: Vec::new(),
        layers: layers.iter().map(|layer| (*layer).to_owned()).collect(),
    };
    let history = |sizes: &[u64]| sizes.iter().map(|size| Layer { size: *size, made_by: String::new() }).collect();
    let gone = [
        (details("a", &["base", "x", "y"]), history(&[100, 10, 1])),
        (details("b", &["base", "x", "z"]), history(&[100, 10, 2])),
    ];
    assert_eq!(freed(&gone, &[details("c", &["base"])]), 13);
    assert_eq!(freed(&gone, &[details("c", &["base", "x", "y"])]), 2);
    // The same content on another base is another layer on disk.
    assert_eq!(freed(&gone, &[details("c", &["other", "x", "y"])]), 113);
}
