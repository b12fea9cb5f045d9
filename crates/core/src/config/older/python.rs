//! Reads `repo_config.py` without running it: literal assignments, and functions that do nothing but return a literal.

use std::collections::BTreeMap;
use std::ops::Range;

use ruff_python_ast as ast;
use ruff_python_ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_stmt};
use ruff_python_parser::parse_module;
use ruff_text_size::Ranged;

use super::facts::{Fact, Facts, Unread};

/// What functions and names of the file mean, by the path of the YAML form.
const KNOWN: [(&str, &str); 9] = [
    ("get_docker_base_image_name", "docker_info.docker_image_name"),
    ("get_docker_image_name", "docker_info.docker_image_name"),
    ("get_name", "repo_info.repo_name"),
    ("get_repo_name", "repo_info.repo_name"),
    ("get_github_repo_account", "repo_info.github_repo_account"),
    ("get_dir_suffix", "runnable_dir_info.dir_suffix"),
    ("use_helpers_as_nested_module", "runnable_dir_info.use_helpers_as_nested_module"),
    ("get_ecr_base_path", "container_registry_info.ecr"),
    ("use_docker_sibling_containers", "docker_info.use_sibling_container_in_unit_tests"),
];

/// Reads a file. What a function returns is told by the names as they are at the end, when it can be called.
///
/// # Errors
/// Where its grammar is wrong: what and where.
pub(super) fn read(text: &str) -> Result<Facts, (String, Range<usize>)> {
    let module = parse_module(text).map_err(|error| (error.error.to_string(), error.location.to_std_range()))?;
    let body = &module.syntax().body;
    let mut names = Names::default();
    body.iter().for_each(|statement| names.run(statement));
    let mut facts = Facts::default();
    for statement in body {
        if let ast::Stmt::FunctionDef(function) = statement {
            take(function, &names, &mut facts);
            continue;
        }
        // A function that is something else by now.
        for (name, path) in Bound::by(statement).names.iter().filter_map(|name| KNOWN.iter().find(|(k, _)| k == name)) {
            facts.forget(path);
            let (path, place) = ((*path).to_owned(), statement.range().to_std_range());
            facts.unread.push(Unread { path, name: (*name).to_owned(), place });
        }
    }
    Ok(facts)
}

/// The texts of names that are known.
#[derive(Debug, Clone, Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// What a statement makes of them: `NAME = literal` is known, any other way to bind a name makes it unknown.
    fn run(&mut self, statement: &ast::Stmt) {
        let bound = Bound::by(statement);
        let (targets, value) = match statement {
            ast::Stmt::Assign(assign) => (assign.targets.as_slice(), Some(&*assign.value)),
            ast::Stmt::AnnAssign(assign) => (std::slice::from_ref(&*assign.target), assign.value.as_deref()),
            _ => (&[][..], None),
        };
        let value = value.and_then(|value| literal(value, self));
        if bound.all {
            self.0.clear();
        }
        for name in bound.names {
            self.0.remove(&name);
        }
        for target in targets {
            if let (ast::Expr::Name(name), Some(value)) = (target, &value) {
                self.0.insert(name.id.to_string(), value.clone());
            }
        }
    }
}

/// The names that a statement binds or removes, wherever in it.
#[derive(Debug, Default)]
struct Bound {
    names: Vec<String>,
    /// Whether they may be any: `from x import *`.
    all: bool,
    /// Whether what is looked at is in a function, where only `global` reaches out.
    is_within: bool,
}

impl Bound {
    fn by(statement: &ast::Stmt) -> Self {
        let mut bound = Self::default();
        bound.visit_stmt(statement);
        bound
    }

    fn within(&mut self, body: &[ast::Stmt]) {
        let before = std::mem::replace(&mut self.is_within, true);
        self.visit_body(body);
        self.is_within = before;
    }
}

impl<'a> Visitor<'a> for Bound {
    fn visit_stmt(&mut self, statement: &'a ast::Stmt) {
        match statement {
            ast::Stmt::FunctionDef(function) => {
                self.names.extend((!self.is_within).then(|| function.name.to_string()));
                self.within(&function.body);
            }
            ast::Stmt::ClassDef(class) => {
                self.names.extend((!self.is_within).then(|| class.name.to_string()));
                self.within(&class.body);
            }
            ast::Stmt::Global(global) => self.names.extend(global.names.iter().map(ToString::to_string)),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a ast::Expr) {
        if let ast::Expr::Name(name) = expression
            && !name.ctx.is_load()
            && !self.is_within
        {
            self.names.push(name.id.to_string());
        }
        walk_expr(self, expression);
    }

    fn visit_alias(&mut self, alias: &'a ast::Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        self.all |= name == "*";
        let first = name.split('.').next().unwrap_or(name);
        self.names.extend((!self.is_within).then(|| first.to_owned()));
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(plain) = handler;
        self.names.extend(plain.name.iter().filter(|_| !self.is_within).map(ToString::to_string));
        walk_except_handler(self, handler);
    }
}

fn take(function: &ast::StmtFunctionDef, names: &Names, facts: &mut Facts) {
    let name = function.name.as_str();
    let Some((_, path)) = KNOWN.iter().find(|(known, _)| *known == name) else { return };
    let key = function.name.range().to_std_range();
    let mut names = names.clone();
    for parameter in &function.parameters {
        names.0.remove(parameter.name().as_str());
    }
    // The last one of a name counts, and of two names for one thing the first that says anything.
    if facts.unread.iter().any(|unread| unread.name == name) || facts.named.get(*path).is_some_and(|by| by == name) {
        facts.forget(path);
    }
    match returned(&function.body, names) {
        Returned::Nothing => {}
        Returned::Literal(text, value) => {
            // `//name` is how such files write the name of a repo.
            let text = text.trim_start_matches('/').to_owned();
            facts.named.insert((*path).to_owned(), name.to_owned());
            facts.facts.push(Fact { path: (*path).to_owned(), text, key, value });
        }
        Returned::Computed(place) => {
            facts.unread.push(Unread { path: (*path).to_owned(), name: name.to_owned(), place });
        }
    }
}

enum Returned {
    Nothing,
    Literal(String, Range<usize>),
    Computed(Range<usize>),
}

/// What a function returns: documentation and assignments of literals may come first, nothing else.
fn returned(body: &[ast::Stmt], mut names: Names) -> Returned {
    for statement in body {
        match statement {
            ast::Stmt::Expr(expression) if expression.value.is_string_literal_expr() => {}
            ast::Stmt::Pass(_) => {}
            ast::Stmt::Assign(assign) => match assign.targets.as_slice() {
                [ast::Expr::Name(_)] if literal(&assign.value, &names).is_some() => names.run(statement),
                _ => return Returned::Computed(statement.range().to_std_range()),
            },
            ast::Stmt::AnnAssign(assign) => match (&*assign.target, &assign.value) {
                (ast::Expr::Name(_), Some(value)) if literal(value, &names).is_some() => names.run(statement),
                _ => return Returned::Computed(statement.range().to_std_range()),
            },
            ast::Stmt::Return(returns) => {
                let Some(value) = &returns.value else { return Returned::Nothing };
                if value.is_none_literal_expr() {
                    return Returned::Nothing;
                }
                let place = value.range().to_std_range();
                return literal(value, &names)
                    .map_or(Returned::Computed(place.clone()), |text| Returned::Literal(text, place));
            }
            other => return Returned::Computed(other.range().to_std_range()),
        }
    }
    Returned::Nothing
}

/// The text of a literal, or of a name that has one.
fn literal(value: &ast::Expr, names: &Names) -> Option<String> {
    match value {
        ast::Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        ast::Expr::BooleanLiteral(truth) => Some(if truth.value { "True" } else { "False" }.to_owned()),
        ast::Expr::NumberLiteral(number) => match &number.value {
            ast::Number::Int(number) => Some(number.to_string()),
            _ => None,
        },
        ast::Expr::Name(name) => names.0.get(name.id.as_str()).cloned(),
        _ => None,
    }
}
