//! Tasks with the names and arguments that invoke gives them.

use super::PythonTask;
use super::python::{Parameter, Value};
use super::scope::{CollectionId, Meaning, ModuleId, Scope, TaskDef};
use crate::task::arguments::{Argument, ArgumentKind};

/// The tasks of the module that invoke loads.
pub(super) fn tasks(scope: &mut Scope<'_>, module: ModuleId) -> Vec<PythonTask> {
    let top = scope.of_module(module, None);
    let mut tasks: Vec<PythonTask> = Vec::new();
    collect(scope, top, "", &mut tasks, 0);
    tasks
}

/// Collections in collections beyond this are taken for a circle.
const DEEPEST: usize = 16;

fn collect(scope: &mut Scope<'_>, id: CollectionId, prefix: &str, tasks: &mut Vec<PythonTask>, depth: usize) {
    let members = scope.collection(id).members.clone();
    for member in members {
        match member.meaning {
            Meaning::Task(def) => {
                let own = decorated(&def, "name").and_then(Value::as_text).unwrap_or(&def.function.name);
                let plain = dashed(scope, member.name.as_deref().unwrap_or(own));
                let mut aliases: Vec<String> = decorated(&def, "aliases").map(Value::texts).unwrap_or_default();
                aliases.extend(member.aliases);
                let mut aliases: Vec<String> =
                    aliases.iter().map(|alias| format!("{prefix}{}", dashed(scope, alias))).collect();
                let stated = matches!(decorated(&def, "default"), Some(Value::Bool(true)));
                if member.is_default.unwrap_or(stated) && !prefix.is_empty() {
                    aliases.push(prefix.trim_end_matches('.').to_owned());
                }
                let task = task(scope, &def, format!("{prefix}{plain}"), aliases);
                // A later one takes the name over.
                tasks.retain(|known| known.name != task.name);
                tasks.push(task);
            }
            Meaning::Collection(inner) if depth < DEEPEST => {
                let name = member.name.or_else(|| scope.collection(inner).name.clone()).unwrap_or_default();
                collect(scope, inner, &format!("{prefix}{}.", dashed(scope, &name)), tasks, depth + 1);
            }
            Meaning::Module(inner) if depth < DEEPEST => {
                let name = member.name.unwrap_or_else(|| scope.module_name(inner));
                let inner = scope.of_module(inner, None);
                collect(scope, inner, &format!("{prefix}{}.", dashed(scope, &name)), tasks, depth + 1);
            }
            _ => {}
        }
    }
}

/// `Collection.transform`: a single `_` within a name becomes `-`, unless names are to be kept.
fn dashed(scope: &Scope<'_>, name: &str) -> String {
    if scope.keeps_names {
        return name.to_owned();
    }
    let chars: Vec<char> = name.chars().collect();
    let is_single =
        |at: usize| at > 0 && at + 1 < chars.len() && chars[at] == '_' && chars[at - 1] != '_' && chars[at + 1] != '_';
    (0..chars.len()).map(|at| if is_single(at) { '-' } else { chars[at] }).collect()
}

fn decorated<'d>(def: &'d TaskDef, name: &str) -> Option<&'d Value> {
    def.decorator.as_ref()?.named(name)
}

fn task(scope: &mut Scope<'_>, def: &TaskDef, name: String, aliases: Vec<String>) -> PythonTask {
    let doc = def.function.doc.as_deref().unwrap_or_default();
    let pre: Vec<Value> = def.decorator.as_ref().map(|call| call.arguments.clone()).unwrap_or_default();
    let mut pre: Vec<String> = pre.iter().filter_map(|value| named(scope, def, value)).collect();
    let mut list = |field: &str| match decorated(def, field) {
        Some(Value::List(items)) => items.iter().filter_map(|value| named(scope, def, value)).collect(),
        _ => Vec::new(),
    };
    pre.extend::<Vec<String>>(list("pre"));
    let post = list("post");
    PythonTask {
        name,
        aliases,
        help: doc.trim_start().lines().next().unwrap_or_default().trim_end().to_owned(),
        arguments: arguments(def),
        pre,
        post,
        file: scope.shown(&def.file),
        line: def.function.line,
        commands: commands(def),
    }
}

/// The name of a task that `pre` or `post` names: plain, or `call(task, …)`.
fn named(scope: &mut Scope<'_>, def: &TaskDef, value: &Value) -> Option<String> {
    let value = match value {
        Value::Call(call) => call.arguments.first()?,
        value => value,
    };
    match scope.resolve(def.module, value)? {
        Meaning::Task(task) => {
            Some(dashed(scope, decorated(&task, "name").and_then(Value::as_text).unwrap_or(&task.function.name)))
        }
        _ => None,
    }
}

/// `Task.get_arguments`: the first parameter is the context; those without a default are positional unless `positional`
/// says which are.
fn arguments(def: &TaskDef) -> Vec<Argument> {
    let texts = |field: &str| decorated(def, field).map(Value::texts);
    let (positional, iterable) = (texts("positional"), texts("iterable").unwrap_or_default());
    let help = match decorated(def, "help") {
        Some(Value::Dict(items)) => items.clone(),
        _ => Vec::new(),
    };
    let help_of = |name: &str| {
        let is_named = |key: &Value| key.as_text().is_some_and(|key| key.replace('-', "_") == name);
        let found = help.iter().find(|(key, _)| is_named(key)).and_then(|(_, text)| text.as_text());
        found.unwrap_or_default().to_owned()
    };
    let argument = |parameter: &Parameter| {
        let name = &parameter.name;
        let variadic = iterable.contains(name) || matches!(parameter.default, Some(Value::List(_)));
        let is_positional = match &positional {
            Some(names) => names.contains(name),
            None => parameter.default.is_none(),
        };
        let (kind, default) = kind(parameter.default.as_ref());
        Argument {
            name: name.clone(),
            kind,
            default,
            help: help_of(name),
            choices: Vec::new(),
            required: parameter.default.is_none() && !variadic,
            positional: is_positional && !variadic,
            variadic,
        }
    };
    def.function.parameters.iter().skip(1).map(argument).collect()
}

/// The type that invoke takes from a default, and the default as text.
fn kind(default: Option<&Value>) -> (ArgumentKind, Option<Vec<String>>) {
    match default {
        Some(Value::Bool(value)) => (ArgumentKind::Bool, Some(vec![value.to_string()])),
        Some(Value::Int(text)) => (ArgumentKind::Int, Some(vec![text.clone()])),
        Some(Value::Float(text)) => (ArgumentKind::Float, Some(vec![text.clone()])),
        Some(Value::Text(text) | Value::Other(text)) => (ArgumentKind::String, Some(vec![text.clone()])),
        Some(list @ Value::List(_)) => (ArgumentKind::String, Some(list.texts())),
        _ => (ArgumentKind::String, None),
    }
}

/// The commands of a function that does nothing but `c.run("…")`.
fn commands(def: &TaskDef) -> Option<Vec<String>> {
    let context = &def.function.parameters.first()?.name;
    let command = |value: &Option<Value>| match value {
        Some(Value::Call(call)) => {
            let is_run = matches!(&call.function, Value::Attribute(of, name) if name == "run" && **of == Value::Name(context.clone()));
            // How it is echoed or joined to a terminal is no part of what it does.
            let is_plain = call.named.iter().all(|(name, _)| matches!(name.as_str(), "pty" | "echo"));
            let [Value::Text(text)] = call.arguments.as_slice() else { return None };
            (is_run && is_plain).then(|| text.clone())
        }
        _ => None,
    };
    let commands: Vec<String> = def.function.body.iter().map(command).collect::<Option<_>>()?;
    (!commands.is_empty()).then_some(commands)
}
