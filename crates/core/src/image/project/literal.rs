//! Finds a module-level `NAME = "literal"` in Python source by its text, following plain imports of the name.
//! Runs nothing: what is computed is not found.

use std::path::{Path, PathBuf};

/// How many imports are followed before giving up.
const DEPTH: u8 = 4;

/// What a line of source says about a name.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    Value(String),
    Import { module: String, name: String },
}

/// The value of `module.name` below an import root.
pub(super) fn in_module(root: &Path, module: &str, name: &str) -> Option<String> {
    follow(root, module, name, DEPTH)
}

/// The first of these names that a file gives a literal value, imports not followed.
pub(super) fn in_text(text: &str, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        text.lines().filter_map(|line| says(line, name)).find_map(|said| match said {
            Says::Value(value) => Some(value),
            Says::Import { .. } => None,
        })
    })
}

fn follow(root: &Path, module: &str, name: &str, depth: u8) -> Option<String> {
    let (path, is_package) = module_file(root, module)?;
    let text = std::fs::read_to_string(path).ok()?;
    let mut said: Vec<Says> = joined(&text).lines().filter_map(|line| says(line, name)).collect();
    // The last assignment counts, as in Python.
    while let Some(last) = said.pop() {
        match last {
            Says::Value(value) => return Some(value),
            Says::Import { module: target, name } if depth > 0 => {
                let target = absolute(module, is_package, &target)?;
                // `from . import version` may mean a module of that name, whose own version is then meant elsewhere.
                if let Some(value) = follow(root, &target, &name, depth - 1) {
                    return Some(value);
                }
            }
            Says::Import { .. } => {}
        }
    }
    None
}

/// The file of a module, and whether it is a package's `__init__.py`.
pub(super) fn module_file(root: &Path, module: &str) -> Option<(PathBuf, bool)> {
    let base = module.split('.').fold(root.to_owned(), |path, part| path.join(part));
    let package = base.join("__init__.py");
    if package.is_file() {
        return Some((package, true));
    }
    let file = base.with_extension("py");
    file.is_file().then_some((file, false))
}

/// `..a` as seen from a module.
fn absolute(module: &str, is_package: bool, target: &str) -> Option<String> {
    let rest = target.trim_start_matches('.');
    let level = target.len() - rest.len();
    if level == 0 {
        return Some(target.to_owned());
    }
    let parts: Vec<&str> = module.split('.').collect();
    let keep = parts.len().checked_sub(level - usize::from(is_package))?;
    let base = parts.get(..keep)?.join(".");
    Some([base.as_str(), rest].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("."))
}

/// Source with what stands in brackets over several lines on one line, for imports and tuples.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for line in text.lines() {
        let code = line.split('#').next().unwrap_or_default();
        let plain = line.starts_with("from ") || depth > 0 || line.contains("= (");
        out.push_str(if depth > 0 { code.trim() } else { line });
        if plain {
            depth = (depth + code.matches('(').count()).saturating_sub(code.matches(')').count());
        }
        out.push(if depth > 0 { ' ' } else { '\n' });
    }
    out
}

fn says(line: &str, name: &str) -> Option<Says> {
    if let Some(rest) = line.strip_prefix("from ") {
        let (module, names) = rest.split_once(" import ")?;
        return names.split('#').next()?.split(',').find_map(|item| {
            let words: Vec<&str> =
                item.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).split_whitespace().collect();
            let (from, to) = match words.as_slice() {
                [one] => (*one, *one),
                [from, "as", to] => (*from, *to),
                _ => return None,
            };
            (to == name).then(|| Says::Import { module: module.trim().to_owned(), name: from.to_owned() })
        });
    }
    let mut found = false;
    let mut rest = line;
    // `__version__ = version = "1"` names two.
    while let Some((target, value)) = assignment(rest) {
        found |= target == name;
        rest = value;
    }
    if found { literal(rest.trim()).map(Says::Value) } else { None }
}

/// Splits `name: annotation = rest`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|end| *end > 0)?;
    let (target, rest) = text.split_at(end);
    let (between, value) = rest.split_once('=')?;
    let plain =
        between.trim().is_empty() || between.trim_start().starts_with(':') && !between.contains(['"', '\'', '(']);
    (plain && !value.starts_with('=')).then_some((target, value))
}

/// A string, or a tuple of numbers and strings joined by dots as setuptools does.
fn literal(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix(['(', '[']) {
        let inner = inner.split([')', ']']).next()?;
        let parts: Option<Vec<String>> =
            inner.split(',').map(str::trim).filter(|part| !part.is_empty()).map(part).collect();
        return parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join("."));
    }
    string(text)
}

fn part(text: &str) -> Option<String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { Some(text.to_owned()) } else { string(text) }
}

fn string(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['r', 'u', 'R', 'U']);
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| text.starts_with(quote))?;
    let (value, rest) = text[quote.len()..].split_once(quote)?;
    let rest = rest.trim();
    // `"1." + minor` and `"%s" % x` are computed; `"1.0".strip()` too.
    (rest.is_empty() || rest.starts_with(['#', ';'])).then(|| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_and_nothing_computed() {
        for (line, value) in [
            ("__version__ = '1.2'", Some("1.2")),
            ("__version__: str = \"1.2\"  # now", Some("1.2")),
            ("__version__ = version = '1.2.3'", Some("1.2.3")),
            ("__version__ = (1, 2, 'rc1')", Some("1.2.rc1")),
            ("    __version__ = '9'", None),
            ("__version__ = '1.' + x", None),
            ("__version__ == '1'", None),
            ("__version__ = get('x')", None),
            ("x__version__ = '1'", None),
        ] {
            assert_eq!(in_text(line, &["__version__"]).as_deref(), value, "{line}");
        }
    }

    #[test]
    fn imports_are_followed() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("pkg/__init__.py", "from .sub import (\n    other,\n    version as __version__,  # for all\n)\n");
        write("pkg/sub/__init__.py", "from pkg._v import VERSION as version\n");
        write("pkg/_v.py", "VERSION = (\n    1,\n    4,\n)\n");
        assert_eq!(in_module(root.path(), "pkg", "__version__").as_deref(), Some("1.4"));
        write("loop/__init__.py", "from loop import __version__\n");
        assert_eq!(in_module(root.path(), "loop", "__version__"), None);
    }
}
