//! The templates that are embedded in the binary. Their files stand in `templates/`, as any other template's would.

/// A template's file: its path and its text.
type File = (&'static str, &'static str);

/// An embedded template.
pub(super) struct BuiltIn {
    pub name: &'static str,
    pub description: &'static str,
    pub files: &'static [File],
}

macro_rules! files {
    ($template:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("templates/", $template, "/", $path)))),+]
    };
}

/// All of them; the first one is taken where none is asked for.
pub(super) const ALL: [BuiltIn; 3] = [
    BuiltIn {
        name: "library",
        description: "a Python package with a `pyproject.toml`, imported by other dirs",
        files: files!("library": "README.md.jinja", "pyproject.toml.jinja", "src/{{package}}/__init__.py.jinja",
            "tests/test_{{package}}.py.jinja"),
    },
    BuiltIn {
        name: "script",
        description: "one Python file that is run, with its requirements",
        files: files!("script": "README.md.jinja", "requirements.txt", "requirements-test.txt", "{{package}}.py.jinja",
            "tests/test_{{package}}.py.jinja"),
    },
    BuiltIn {
        name: "service",
        description: "an HTTP service with a health check, on Python alone",
        files: files!("service": "README.md.jinja", "requirements.txt", "requirements-test.txt",
            "{{package}}/__init__.py", "{{package}}/__main__.py.jinja", "{{package}}/app.py.jinja",
            "tests/test_app.py.jinja"),
    },
];
