//! Which image will do. Pure: what is wanted and what the engine has go in, a choice comes out.

use semver::Version;
use wharf_engine::Image;

use super::spec::ImageSpec;
use super::stage::{self, Stage};

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
    /// Id of the base image, where the engine has it.
    pub base: Option<&'a str>,
}

/// Chooses among `images`, all of which carry Wharf's labels.
#[must_use]
pub fn choose(spec: &ImageSpec, wish: &Wish, checkout: &Checkout<'_>, images: &[Image]) -> Choice {
    let Checkout { user, base, .. } = *checkout;
    let version = wish.version.as_ref().unwrap_or(checkout.version);
    match wish.stage {
        StageWish::Auto if wish.version.is_none() => {
            let others = images.iter().filter(|image| label(image, stage::STAGE) != Stage::Prod.word());
            matching(spec, &others.cloned().collect::<Vec<_>>(), base)
        }
        StageWish::Auto => named(spec, Stage::Dev, &Stage::Dev.tag(user, version), images),
        StageWish::Only(Stage::Local) if wish.version.is_none() => matching(spec, &only(Stage::Local, images), base),
        StageWish::BuildProd => matching(spec, &only(Stage::Prod, images), base),
        StageWish::Only(Stage::Prod) if wish.version.is_none() => {
            match matching(spec, &only(Stage::Prod, images), None) {
                found @ Choice::Use { .. } => found,
                _ => named(spec, Stage::Prod, &Stage::Prod.tag(user, version), images),
            }
        }
        StageWish::Only(stage) => named(spec, stage, &stage.tag(user, version), images),
    }
}

fn only(stage: Stage, images: &[Image]) -> Vec<Image> {
    images.iter().filter(|image| label(image, stage::STAGE) == stage.word()).cloned().collect()
}

/// The best image whose inputs are those of the checkout: `dev` before `local`, that of the dir itself before one of
/// the same content, then the newest. Only whole images count: builders that keep the layers of a failed build put
/// labels on them, but never a name.
fn matching(spec: &ImageSpec, images: &[Image], base: Option<&str>) -> Choice {
    let whole = || images.iter().filter(|image| !image.references.is_empty());
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

fn named(spec: &ImageSpec, stage: Stage, tag: &str, images: &[Image]) -> Choice {
    let wanted = format!("{}:{tag}", spec.name);
    let has = |image: &&Image| image.references.iter().any(|reference| is_reference(reference, &wanted));
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
    Choice::Missing { tag: tag.into(), found }
}

/// Whether a reference names `wanted`, with or without a registry before it.
fn is_reference(reference: &str, wanted: &str) -> bool {
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
        }
    }

    fn chosen(wish: &Wish, images: &[Image], base: Option<&str>) -> Result<String, String> {
        let checkout = Checkout { version: &Version::new(1, 4, 0), user: "ada", base };
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
    fn a_prod_image_of_the_same_code_is_preferred_and_never_taken_for_a_dev_image() {
        let wish = Wish { stage: StageWish::Only(Stage::Prod), version: None };
        let images = [
            image("old", "prod", "other", "x", "prod-1.4.0"),
            image("new", "prod", "same", "x", "prod-1.4.0-rc.1"),
            image("dev", "dev", "same", "x", "dev-1.4.0"),
        ];
        assert_eq!(chosen(&wish, &images, None), Ok("new".into()));
        assert_eq!(chosen(&wish, &images[..1], None), Ok("old".into()));
        let missing = "prod-1.4.0: but only h-infra:dev-1.4.0 is here";
        assert_eq!(chosen(&wish, &images[2..], None), Err(missing.into()));
        let build = Wish { stage: StageWish::BuildProd, version: None };
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
    fn a_version_that_is_not_here_is_named_with_those_that_are() {
        let images = [image("d", "dev", "other", "x", "dev-1.3.2")];
        let wish = Wish { stage: StageWish::Only(Stage::Dev), version: None };
        assert_eq!(chosen(&wish, &images, None), Err("dev-1.4.0: but only h-infra:dev-1.3.2 is here".into()));
        let wish = Wish { stage: StageWish::Auto, version: Some(Version::new(1, 3, 2)) };
        assert_eq!(chosen(&wish, &images, None), Ok("d".into()));
    }
}
