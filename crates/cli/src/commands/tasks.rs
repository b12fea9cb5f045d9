//! `wharf tasks`.

use serde_json::{Value, json};
use wharf_core::task::arguments::usage;
use wharf_core::task::{Action, Catalogue, Stated, Task};

use super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Lists tasks: those of `[tasks]` and those of each `tasks.py`.
#[derive(Debug, clap::Args)]
pub struct Tasks {
    /// Hidden ones too, with how each is called and where it is stated.
    #[arg(long)]
    all: bool,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

impl Tasks {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no workspace, or a task makes no sense.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        list(context, self.all, self.json)
    }
}

/// Lists all tasks.
pub(super) fn list(context: &Context, all: bool, as_json: bool) -> Result<u8, Failure> {
    let workspace = context.workspace()?;
    let catalogue = Catalogue::read(&workspace)?;
    for unread in &catalogue.unread {
        context.talk.warning(&unread.to_string());
    }
    let shown = catalogue.tasks.iter().filter(|task| all || as_json || !task.hidden);
    if as_json {
        data::json(&shown.map(described).collect::<Vec<_>>())?;
        return Ok(0);
    }
    if catalogue.tasks.is_empty() {
        context
            .talk
            .note("there are no tasks; state one in `wharf.toml`: `[tasks]` and below it `hello = \"echo hello\"`");
    }
    let heads: &[&str] = if all { &["task", "what it does", "call", "stated at"] } else { &["task", "what it does"] };
    let mut table = Table::new(heads);
    for task in shown {
        let mut row = vec![task.id().into(), what(task).into()];
        if all {
            row.extend([usage(&task.id(), &task.arguments).into(), task.stated.to_string().into()]);
        }
        table.row(row);
    }
    data::table(context, &table)?;
    Ok(0)
}

/// Its help, else its first command, else what it needs.
fn what(task: &Task) -> String {
    match &task.action {
        _ if !task.help.is_empty() => task.help.clone(),
        Action::Commands(commands) => match commands.first() {
            Some(command) => command.lines().next().unwrap_or_default().to_owned(),
            None => task.deps.join(", "),
        },
        Action::Builtin(_) | Action::Invoke(_) => String::new(),
    }
}

fn described(task: &Task) -> Value {
    let mut about = match &task.stated {
        Stated::Config(origin) => {
            let origin = origin.to_json();
            json!({ "kind": "config", "file": origin["file"], "line": origin["line"] })
        }
        Stated::Python { file, line, aliases, pre, post } => json!({
            "kind": "python", "file": file.display().to_string(), "line": line, "aliases": aliases, "pre": pre, "post": post,
        }),
    };
    let arguments = task.arguments.iter().map(|argument| {
        json!({
            "name": argument.name, "type": argument.kind.word(), "default": argument.default, "help": argument.help,
            "choices": argument.choices, "required": argument.required, "positional": argument.positional,
            "variadic": argument.variadic,
        })
    });
    let more = json!({
        "id": task.id(), "name": task.name, "dir": task.dir.as_str(), "help": task.help, "in": task.place.word(),
        "deps": task.deps, "hidden": task.hidden, "args": arguments.collect::<Vec<_>>(),
    });
    if let (Value::Object(about), Value::Object(more)) = (&mut about, more) {
        about.extend(more);
    }
    about
}
