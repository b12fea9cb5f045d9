//! The parts of `setup.cfg` that setuptools reads: sections, keys, and values over several lines
//! (<https://setuptools.pypa.io/en/latest/userguide/declarative_config.html>).

use std::collections::BTreeMap;
use std::path::Path;

use super::Error;
use super::manifest::read_text;

/// A parsed `setup.cfg` (or any other file that Python's `configparser` reads, such as `entry_points.txt`).
#[derive(Debug, Clone, Default)]
pub struct SetupCfg {
    /// Section, then key, to the value, lines joined by a newline. Keys are in lower case, with `_` for `-`.
    sections: BTreeMap<String, BTreeMap<String, String>>,
    /// The text as it was.
    pub text: String,
}

impl SetupCfg {
    /// Reads the file; `None` where there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        Ok(read_text(path)?.map(|text| Self::parse(&text)))
    }

    /// Parses text; lines that make no sense are passed over, as setuptools itself says more about them.
    pub fn parse(text: &str) -> Self {
        let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut section = String::new();
        let mut key: Option<String> = None;
        for line in text.lines() {
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                if let Some(value) = key.as_ref().and_then(|key| sections.get_mut(&section)?.get_mut(key)) {
                    value.push('\n');
                    value.push_str(bare);
                }
            } else if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.trim().clone_into(&mut section);
                key = None;
            } else if let Some(split) = bare.find(['=', ':']) {
                let name = bare[..split].trim().to_lowercase().replace('-', "_");
                sections.entry(section.clone()).or_default().insert(name.clone(), bare[split + 1..].trim().to_owned());
                key = Some(name);
            }
        }
        Self { sections, text: text.to_owned() }
    }

    /// The value of a key.
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.sections.get(section)?.get(key).map(String::as_str)
    }

    /// The value of a key as a list: one item a line, without comments.
    pub fn lines(&self, section: &str, key: &str) -> Vec<String> {
        self.get(section, key).map(split_lines).unwrap_or_default()
    }

    /// All keys of a section, each with its value as a list.
    pub fn section(&self, section: &str) -> Vec<(String, Vec<String>)> {
        let Some(section) = self.sections.get(section) else {
            return Vec::new();
        };
        section.iter().map(|(key, value)| (key.clone(), split_lines(value))).collect()
    }
}

/// The lines of a value, without comments and empty ones.
pub fn split_lines(value: &str) -> Vec<String> {
    let bare = value.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    bare.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_setuptools_reads() {
        let cfg = SetupCfg::parse(
            "[metadata]\nname = demo\n[options]\ninstall_requires =\n    a>=1\n    # no\n    b; python_version < '3.9'  # yes\npackage-dir =\n    =src\n",
        );
        assert_eq!(cfg.get("metadata", "name"), Some("demo"));
        assert_eq!(cfg.lines("options", "install_requires"), ["a>=1", "b; python_version < '3.9'"]);
        assert_eq!(cfg.lines("options", "package_dir"), ["=src"]);
    }
}
