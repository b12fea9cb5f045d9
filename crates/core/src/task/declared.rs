//! Tasks of `[tasks]`.

use std::collections::BTreeMap;
use std::path::Path;

use super::arguments::{Argument, ArgumentKind};
use super::builtin::Builtin;
use super::error::TaskError;
use super::{Action, PlaceOfTask, Stated, Task};
use crate::config::{LayerKind, Origin, Resolved, Value};
use crate::runnable_dir::Address;

/// The names of the tasks that these layers state, with where.
pub(super) fn names(resolved: &Resolved, own: fn(LayerKind) -> bool) -> impl Iterator<Item = (&str, &Origin)> {
    resolved.named("tasks").filter(move |(_, _, origin)| own(origin.layer)).map(|(name, _, origin)| (name, origin))
}

/// The tasks that these layers state: those of the dir at `folder`.
pub(super) fn read(
    resolved: &Resolved,
    own: fn(LayerKind) -> bool,
    dir: &Address,
    folder: &Path,
) -> Result<Vec<Task>, TaskError> {
    let stated = resolved.named("tasks").filter(|(_, _, origin)| own(origin.layer));
    stated.map(|(name, value, origin)| Reader::new(name, value, origin).task(dir, folder)).collect()
}

/// Takes one task out of its table.
struct Reader<'a> {
    name: &'a str,
    origin: &'a Origin,
    fields: BTreeMap<&'a str, &'a Value>,
    table: &'a [(String, Value)],
}

impl<'a> Reader<'a> {
    fn new(name: &'a str, value: &'a Value, origin: &'a Origin) -> Self {
        let table = value.as_table().unwrap_or_default();
        Self { name, origin, fields: table.iter().map(|(path, value)| (path.as_str(), value)).collect(), table }
    }

    fn task(&self, dir: &Address, folder: &Path) -> Result<Task, TaskError> {
        let stated_dir = self.text("dir");
        let builtin = self.text("builtin").and_then(Builtin::parse);
        let action = match builtin {
            Some(_) if self.fields.contains_key("run") => {
                return Err(self.wrong("`run` and `builtin` exclude each other".into()));
            }
            Some(builtin) => Action::Builtin(builtin),
            None => Action::Commands(self.list("run")),
        };
        let deps = self.list("deps");
        if matches!(&action, Action::Commands(commands) if commands.is_empty()) && deps.is_empty() {
            return Err(self.wrong("it has neither `run` nor `deps`".into()));
        }
        let place = match self.text("in") {
            Some("container") => PlaceOfTask::Container,
            Some("thin-env") => PlaceOfTask::ThinEnv,
            Some(_) => PlaceOfTask::Host,
            None => builtin.map_or(PlaceOfTask::Host, Builtin::place),
        };
        let mut arguments = self.arguments()?;
        if let Some(builtin) = builtin {
            arguments.extend(builtin.arguments());
        }
        let help = self.text("help").map(str::to_owned);
        Ok(Task {
            name: self.name.to_owned(),
            dir: dir.clone(),
            help: help.or_else(|| builtin.map(|builtin| builtin.help().to_owned())).unwrap_or_default(),
            stated: Stated::Config(self.origin.clone()),
            action,
            deps,
            place,
            folder: stated_dir.map_or_else(|| folder.to_path_buf(), |below| folder.join(below)),
            is_folder_stated: stated_dir.is_some(),
            env: self.env(),
            arguments,
            inputs: self.list("inputs"),
            outputs: self.list("outputs"),
            confirm: self.text("confirm").map(str::to_owned),
            hidden: self.fields.get("hidden").and_then(|value| value.as_boolean()).unwrap_or_default(),
            os: self.list("os"),
        })
    }

    fn wrong(&self, what: String) -> TaskError {
        TaskError::Declaration { task: self.name.to_owned(), at: self.origin.to_string(), what }
    }

    fn text(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field).and_then(|value| value.as_text())
    }

    fn boolean(&self, field: &str) -> Option<bool> {
        self.fields.get(field).and_then(|value| value.as_boolean())
    }

    fn list(&self, field: &str) -> Vec<String> {
        self.fields.get(field).and_then(|value| value.as_list()).map(<[String]>::to_vec).unwrap_or_default()
    }

    fn env(&self) -> BTreeMap<String, String> {
        let stated = self.table.iter().filter_map(|(path, value)| Some((path.strip_prefix("env.")?, value.as_text()?)));
        stated.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn arguments(&self) -> Result<Vec<Argument>, TaskError> {
        let mut names: Vec<&str> = Vec::new();
        for (path, _) in self.table {
            if let Some((name, _)) = path.strip_prefix("args.").and_then(|rest| rest.split_once('.'))
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        let arguments: Vec<Argument> = names.into_iter().map(|name| self.argument(name)).collect::<Result<_, _>>()?;
        let variadic = arguments.iter().filter(|argument| argument.variadic).count();
        if variadic > 1 {
            return Err(self.wrong("only one argument can be variadic".into()));
        }
        Ok(arguments)
    }

    fn argument(&self, name: &str) -> Result<Argument, TaskError> {
        let field = |field: &str| format!("args.{name}.{field}");
        let choices = self.list(&field("choices"));
        let stated = self.text(&field("type")).and_then(ArgumentKind::parse);
        let kind = stated.unwrap_or(if choices.is_empty() { ArgumentKind::String } else { ArgumentKind::Choice });
        let default = self.fields.get(field("default").as_str()).map(|value| match value {
            Value::List(items) => items.clone(),
            value => value.as_text().map(str::to_owned).into_iter().collect(),
        });
        let required = self.boolean(&field("required")).unwrap_or(default.is_none() && kind != ArgumentKind::Bool);
        let variadic = self.boolean(&field("variadic")).unwrap_or_default();
        let argument = Argument {
            name: name.to_owned(),
            kind,
            help: self.text(&field("help")).unwrap_or_default().to_owned(),
            choices,
            required,
            positional: self.boolean(&field("positional")).unwrap_or(required || variadic),
            variadic,
            default,
        };
        self.check(&argument)?;
        Ok(argument)
    }

    fn check(&self, argument: &Argument) -> Result<(), TaskError> {
        let name = &argument.name;
        if argument.kind == ArgumentKind::Choice && argument.choices.is_empty() {
            return Err(self.wrong(format!("argument `{name}` is a choice without `choices`")));
        }
        let Some(default) = &argument.default else { return Ok(()) };
        if default.len() != 1 && !argument.variadic {
            return Err(self.wrong(format!("argument `{name}` takes one value, but its default is a list")));
        }
        match default.iter().find(|value| !argument.accepts(value)) {
            Some(value) => {
                let expected = argument.expected();
                Err(self.wrong(format!("argument `{name}` is {expected}, but its default is `{value}`")))
            }
            None => Ok(()),
        }
    }
}
