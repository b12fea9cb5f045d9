//! Python's own grammar, made small: the few kinds of statements and expressions in which tasks are stated. The only file
//! that knows the parser.

use ruff_python_ast as ast;
use ruff_python_parser::parse_module;
use ruff_text_size::{Ranged, TextRange};

/// A statement of a module, as far as it matters.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::task) enum Item {
    /// A function, with or without decorators.
    Function(Box<Function>),
    /// `import module as name`; `from module import attribute as name`.
    Import { name: String, module: String, attribute: Option<String>, level: u32, line: usize },
    /// `from module import *`.
    Star { module: String, level: u32, line: usize },
    /// `name = value`.
    Assign { name: String, value: Value, line: usize },
    /// A call on its own.
    Call { value: Value, line: usize },
    /// A loop or a `with`, which cannot be followed, with the calls and decorators that are in it.
    Unclear { line: usize, mentions: Vec<String> },
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::task) struct Function {
    pub(in crate::task) name: String,
    pub(in crate::task) line: usize,
    pub(in crate::task) decorators: Vec<Value>,
    pub(in crate::task) parameters: Vec<Parameter>,
    /// Its documentation, as it stands there.
    pub(in crate::task) doc: Option<String>,
    /// What it does, the documentation left out; `None` for what is no plain call.
    pub(in crate::task) body: Vec<Option<Value>>,
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::task) struct Parameter {
    pub(in crate::task) name: String,
    pub(in crate::task) default: Option<Value>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::task) enum Value {
    Name(String),
    Attribute(Box<Self>, String),
    Call(Box<Call>),
    Text(String),
    /// As Python would print it.
    Int(String),
    Float(String),
    Bool(bool),
    None,
    List(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    /// Anything else, as source.
    Other(String),
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::task) struct Call {
    pub(in crate::task) function: Value,
    pub(in crate::task) arguments: Vec<Value>,
    pub(in crate::task) named: Vec<(String, Value)>,
}

impl Call {
    /// The argument with this name.
    pub(in crate::task) fn named(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl Value {
    pub(in crate::task) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list, or the one text.
    pub(in crate::task) fn texts(&self) -> Vec<String> {
        match self {
            Self::List(items) => items.iter().filter_map(Self::as_text).map(str::to_owned).collect(),
            Self::Text(text) => vec![text.clone()],
            _ => Vec::new(),
        }
    }
}

/// What is wrong with a file's grammar: line and words.
pub(in crate::task) type SyntaxError = (usize, String);

/// The statements of a module.
pub(in crate::task) fn parse(source: &str) -> Result<Vec<Item>, SyntaxError> {
    let starts =
        std::iter::once(0).chain(source.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1));
    let reader = Reader { source, starts: starts.collect() };
    let module = parse_module(source).map_err(|error| (reader.line(error.location), error.error.to_string()))?;
    let mut items = Vec::new();
    reader.statements(&module.syntax().body, &mut items);
    Ok(items)
}

struct Reader<'s> {
    source: &'s str,
    starts: Vec<usize>,
}

impl Reader<'_> {
    fn line(&self, range: TextRange) -> usize {
        self.starts.partition_point(|start| *start <= range.start().to_usize())
    }

    fn statements(&self, body: &[ast::Stmt], items: &mut Vec<Item>) {
        for statement in body {
            self.statement(statement, items);
        }
    }

    fn statement(&self, statement: &ast::Stmt, items: &mut Vec<Item>) {
        let line = self.line(statement.range());
        match statement {
            ast::Stmt::FunctionDef(function) => items.push(Item::Function(Box::new(self.function(function)))),
            ast::Stmt::Import(import) => {
                for alias in &import.names {
                    let module = alias.name.to_string();
                    let (name, module) = match &alias.asname {
                        Some(name) => (name.to_string(), module),
                        // `import a.b` gives the name `a`.
                        None => {
                            let first = module.split('.').next().unwrap_or_default().to_owned();
                            (first.clone(), first)
                        }
                    };
                    items.push(Item::Import { name, module, attribute: None, level: 0, line });
                }
            }
            ast::Stmt::ImportFrom(import) => self.import_from(import, items),
            ast::Stmt::Assign(assign) => {
                for target in &assign.targets {
                    if let ast::Expr::Name(name) = target {
                        let value = self.value(&assign.value);
                        items.push(Item::Assign { name: name.id.to_string(), value, line });
                    }
                }
            }
            ast::Stmt::AnnAssign(assign) => {
                if let (ast::Expr::Name(name), Some(value)) = (&*assign.target, &assign.value) {
                    items.push(Item::Assign { name: name.id.to_string(), value: self.value(value), line });
                }
            }
            ast::Stmt::Expr(expression) => items.push(Item::Call { value: self.value(&expression.value), line }),
            // Which way is taken is not known: tasks of all ways are there.
            ast::Stmt::If(branch) => {
                self.statements(&branch.body, items);
                branch.elif_else_clauses.iter().for_each(|clause| self.statements(&clause.body, items));
            }
            ast::Stmt::Try(attempt) => {
                // An `except ImportError` sets what could not be imported to something else.
                self.statements(&attempt.body, items);
                self.statements(&attempt.orelse, items);
                self.statements(&attempt.finalbody, items);
            }
            ast::Stmt::For(_) | ast::Stmt::While(_) | ast::Stmt::With(_) => {
                items.push(Item::Unclear { line, mentions: mentions(self.text(statement.range())) });
            }
            _ => {}
        }
    }

    fn import_from(&self, import: &ast::StmtImportFrom, items: &mut Vec<Item>) {
        let module = import.module.as_ref().map(ToString::to_string).unwrap_or_default();
        let (level, line) = (import.level, self.line(import.range()));
        for alias in &import.names {
            let attribute = alias.name.to_string();
            items.push(if attribute == "*" {
                Item::Star { module: module.clone(), level, line }
            } else {
                let name = alias.asname.as_ref().map_or_else(|| attribute.clone(), ToString::to_string);
                Item::Import { name, module: module.clone(), attribute: Some(attribute), level, line }
            });
        }
    }

    fn function(&self, function: &ast::StmtFunctionDef) -> Function {
        let mut body = function.body.iter();
        let mut doc = None;
        let mut plain = Vec::new();
        if let Some(first) = body.next() {
            match self.expression(first) {
                Some(Value::Text(text)) => doc = Some(text),
                other => plain.push(other),
            }
        }
        plain.extend(body.map(|statement| self.expression(statement)));
        let parameters = function.parameters.iter_non_variadic_params().map(|parameter| Parameter {
            name: parameter.name().to_string(),
            default: parameter.default().map(|default| self.value(default)),
        });
        Function {
            name: function.name.to_string(),
            line: self.line(function.name.range),
            decorators: function.decorator_list.iter().map(|decorator| self.value(&decorator.expression)).collect(),
            parameters: parameters.collect(),
            doc,
            body: plain,
        }
    }

    fn expression(&self, statement: &ast::Stmt) -> Option<Value> {
        match statement {
            ast::Stmt::Expr(expression) => Some(self.value(&expression.value)),
            _ => None,
        }
    }

    fn text(&self, range: TextRange) -> &str {
        &self.source[range.start().to_usize()..range.end().to_usize()]
    }

    fn value(&self, expression: &ast::Expr) -> Value {
        match expression {
            ast::Expr::Name(name) => Value::Name(name.id.to_string()),
            ast::Expr::Attribute(attribute) => {
                Value::Attribute(Box::new(self.value(&attribute.value)), attribute.attr.to_string())
            }
            ast::Expr::Call(call) => self.call(call),
            ast::Expr::StringLiteral(text) => Value::Text(text.value.to_str().to_owned()),
            ast::Expr::NumberLiteral(number) => match &number.value {
                ast::Number::Int(int) => Value::Int(int.to_string()),
                ast::Number::Float(float) => Value::Float(float.to_string()),
                ast::Number::Complex { .. } => self.other(expression),
            },
            ast::Expr::UnaryOp(minus) if matches!(minus.op, ast::UnaryOp::USub) => match self.value(&minus.operand) {
                Value::Int(text) => Value::Int(format!("-{text}")),
                Value::Float(text) => Value::Float(format!("-{text}")),
                _ => self.other(expression),
            },
            ast::Expr::BooleanLiteral(boolean) => Value::Bool(boolean.value),
            ast::Expr::NoneLiteral(_) => Value::None,
            ast::Expr::List(list) => Value::List(list.elts.iter().map(|item| self.value(item)).collect()),
            ast::Expr::Tuple(list) => Value::List(list.elts.iter().map(|item| self.value(item)).collect()),
            ast::Expr::Dict(dict) => self.dict(dict),
            _ => self.other(expression),
        }
    }

    fn dict(&self, dict: &ast::ExprDict) -> Value {
        let item = |item: &ast::DictItem| Some((self.value(item.key.as_ref()?), self.value(&item.value)));
        Value::Dict(dict.items.iter().filter_map(item).collect())
    }

    fn call(&self, call: &ast::ExprCall) -> Value {
        let named = call.arguments.keywords.iter().filter_map(|keyword| {
            let name = keyword.arg.as_ref()?;
            Some((name.to_string(), self.value(&keyword.value)))
        });
        Value::Call(Box::new(Call {
            function: self.value(&call.func),
            arguments: call.arguments.args.iter().map(|argument| self.value(argument)).collect(),
            named: named.collect(),
        }))
    }

    fn other(&self, expression: &ast::Expr) -> Value {
        Value::Other(self.text(expression.range()).to_owned())
    }
}

/// The words by which a piece of source may state tasks.
fn mentions(text: &str) -> Vec<String> {
    let words = ["add_task", "add_collection", "@task", "task(", "from_module"];
    words.into_iter().filter(|word| text.contains(word)).map(str::to_owned).collect()
}
