//! What a source distribution says about its dependencies: `PKG-INFO`, and `requires.txt` in the `.egg-info` of an older one.
//! It was computed when the distribution was built, so nothing has to be run.

use std::path::{Path, PathBuf};

use pep508_rs::{ExtraName, Requirement};

use super::Error;
use super::declared::{Group, GroupKind, Needed, checked};
use super::manifest::read_text;
use super::names::normalize;

/// The dependencies that a source distribution carries.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub main: Vec<Needed>,
    pub extras: Vec<Group>,
    pub source: PathBuf,
}

/// Reads them; `None` where `dir` is no unpacked source distribution, or an older one without any.
pub(super) fn read(dir: &Path) -> Result<Option<Carried>, Error> {
    let path = dir.join("PKG-INFO");
    let Some(text) = read_text(&path)? else {
        return Ok(None);
    };
    let headers: Vec<(&str, &str)> =
        text.lines().take_while(|line| !line.trim().is_empty()).filter_map(|line| line.split_once(": ")).collect();
    let field = |wanted: &str| {
        headers.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| value.trim().to_owned()).collect::<Vec<_>>()
    };
    let requires = field("Requires-Dist");
    if !requires.is_empty() {
        return from_headers(&path, &text, &requires, &field("Provides-Extra")).map(Some);
    }
    let Some((path, text)) = requires_txt(dir)? else {
        return Ok(None);
    };
    from_requires_txt(&path, &text).map(Some)
}

fn from_headers(path: &Path, whole: &str, requires: &[String], extras: &[String]) -> Result<Carried, Error> {
    let mut carried = Carried { source: path.to_owned(), ..Carried::default() };
    let extras: Vec<ExtraName> = extras.iter().filter_map(|extra| extra.parse().ok()).collect();
    carried.extras = extras
        .iter()
        .map(|extra| Group { name: extra.to_string(), kind: GroupKind::Extra, needs: Vec::new() })
        .collect();
    for text in requires {
        let need = checked(path, whole, text.clone())?;
        if !text.contains("extra ==") {
            carried.main.push(need);
            continue;
        }
        let Ok(parsed) = text.parse::<Requirement>() else {
            continue;
        };
        for (extra, group) in extras.iter().zip(&mut carried.extras) {
            let names_it = ['"', '\''].iter().any(|quote| {
                text.split("extra ==").skip(1).any(|rest| {
                    rest.trim_start()
                        .strip_prefix(*quote)
                        .and_then(|rest| rest.split(*quote).next())
                        .is_some_and(|name| normalize(name) == extra.as_ref())
                })
            });
            if names_it {
                let mut simple = parsed.clone();
                simple.marker = simple.marker.simplify_extras(std::slice::from_ref(extra));
                group.needs.push(Needed::Requirement(simple.to_string()));
            }
        }
    }
    Ok(carried)
}

/// The file and its text, in the dir or in `src`.
fn requires_txt(dir: &Path) -> Result<Option<(PathBuf, String)>, Error> {
    for folder in [dir.to_owned(), dir.join("src")] {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "egg-info") {
                let path = path.join("requires.txt");
                if let Some(text) = read_text(&path)? {
                    return Ok(Some((path, text)));
                }
            }
        }
    }
    Ok(None)
}

/// Sections `[extra]`, `[:marker]` and `[extra:marker]`, with requirements below each.
fn from_requires_txt(path: &Path, whole: &str) -> Result<Carried, Error> {
    let mut carried = Carried { source: path.to_owned(), ..Carried::default() };
    let (mut extra, mut marker) = ("", "");
    for line in whole.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (extra, marker) = section.split_once(':').unwrap_or((section, ""));
            if !extra.is_empty() && !carried.extras.iter().any(|group| group.name == extra) {
                carried.extras.push(Group { name: extra.to_owned(), kind: GroupKind::Extra, needs: Vec::new() });
            }
            continue;
        }
        let text = if marker.is_empty() { line.to_owned() } else { format!("{line}; {marker}") };
        let need = checked(path, whole, text)?;
        match carried.extras.iter_mut().find(|group| group.name == extra) {
            Some(group) => group.needs.push(need),
            None => carried.main.push(need),
        }
    }
    Ok(carried)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(needs: &[Needed]) -> Vec<&str> {
        needs
            .iter()
            .map(|need| match need {
                Needed::Requirement(text) => text.as_str(),
                Needed::Path { .. } => panic!("a path"),
            })
            .collect()
    }

    #[test]
    fn both_forms_are_read() {
        let root = tempfile::tempdir().unwrap();
        let info = "Name: x\nRequires-Dist: six\nRequires-Dist: idna; os_name == 'nt' and extra == 'Test_A'\nProvides-Extra: Test_A\n\nRequires-Dist: not me\n";
        std::fs::write(root.path().join("PKG-INFO"), info).unwrap();
        let carried = read(root.path()).unwrap().unwrap();
        assert_eq!(
            (texts(&carried.main), texts(&carried.extras[0].needs)),
            (vec!["six"], vec!["idna ; os_name == 'nt'"])
        );

        std::fs::write(root.path().join("PKG-INFO"), "Name: x\n").unwrap();
        std::fs::create_dir(root.path().join("x.egg-info")).unwrap();
        std::fs::write(
            root.path().join("x.egg-info/requires.txt"),
            "six\n\n[:os_name == 'nt']\ncolorama\n\n[test]\npytest\n",
        )
        .unwrap();
        let carried = read(root.path()).unwrap().unwrap();
        assert_eq!(texts(&carried.main), ["six", "colorama; os_name == 'nt'"]);
        assert_eq!((carried.extras[0].name.as_str(), texts(&carried.extras[0].needs)), ("test", vec!["pytest"]));
    }
}
