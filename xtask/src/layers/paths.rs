//! Every path that a source file names, resolved through its imports.

use std::collections::HashMap;

use super::tokens::Token;

/// A path such as `std::process::Command`, from its crate's name (or `crate`) on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its words; a macro's last one ends in `!`, a glob's is `*`.
    pub words: Vec<String>,
    /// The line of its first word, or in a braced import of the word that tells it apart.
    pub line: usize,
}

impl Path {
    /// The path as written in full.
    pub fn text(&self) -> String {
        self.words.join("::")
    }
}

/// All paths and macro calls in `tokens`, for a file that is the module `module` (its words below `crate`).
pub fn collect(tokens: &[Token], module: &[String]) -> Vec<Path> {
    let mut reader = Reader {
        tokens,
        module: module.to_vec(),
        inner: Vec::new(),
        depth: 0,
        paths: Vec::new(),
        names: HashMap::new(),
    };
    reader.read();
    let Reader { paths, names, .. } = reader;
    paths.into_iter().map(|path| resolve(path, &names)).collect()
}

/// Replaces a first word that an import gave a meaning to.
fn resolve(mut path: Path, names: &HashMap<String, Vec<String>>) -> Path {
    if let Some(full) = names.get(&path.words[0]) {
        path.words.splice(0..1, full.iter().cloned());
    }
    path
}

struct Reader<'a> {
    tokens: &'a [Token],
    module: Vec<String>,
    /// The brace depth outside each inline module that we are in.
    inner: Vec<usize>,
    depth: usize,
    paths: Vec<Path>,
    /// What each imported name stands for.
    names: HashMap<String, Vec<String>>,
}

impl Reader<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(Token::is_word)
    }

    fn read(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            at = match self.text(at) {
                "{" => {
                    self.depth += 1;
                    at + 1
                }
                "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.inner.last() == Some(&self.depth) {
                        self.inner.pop();
                        self.module.pop();
                    }
                    at + 1
                }
                "mod" if self.text(at + 2) == "{" => {
                    self.inner.push(self.depth);
                    self.module.push(self.text(at + 1).to_owned());
                    at + 2
                }
                "use" => self.import(at + 1 + usize::from(self.text(at + 1) == "::"), Vec::new()),
                _ if self.is_word(at) => self.path(at),
                _ => at + 1,
            };
        }
    }

    /// A path outside an import; gives back the place behind it.
    fn path(&mut self, start: usize) -> usize {
        let mut words = vec![self.text(start).to_owned()];
        let mut at = start + 1;
        while self.text(at) == "::" && self.is_word(at + 1) {
            words.push(self.text(at + 1).to_owned());
            at += 2;
        }
        let is_macro = self.text(at) == "!" && self.text(at + 1) != "=";
        if is_macro && let Some(last) = words.last_mut() {
            last.push('!');
        }
        let follows_dot = start > 0 && matches!(self.text(start - 1), "." | "::");
        if !follows_dot && (words.len() > 1 || is_macro) {
            self.add(words, start);
        }
        at
    }

    /// One branch of an import's tree; gives back the place behind it.
    fn import(&mut self, mut at: usize, mut prefix: Vec<String>) -> usize {
        let start = at;
        loop {
            match self.text(at) {
                "{" => {
                    at += 1;
                    while !matches!(self.text(at), "}" | "") {
                        at = self.import(at, prefix.clone());
                        at += usize::from(self.text(at) == ",");
                    }
                    return at + 1;
                }
                "*" => {
                    prefix.push("*".to_owned());
                    at += 1;
                }
                _ if self.is_word(at) => {
                    prefix.push(self.text(at).to_owned());
                    at += 1;
                }
                _ => return at + 1,
            }
            if self.text(at) == "::" {
                at += 1;
                continue;
            }
            if prefix.len() > 1 && prefix.last().is_some_and(|word| word == "self") {
                prefix.pop();
            }
            let full = self.add(prefix, start);
            let name = if self.text(at) == "as" {
                self.text(at + 1).to_owned()
            } else {
                full.last().cloned().unwrap_or_default()
            };
            at += if self.text(at) == "as" { 2 } else { 0 };
            // A name that stands for itself, as a crate's in `use serde;`, needs no entry.
            if full != [name.clone()] && name != "_" && name != "*" {
                self.names.insert(name, full);
            }
            return at;
        }
    }

    /// Keeps a path, with `self` and `super` replaced by what they mean here.
    fn add(&mut self, words: Vec<String>, start: usize) -> Vec<String> {
        let mut rest = words.iter().map(String::as_str).peekable();
        let supers = std::iter::from_fn(|| rest.next_if(|word| matches!(*word, "self" | "super"))).collect::<Vec<_>>();
        let full = if supers.is_empty() {
            words
        } else {
            let ups = supers.iter().filter(|word| **word == "super").count();
            let kept = &self.module[..self.module.len().saturating_sub(ups)];
            let base = std::iter::once("crate".to_owned()).chain(kept.iter().cloned());
            base.chain(rest.map(str::to_owned)).collect()
        };
        self.paths.push(Path { words: full.clone(), line: self.tokens[start].line });
        full
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::*;

    fn texts(text: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|word| (*word).to_owned()).collect();
        collect(&tokens::read(text).tokens, &module).iter().map(Path::text).collect()
    }

    #[test]
    fn braced_imports_are_taken_apart() {
        let text = "pub use crate::{image::{self, Stage as S, plan::*}, version};";
        assert_eq!(
            texts(text, &[]),
            ["crate::image", "crate::image::Stage", "crate::image::plan::*", "crate::version"]
        );
    }

    #[test]
    fn super_is_counted_from_where_it_stands() {
        let text = "use super::super::version::V; fn f() { self::g(); super::h() } mod inner { fn x() { super::y() } } fn z() { super::w() }";
        let expected = [
            "crate::version::V",
            "crate::image::plan::g",
            "crate::image::h",
            "crate::image::plan::y",
            "crate::image::w",
        ];
        assert_eq!(texts(text, &["image", "plan"]), expected);
    }

    #[test]
    fn names_stand_for_what_was_imported() {
        let text =
            "use std::process; use std::time::Instant as I; fn f() { process::Command::new(); I::now(); x.now() }";
        let expected = ["std::process", "std::time::Instant", "std::process::Command::new", "std::time::Instant::now"];
        assert_eq!(texts(text, &[]), expected);
    }

    #[test]
    fn macros_are_told_from_not_equal() {
        assert_eq!(texts("println!(\"x\"); if a != b {} std::eprintln!()", &[]), ["println!", "std::eprintln!"]);
    }

    #[test]
    fn lines_in_a_braced_import_are_their_own() {
        let found = collect(&tokens::read("use crate::{\n a::A,\n b::B,\n};").tokens, &[]);
        assert_eq!(found.iter().map(|path| path.line).collect::<Vec<_>>(), [2, 3]);
    }
}
