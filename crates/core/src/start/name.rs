//! Names of fresh runnable dirs, and of the Python modules in them.

use super::error::StartError;
use crate::runnable_dir::DEVOPS;

/// Words that Python keeps for itself (`keyword.kwlist`, Python 3.14).
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Modules that Python, pytest or their start would take from the dir instead of their own place (`sys.stdlib_module_names`,
/// those that people would think of).
const TAKEN: [&str; 96] = [
    "abc",
    "argparse",
    "array",
    "ast",
    "asyncio",
    "atexit",
    "base64",
    "bisect",
    "builtins",
    "bz2",
    "calendar",
    "cmath",
    "cmd",
    "code",
    "codecs",
    "collections",
    "colorsys",
    "compileall",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "copyreg",
    "csv",
    "ctypes",
    "dataclasses",
    "datetime",
    "dbm",
    "decimal",
    "difflib",
    "dis",
    "doctest",
    "email",
    "encodings",
    "enum",
    "errno",
    "fractions",
    "ftplib",
    "functools",
    "gc",
    "glob",
    "graphlib",
    "gzip",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "http",
    "imaplib",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "locale",
    "logging",
    "lzma",
    "math",
    "multiprocessing",
    "numbers",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "platform",
    "pluggy",
    "profile",
    "pytest",
    "queue",
    "random",
    "re",
    "runpy",
    "secrets",
    "select",
    "shutil",
    "signal",
    "site",
    "socket",
    "sqlite3",
    "ssl",
    "statistics",
    "string",
    "struct",
    "subprocess",
    "symtable",
    "sys",
    "tempfile",
    "threading",
    "time",
    "token",
    "types",
    "typing",
    "uuid",
    "zipfile",
];

/// Checks the name of a dir to be; gives the name of the module in it.
///
/// # Errors
/// [`StartError::Name`], with the reason.
pub fn check(name: &str) -> Result<String, StartError> {
    let refuse = |reason: &str| Err(StartError::Name { name: name.into(), reason: reason.into() });
    if name == DEVOPS {
        return refuse("it is that of the folder which makes a dir runnable");
    }
    if let Some(bad) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.')) {
        return refuse(&format!("`{}` is not allowed in it", bad.escape_default()));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.ends_with(['.', '-']) {
        return refuse("it starts with a letter and ends with a letter or a digit");
    }
    let module = name.to_ascii_lowercase().replace(['-', '.'], "_");
    if KEYWORDS.contains(&module.as_str()) || KEYWORDS.contains(&name) {
        return refuse("it is a word of Python's own");
    }
    if TAKEN.contains(&module.as_str()) {
        return refuse("Python would import it instead of its own module of that name");
    }
    if ["test", "tests", "src", "conftest"].contains(&module.as_str()) {
        return refuse("pytest gives it a meaning of its own");
    }
    Ok(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_after_their_dirs() {
        for (name, module) in
            [("price_feed", "price_feed"), ("Price-Feed", "price_feed"), ("v2.api", "v2_api"), ("a", "a")]
        {
            assert_eq!(check(name).unwrap(), module);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (name, part) in [
            ("devops", "makes a dir runnable"),
            ("a b", "` `"),
            ("a/b", "`/`"),
            ("é", "\\u{e9}"),
            ("-x", "starts with"),
            ("3d", "starts with"),
            ("", "starts with"),
            ("class", "Python's own"),
            ("None", "Python's own"),
            ("json", "instead of its own"),
            ("tests", "pytest"),
        ] {
            assert!(check(name).unwrap_err().to_string().contains(part), "{name}");
        }
    }
}
