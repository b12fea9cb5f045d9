//! `{word}` in a command. A value is never put into the text of a script: the place gets the *variable* that holds it, in
//! the quotes that its surroundings need. So whatever the value is, the shell does not read it as code.

use super::arguments::{Argument, Bound};

/// A script for `sh -c`, with what it is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// The text.
    pub text: String,
    /// Variables that hold the arguments.
    pub env: Vec<(String, String)>,
    /// The positional parameters, `$1` and so on: the values of the variadic argument.
    pub parameters: Vec<String>,
}

/// Where in a shell's text something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// The script of a command with its arguments.
pub(super) fn script(command: &str, arguments: &[Argument], bound: &Bound) -> Script {
    let values = |argument: &Argument| bound.0.get(&argument.name).cloned().unwrap_or_default();
    let variadic = arguments.iter().find(|argument| argument.variadic);
    Script {
        text: replaced(command, arguments),
        env: arguments.iter().map(|argument| (variable(&argument.name), values(argument).join(" "))).collect(),
        parameters: variadic.map(values).unwrap_or_default(),
    }
}

fn variable(name: &str) -> String {
    name.replace('-', "_")
}

fn replaced(command: &str, arguments: &[Argument]) -> String {
    let mut out = String::with_capacity(command.len());
    // Quotes that are open, the innermost last; `$(` opens a new text.
    let mut open = vec![Quote::None];
    let mut rest = command;
    while let Some(c) = rest.chars().next() {
        let quote = open.last().copied().unwrap_or(Quote::None);
        let mut taken = c.len_utf8();
        match c {
            '\\' if quote != Quote::Single => taken += rest[1..].chars().next().map_or(0, char::len_utf8),
            '$' if quote != Quote::Single && rest.starts_with("${") => taken = 2,
            '$' if quote != Quote::Single && rest.starts_with("$(") => {
                open.push(Quote::None);
                taken = 2;
            }
            '(' if quote == Quote::None => open.push(Quote::None),
            ')' if quote == Quote::None && open.len() > 1 => {
                open.pop();
            }
            '\'' if quote == Quote::None => open.push(Quote::Single),
            '\'' if quote == Quote::Single => {
                open.pop();
            }
            '"' if quote == Quote::Double => {
                open.pop();
            }
            '"' if quote == Quote::None => open.push(Quote::Double),
            '{' => {
                if let Some((argument, length)) = placeholder(rest, arguments) {
                    out.push_str(&reference(argument, quote));
                    rest = &rest[length..];
                    continue;
                }
            }
            _ => {}
        }
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// The argument that `{word}` at the start of `text` names, with the length of it all.
fn placeholder<'a>(text: &str, arguments: &'a [Argument]) -> Option<(&'a Argument, usize)> {
    let end = text.find('}')?;
    let name = &text[1..end];
    let argument = arguments.iter().find(|argument| argument.name == name)?;
    Some((argument, end + 1))
}

fn reference(argument: &Argument, quote: Quote) -> String {
    let inner = if argument.variadic { "$*".to_owned() } else { format!("${{{}}}", variable(&argument.name)) };
    match quote {
        Quote::None if argument.variadic => "\"$@\"".to_owned(),
        Quote::None => format!("\"{inner}\""),
        Quote::Double => inner,
        Quote::Single => format!("'\"{inner}\"'"),
    }
}
