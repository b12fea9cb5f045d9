//! The images that a Dockerfile starts from, for the platform that is built.
//!
//! BuildKit passes by an image that is here under the right name for another platform, and fetches what it needs without
//! moving any name. It can do nothing with one that is only here, under a name with the platform's suffix. Podman takes
//! whatever the name stands for where no platform is named, and moves the name where one is. So before a build each base
//! is looked up for the platform; where it is had by another name, the builder gets a Dockerfile with that name.

use std::borrow::Cow;

use super::{BuildFailure, BuildSpec, Builder};
use crate::client::Client;
use crate::error::EngineError;
use crate::platform::Platform;
use crate::pull::lacks_platform;

/// Name of the Dockerfile that the builder gets, beside the original.
const PINNED: &str = "Dockerfile.pinned";

/// The spec with each base by the name under which it is here for the platform.
pub(super) fn pin<'a>(
    client: &Client,
    builder: Builder,
    spec: &'a BuildSpec,
    on_line: &(dyn Fn(&str) + Sync),
) -> Result<Cow<'a, BuildSpec>, BuildFailure> {
    let Some(platform) = spec.platform else { return Ok(Cow::Borrowed(spec)) };
    let refused = |error: std::io::Error| EngineError::Refused {
        kind: client.kind(),
        verb: "build".into(),
        detail: format!("its Dockerfile could not be read or written: {error}"),
    };
    let text = fs_err::read_to_string(spec.context.join(&spec.dockerfile)).map_err(refused)?;
    let is_foreign = client.native_platform()? != platform;
    let mut names: Vec<(String, String)> = Vec::new();
    for written in bases(needed(&text, spec.target.as_deref())) {
        let base = resolved(&written, platform);
        if base.contains('$') {
            continue;
        }
        let name = match client.image_for(&base, platform)? {
            Some((name, _)) => name,
            None if builder == Builder::Podman && (is_foreign || client.image(&base)?.is_some()) => {
                client.pull_for(&base, platform, on_line)?.0
            }
            None if is_foreign => {
                offered(client, &base, platform)?;
                base
            }
            None => base,
        };
        if name != written {
            names.push((written, name));
        }
    }
    if names.is_empty() {
        return Ok(Cow::Borrowed(spec));
    }
    fs_err::write(spec.context.join(PINNED), with_names(&text, &names)).map_err(refused)?;
    Ok(Cow::Owned(BuildSpec { dockerfile: PINNED.into(), ..spec.clone() }))
}

/// BuildKit takes what a registry has for one platform only, whatever platform is asked for, and calls what comes out an
/// image for that one.
fn offered(client: &Client, base: &str, platform: Platform) -> Result<(), EngineError> {
    let known = client.offered_platforms(base);
    if known.is_empty() || known.contains(&platform.to_string()) {
        return Ok(());
    }
    Err(EngineError::NoPlatform { kind: client.kind(), image: base.into(), platform, known })
}

/// The Dockerfile up to the end of the stage that is built: what follows cannot be needed.
fn needed<'a>(dockerfile: &'a str, target: Option<&str>) -> &'a str {
    let Some(target) = target.map(str::to_lowercase) else { return dockerfile };
    let (mut at, mut inside) = (0, false);
    for line in dockerfile.split_inclusive('\n') {
        let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
        if words.first().is_some_and(|word| word == "from") {
            if inside {
                return &dockerfile[..at];
            }
            inside = words.windows(2).any(|pair| pair[0] == "as" && pair[1] == target);
        }
        at += line.len();
    }
    dockerfile
}

/// Says what a failed build means, where the platform is the reason.
pub(super) fn explain(client: &Client, spec: &BuildSpec, failure: BuildFailure) -> BuildFailure {
    let Some(platform) = spec.platform else { return failure };
    let (said, named) = match &failure {
        BuildFailure::Engine(EngineError::NoImage { image, detail, .. }) => (detail.clone(), Some(image.clone())),
        BuildFailure::Engine(EngineError::Refused { detail, .. }) => (detail.clone(), None),
        BuildFailure::Engine(_) => return failure,
        BuildFailure::Step { summary, tail } => (format!("{summary}\n{}", tail.join("\n")), None),
    };
    let is_foreign = client.native_platform().is_ok_and(|native| native != platform);
    if is_foreign && said.to_lowercase().contains("exec format error") {
        let why = "its machine cannot run such programs".into();
        return EngineError::NoEmulation { kind: client.kind(), platform, why }.into();
    }
    let text = fs_err::read_to_string(spec.context.join(&spec.dockerfile)).unwrap_or_default();
    let all = bases(needed(&text, spec.target.as_deref()));
    let all: Vec<String> = all.iter().map(|base| resolved(base, platform)).collect();
    if lacks_platform(&said) {
        let is_named = |base: &&String| said.contains(base.as_str());
        let image = all.iter().find(is_named).or(all.first()).cloned().unwrap_or_else(|| "base".into());
        let known = client.offered_platforms(&image);
        return EngineError::NoPlatform { kind: client.kind(), image, platform, known }.into();
    }
    // It is here for another platform, and there is no registry that has more.
    let here = |name: &String| client.image(name).ok().flatten()?.platform.filter(|found| *found != platform);
    match named.and_then(|name| Some((here(&name)?, name))) {
        Some((found, image)) => {
            let known = vec![found.to_string()];
            EngineError::NoPlatform { kind: client.kind(), image, platform, known }.into()
        }
        None => failure,
    }
}

/// The image that a `FROM` line names, and where in the line it stands. One that names its platform means it, and is left
/// alone.
fn from_line(line: &str) -> Option<(usize, &str)> {
    let mut words = line.split_whitespace();
    if !words.next()?.eq_ignore_ascii_case("from") {
        return None;
    }
    let image = words.next()?;
    if image.starts_with("--") {
        return None;
    }
    let at = image.as_ptr() as usize - line.as_ptr() as usize;
    Some((at, image))
}

/// A name with the variables that builders set for the platform. Not all of them do it in `FROM` in the same way: BuildKit
/// does where they are not declared before it, Podman where they are.
fn resolved(image: &str, platform: Platform) -> String {
    let mut name = image.to_owned();
    let values = [
        ("TARGETPLATFORM", platform.to_string()),
        ("TARGETOS", "linux".to_owned()),
        ("TARGETARCH", platform.architecture().to_owned()),
        ("TARGETVARIANT", platform.variant().unwrap_or_default().to_owned()),
    ];
    for (variable, value) in values {
        name = name.replace(&format!("${{{variable}}}"), &value).replace(&format!("${variable}"), &value);
    }
    name
}

/// Images that come from outside of the Dockerfile, as they are written there.
fn bases(dockerfile: &str) -> Vec<String> {
    let mut stages: Vec<String> = vec!["scratch".into()];
    let mut found: Vec<String> = Vec::new();
    for line in dockerfile.lines() {
        if let Some((_, image)) = from_line(line)
            && !stages.contains(&image.to_lowercase())
            && !found.iter().any(|known| known == image)
        {
            found.push(image.to_owned());
        }
        let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
        if words.first().is_some_and(|word| word == "from") {
            stages.extend(words.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1].clone()));
        }
    }
    found
}

fn with_names(dockerfile: &str, names: &[(String, String)]) -> String {
    let mut text = String::with_capacity(dockerfile.len());
    for line in dockerfile.lines() {
        let new = from_line(line).and_then(|(at, image)| {
            let (_, name) = names.iter().find(|(base, _)| base == image)?;
            Some(format!("{}{name}{}", &line[..at], &line[at + image.len()..]))
        });
        text.push_str(new.as_deref().unwrap_or(line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ARG X\nFROM a:1 AS Base\nfrom base\nFROM r.example/b:$X\nFROM --platform=linux/amd64 c\nFROM scratch\n \
                        FROM  a:1\nRUN x\n";

    #[test]
    fn only_what_comes_from_outside_is_a_base() {
        assert_eq!(bases(TEXT), ["a:1", "r.example/b:$X"]);
    }

    #[test]
    fn variables_of_the_platform_are_known() {
        let arm = "linux/arm/v7".parse().unwrap();
        assert_eq!(resolved("a:1-${TARGETARCH}$TARGETVARIANT", arm), "a:1-armv7");
        assert_eq!(resolved("a:$X", arm), "a:$X");
    }

    #[test]
    fn what_comes_after_the_target_is_not_needed() {
        let text = "FROM a AS base\nFROM base AS dev\nRUN x\nFROM b AS prod\n";
        assert_eq!(bases(needed(text, Some("Dev"))), ["a"]);
        assert_eq!(bases(needed(text, Some("prod"))), ["a", "b"]);
        assert_eq!(needed(text, None), text);
    }

    #[test]
    fn names_are_replaced_where_they_stand() {
        let text = with_names(TEXT, &[("a:1".into(), "a:1-arm64".into())]);
        assert_eq!(text, TEXT.replace("a:1", "a:1-arm64"));
    }
}
