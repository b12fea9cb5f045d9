//! PyCharm: content roots in the project's `.iml`, and a run configuration a runnable dir.
//!
//! `.iml` and `modules.xml` belong to PyCharm and its user: what is lacking is put in, and nothing is taken out or changed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::IdeError;
use super::vscode::file_name;
use crate::generated::{Generated, MARK};
use crate::workspace::Workspace;

const MODULE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<module type=\"PYTHON_MODULE\" version=\"4\">
  <component name=\"NewModuleRootManager\">
    <content url=\"file://$MODULE_DIR$\">
    </content>
    <orderEntry type=\"inheritedJdk\" />
    <orderEntry type=\"sourceFolder\" forTests=\"false\" />
  </component>
</module>
";
const MODULES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<project version=\"4\">
  <component name=\"ProjectModuleManager\">
    <modules>
    </modules>
  </component>
</project>
";
const CONTENT: &str = "<content url=\"file://$MODULE_DIR$\"";

/// All files of `.idea` that Wharf has a say in.
///
/// # Errors
/// When one that is there cannot be read, or is not what it should be.
pub fn pycharm(workspace: &Workspace) -> Result<Vec<Generated>, IdeError> {
    let idea = workspace.root.join(".idea");
    let module = module_file(&idea, &workspace.name);
    let name = module.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut files = vec![
        Generated::merged(module.clone(), with_roots(workspace, &module)?),
        Generated::merged(idea.join("modules.xml"), with_module(&idea.join("modules.xml"), &name)?),
    ];
    for dir in &workspace.dirs {
        let address = &dir.address.plain();
        let place = idea.join("runConfigurations");
        for (verb, line) in [("test", wharf(&["test", "--dir", address])), ("bash", wharf(&["bash", address]))] {
            let path = place.join(format!("wharf_{verb}_{}.xml", dir.slug()));
            files.push(Generated::new(path, &configuration(&format!("wharf {verb} {address}"), &line)));
        }
    }
    Ok(files)
}

fn wharf(words: &[&str]) -> String {
    wharf_process::Command::new("wharf").args(words.iter().map(|word| (*word).to_owned())).to_string()
}

/// The module that is there, by its usual name first; else a new one.
fn module_file(idea: &Path, name: &str) -> PathBuf {
    let usual = idea.join(format!("{}.iml", file_name(name)));
    if usual.is_file() {
        return usual;
    }
    let entries = std::fs::read_dir(idea).into_iter().flatten().flatten().map(|entry| entry.path());
    let module = entries.filter(|path| path.extension().is_some_and(|extension| extension == "iml")).min();
    module.unwrap_or(usual)
}

fn read(file: &Path, fresh: &str) -> Result<String, IdeError> {
    match fs_err::read_to_string(file) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(fresh.to_owned()),
        Err(source) => Err(IdeError::Io { file: file.into(), source }),
    }
}

/// The module with the roots that imports start from, the folders of tests, and `.wharf` left out.
fn with_roots(workspace: &Workspace, file: &Path) -> Result<String, IdeError> {
    let text = read(file, MODULE)?;
    let url = |path: &str| format!("url=\"file://$MODULE_DIR$/{}\"", escaped(path));
    let mut lines = Vec::new();
    for repo in workspace.repos.iter().filter(|repo| !repo.path.is_empty()) {
        lines.push((url(&repo.path), format!("<sourceFolder {} isTestSource=\"false\" />", url(&repo.path))));
    }
    for dir in &workspace.dirs {
        for (folder, is_test) in [("src", false), ("tests", true)] {
            if dir.path.join(folder).is_dir() {
                let url = url(&format!("{}{folder}", dir.address.prefix()));
                lines.push((url.clone(), format!("<sourceFolder {url} isTestSource=\"{is_test}\" />")));
            }
        }
    }
    lines.push((url(".wharf"), format!("<excludeFolder {} />", url(".wharf"))));
    lines.retain(|(url, _)| !text.contains(url.as_str()));
    if lines.is_empty() {
        return Ok(text);
    }
    let text = with_content(text, file)?;
    // The content's own end is there: `with_content` saw to it.
    let start = text.find(CONTENT).unwrap_or_default();
    let missing = || IdeError::NotMergeable { file: file.into(), element: "content" };
    let end = start + text[start..].find("</content>").ok_or_else(missing)?;
    Ok(with_lines(&text, end, 6, lines.iter().map(|(_, line)| line.as_str())))
}

/// The text with a content root for the project that has a start and an end.
fn with_content(text: String, file: &Path) -> Result<String, IdeError> {
    let empty = format!("{CONTENT} />");
    let whole = format!("{CONTENT}>\n    </content>");
    if text.contains(&empty) {
        return Ok(text.replacen(&empty, &whole, 1));
    }
    if text.contains(&format!("{CONTENT}>")) {
        return Ok(text);
    }
    let component = "<component name=\"NewModuleRootManager\"";
    if let Some(at) = text.find(component) {
        let rest = &text[at + component.len()..];
        let close = rest.find('>').ok_or_else(|| IdeError::NotMergeable { file: file.into(), element: "component" })?;
        let is_empty = rest[..close].ends_with('/');
        let (head, tail) = (&text[..at + component.len()], &rest[close + 1..]);
        let attributes = rest[..close].trim_end_matches('/').trim_end();
        let end = if is_empty { "\n  </component>" } else { "" };
        return Ok(format!("{head}{attributes}>\n    {whole}{end}{tail}"));
    }
    let missing = || IdeError::NotMergeable { file: file.into(), element: "module" };
    let at = text.rfind("</module>").ok_or_else(missing)?;
    let (head, tail) = text.split_at(at);
    Ok(format!("{head}  {component}>\n    {whole}\n  </component>\n{tail}"))
}

/// The list of modules with this one.
fn with_module(file: &Path, name: &str) -> Result<String, IdeError> {
    let text = read(file, MODULES)?;
    let path = format!("$PROJECT_DIR$/.idea/{}", escaped(name));
    if text.contains(&format!("filepath=\"{path}\"")) {
        return Ok(text);
    }
    let text = text.replacen("<modules />", "<modules>\n    </modules>", 1);
    let missing = || IdeError::NotMergeable { file: file.into(), element: "modules" };
    let end = text.find("</modules>").ok_or_else(missing)?;
    let line = format!("<module fileurl=\"file://{path}\" filepath=\"{path}\" />");
    Ok(with_lines(&text, end, 6, [line.as_str()].into_iter()))
}

/// Puts lines before the end tag at `end`, which keeps its own indentation.
fn with_lines<'a>(text: &str, end: usize, indent: usize, lines: impl Iterator<Item = &'a str>) -> String {
    let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
    let own_line = text[start..end].trim().is_empty();
    let at = if own_line { start } else { end };
    let lines: String = lines.map(|line| format!("{}{line}\n", " ".repeat(indent))).collect();
    let gap = if own_line { "" } else { "\n" };
    format!("{}{gap}{lines}{}", &text[..at], &text[at..])
}

fn configuration(name: &str, line: &str) -> String {
    let (name, line) = (escaped(name), escaped(line));
    format!(
        "<component name=\"ProjectRunConfigurationManager\">
  <!-- Written by `wharf ide generate pycharm` ({MARK}). -->
  <configuration default=\"false\" name=\"{name}\" type=\"ShConfigurationType\" folderName=\"wharf\">
    <option name=\"SCRIPT_TEXT\" value=\"{line}\" />
    <option name=\"INDEPENDENT_SCRIPT_PATH\" value=\"true\" />
    <option name=\"SCRIPT_PATH\" value=\"\" />
    <option name=\"SCRIPT_OPTIONS\" value=\"\" />
    <option name=\"INDEPENDENT_SCRIPT_WORKING_DIRECTORY\" value=\"true\" />
    <option name=\"SCRIPT_WORKING_DIRECTORY\" value=\"$PROJECT_DIR$\" />
    <option name=\"INDEPENDENT_INTERPRETER_PATH\" value=\"true\" />
    <option name=\"INTERPRETER_PATH\" value=\"\" />
    <option name=\"INTERPRETER_OPTIONS\" value=\"\" />
    <option name=\"EXECUTE_IN_TERMINAL\" value=\"true\" />
    <option name=\"EXECUTE_SCRIPT_FILE\" value=\"false\" />
    <envs />
    <method v=\"2\" />
  </configuration>
</component>
"
    )
}

/// Text as an attribute of XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Result<String, IdeError> {
        with_content(text.to_owned(), Path::new("x.iml"))
    }

    #[test]
    fn a_content_root_is_found_or_made() {
        let made = format!("{CONTENT}>\n    </content>");
        for text in [
            "<module>\n  <component name=\"NewModuleRootManager\">\n    <content url=\"file://$MODULE_DIR$\" />\n  </component>\n</module>\n",
            "<module>\n  <component name=\"NewModuleRootManager\" inherit=\"true\">\n  </component>\n</module>\n",
            "<module>\n  <component name=\"NewModuleRootManager\" />\n</module>\n",
            "<module>\n  <component name=\"Other\" />\n</module>\n",
        ] {
            let merged = contents(text).unwrap();
            assert!(merged.contains(&made), "{merged}");
            assert_eq!(
                merged.matches("<component").count(),
                merged.matches("</component>").count() + merged.matches("Other").count()
            );
            assert_eq!(contents(&merged).unwrap(), merged);
        }
        assert!(matches!(contents("hello"), Err(IdeError::NotMergeable { .. })));
    }

    #[test]
    fn lines_go_before_the_end() {
        let lines = || ["<a />", "<b />"].into_iter();
        assert_eq!(with_lines("<x>\n  <own />\n</x>\n", 14, 2, lines()), "<x>\n  <own />\n  <a />\n  <b />\n</x>\n");
        assert_eq!(with_lines("<x></x>", 3, 2, lines()), "<x>\n  <a />\n  <b />\n</x>");
    }
}
