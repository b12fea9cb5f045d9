//! Keys by which a dir brings files of its own: Dockerfiles, an entry point, another place for its code. Repos laid out the older way
//! are described in them, see `config/older/`.

use super::{DIR, EVERYWHERE, FILES, ROOT, key};
use crate::config::form::Form;
use crate::config::origin::LayerKind::{RunnableDir, SubRepo, SuperRepo};
use crate::config::schema::{Key, Kind, Names};

const REPO_FILES: &[crate::config::origin::LayerKind] = &[SuperRepo, SubRepo, RunnableDir];

/// All of them, in the order of the reference.
pub(super) const LAYOUT_KEYS: &[Key] = &[
    key("workspace.mount", Kind::Text(Form::AbsolutePath), "Where the super-repo is seen in containers")
        .absent("`/src/<workspace name>`")
        .example(r#""/app""#)
        .whole_workspace(ROOT),
    Key {
        excludes: Some("image.base"),
        ..key(
            "image.dockerfile",
            Kind::Text(Form::DevopsFile),
            "The dir's own Dockerfile for `local` and `dev` images, in the dir",
        )
        .absent("`devops/Dockerfile` with the targets `dev` and `prod` where it is there, else a generated one")
        .example(r#""devops/docker_build/dev.Dockerfile""#)
        .only(DIR)
    },
    key("image.prod-dockerfile", Kind::Text(Form::DevopsFile), "The dir's own Dockerfile for `prod` images, in the dir")
        .absent("the target `prod` of the other one")
        .example(r#""devops/docker_build/prod.Dockerfile""#)
        .only(DIR),
    key(
        "image.context",
        Kind::Text(Form::Choice(&["dir", "root"])),
        "Where an own Dockerfile copies from: the dir, or the dir and then the super-repo's root, which `.` means then",
    )
    .default(r#""dir""#)
    .example(r#""root""#)
    .only(REPO_FILES),
    key("image.ignore-file", Kind::Text(Form::DevopsFile), "What builds for `dev` leave out, in the form of `.dockerignore`")
        .absent("what Git ignores is left out")
        .example(r#""devops/docker_build/dockerignore.dev""#)
        .only(DIR),
    key("image.prod-ignore-file", Kind::Text(Form::DevopsFile), "What builds for `prod` leave out, in the form of `.dockerignore`")
        .absent("what Git does not track is left out")
        .example(r#""devops/docker_build/dockerignore.prod""#)
        .only(DIR),
    key(
        "image.dev-patch",
        Kind::Boolean,
        "Whether tags of `local` and `dev` images have the version's patch number; it is 0 in them otherwise",
    )
    .default("true")
    .example("false")
    .only(REPO_FILES),
    key(
        "image.copy-out",
        Kind::List(Form::CopyOut),
        "Files of the image that `wharf image lock` copies back, `image path:path in the dir`",
    )
    .default("[]")
    .example(r#"["/install/poetry.lock.out:devops/docker_build/poetry.lock"]"#)
    .only(DIR),
    key(
        "build.args",
        Kind::NamedText(Names::Variables, Form::Any),
        "Build arguments of own Dockerfiles that declare them; `{version}`, `{dev-version}`, `{name}` and `{registry}` are filled in",
    )
    .absent("none")
    .example(r#"{ CONTAINER_VERSION = "{version}" }"#)
    .only(FILES),
    key(
        "build.lock-args",
        Kind::NamedText(Names::Variables, Form::Any),
        "Build arguments that differ where `wharf image lock` builds",
    )
    .absent("the same")
    .example(r#"{ POETRY_MODE = "update" }"#)
    .only(FILES),
    key("run.entrypoint", Kind::Text(Form::DevopsFile), "Script in the dir that is started with the command, and ends with it")
        .absent("the command itself is started")
        .example(r#""devops/docker_run/entrypoint.sh""#)
        .only(DIR),
    key(
        "run.entrypoint-takes",
        Kind::Text(Form::Choice(&["words", "line"])),
        "How the entry point gets the command: word by word, or as one line for a shell",
    )
    .default(r#""words""#)
    .example(r#""line""#)
    .only(REPO_FILES),
    key(
        "run.variables",
        Kind::NamedText(Names::Variables, Form::Any),
        "Variables of containers by name; `{mount}`, `{root}`, `{dir}`, `{user}`, `{host-name}`, `{host-os}` and `{host-os-version}` are filled in",
    )
    .absent("none")
    .example(r#"{ CODE = "{mount}/lib" }"#)
    .only(FILES),
    key(
        "run.pass-as",
        Kind::NamedText(Names::Variables, Form::VariableName),
        "Variables of containers that have the value of a variable of the host with another name, where that is set",
    )
    .absent("none")
    .example(r#"{ GH_TOKEN = "GITHUB_TOKEN" }"#)
    .only(FILES),
    key("test.junit", Kind::Text(Form::RepoPath), "A second place for the merged `junit.xml`, from the super-repo's root")
        .absent("it is in the run's folder alone")
        .example(r#""junit.xml""#)
        .whole_workspace(EVERYWHERE),
    key("test.dir-junit", Kind::Text(Form::RepoPath), "A place for a `junit.xml` of each dir alone, in the dir")
        .absent("there is none")
        .example(r#""junit.xml""#),
];
