//! Steps as statements of a shell.
//!
//! Each statement is a line, and nothing in it may fail: whoever evaluates it may have said `set -eu`. Completions are parts of
//! only one shell's language, so they stand in a quoted word that another shell never looks into: `SHELL` may name one shell while
//! another one runs.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::plan::{Plan, Step};
use super::quote::quoted;
use super::shell::Shell;

/// A variable of the shell, not passed on, that says that the completions are ours to take back.
const COMPLETES: &str = "_WHARF_COMPLETES";

/// What is to be done about completions of `wharf` itself.
#[derive(Debug, Clone, Copy)]
pub enum Completions<'a> {
    /// Define them by this script, in a shell for people that has none.
    Define(&'a [u8]),
    /// Take them back.
    Remove,
    /// Leave them as they are.
    Leave,
}

/// The statements for `plan`, to be evaluated by `shell`.
#[must_use]
pub fn script(shell: Shell, plan: &Plan, completions: Completions<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    for step in &plan.steps {
        match shell {
            Shell::Fish => in_fish(&mut text, step),
            Shell::Bash | Shell::Zsh | Shell::Sh => in_posix(&mut text, shell, step),
        }
    }
    match completions {
        Completions::Define(script) => text.extend(define(shell, script)),
        Completions::Remove => text.extend(remove(shell).bytes()),
        Completions::Leave => {}
    }
    text
}

fn in_posix(text: &mut Vec<u8>, shell: Shell, step: &Step) {
    match step {
        Step::Keep(name, keeper) => text.extend(format!("export {keeper}=\"${{{name}-}}\";\n").bytes()),
        Step::Restore(name, keeper) => {
            text.extend(format!("export {name}=\"${{{keeper}-}}\"; unset -v {keeper};\n").bytes());
        }
        Step::Set(name, value) => {
            text.extend(format!("export {name}=").bytes());
            text.extend(quoted(shell, value.as_bytes()));
            text.extend(b";\n");
        }
        Step::Unset(name) => text.extend(format!("unset -v {name};\n").bytes()),
        Step::Run(words) => text.extend([line(shell, words).as_slice(), b" || :;\n"].concat()),
    }
}

fn line(shell: Shell, words: &[OsString]) -> Vec<u8> {
    let words: Vec<Vec<u8>> = words.iter().map(|word| quoted(shell, word.as_bytes())).collect();
    words.join(&b' ')
}

fn in_fish(text: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Keep(name, keeper) => text.extend(format!("set -gx {keeper} ${name};\n").bytes()),
        Step::Restore(name, keeper) => {
            text.extend(format!("set -gx {name} ${keeper}; set -eg {keeper};\n").bytes());
        }
        Step::Set(name, value) => {
            text.extend(format!("set -gx {name} ").bytes());
            text.extend(quoted(Shell::Fish, value.as_bytes()));
            text.extend(b";\n");
        }
        Step::Unset(name) => text.extend(format!("set -eg {name};\n").bytes()),
        Step::Run(words) => text.extend([b"command ", line(Shell::Fish, words).as_slice(), b"; or true;\n"].concat()),
    }
}

fn define(shell: Shell, script: &[u8]) -> Vec<u8> {
    let (head, tail) = match shell {
        Shell::Bash => (
            "if [ -n \"${BASH_VERSION-}\" ] && [ \"${-#*i}\" != \"$-\" ]; then eval ",
            "if ! complete -p wharf >/dev/null 2>&1; then\n",
        ),
        Shell::Zsh => (
            "if [ -n \"${ZSH_VERSION-}\" ] && [ \"${-#*i}\" != \"$-\" ]; then eval ",
            "if (( $+functions[compdef] )) && (( ! ${+_comps[wharf]} )); then\n",
        ),
        Shell::Fish => {
            let mut text = b"if status is-interactive; and test -z (complete -c wharf | string collect)\n".to_vec();
            text.extend(script);
            text.extend(format!("\nset -g {COMPLETES} 1\nend;\n").bytes());
            return text;
        }
        Shell::Sh => return Vec::new(),
    };
    let mut word = tail.as_bytes().to_vec();
    word.extend(script);
    word.extend(format!("\n{COMPLETES}=1\nfi").bytes());
    let mut text = head.as_bytes().to_vec();
    text.extend(quoted(shell, &word));
    text.extend(b"; fi;\n");
    text
}

fn remove(shell: Shell) -> String {
    match shell {
        Shell::Bash => format!(
            "if [ -n \"${{{COMPLETES}-}}\" ]; then complete -r wharf; unset -f _clap_complete_wharf; unset -v {COMPLETES}; fi;\n"
        ),
        Shell::Zsh => format!(
            "if [ -n \"${{{COMPLETES}-}}\" ]; then compdef -d wharf; unset -f _clap_dynamic_completer_wharf; unset -v {COMPLETES}; fi;\n"
        ),
        Shell::Fish => format!("if set -q {COMPLETES}; complete --erase --command wharf; set -eg {COMPLETES}; end;\n"),
        Shell::Sh => String::new(),
    }
}
