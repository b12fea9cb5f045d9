//! From Python source to its imports. The only file that knows the parser.
//!
//! Most files import at their top, so a file is parsed only as far as words reach without which nothing is imported. If
//! that part is valid by itself, it stands for the same statements as in the whole file, since Python is read from left to
//! right; if not, the whole is parsed. A fault behind the last such word is therefore not seen; it cannot hide an import.
//!
//! Statements are walked always, expressions only where the text has a word that makes a call an import. What the parser
//! could not make sense of it leaves out, so imports around a syntax error are found.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ElifElseClause, ExceptHandler, Expr, ExprCall, Mod, Number, Stmt, StmtIf, StmtTry, UnaryOp};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};

use super::imports::{Fault, FileImports, How, Import, When};
use super::source::{Lines, decode};

/// Words without which no call imports anything.
const CALLS: [&str; 3] = ["import_module", "__import__", "importorskip"];
/// Words of which one is in each statement that matters.
const WORDS: [&str; 6] = ["import", "import_module", "__import__", "importorskip", "pytest_plugins", "__all__"];
/// Expressions are not followed deeper than this; Python itself stops far earlier.
const DEEPEST: usize = 2_000;
/// The syntax tree of a larger file is never freed: freeing a chain of a million operators would need a stack of that depth.
const LARGE: usize = 512 * 1024;

/// What `bytes`, a Python file, imports.
#[must_use]
pub fn parse(bytes: &[u8]) -> FileImports {
    let source = decode(bytes);
    let whole = source.text.as_ref();
    let Some(last) = last_word(whole) else {
        return FileImports { fault: source.fault, ..FileImports::default() };
    };
    let mut text = &whole[..end_of_statement(whole, last)];
    let mut parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    if !parsed.errors().is_empty() && text.len() < whole.len() {
        text = whole;
        parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    }
    let fault = source.fault.or_else(|| {
        let error = parsed.errors().first()?;
        let line = Lines::new(text.as_bytes()).at(error.location.start().to_usize());
        Some(Fault { line, message: error.error.to_string() })
    });
    let mut collector = Collector {
        found: FileImports { fault, ..FileImports::default() },
        lines: Lines::new(text.as_bytes()),
        when: When::default(),
        depth: 0,
        has_calls: CALLS.iter().any(|word| text.contains(word)),
    };
    if let Mod::Module(module) = parsed.syntax() {
        collector.visit_body(&module.body);
    }
    let found = collector.found;
    if text.len() > LARGE {
        std::mem::forget(parsed);
    }
    found
}

/// Where the last of [`WORDS`] begins.
fn last_word(text: &str) -> Option<usize> {
    let last = |stem: &str| {
        let words = text.rmatch_indices(stem).map(|(at, _)| word_around(text, at));
        words.into_iter().find(|(_, word)| WORDS.contains(word)).map(|(at, _)| at)
    };
    ["import", "pytest_plugins", "__all__"].into_iter().filter_map(last).max()
}

/// The identifier that the character at `at` is part of, and where it begins.
fn word_around(text: &str, at: usize) -> (usize, &str) {
    let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
    let before: usize = text[..at].chars().rev().take_while(is_part).map(char::len_utf8).sum();
    let after: usize = text[at..].chars().take_while(is_part).map(char::len_utf8).sum();
    (at - before, &text[at - before..at + after])
}

/// Where a line begins, after `at`, that looks like a statement of the module itself.
fn end_of_statement(text: &str, at: usize) -> usize {
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'@');
    let goes_on = |newline: usize| text[..newline].trim_end_matches('\r').ends_with('\\');
    let newlines = text[at..].match_indices('\n').map(|(newline, _)| at + newline);
    let mut ends = newlines.filter(|newline| !goes_on(*newline)).map(|newline| newline + 1);
    ends.find(|end| text.as_bytes().get(*end).is_some_and(starts)).unwrap_or(text.len())
}

struct Collector<'a> {
    found: FileImports,
    lines: Lines<'a>,
    when: When,
    depth: usize,
    has_calls: bool,
}

impl<'a> Visitor<'a> for Collector<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                let line = self.line_of(stmt.start());
                for alias in &import.names {
                    self.push((line, How::Statement), alias.name.as_str().to_owned(), 0, None);
                }
            }
            Stmt::ImportFrom(from) => {
                let line = self.line_of(stmt.start());
                let module = from.module.as_ref().map_or("", |module| module.as_str());
                for alias in &from.names {
                    let name = Some(alias.name.as_str().to_owned());
                    self.push((line, How::Statement), module.to_owned(), from.level, name);
                }
            }
            Stmt::FunctionDef(_) => self.within(When::IN_FUNCTION, |this| walk_stmt(this, stmt)),
            Stmt::While(_) | Stmt::For(_) | Stmt::Match(_) => {
                self.within(When::CONDITIONAL, |this| walk_stmt(this, stmt));
            }
            Stmt::If(branches) => self.branches(branches),
            Stmt::Try(attempt) => self.attempt(attempt),
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    self.assigned(target, &assign.value, stmt.start());
                }
                self.visit_expr(&assign.value);
            }
            Stmt::AugAssign(assign) => {
                self.assigned(&assign.target, &assign.value, stmt.start());
                self.visit_expr(&assign.value);
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.assigned(&assign.target, value, stmt.start());
                    self.visit_expr(value);
                }
            }
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if !self.has_calls || self.depth == DEEPEST {
            return;
        }
        self.depth += 1;
        if let Expr::Call(call) = expr {
            self.call(call, expr.start());
        }
        walk_expr(self, expr);
        self.depth -= 1;
    }
}

impl<'a> Collector<'_> {
    fn push(&mut self, (line, how): (u32, How), module: String, level: u32, name: Option<String>) {
        self.found.imports.push(Import { module, level, name, line, how, when: self.when });
    }

    fn line_of(&mut self, place: TextSize) -> u32 {
        self.lines.at(place.to_usize())
    }

    fn within(&mut self, when: When, walk: impl FnOnce(&mut Self)) {
        let outer = self.when;
        self.when = outer.and(when);
        walk(self);
        self.when = outer;
    }

    fn branches(&mut self, branches: &'a StmtIf) {
        self.visit_expr(&branches.test);
        let mut typing = typing_branch(&branches.test);
        self.within(branch(typing == Some(true)), |this| this.visit_body(&branches.body));
        for ElifElseClause { test, body, .. } in &branches.elif_else_clauses {
            let mut is_typing = false;
            match test {
                Some(test) => {
                    self.visit_expr(test);
                    is_typing = typing_branch(test) == Some(true);
                    typing = None;
                }
                // `if not TYPE_CHECKING: … else: …`
                None => is_typing |= typing == Some(false),
            }
            self.within(branch(is_typing), |this| this.visit_body(body));
        }
    }

    fn attempt(&mut self, attempt: &'a StmtTry) {
        self.within(if catches_import_error(&attempt.handlers) { When::GUARDED } else { When::default() }, |this| {
            this.visit_body(&attempt.body);
        });
        for ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
            if let Some(kind) = &handler.type_ {
                self.visit_expr(kind);
            }
            self.within(When::CONDITIONAL, |this| this.visit_body(&handler.body));
        }
        self.visit_body(&attempt.orelse);
        self.visit_body(&attempt.finalbody);
    }

    /// `pytest_plugins = …` and `__all__ = …`.
    fn assigned(&mut self, target: &Expr, value: &Expr, start: TextSize) {
        let Expr::Name(target) = target else { return };
        match target.id.as_str() {
            "pytest_plugins" => {
                let line = self.line_of(start);
                // A single text may name several, with commas.
                for name in literals(value).iter().flat_map(|text| text.split(',')) {
                    let name = name.trim();
                    if !name.is_empty() {
                        self.push((line, How::Plugin), name.to_owned(), 0, None);
                    }
                }
            }
            "__all__" => self.found.exports.extend(literals(value)),
            _ => {}
        }
    }

    fn call(&mut self, call: &ExprCall, start: TextSize) {
        let callee = match call.func.as_ref() {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => return,
        };
        if !CALLS.contains(&callee) {
            return;
        }
        let argument = |place: usize, name: &str| call.arguments.find_argument_value(name, place);
        let Some(module) = argument(0, if callee == "importorskip" { "modname" } else { "name" }).and_then(literal)
        else {
            return;
        };
        let line = self.line_of(start);
        match callee {
            "__import__" => {
                let level = argument(4, "level").and_then(number).unwrap_or(0);
                let names = argument(3, "fromlist").map(literals).unwrap_or_default();
                if names.is_empty() {
                    self.push((line, How::Call), module, level, None);
                } else {
                    names.into_iter().for_each(|name| self.push((line, How::Call), module.clone(), level, Some(name)));
                }
            }
            "import_module" if module.starts_with('.') => self.relative_call(&module, argument(1, "package"), line),
            _ => self.push((line, How::Call), module, 0, None),
        }
    }

    /// `import_module(".name", package)`.
    fn relative_call(&mut self, module: &str, package: Option<&Expr>, line: u32) {
        let name = module.trim_start_matches('.');
        let dots = module.len() - name.len();
        match package {
            Some(Expr::Name(variable)) if matches!(variable.id.as_str(), "__package__" | "__name__") => {
                self.push((line, How::Call), name.to_owned(), u32::try_from(dots).unwrap_or(u32::MAX), None);
            }
            Some(package) => {
                let Some(package) = literal(package) else { return };
                let mut parts: Vec<&str> = package.split('.').collect();
                if dots > parts.len() {
                    return;
                }
                parts.truncate(parts.len() + 1 - dots);
                parts.extend(name.split('.').filter(|part| !part.is_empty()));
                self.push((line, How::Call), parts.join("."), 0, None);
            }
            None => {}
        }
    }
}

/// Whether a module that is not there is caught.
fn catches_import_error(handlers: &[ExceptHandler]) -> bool {
    let catches = |kind: &Expr| {
        let name = match kind {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => return false,
        };
        matches!(name, "ImportError" | "ModuleNotFoundError" | "Exception" | "BaseException")
    };
    handlers.iter().any(|ExceptHandler::ExceptHandler(handler)| match handler.type_.as_deref() {
        None => true,
        Some(Expr::Tuple(kinds)) => kinds.elts.iter().any(catches),
        Some(kind) => catches(kind),
    })
}

fn branch(is_typing: bool) -> When {
    if is_typing { When::CONDITIONAL.and(When::TYPING) } else { When::CONDITIONAL }
}

/// `Some(true)` for a test of `TYPE_CHECKING`, `Some(false)` for one of `not TYPE_CHECKING`.
fn typing_branch(test: &Expr) -> Option<bool> {
    match test {
        Expr::Name(name) if name.id.as_str() == "TYPE_CHECKING" => Some(true),
        Expr::Attribute(attribute) if attribute.attr.as_str() == "TYPE_CHECKING" => Some(true),
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => typing_branch(&not.operand).map(|it| !it),
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<u32> {
    match expr {
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(int) => int.as_u8().map(u32::from),
            _ => None,
        },
        _ => None,
    }
}

/// The texts in a literal, a list or tuple of them, and sums of such.
fn literals(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::StringLiteral(_) => literal(expr).into_iter().collect(),
        Expr::List(list) => list.elts.iter().filter_map(literal).collect(),
        Expr::Tuple(tuple) => tuple.elts.iter().filter_map(literal).collect(),
        Expr::Set(set) => set.elts.iter().filter_map(literal).collect(),
        Expr::BinOp(sum) => {
            let mut texts = literals(&sum.left);
            texts.extend(literals(&sum.right));
            texts
        }
        _ => Vec::new(),
    }
}
