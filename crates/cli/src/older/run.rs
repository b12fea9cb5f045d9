//! Runs a command line of `i` or `main_pytest.py`.

use std::path::{Path, PathBuf};

use clap::Parser;
use wharf_core::runnable_dir::Address;
use wharf_core::task::tasks_py;
use wharf_core::task::{Argument, ArgumentKind, Catalogue, Stated, Task};
use wharf_core::workspace::outline;

use super::line::{Call, Line, Translation};
use super::option::{Flag, lettered};
use super::standing::Standing;
use super::table::{self, Row};
use super::words::{self, Asked, Question, Who, Words, WordsError};
use super::{Program, help};
use crate::arguments::{Arguments, Color, Global};
use crate::commands::{data, task};
use crate::context::{Context, Intent};
use crate::exit::Failure;

/// Runs the words after the program's name; gives the exit code.
pub(super) fn run(program: Program, words: Vec<String>) -> Result<u8, Failure> {
    let global = Global { engine: None, directory: None, color: Color::Auto, quiet: false };
    let context = Context::new(&global, Intent::Change)?;
    match program {
        Program::Invoke => invoke(&context, &words),
        Program::MainPytest => main_pytest(&context, words),
    }
}

fn usage(error: &WordsError) -> Failure {
    Failure::usage(error.to_string()).hint(error.hint())
}

fn version() -> Result<u8, Failure> {
    data::text(&format!("wharf {}\n", env!("CARGO_PKG_VERSION")))?;
    Ok(0)
}

fn invoke(context: &Context, all: &[String]) -> Result<u8, Failure> {
    // What can be answered without the workspace is.
    let of_table = |name: &str| table::find(name).map_or(Who::Unknown, Who::Row);
    let first = words::read(all, &of_table);
    if let Ok(words) = &first {
        match &words.question {
            Some(Question::List) => return help::list(&listed(context)),
            Some(Question::Version) => return version(),
            Some(Question::Help(None)) => return help::program(),
            None if words.tasks.is_empty() => return help::list(&listed(context)),
            _ => {}
        }
    }
    let workspace = match (context.workspace(), &first) {
        (Ok(workspace), _) => workspace,
        (Err(_), Ok(Words { question: Some(Question::Help(Some(name))), .. })) if table::find(name).is_some() => {
            return table::find(name).map_or(Ok(0), |row| help::task(row, "i"));
        }
        (Err(failure), _) => return Err(failure),
    };
    let catalogue = Catalogue::read(&workspace)?;
    let home = workspace.here().map_or_else(|_| Address::root(), |dir| dir.address.clone());
    let who = |name: &str| who(&catalogue, &home, name);
    let read = words::read(all, &who).map_err(|error| usage(&error))?;
    match &read.question {
        Some(Question::Help(Some(name))) => match who(name) {
            Who::Row(row) => return help::task(row, "i"),
            Who::Own(name, _) => return task::through_invoke(context, &["--help".into(), name]),
            Who::Task(..) => {
                let place = catalogue.find(name, &home)?;
                return help::declared(&catalogue.tasks[place]);
            }
            Who::Unknown => return task::through_invoke(context, &["--help".into(), name.clone()]),
        },
        Some(_) => return task::through_invoke(context, all),
        None => {}
    }
    let standing = Standing::of(&workspace);
    drop(workspace);
    let steps = steps(&read.tasks, &standing, &read.passed)?;
    Runner { context, dry: read.dry }.run(&steps)
}

fn main_pytest(context: &Context, words: Vec<String>) -> Result<u8, Failure> {
    // The script's own options come before the task.
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next_if(|word| word.starts_with('-')) {
        match word.as_str() {
            "-h" | "--help" => {
                data::text("Usage: main_pytest.py run_{fast,slow,superslow}_tests [--dir DIR]\n")?;
                return Ok(0);
            }
            "-v" | "--log_level" | "--log-level" => drop(words.next()),
            _ => return Err(usage(&WordsError::Place(word))),
        }
    }
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        return Err(Failure::usage("`main_pytest.py` needs a task")
            .hint("it has `run_fast_tests`, `run_slow_tests` and `run_superslow_tests`"));
    }
    let who = |name: &str| table::find_main_pytest(name).map_or(Who::Unknown, Who::Row);
    let read = words::read(&words, &who).map_err(|error| usage(&error))?;
    if let Some(Asked::Other(name, _)) = read.tasks.iter().find(|task| matches!(task, Asked::Other(..))) {
        return Err(Failure::usage(format!("`main_pytest.py` has no `{name}`"))
            .hint("it has `run_fast_tests`, `run_slow_tests` and `run_superslow_tests`"));
    }
    if let (Some(_), [Asked::Known(row, _), ..]) = (&read.question, read.tasks.as_slice()) {
        return help::task(row, "main_pytest.py");
    }
    let steps = steps(&read.tasks, &Standing::default(), &[])?;
    Runner { context, dry: read.dry }.run(&steps)
}

/// Who does the task `name`. A task that the team wrote itself comes first: in its `tasks.py`, not in a file that this imports
/// from, or in `[tasks]`.
fn who(catalogue: &Catalogue, home: &Address, name: &str) -> Who {
    let task = catalogue.find(name, home).ok().map(|place| &catalogue.tasks[place]);
    match (task, table::find(name)) {
        (Some(task), Some(row)) => {
            if is_own(task) {
                own(task, name)
            } else {
                Who::Row(row)
            }
        }
        (Some(task), None) => own(task, name),
        (None, Some(row)) => Who::Row(row),
        (None, None) => Who::Unknown,
    }
}

fn is_own(task: &Task) -> bool {
    match &task.stated {
        Stated::Config(_) => true,
        Stated::Python { file, .. } => is_tasks_py(file),
    }
}

/// Whether a file is what invoke loads, rather than one that it imports from.
fn is_tasks_py(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default();
    name == "tasks.py" || (name == "__init__.py" && file.parent().is_some_and(|folder| folder.ends_with("tasks")))
}

/// What invoke itself knows by its plain name, the rest by its address.
fn own(task: &Task, typed: &str) -> Who {
    let flag = |argument: &Argument| Flag {
        name: argument.name.clone(),
        short: None,
        takes_value: argument.kind != ArgumentKind::Bool,
        default_on: argument.kind == ArgumentKind::Bool && argument.default == Some(vec!["true".into()]),
        positional: argument.positional,
        is_number: false,
    };
    let flags = lettered(task.arguments.iter().map(flag).collect());
    match &task.stated {
        Stated::Python { .. } if !typed.contains(':') => Who::Own(task.name.clone(), flags),
        _ => Who::Task(task.id(), flags),
    }
}

/// The tasks of `[tasks]` and of the nearest `tasks.py`, with their help.
fn listed(context: &Context) -> Vec<(String, String)> {
    let mut all = in_python(context);
    let Ok(workspace) = context.workspace() else { return all };
    let home = workspace.here().map_or_else(|_| Address::root(), |dir| dir.address.clone());
    let Ok(catalogue) = Catalogue::read(&workspace) else { return all };
    let counts = |task: &&Task| matches!(task.stated, Stated::Config(_)) && (task.dir == home || task.dir.is_root());
    all.extend(catalogue.tasks.iter().filter(counts).map(|task| (task.name.clone(), task.help.clone())));
    all
}

/// The tasks of the nearest `tasks.py`, with their help; where one is imported that Wharf has an equal for, it is left out.
fn in_python(context: &Context) -> Vec<(String, String)> {
    let here = &context.surroundings.here;
    let root = outline(context.surroundings.clone()).map_or_else(|_| here.clone(), |outline| outline.root);
    let folders: Vec<PathBuf> =
        here.ancestors().take_while(|folder| folder.starts_with(&root)).map(Path::to_path_buf).collect();
    let Some(found) = folders.iter().find_map(|folder| tasks_py::read(&root, folder)) else { return Vec::new() };
    for unread in &found.unread {
        context.talk.warning(&unread.to_string());
    }
    let counts = |task: &tasks_py::PythonTask| is_tasks_py(&task.file) || table::find(&task.name).is_none();
    // Two ways to write one name are one line.
    let name = |name: String| table::find(&name).map_or(name, |row| row.name.to_owned());
    found.tasks.into_iter().filter(counts).map(|task| (name(task.name), task.help)).collect()
}

/// One thing to do.
enum Step<'a> {
    /// A `wharf` command.
    Line(Line),
    /// Something to say.
    Note(String),
    /// The real `invoke`, with these words.
    Other(Vec<String>, &'a [String]),
}

/// What the tasks come to. Those that go on to the real `invoke` one after the other go on together.
fn steps<'a>(tasks: &[Asked], standing: &Standing, passed: &'a [String]) -> Result<Vec<Step<'a>>, Failure> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for asked in tasks {
        let mut others = match asked {
            Asked::Known(row, values) => {
                let made = Call { row, standing, values }.translate()?;
                let is_empty = made.lines.is_empty();
                let Translation { lines, notes } = made;
                steps.extend(notes.into_iter().map(Step::Note));
                steps.extend(lines.into_iter().map(Step::Line));
                if !is_empty {
                    continue;
                }
                handed_on(row, values)
            }
            Asked::Task(id, words) => {
                let line = words.iter().fold(Line::new(["task"]).word(id.as_str()), Line::word);
                steps.push(Step::Line(line));
                continue;
            }
            Asked::Other(name, words) => [vec![name.clone()], words.clone()].concat(),
        };
        match steps.last_mut() {
            Some(Step::Other(words, _)) => words.append(&mut others),
            _ => steps.push(Step::Other(others, passed)),
        }
    }
    Ok(steps)
}

/// The words of a task that Wharf has a row for but not for these options.
fn handed_on(row: &Row, values: &std::collections::BTreeMap<&'static str, String>) -> Vec<String> {
    let word = |(name, value): (&&str, &String)| match value.as_str() {
        "true" => format!("--{}", name.replace('_', "-")),
        "false" => format!("--no-{}", name.replace('_', "-")),
        value => format!("--{}={value}", name.replace('_', "-")),
    };
    [row.name.to_owned()].into_iter().chain(values.iter().map(word)).collect()
}

/// Whether the next thing to do runs also after a failure.
fn is_list(steps: &[Step<'_>]) -> bool {
    let next = steps.iter().find(|step| !matches!(step, Step::Note(_)));
    matches!(next, Some(Step::Line(line)) if line.goes_on)
}

/// Does one step after the other.
struct Runner<'a> {
    context: &'a Context,
    dry: bool,
}

impl Runner<'_> {
    /// Lists of tests do not wait for each other; all else waits for what came before it, so that nothing is pushed that failed. The
    /// worst code counts.
    fn run(&self, steps: &[Step<'_>]) -> Result<u8, Failure> {
        let mut worst = 0;
        for (index, step) in steps.iter().enumerate() {
            let is_last = index + 1 == steps.len();
            let (result, goes_on) = match step {
                Step::Note(text) => {
                    self.context.talk.note(text);
                    continue;
                }
                Step::Line(line) => (self.line(line), line.goes_on),
                Step::Other(words, passed) => {
                    let words: Vec<String> = passed.iter().chain(words).cloned().collect();
                    (task::through_invoke(self.context, &words), false)
                }
            };
            wharf_process::signals::end_listening();
            if is_last && worst == 0 {
                return result;
            }
            let code = result.unwrap_or_else(|failure| failure.say());
            worst = worst.max(code);
            if code == 130 || (worst != 0 && !(goes_on && is_list(&steps[index + 1..]))) {
                break;
            }
        }
        Ok(worst)
    }

    /// Says the `wharf` command, then does it as if it had been typed.
    fn line(&self, line: &Line) -> Result<u8, Failure> {
        self.context.talk.note(&format!("+ {}", line.shown()));
        let words = |dry: bool| {
            let mut words = line.words.clone();
            if dry {
                // What stands behind a task's name is the task's.
                let is_task = words.first().is_some_and(|word| word == "task");
                let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
                words.insert(if is_task { 1 } else { end }, "--dry-run".into());
            }
            ["wharf".to_owned()].into_iter().chain(words)
        };
        match Arguments::try_parse_from(words(self.dry)) {
            Ok(arguments) => arguments.dispatch(),
            // What only looks has no `--dry-run`, and nothing that could be left undone.
            Err(_) if self.dry && Arguments::try_parse_from(words(false)).is_ok() => Ok(0),
            Err(error) => {
                let error =
                    if self.dry { Arguments::try_parse_from(words(false)).err().unwrap_or(error) } else { error };
                let text = error.to_string();
                Err(Failure::usage(text.trim_start_matches("error: ").trim_end()))
            }
        }
    }
}
