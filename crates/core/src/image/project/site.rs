//! The small tree of files that stands for an editable installation.

use std::collections::BTreeMap;

use super::Project;
use super::core_metadata::render;
use super::import_root::module_name;

/// One generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFile {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it has to be executable.
    pub executable: bool,
}

impl Project {
    /// The files, by path relative to the folder that they are mounted at; `import_root` is where [`Project::import_root`] lies
    /// in the container, absolute.
    pub fn site_files(&self, import_root: &str) -> BTreeMap<String, SiteFile> {
        // A version that PEP 440 does not know may hold anything, and this is a folder's name.
        let version = self.version.replace(|c: char| !(c.is_ascii_alphanumeric() || "._+!".contains(c)), "_");
        let info = format!("{}-{version}.dist-info", module_name(&self.name));
        let mut files = BTreeMap::new();
        let mut add = |path: String, text: String, executable: bool| {
            files.insert(path, SiteFile { bytes: text.into_bytes(), executable });
        };
        add(format!("{info}/METADATA"), render(&self.metadata), false);
        add(format!("{info}/INSTALLER"), "wharf\n".into(), false);
        add(format!("{info}/direct_url.json"), self.direct_url(import_root), false);
        let entry_points = self.entry_points.text();
        if !entry_points.is_empty() {
            add(format!("{info}/entry_points.txt"), entry_points, false);
        }
        if !self.top_level.is_empty() {
            add(
                format!("{info}/top_level.txt"),
                self.top_level.iter().map(|module| format!("{module}\n")).collect(),
                false,
            );
        }
        // Several packages can share the folder, so each brings its own `.pth`.
        add(format!("wharf-{}.pth", module_name(&self.name)), format!("{import_root}\n"), false);
        for (name, reference) in self.entry_points.scripts() {
            add(format!("bin/{name}"), script(reference), true);
        }
        let record: String = files.keys().map(|path| format!("{path},,\n")).collect();
        let record = format!("{record}{info}/RECORD,,\n");
        files.insert(format!("{info}/RECORD"), SiteFile { bytes: record.into_bytes(), executable: false });
        files
    }

    /// Where the code lies, as PEP 610 has it.
    fn direct_url(&self, import_root: &str) -> String {
        let inner = self.import_root.to_string_lossy();
        let dir = import_root
            .trim_end_matches('/')
            .strip_suffix(inner.as_ref())
            .filter(|_| inner != ".")
            .unwrap_or(import_root);
        let mut url = String::from("file://");
        for byte in dir.trim_end_matches('/').bytes() {
            if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
        serde_json::json!({ "dir_info": { "editable": true }, "url": url }).to_string()
    }
}

/// The program that pip would write for an entry point.
fn script(reference: &str) -> String {
    let bare = reference.split('[').next().unwrap_or_default();
    let (module, object) = bare.split_once(':').unwrap_or((bare, ""));
    let (module, object) = (module.trim(), object.trim());
    let import = object.split('.').next().unwrap_or_default();
    format!(
        "#!/usr/bin/env python3\nimport sys\nfrom {module} import {import}\nif __name__ == \"__main__\":\n    sys.exit({object}())\n"
    )
}
