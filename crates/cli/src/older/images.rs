//! Tasks that build, tag, push, pull and remove images.

use semver::Version;

use super::containers::{BASE_IMAGE, DIR_NAME, SKIP_PULL, SUDO};
use super::line::{Call, Line, Refusal, Translation};
use super::option::{Opt, needed, number, off, on, text};
use super::table::Row;

const RELEASE_TESTS: &str = "a release runs the tests that `wharf image release` is told to in `wharf.toml`";
const NO_PUSH: Opt = on("push_to_repo");
const CANDIDATE: Opt =
    text("candidate").refused("a prod image is known by its version; give the changelog an entry for the candidate");

/// The options of both releases, in the order of the functions' parameters.
const fn release(poetry_mode: Opt) -> [Opt; 10] {
    [
        number("version"),
        on("cache"),
        off("skip_tests"),
        on("fast_tests").needless(RELEASE_TESTS),
        on("slow_tests").needless(RELEASE_TESTS),
        off("superslow_tests").needless(RELEASE_TESTS),
        on("qa_tests").needless(RELEASE_TESTS),
        NO_PUSH,
        poetry_mode,
        DIR_NAME,
    ]
}

const RELEASE_DEV: &[Opt] = &release(text("poetry_mode"));
const RELEASE_PROD: &[Opt] =
    &release(text("poetry_mode").refused("a prod image has the packages of the dev image; release that one first"));

const ROLLBACK: &[Opt] =
    &[needed("version"), on("push_to_repo").refused("`docker tag` alone moves a tag that only this machine has")];

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "docker_pull",
        help: "Pulls the image of the runnable dir",
        options: &[text("stage"), text("version"), SKIP_PULL, DIR_NAME],
        make: |call| {
            let line = Line::new(["image", "pull"]).word(call.dir()?);
            Ok(line.option("stage", call.text("stage")).option("version", call.text("version")).into())
        },
    },
    Row {
        name: "docker_images_ls_repo",
        help: "Lists the images of this workspace",
        options: &[SUDO],
        make: |_| Ok(Line::new(["image", "ls"]).into()),
    },
    Row {
        name: "docker_remove_image",
        help: "Removes the images of the runnable dir",
        options: &[text("stage"), text("version"), DIR_NAME],
        make: |call| {
            let line = Line::new(["image", "rm"]).word(call.dir()?);
            Ok(line.option("stage", call.text("stage")).option("version", call.text("version")).into())
        },
    },
    Row {
        name: "docker_build_local_image",
        help: "Builds a local image, the candidate for a dev image",
        options: &[
            number("version"),
            on("cache"),
            BASE_IMAGE,
            text("poetry_mode"),
            DIR_NAME,
            off("just_do_it").needless("there is no check to go around"),
            text("multi_arch"),
            on("cleanup_installation")
                .needless("it is an argument of the build, in the table `[build]` of `wharf.toml`"),
        ],
        make: |call| {
            check_version(call, Parts::MajorMinor)?;
            Ok(build_local(call)?.into())
        },
    },
    Row {
        name: "docker_tag_local_image_as_dev",
        help: "Makes the local image the team's",
        options: &[number("version"), BASE_IMAGE, DIR_NAME],
        make: |call| {
            check_version(call, Parts::MajorMinor)?;
            Ok(Line::new(["image", "promote"]).word(call.dir()?).into())
        },
    },
    Row {
        name: "docker_push_dev_image",
        help: "Pushes the dev image to the registries",
        options: &[number("version"), BASE_IMAGE, DIR_NAME],
        make: |call| {
            check_version(call, Parts::MajorMinor)?;
            Ok(push(call, "dev")?.into())
        },
    },
    Row {
        name: "docker_release_dev_image",
        help: "Builds, tests and pushes the dev image",
        options: RELEASE_DEV,
        make: release_dev,
    },
    Row {
        name: "docker_build_prod_image",
        help: "Builds the prod image",
        options: &[
            number("version"),
            on("cache"),
            BASE_IMAGE,
            CANDIDATE,
            text("user_tag").refused("a prod image is known by its version"),
            DIR_NAME,
            text("tag").refused("a prod image is known by its version"),
        ],
        make: |call| {
            check_version(call, Parts::All)?;
            Ok(build_prod(call)?.into())
        },
    },
    Row {
        name: "docker_push_prod_image",
        help: "Pushes the prod image to the registries",
        options: &[number("version"), BASE_IMAGE, CANDIDATE, DIR_NAME],
        make: |call| {
            check_version(call, Parts::All)?;
            Ok(push(call, "prod")?.into())
        },
    },
    Row {
        name: "docker_release_prod_image",
        help: "Builds, tests and pushes the prod image",
        options: RELEASE_PROD,
        make: release_prod,
    },
    Row {
        name: "docker_rollback_dev_image",
        help: "Makes an earlier version the dev image",
        options: ROLLBACK,
        make: |call| rollback(call, "dev"),
    },
    Row {
        name: "docker_rollback_prod_image",
        help: "Makes an earlier version the prod image",
        options: ROLLBACK,
        make: |call| rollback(call, "prod"),
    },
];

/// The parts of a version that count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// The patch number of a dev image is always 0.
    MajorMinor,
    All,
}

/// Images get the version of the changelog; another one that is asked for is a mistake, here or there.
fn check_version(call: &Call<'_>, parts: Parts) -> Result<(), Refusal> {
    let Some(asked) = call.text("version") else { return Ok(()) };
    let Some(stated) = call.version() else { return Ok(()) };
    let why = "write it as X.Y.Z";
    let version = Version::parse(asked).map_err(|_| Refusal::Value {
        task: call.row.name,
        option: "--version",
        value: asked.to_owned(),
        why,
    })?;
    let is_patch_equal = parts == Parts::MajorMinor || version.patch == stated.patch;
    if (version.major, version.minor) == (stated.major, stated.minor) && is_patch_equal {
        return Ok(());
    }
    let (task, asked, dir, stated) = (call.row.name, asked.to_owned(), call.dir()?, stated.to_string());
    Err(Refusal::Version { task, asked, dir, stated })
}

/// Resolves the lock where that is asked for, then builds.
fn build_local(call: &Call<'_>) -> Result<Vec<Line>, Refusal> {
    let dir = call.dir()?;
    let mut lines = match call.text("poetry_mode") {
        None | Some("no_update") => Vec::new(),
        Some("update") => vec![Line::new(["image", "lock"]).word(dir.as_str()).word("--upgrade")],
        Some(value) => {
            let (task, value) = (call.row.name, value.to_owned());
            return Err(Refusal::Value { task, option: "--poetry-mode", value, why: "it is `update` or `no_update`" });
        }
    };
    let build = Line::new(["image", "build"]).word(dir).option("stage", Some("local"));
    lines.push(build.flag("no-cache", call.given("cache")).option("platform", call.text("multi_arch")));
    Ok(lines)
}

fn build_prod(call: &Call<'_>) -> Result<Line, Refusal> {
    let line = Line::new(["image", "build"]).word(call.dir()?).option("stage", Some("prod"));
    Ok(line.flag("no-cache", call.given("cache")))
}

fn push(call: &Call<'_>, stage: &str) -> Result<Line, Refusal> {
    Ok(Line::new(["image", "push"]).word(call.dir()?).option("stage", Some(stage)))
}

/// Tests of a dir on its image of one stage.
fn test(call: &Call<'_>, stage: &str) -> Result<Line, Refusal> {
    Ok(Line::new(["test", "--dir"]).word(call.dir()?).option("stage", Some(stage)))
}

/// One command where all is wanted; else the steps that are.
fn release_dev(call: &Call<'_>) -> Result<Translation, Refusal> {
    check_version(call, Parts::MajorMinor)?;
    let (dir, skip_tests, no_push) = (call.dir()?, call.given("skip_tests"), call.given("push_to_repo"));
    if !skip_tests && !no_push {
        let mut lines = build_local(call)?;
        // The release builds itself; what is left is to resolve the lock, or to build without a cache.
        if !call.given("cache") {
            lines.pop();
        }
        lines.push(Line::new(["image", "release"]).word(dir));
        return Ok(lines.into());
    }
    let mut lines = build_local(call)?;
    if !skip_tests {
        lines.push(test(call, "local")?);
    }
    lines.push(Line::new(["image", "promote"]).word(dir).flag("untested", skip_tests));
    if !no_push {
        lines.push(push(call, "dev")?);
    }
    Ok(lines.into())
}

fn release_prod(call: &Call<'_>) -> Result<Translation, Refusal> {
    check_version(call, Parts::All)?;
    let (dir, skip_tests, no_push) = (call.dir()?, call.given("skip_tests"), call.given("push_to_repo"));
    if !skip_tests && !no_push && !call.given("cache") {
        return Ok(Line::new(["image", "release"]).word(dir).option("stage", Some("prod")).into());
    }
    let mut lines = vec![build_prod(call)?];
    if !skip_tests {
        lines.push(test(call, "prod")?);
    }
    if !no_push {
        lines.push(push(call, "prod")?);
    }
    Ok(lines.into())
}

fn rollback(call: &Call<'_>, stage: &str) -> Result<Translation, Refusal> {
    let line = Line::new(["image", "rollback"]).word(call.dir()?).option("to", call.text("version"));
    Ok(line.option("stage", Some(stage)).into())
}
