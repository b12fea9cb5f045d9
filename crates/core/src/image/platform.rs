//! The platform that an image is wanted for, and which of the images that are here are for it.
//!
//! The engine's own platform has the plain tag, any other one a tag with its suffix. Which platform an image is for says the
//! engine where it was asked, else the label; one without a label was made by a Wharf that knew only the engine's own.

use std::collections::BTreeMap;

use wharf_engine::{Client, EngineError, Image, Platform};

use super::choice::{Checkout, Choice, Wish, choose};
use super::spec::ImageSpec;
use super::stage;

/// The platform that an image is wanted for, beside the engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedPlatform {
    /// The platform that is wanted.
    pub platform: Platform,
    /// The engine's own.
    pub native: Platform,
}

impl WantedPlatform {
    /// The platform that is wished for, the engine's own where none is.
    ///
    /// # Errors
    /// When the engine does not say which one is its own.
    pub fn of(client: &Client, wish: &Wish) -> Result<Self, EngineError> {
        let native = client.native_platform()?;
        Ok(Self { platform: wish.platform.unwrap_or(native), native })
    }

    /// Whether it is the engine's own.
    #[must_use]
    pub fn is_native(self) -> bool {
        self.platform == self.native
    }

    /// Makes sure, as far as it can be known beforehand, that programs of the platform run.
    ///
    /// # Errors
    /// When it is known that they do not.
    pub fn check(self, client: &Client) -> Result<(), EngineError> {
        if self.is_native() { Ok(()) } else { client.running(self.platform).map(drop) }
    }

    /// A tag, with the suffix where the platform is not the engine's own.
    #[must_use]
    pub fn tag(self, plain: &str) -> String {
        if self.is_native() { plain.to_owned() } else { format!("{plain}-{}", self.platform.suffix()) }
    }

    /// Whether an image is for it.
    #[must_use]
    pub fn fits(self, image: &Image) -> bool {
        platform_of(image).unwrap_or(self.native) == self.platform
    }
}

/// The platform that an image is for; `None`: the engine's own, as far as is known.
#[must_use]
pub fn platform_of(image: &Image) -> Option<Platform> {
    image.platform.or_else(|| labelled(&image.labels))
}

/// The platform that labels name.
#[must_use]
pub fn labelled(labels: &BTreeMap<String, String>) -> Option<Platform> {
    labels.get(stage::PLATFORM)?.parse().ok()
}

/// An image's labels, with its platform also where only the engine knew it.
#[must_use]
pub fn labels(image: &Image) -> BTreeMap<String, String> {
    let mut labels = image.labels.clone();
    labels.extend(image.platform.map(|platform| (stage::PLATFORM.to_owned(), platform.to_string())));
    labels
}

/// Chooses as [`choose`] does, and makes sure that an image without a label is for the platform: a listing does not say
/// it, and one that was pulled from elsewhere may be for another one.
///
/// # Errors
/// When the engine does not answer.
pub fn pick(
    client: &Client,
    (spec, wish): (&ImageSpec, &Wish),
    checkout: &Checkout<'_>,
    images: &[Image],
) -> Result<Choice, EngineError> {
    let mut choice = choose(spec, wish, checkout, images);
    let mut others = Vec::new();
    while let Choice::Use { image, .. } = &mut choice {
        if platform_of(image).is_some() {
            break;
        }
        let Some(platform) = client.image(&image.id)?.and_then(|image| image.platform) else { break };
        if platform == checkout.wanted.platform {
            image.platform = Some(platform);
            break;
        }
        others.push(image.id.clone());
        let rest: Vec<Image> = images.iter().filter(|image| !others.contains(&image.id)).cloned().collect();
        choice = choose(spec, wish, checkout, &rest);
    }
    Ok(choice)
}

/// The base image of `spec` for the platform, by id, where the engine has it.
///
/// # Errors
/// When the engine does not answer.
pub fn base(client: &Client, spec: &ImageSpec, wanted: WantedPlatform) -> Result<Option<String>, EngineError> {
    match spec.base.as_deref() {
        Some(base) => Ok(client.image_for(base, wanted.platform)?.map(|(_, image)| image.id)),
        None => Ok(None),
    }
}
