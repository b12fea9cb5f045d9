//! The keys of `[services]` and `[services.NAME]`.

use super::key;
use crate::config::form::Form;
use crate::config::origin::LayerKind::{self, RunnableDir, SubRepo, SuperRepo};
use crate::config::schema::{Key, Kind};

const SERVICES: &[LayerKind] = &[SuperRepo, SubRepo, RunnableDir];

/// All of them, in the order of the reference.
pub(super) const SERVICE_KEYS: &[Key] = &[
    key(
        "services.compose",
        Kind::Text(Form::File),
        "Compose file whose services can be asked for too, from the folder of this file or its runnable dir",
    )
    .absent("only those below are there")
    .example(r#""devops/compose.yaml""#)
    .only(SERVICES),
    key("services.NAME.image", Kind::Text(Form::ImageReference), "Image that the service runs in")
        .absent("that of `build`")
        .example(r#""postgres:16""#)
        .only(SERVICES),
    key(
        "services.NAME.build",
        Kind::Text(Form::File),
        "Folder with a Dockerfile that its image is built from, from the folder of this file or its runnable dir",
    )
    .absent("that of `image`")
    .example(r#""devops/db""#)
    .only(SERVICES),
    key(
        "services.NAME.command",
        Kind::Texts(Form::Any),
        "Command, instead of the image's own: words, or one line that is split at blanks outside of quotes",
    )
    .absent("the image's own")
    .example(r#""postgres -c fsync=off""#)
    .only(SERVICES),
    key(
        "services.NAME.env",
        Kind::List(Form::Variable),
        "Its variables: `NAME` is passed on from the host, `NAME=value` is set",
    )
    .absent("those of the image")
    .example(r#"["POSTGRES_PASSWORD=secret"]"#)
    .only(SERVICES),
    key(
        "services.NAME.ports",
        Kind::List(Form::ServicePort),
        "Its ports, also on the host while `run`, `bash` and `up` need it; `auto:5432` takes any free one there",
    )
    .absent("on the host there are none")
    .example(r#"["auto:5432"]"#)
    .only(SERVICES),
    key(
        "services.NAME.volumes",
        Kind::List(Form::Volume),
        "Its mounts, `host:container` or `host:container:ro`; a named volume lives as long as the service, after `wharf up` longer",
    )
    .absent("those of the image")
    .example(r#"["./init.sql:/docker-entrypoint-initdb.d/init.sql:ro"]"#)
    .only(SERVICES),
    key(
        "services.NAME.ready",
        Kind::Text(Form::Line),
        "When it is ready: a command for `sh` in it succeeds, a port is listened on (`tcp:5432`) or answers (`http:8080/health`)",
    )
    .absent("as soon as it runs")
    .example(r#""pg_isready""#)
    .only(SERVICES),
    key("services.NAME.ready-timeout", Kind::Text(Form::Duration), "How long it may take until it is ready")
        .absent("`60s`")
        .example(r#""2m""#)
        .only(SERVICES),
    key("services.NAME.needs", Kind::List(Form::ServiceName), "Services that are ready before it starts")
        .absent("none")
        .example(r#"["redis"]"#)
        .only(SERVICES),
];
