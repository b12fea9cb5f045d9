//! Reads `repo_config.py` without running it: literal assignments, and functions that do nothing but return a literal.

use std::ops::Range;

use ruff_python_ast as ast;
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

/// Reads a file.
///
/// # Errors
/// Where its grammar is wrong: what and where.
pub(super) fn read(text: &str) -> Result<Facts, (String, Range<usize>)> {
    let module = parse_module(text).map_err(|error| (error.error.to_string(), error.location.to_std_range()))?;
    let mut facts = Facts::default();
    let mut names: Vec<(String, String)> = Vec::new();
    for statement in &module.syntax().body {
        match statement {
            ast::Stmt::Assign(assign) => {
                let Some(value) = literal(&assign.value, &names) else { continue };
                for target in &assign.targets {
                    if let ast::Expr::Name(name) = target {
                        names.push((name.id.to_string(), value.clone()));
                    }
                }
            }
            ast::Stmt::AnnAssign(assign) => {
                let value = assign.value.as_ref().and_then(|value| literal(value, &names));
                if let (ast::Expr::Name(name), Some(value)) = (&*assign.target, value) {
                    names.push((name.id.to_string(), value));
                }
            }
            ast::Stmt::FunctionDef(function) => take(function, &names, &mut facts),
            _ => {}
        }
    }
    Ok(facts)
}

fn take(function: &ast::StmtFunctionDef, names: &[(String, String)], facts: &mut Facts) {
    let name = function.name.as_str();
    let Some((_, path)) = KNOWN.iter().find(|(known, _)| *known == name) else { return };
    let key = function.name.range().to_std_range();
    match returned(&function.body, names) {
        Returned::Nothing => {}
        Returned::Literal(text, value) => {
            // `//name` is how such files write the name of a repo.
            let text = text.trim_start_matches('/').to_owned();
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
fn returned(body: &[ast::Stmt], above: &[(String, String)]) -> Returned {
    let mut names = above.to_vec();
    for statement in body {
        match statement {
            ast::Stmt::Expr(expression) if expression.value.is_string_literal_expr() => {}
            ast::Stmt::Pass(_) => {}
            ast::Stmt::Assign(assign) => match (literal(&assign.value, &names), assign.targets.as_slice()) {
                (Some(value), [ast::Expr::Name(name)]) => names.push((name.id.to_string(), value)),
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
fn literal(value: &ast::Expr, names: &[(String, String)]) -> Option<String> {
    match value {
        ast::Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        ast::Expr::BooleanLiteral(truth) => Some(if truth.value { "True" } else { "False" }.to_owned()),
        ast::Expr::NumberLiteral(number) => match &number.value {
            ast::Number::Int(number) => Some(number.to_string()),
            _ => None,
        },
        ast::Expr::Name(name) => {
            names.iter().rev().find(|(known, _)| known == name.id.as_str()).map(|(_, value)| value.clone())
        }
        _ => None,
    }
}
