//! Which image will do. Pure: what is wanted and what the engine has go in, a choice comes out.

use semver::Version;
use wharf_engine::{Image, Platform};

use super::platform::WantedPlatform;
use super::spec::ImageSpec;
use super::stage::{self, Stage};
use crate::config::DevPatch;

/// Which stage of an image a command wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StageWish {
    /// The `dev` image where its inputs match the checkout, else one built now.
    #[default]
    Auto,
    /// This one, whether its inputs match or not; of `prod` images one whose inputs match is preferred.
    Only(Stage),
    /// The prod image of the checkout, built where it is not here.
    BuildProd,
}

/// What a command wants.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Which stage.
    pub stage: StageWish,
    /// Which version, where not the dir's own.
    pub version: Option<Version>,
    /// Which platform, where not the engine's own.
    pub platform: Option<Platform>,
}

impl Wish {
    /// Whether an image with the checkout's inputs, where there is one, is chosen whatever else is here.
    #[must_use]
    pub fn is_by_inputs(&self) -> bool {
        self.version.is_none() && self.stage != StageWish::Only(Stage::Dev)
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Use this image.
    Use {
        /// The image.
        image: Image,
        /// Why, for one line of talk.
        why: String,
    },
    /// No image that is here will do.
    Make {
        /// Why, for one line of talk.
        why: String,
    },
    /// The one that was asked for is not here.
    Missing {
        /// Its tag.
        tag: String,
        /// What there is instead, for a message.
        found: String,
    },
}

/// What the checkout says that is not in its image's spec.
#[derive(Debug, Clone, Copy)]
pub struct Checkout<'a> {
    /// The dir's own version.
    pub version: &'a Version,
    /// Who works in it.
    pub user: &'a str,
    /// Whether tags of `local` and `dev` have the version's patch number.
    pub dev_patch: DevPatch,
    /// Id of the base image, where the engine has it.
    pub base: Option<&'a str>,
    /// The platform that the image is to be for.
    pub wanted: WantedPlatform,
}

/// Chooses among those of `images` that are for the platform. All of them carry Wharf's labels.
#[must_use]
pub fn choose(spec: &ImageSpec, wish: &Wish, checkout: &Checkout<'_>, images: &[Image]) -> Choice {
    let Checkout { user, base, wanted, .. } = *checkout;
    let images: Vec<Image> = images.iter().filter(|image| wanted.fits(image)).cloned().collect();
    let images = images.as_slice();
    let version = wish.version.as_ref().unwrap_or(checkout.version);
    let tag = |stage: Stage| stage.tag(user, &stage.version_by(checkout.dev_patch, version));
    match wish.stage {
        StageWish::Auto if wish.version.is_none() => {
            let others = images.iter().filter(|image| label(image, stage::STAGE) != Stage::Prod.word());
            matching(spec, &others.cloned().collect::<Vec<_>>(), base)
        }
        StageWish::Auto => named(spec, Stage::Dev, &tag(Stage::Dev), (wanted, images)),
        StageWish::Only(Stage::Local) if wish.version.is_none() => matching(spec, &only(Stage::Local, images), base),
        StageWish::BuildProd => matching(spec, &only(Stage::Prod, images), base),
        StageWish::Only(Stage::Prod) if wish.version.is_none() => {
            match matching(spec, &only(Stage::Prod, images), None) {
                found @ Choice::Use { .. } => found,
                _ => named(spec, Stage::Prod, &tag(Stage::Prod), (wanted, images)),
            }
        }
        StageWish::Only(stage) => named(spec, stage, &tag(stage), (wanted, images)),
    }
}

fn only(stage: Stage, images: &[Image]) -> Vec<Image> {
    images.iter().filter(|image| label(image, stage::STAGE) == stage.word()).cloned().collect()
}

/// The best image whose inputs are those of the checkout: `dev` before `local`, that of the dir itself before one of
/// the same content, then the newest. Only whole images count: builders that keep the layers of a failed build put
/// labels on them, but never a name; and images that others built on one have its labels, but another name.
fn matching(spec: &ImageSpec, images: &[Image], base: Option<&str>) -> Choice {
    let whole = || images.iter().filter(|image| image.references.iter().any(|name| stage::is_tagged(name)));
    let mut same: Vec<&Image> = whole().filter(|image| label(image, stage::INPUTS) == spec.inputs).collect();
    same.sort_by_key(|image| {
        (label(image, stage::STAGE) != Stage::Dev.word(), label(image, stage::NAME) != spec.name, -image.created)
    });
    let moved = |image: &&&Image| base.is_none_or(|base| [base, ""].contains(&label(image, stage::BASE)));
    if let Some(image) = same.iter().find(moved) {
        return Choice::Use { image: (*image).clone(), why: "its inputs match the checkout".into() };
    }
    let why = if !same.is_empty() {
        format!("its base image `{}` has changed", spec.base.as_deref().unwrap_or_default())
    } else if whole().any(|image| label(image, stage::NAME) == spec.name) {
        "its inputs changed".into()
    } else {
        "there is none yet".into()
    };
    Choice::Make { why }
}

fn named(spec: &ImageSpec, stage: Stage, plain: &str, (wanted, images): (WantedPlatform, &[Image])) -> Choice {
    let tag = wanted.tag(plain);
    // Where one name can hold several platforms, another platform's image may have the plain one.
    let wanted = [&tag, plain].map(|tag| format!("{}:{tag}", spec.name));
    let has_one = |reference: &String| wanted.iter().any(|wanted| is_reference(reference, wanted));
    let has = |image: &&Image| image.references.iter().any(has_one);
    if let Some(image) = images.iter().find(has) {
        let why = match label(image, stage::INPUTS) == spec.inputs {
            true => "asked for".to_owned(),
            false if stage == Stage::Prod => "asked for; its code differs from the checkout".to_owned(),
            false => "asked for; its inputs differ from the checkout".to_owned(),
        };
        return Choice::Use { image: image.clone(), why };
    }
    let mut here: Vec<&str> = images
        .iter()
        .filter(|image| label(image, stage::NAME) == spec.name)
        .flat_map(|image| image.references.iter())
        .filter_map(|reference| reference.rsplit('/').next())
        .collect();
    here.sort_unstable();
    here.dedup();
    let found = match here.as_slice() {
        [] => "but there is none of that name here".into(),
        some => format!("but only {} is here", some.join(", ")),
    };
    Choice::Missing { tag, found }
}

/// Whether a reference names `wanted`, with or without a registry before it.
pub(super) fn is_reference(reference: &str, wanted: &str) -> bool {
    reference == wanted || reference.strip_suffix(wanted).is_some_and(|registry| registry.ends_with('/'))
}

fn label<'a>(image: &'a Image, name: &str) -> &'a str {
    image.labels.get(name).map(String::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::image::python::{Dependencies, Manager};

    fn spec() -> ImageSpec {
        ImageSpec {
            dir: "infra".into(),
            name: "h-infra".into(),
            dockerfile: String::new(),
            own: false,
            target: Some("dev".into()),
            args: BTreeMap::new(),
            base: Some("b".into()),
            files: BTreeMap::new(),
            dependencies: Dependencies {
                manager: Manager::None,
                files: BTreeMap::new(),
                dev: Vec::new(),
                prod: Vec::new(),
                local: Vec::new(),
                sources: Vec::new(),
                notes: Vec::new(),
            },
            python: None,
            os: Vec::new(),
            inputs: "same".into(),
        }
    }

    fn image(id: &str, stage: &str, inputs: &str, base: &str, tag: &str) -> Image {
        let labels = [(stage::STAGE, stage), (stage::INPUTS, inputs), (stage::BASE, base), (stage::NAME, "h-infra")];
        Image {
            id: id.into(),
            references: vec![format!("ghcr.io/acme/h-infra:{tag}")],
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            created: 0,
            size: 0,
            platform: None,
        }
    }

    fn platform(word: &str) -> Platform {
        format!("linux/{word}").parse().unwrap()
    }

    fn chosen(wish: &Wish, images: &[Image], base: Option<&str>) -> Result<String, String> {
        let native = platform("amd64");
        let wanted = WantedPlatform { platform: wish.platform.unwrap_or(native), native };
        let checkout =
            Checkout { version: &Version::new(1, 4, 0), user: "ada", dev_patch: DevPatch::Kept, base, wanted };
        match choose(&spec(), wish, &checkout, images) {
            Choice::Use { image, .. } => Ok(image.id),
            Choice::Make { why } => Err(why),
            Choice::Missing { tag, found } => Err(format!("{tag}: {found}")),
        }
    }

    #[test]
    fn the_teams_image_is_preferred_where_its_inputs_match() {
        let images = [image("l", "local", "same", "x", "local-ada-1.4.0"), image("d", "dev", "same", "x", "dev-1.4.0")];
        assert_eq!(chosen(&Wish::default(), &images, Some("x")), Ok("d".into()));
        let stale = [image("d", "dev", "other", "x", "dev-1.4.0")];
        assert_eq!(chosen(&Wish::default(), &stale, Some("x")), Err("its inputs changed".into()));
        assert_eq!(chosen(&Wish::default(), &[], None), Err("there is none yet".into()));
    }

    #[test]
    fn an_image_built_on_one_of_ours_is_not_taken_for_it() {
        let derived = image("v", "local", "same", "x", "latest");
        assert_eq!(chosen(&Wish::default(), &[derived], Some("x")), Err("there is none yet".into()));
    }

    #[test]
    fn a_prod_image_of_the_same_code_is_preferred_and_never_taken_for_a_dev_image() {
        let wish = Wish { stage: StageWish::Only(Stage::Prod), ..Wish::default() };
        let images = [
            image("old", "prod", "other", "x", "prod-1.4.0"),
            image("new", "prod", "same", "x", "prod-1.4.0-rc.1"),
            image("dev", "dev", "same", "x", "dev-1.4.0"),
        ];
        assert_eq!(chosen(&wish, &images, None), Ok("new".into()));
        assert_eq!(chosen(&wish, &images[..1], None), Ok("old".into()));
        let missing = "prod-1.4.0: but only h-infra:dev-1.4.0 is here";
        assert_eq!(chosen(&wish, &images[2..], None), Err(missing.into()));
        let build = Wish { stage: StageWish::BuildProd, ..Wish::default() };
        assert_eq!(chosen(&build, &images, Some("x")), Ok("new".into()));
        assert_eq!(chosen(&build, &images[..1], Some("x")), Err("its inputs changed".into()));
        assert_eq!(chosen(&build, &images[1..], Some("y")), Err("its base image `b` has changed".into()));
    }

    #[test]
    fn the_remains_of_a_failed_build_are_no_image() {
        let mut remains = image("r", "local", "same", "x", "");
        remains.references.clear();
        assert_eq!(chosen(&Wish::default(), &[remains], Some("x")), Err("there is none yet".into()));
    }

    #[test]
    fn a_base_that_moved_counts_only_where_it_is_here() {
        let images = [image("l", "local", "same", "old", "local-ada-1.4.0")];
        assert_eq!(chosen(&Wish::default(), &images, Some("new")), Err("its base image `b` has changed".into()));
        assert_eq!(chosen(&Wish::default(), &images, None), Ok("l".into()));
    }

    #[test]
    fn an_image_of_another_platform_is_never_taken() {
        let on = |id: &str, label: Option<&str>, found: Option<&str>| {
            let mut image = image(id, "dev", "same", "x", "dev-1.4.0");
            image.labels.extend(label.map(|word| (stage::PLATFORM.to_owned(), platform(word).to_string())));
            image.platform = found.map(platform);
            image
        };
        let wish = |word: &str| Wish { platform: Some(platform(word)), ..Wish::default() };
        let labelled = [on("arm", Some("arm64"), None), on("own", None, None)];
        assert_eq!(chosen(&Wish::default(), &labelled, Some("x")), Ok("own".into()));
        assert_eq!(chosen(&wish("amd64"), &labelled, Some("x")), Ok("own".into()));
        assert_eq!(chosen(&wish("arm64"), &labelled, Some("x")), Ok("arm".into()));
        assert_eq!(chosen(&wish("s390x"), &labelled, Some("x")), Err("there is none yet".into()));
        assert_eq!(chosen(&Wish::default(), &labelled[..1], None), Err("there is none yet".into()));
        // What the engine says counts more than a label.
        let wrong = [on("wrong", Some("arm64"), Some("amd64"))];
        assert_eq!(chosen(&wish("arm64"), &wrong, None), Err("there is none yet".into()));
        let by_name = Wish { stage: StageWish::Only(Stage::Dev), ..wish("arm64") };
        assert_eq!(chosen(&by_name, &labelled, None), Ok("arm".into()));
        let none = "dev-1.4.0-arm64: but there is none of that name here";
        assert_eq!(chosen(&by_name, &labelled[1..], None), Err(none.into()));
    }

    #[test]
    fn a_version_that_is_not_here_is_named_with_those_that_are() {
        let images = [image("d", "dev", "other", "x", "dev-1.3.2")];
        let wish = Wish { stage: StageWish::Only(Stage::Dev), ..Wish::default() };
        assert_eq!(chosen(&wish, &images, None), Err("dev-1.4.0: but only h-infra:dev-1.3.2 is here".into()));
        let wish = Wish { version: Some(Version::new(1, 3, 2)), ..Wish::default() };
        assert_eq!(chosen(&wish, &images, None), Ok("d".into()));
    }
}
