//! What the files say that Wharf writes at the start.

use std::fmt::Write as _;

use semver::Version;

use super::plan::Setting;

/// The root's `wharf.toml`.
pub(super) fn root(name: &str) -> String {
    format!(
        "# What all runnable dirs share; `wharf config show --origin` says where each value comes from.\n\
         [workspace]\nname = {}\n",
        quoted(name)
    )
}

/// A dir's `devops/wharf.toml`.
pub(super) fn dir(settings: &[Setting]) -> String {
    let mut text = "# What this dir's image has and how it runs. All has defaults, so this file may stay empty:\n\
                    # `wharf config show DIR --origin` shows them.\n"
        .to_owned();
    for setting in settings {
        match setting {
            Setting::Python(chosen) => {
                if let Some(base) = &chosen.base {
                    let _ =
                        write!(text, "\n[image]\nbase = {}  # {}\n", quoted(base), chosen.because.replace('\n', " "));
                }
                let _ = write!(text, "\n[python]\nversion = {}\n", quoted(&chosen.version));
            }
            Setting::ImportFrom(folder) => {
                let _ = write!(
                    text,
                    "\n[test]\n# Imports start in `{folder}`; state the project's name in `pyproject.toml` instead, and this can go.\n\
                     args = [\"-o\", \"pythonpath={folder}\"]\n"
                );
            }
        }
    }
    text
}

/// A changelog with its first entry.
pub(super) fn changelog(image: &str, version: &Version, today: &str) -> String {
    format!("# {image}-{version}\n- {today}\n- First version with Wharf\n")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
