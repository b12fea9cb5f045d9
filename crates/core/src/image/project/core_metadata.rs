//! The core metadata of a package (`METADATA`), as its build backend would write it, without the long description.

use std::path::Path;

use pep508_rs::{ExtraName, Requirement};
use toml::Value;

use super::discover::Sources;
use super::import_root::module_name;
use super::{Error, literal};
use crate::image::python::{self, Declared, GroupKind, Needed, poetry_specifiers};

/// Fields in order; some occur more than once.
pub(super) type Headers = Vec<(String, String)>;

/// Reads `PKG-INFO`: fields up to the first empty line, folded ones joined.
pub(super) fn parse(text: &str) -> Headers {
    let mut headers: Headers = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    headers
}

/// `METADATA`'s text.
pub(super) fn render(headers: &Headers) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// All fields of a package.
pub(super) fn collect(
    sources: &Sources,
    name: &str,
    version: &str,
    import_root: &Path,
    notes: &mut Vec<String>,
) -> Result<Headers, Error> {
    let stated =
        sources.has(&["project"]) || sources.has(&["tool", "poetry"]) || sources.cfg("metadata", "name").is_some();
    if let (false, Some(carried)) = (stated, &sources.pkg_info) {
        let kept = carried.iter().filter(|(field, _)| !field.eq_ignore_ascii_case("Description"));
        let mut out = Writer { headers: kept.cloned().collect() };
        if sources.pkg_info("Requires-Dist").is_none() {
            requirements(sources, name, notes, &mut out)?;
        }
        return Ok(out.headers);
    }
    let mut out = Writer { headers: Vec::new() };
    out.field("Metadata-Version", "2.4");
    out.field("Name", name);
    out.field("Version", version);
    summary(sources, name, import_root, &mut out);
    people(sources, &mut out);
    classes(sources, &mut out);
    out.optional("Requires-Python", requires_python(sources));
    requirements(sources, name, notes, &mut out)?;
    Ok(out.headers)
}

struct Writer {
    headers: Headers,
}

impl Writer {
    fn field(&mut self, name: &str, value: &str) {
        let mut lines = value.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        self.headers.push((name.to_owned(), lines.fold(first, |text, line| format!("{text}\n        {line}"))));
    }

    fn optional(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.field(name, value.as_ref());
        }
    }
}

fn summary(sources: &Sources, name: &str, import_root: &Path, out: &mut Writer) {
    let stated =
        sources.string(&["project", "description"]).or_else(|| sources.string(&["tool", "poetry", "description"]));
    let stated = stated.or_else(|| sources.cfg("metadata", "description")).map(str::to_owned);
    let docstring = || {
        // Flit takes the first line of the module's docstring.
        let dynamic = sources.backend().starts_with("flit") && sources.manifest.as_ref()?.is_dynamic("description");
        let module =
            sources.string(&["tool", "flit", "module", "name"]).map_or_else(|| module_name(name), str::to_owned);
        let (path, _) = literal::module_file(&sources.dir.join(import_root), &module).filter(|_| dynamic)?;
        let text = std::fs::read_to_string(path).ok()?;
        let body = text.trim_start().strip_prefix("\"\"\"").or_else(|| text.trim_start().strip_prefix("'''"))?;
        let line = body.trim_start().lines().next()?;
        Some(line.trim_end_matches("\"\"\"").trim_end_matches("'''").trim().to_owned())
    };
    let summary = stated.or_else(docstring).or_else(|| sources.pkg_info("Summary").map(str::to_owned));
    // One line, as the format wants.
    out.optional("Summary", summary.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")));
}

fn people(sources: &Sources, out: &mut Writer) {
    for (key, field) in [("authors", "Author"), ("maintainers", "Maintainer")] {
        let listed = sources.manifest.as_ref().and_then(|manifest| manifest.value(&["project", key])?.as_array());
        let (mut names, mut mails) = (Vec::new(), Vec::new());
        for person in listed.into_iter().flatten() {
            match (person.get("name").and_then(Value::as_str), person.get("email").and_then(Value::as_str)) {
                (Some(name), Some(mail)) => mails.push(format!("{name} <{mail}>")),
                (Some(name), None) => names.push(name.to_owned()),
                (None, Some(mail)) => mails.push(mail.to_owned()),
                (None, None) => {}
            }
        }
        if let Some(first) = sources.strings(&["tool", "poetry", key]).first() {
            let (name, mail) = first
                .split_once('<')
                .map_or((first.as_str(), None), |(name, mail)| (name, Some(mail.trim_end_matches('>'))));
            names.push(name.trim().to_owned());
            mails.extend(mail.map(str::to_owned));
        }
        let cfg =
            |suffix: &str| sources.cfg("metadata", &format!("{}{suffix}", field.to_lowercase())).map(str::to_owned);
        names.extend(cfg(""));
        mails.extend(cfg("_email"));
        out.optional(field, (!names.is_empty()).then(|| names.join(", ")));
        out.optional(&format!("{field}-email"), (!mails.is_empty()).then(|| mails.join(", ")));
    }
}

fn classes(sources: &Sources, out: &mut Writer) {
    if let Some(license) = sources.string(&["project", "license"]) {
        out.field("License-Expression", license);
    } else {
        let table = sources.string(&["project", "license", "text"]);
        out.optional(
            "License",
            table
                .or_else(|| sources.string(&["tool", "poetry", "license"]))
                .or_else(|| sources.cfg("metadata", "license")),
        );
    }
    let lists = |key: &str| {
        let mut listed = sources.strings(&["project", key]);
        listed.extend(sources.strings(&["tool", "poetry", key]));
        listed
    };
    let keywords = lists("keywords");
    out.optional("Keywords", (!keywords.is_empty()).then(|| keywords.join(",")));
    let mut classifiers = lists("classifiers");
    classifiers.extend(sources.cfg.iter().flat_map(|cfg| cfg.lines("metadata", "classifiers")));
    for classifier in &classifiers {
        out.field("Classifier", classifier);
    }
    let poetry_urls = [("homepage", "Homepage"), ("repository", "Repository"), ("documentation", "Documentation")];
    for (key, label) in poetry_urls {
        out.optional("Project-URL", sources.string(&["tool", "poetry", key]).map(|url| format!("{label}, {url}")));
    }
    for table in [["project", "urls"], ["tool.poetry", "urls"]] {
        let keys: Vec<&str> = table[0].split('.').chain([table[1]]).collect();
        for (label, url) in sources.manifest.as_ref().and_then(|manifest| manifest.table(&keys)).into_iter().flatten() {
            out.optional("Project-URL", url.as_str().map(|url| format!("{label}, {url}")));
        }
    }
    out.optional("Home-page", sources.cfg("metadata", "url"));
}

fn requires_python(sources: &Sources) -> Option<String> {
    let poetry = || {
        sources
            .string(&["tool", "poetry", "dependencies", "python"])
            .and_then(poetry_specifiers)
            .filter(|text| !text.is_empty())
    };
    let cfg = || sources.cfg("options", "python_requires").map(str::to_owned);
    sources.string(&["project", "requires-python"]).map(str::to_owned).or_else(poetry).or_else(cfg)
}

fn requirements(sources: &Sources, name: &str, notes: &mut Vec<String>, out: &mut Writer) -> Result<(), Error> {
    let declared = Declared::as_published(sources.dir, sources.manifest.as_ref())?;
    let is_computed = |field: &str| sources.manifest.as_ref().is_some_and(|manifest| manifest.is_dynamic(field));
    if declared.main.is_none() && (is_computed("dependencies") || declared.computed) {
        notes.push(format!(
            "what `{name}` requires is computed when it is built, so its metadata lists no requirements"
        ));
    }
    for need in declared.main.iter().flatten() {
        out.optional("Requires-Dist", requirement(sources, need, None)?);
    }
    for group in declared.groups.iter().filter(|group| group.kind == GroupKind::Extra) {
        let Ok(extra) = ExtraName::new(group.name.clone()) else {
            continue;
        };
        out.field("Provides-Extra", extra.as_ref());
        for need in &group.needs {
            out.optional("Requires-Dist", requirement(sources, need, Some(&extra))?);
        }
    }
    Ok(())
}

/// A requirement as `Requires-Dist` has it; `None` for a path, which has no portable form.
fn requirement(sources: &Sources, need: &Needed, extra: Option<&ExtraName>) -> Result<Option<String>, Error> {
    let Needed::Requirement(text) = need else {
        return Ok(None);
    };
    text.parse::<Requirement>().map_err(|error| python::Error::Requirement {
        file: sources.dir.join("pyproject.toml"),
        line: sources.manifest.as_ref().map_or(1, |it| it.line_of(text)),
        text: text.clone(),
        message: error.message.to_string(),
    })?;
    Ok(Some(match extra {
        Some(extra) => with_extra(text, extra.as_ref()),
        None => text.trim().to_owned(),
    }))
}

/// A requirement that only an extra brings. Works on the text, as a parsed marker would be printed in other words.
fn with_extra(text: &str, extra: &str) -> String {
    // In a URL, only a semicolon after a space starts the marker.
    let separator = if text.contains('@') && text.contains("://") { " ;" } else { ";" };
    match text.split_once(separator) {
        Some((head, marker)) if marker.contains(" or ") => {
            format!("{}; ({}) and extra == \"{extra}\"", head.trim(), marker.trim())
        }
        Some((head, marker)) => format!("{}; {} and extra == \"{extra}\"", head.trim(), marker.trim()),
        None => format!("{} ; extra == \"{extra}\"", text.trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extras_become_markers() {
        for (text, whole) in [
            ("a>=1", "a>=1 ; extra == \"x\""),
            ("a; python_version < '3.9'", "a; python_version < '3.9' and extra == \"x\""),
            ("a; os_name == 'nt' or os_name == 'x'", "a; (os_name == 'nt' or os_name == 'x') and extra == \"x\""),
            ("a @ https://example.org/a;b.whl", "a @ https://example.org/a;b.whl ; extra == \"x\""),
        ] {
            assert_eq!(with_extra(text, "x"), whole);
        }
    }

    #[test]
    fn folded_fields_are_joined() {
        let headers = parse("Name: demo\nLicense: one\n        two\nRequires-Dist: a\n\nName: not me\n");
        assert_eq!(headers.len(), 3);
        assert_eq!(render(&headers), "Name: demo\nLicense: one\n        two\nRequires-Dist: a\n");
    }
}
