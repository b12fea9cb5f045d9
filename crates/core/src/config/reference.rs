//! Text made from the table of keys: the reference page and the readable defaults.

use std::fmt::Write as _;

use super::origin::LayerKind;
use super::schema::{self, KEYS, Key};
use super::suites;

/// The page `docs/reference/config.md`, but for its title.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::new();
    for table in schema::tables() {
        let (open, close) = brackets(table);
        push(&mut page, format_args!("## `{open}{table}{close}`\n\n"));
        page.push_str("| key | type | default | where | variable | meaning | example |\n");
        page.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
        for key in KEYS.iter().filter(|key| key.table() == table) {
            let cells =
                [code(key.path), typed(key), default(key), scopes(key), variable(key), meaning(key), example(key)];
            let cells = cells.map(|cell| cell.replace('|', "\\|"));
            push(&mut page, format_args!("| {} |\n", cells.join(" | ")));
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// The text of `defaults.toml`: every key with its meaning, those without a default as a comment.
#[must_use]
pub fn defaults_text() -> String {
    let mut text = String::from(
        "# The defaults of every key. This file is embedded in the binary and generated from the table of keys;\n\
         # a key that is commented out has no default and shows an example.\n",
    );
    for table in schema::tables() {
        let (open, close) = brackets(table);
        // There is no default of an item, nor of a table that has any name.
        let is_pattern = schema::LISTED_TABLES.contains(&table) || schema::NAMED_TABLES.contains(&table);
        let mark = if is_pattern { "# " } else { "" };
        push(&mut text, format_args!("\n{mark}{open}{table}{close}\n"));
        for key in KEYS.iter().filter(|key| key.table() == table) {
            push(&mut text, format_args!("# {}.\n", key.doc));
            match key.default {
                Some(default) => push(&mut text, format_args!("{} = {default}\n", key.name())),
                None => {
                    push(
                        &mut text,
                        format_args!("# Without it: {}.\n# {} = {}\n", key.absent, key.name(), key.example),
                    );
                }
            }
        }
        if table == "test.suites.NAME" {
            for (name, markers) in suites::BUILT_IN {
                push(&mut text, format_args!("\n[{}.{name}]\nmarkers = \"{markers}\"\n", suites::TABLE));
            }
        }
    }
    text
}

fn brackets(table: &str) -> (&'static str, &'static str) {
    if schema::LISTED_TABLES.contains(&table) { ("[[", "]]") } else { ("[", "]") }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string cannot fail");
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn typed(key: &Key) -> String {
    match key.kind.expected() {
        Some(expected) => format!("{}: {expected}", key.kind.described()),
        None => key.kind.described().to_owned(),
    }
}

fn default(key: &Key) -> String {
    key.default.map_or_else(|| key.absent.to_owned(), code)
}

/// The files that may state it; variables have a column of their own.
fn scopes(key: &Key) -> String {
    let files =
        [LayerKind::User, LayerKind::Exported, LayerKind::SuperRepo, LayerKind::SubRepo, LayerKind::RunnableDir];
    let files = files.into_iter().filter(|layer| key.is_allowed_in(*layer)).map(|layer| {
        let dormant = if key.dormant.contains(&layer) { " (used when it stands alone)" } else { "" };
        format!("{}{dormant}", layer.name())
    });
    files.collect::<Vec<_>>().join(", ")
}

fn variable(key: &Key) -> String {
    let names = schema::variables().filter(|(_, other)| other.path == key.path).map(|(name, _)| code(&name));
    names.collect::<Vec<_>>().join(", ")
}

fn meaning(key: &Key) -> String {
    match key.excludes {
        Some(other) => format!("{}; excludes `{other}`", key.doc),
        None => key.doc.to_owned(),
    }
}

fn example(key: &Key) -> String {
    code(&format!("{} = {}", key.name(), key.example))
}
