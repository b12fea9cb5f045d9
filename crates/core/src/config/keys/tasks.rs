//! The keys of `[tasks.NAME]`.

use super::key;
use crate::config::form::Form;
use crate::config::origin::LayerKind::{self, RunnableDir, SubRepo, SuperRepo};
use crate::config::schema::{Key, Kind, Names};

const TASKS: &[LayerKind] = &[SuperRepo, SubRepo, RunnableDir];

/// All of them, in the order of the reference.
pub(super) const TASK_KEYS: &[Key] = &[
    key("tasks.NAME.help", Kind::Text(Form::Any), "What the task is for, in one line")
        .absent("the list shows its command")
        .example(r#""Builds the site""#)
        .only(TASKS),
    key(
        "tasks.NAME.run",
        Kind::Texts(Form::Any),
        "Command for `sh`, or several, one after the other; `{word}` is an argument",
    )
    .absent("the task is its `deps`")
    .example(r#""cargo build --jobs {jobs}""#)
    .only(TASKS),
    key(
        "tasks.NAME.builtin",
        Kind::Text(Form::Choice(&["lint", "clean", "fix-perms"])),
        "A task that Wharf brings, instead of `run`",
    )
    .absent("the task is its own `run`")
    .example(r#""lint""#)
    .only(TASKS),
    key("tasks.NAME.deps", Kind::List(Form::Line), "Tasks that are done before, each with its arguments")
        .absent("none")
        .example(r#"["fetch", "build --jobs 4"]"#)
        .only(TASKS),
    key("tasks.NAME.in", Kind::Text(Form::Choice(&["host", "container", "thin-env"])), "Where it runs")
        .absent("`host`")
        .example(r#""container""#)
        .only(TASKS),
    key(
        "tasks.NAME.dir",
        Kind::Text(Form::InnerPath),
        "Folder that it starts in, from the repo's root or the runnable dir",
    )
    .absent("the repo's root, or the runnable dir")
    .example(r#""docs""#)
    .only(TASKS),
    key("tasks.NAME.env", Kind::NamedText(Names::Variables, Form::Any), "Variables that it gets")
        .absent("none but the caller's")
        .example(r#"{ LOG_LEVEL = "debug" }"#)
        .only(TASKS),
    key(
        "tasks.NAME.inputs",
        Kind::List(Form::Glob),
        "Globs of files that decide its result, from its folder: it is skipped while they stay the same",
    )
    .absent("it always runs")
    .example(r#"["src/**/*.py", "setup.cfg"]"#)
    .only(TASKS),
    key(
        "tasks.NAME.outputs",
        Kind::List(Form::Glob),
        "Globs of files that it makes, from its folder: it runs where they are missing or changed",
    )
    .absent("none are looked at")
    .example(r#"["dist/*.whl"]"#)
    .only(TASKS),
    key("tasks.NAME.confirm", Kind::Text(Form::Line), "Question that must be answered with yes before it runs")
        .absent("it runs without a question")
        .example(r#""Deploy to production?""#)
        .only(TASKS),
    key("tasks.NAME.hidden", Kind::Boolean, "Whether lists leave it out; it can be run all the same")
        .absent("`false`")
        .example("true")
        .only(TASKS),
    key("tasks.NAME.os", Kind::Texts(Form::Choice(&["linux", "macos"])), "Systems that it is for")
        .absent("all")
        .example(r#""linux""#)
        .only(TASKS),
    key(
        "tasks.NAME.args.word.type",
        Kind::Text(Form::Choice(&["string", "int", "float", "bool", "path", "choice"])),
        "Type of the argument",
    )
    .absent("`choice` where there are `choices`, else `string`")
    .example(r#""int""#)
    .only(TASKS),
    key("tasks.NAME.args.word.default", Kind::Scalar, "Value where none is given")
        .absent("it must be given; `false` for a `bool`")
        .example("4")
        .only(TASKS),
    key("tasks.NAME.args.word.help", Kind::Text(Form::Any), "What the argument is for, in one line")
        .absent("nothing is said")
        .example(r#""How many at once""#)
        .only(TASKS),
    key("tasks.NAME.args.word.choices", Kind::List(Form::Any), "The values that it may have")
        .absent("any of its type")
        .example(r#"["debug", "release"]"#)
        .only(TASKS),
    key("tasks.NAME.args.word.required", Kind::Boolean, "Whether it must be given")
        .absent("`true` where it has no default")
        .example("false")
        .only(TASKS),
    key("tasks.NAME.args.word.positional", Kind::Boolean, "Whether it can be given without its name")
        .absent("`true` where it is required or variadic")
        .example("true")
        .only(TASKS),
    key("tasks.NAME.args.word.variadic", Kind::Boolean, "Whether it takes all words that are left")
        .absent("`false`")
        .example("true")
        .only(TASKS),
];
