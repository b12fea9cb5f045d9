//! pip: `devops/requirements.lock`, which pip itself cannot write.
//!
//! pip resolves the very lists that a build installs, and reports what it would install. Versions of before are
//! given to it as constraints. It takes constraints for law, so those that it names in a conflict are taken away and it is asked again: a
//! version of before is kept as long as it satisfies. To upgrade one package, its newest version is found first, free of all
//! constraints, and then held fast while the others give way only where they must.

use serde_json::Value;

use super::LockError;
use super::pins;
use super::room::{Room, Said};
use crate::image::change::{Versions, add};
use crate::image::python::names::{head, normalize};
use crate::image::python::{Dependencies, Install, PIP_LOCK};

/// What pip would install.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// From a package index.
    pub(super) versions: Versions,
    /// Asked for by address.
    pub(super) direct: Versions,
}

impl Chosen {
    /// All of it.
    pub(super) fn all(&self) -> Versions {
        self.versions.iter().chain(&self.direct).map(|(name, version)| (name.clone(), version.clone())).collect()
    }
}

/// pip with the files of a build.
pub(super) struct Pip<'a> {
    room: &'a Room<'a>,
    /// Files with hashes: pip wants hashes for all that is asked for together with them.
    hashed: Vec<String>,
}

const SCRIPT: &str = r#"
cd "$W/python"; out="$1"; shift
if ! "$PYTHON" -c 'import sys, pip; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null; then
  # Kept for the next time; whoever comes second drops his own.
  if [ ! -x "$CACHE/pip-venv/bin/python" ]; then
    fresh="$CACHE/fresh-$$"; "$PYTHON" -m venv "$fresh"
    if [ -e "$CACHE/pip-venv" ]; then rm -rf "$fresh"; else mv "$fresh" "$CACHE/pip-venv"; fi
  fi
  PYTHON="$CACHE/pip-venv/bin/python"
fi
# https://pip.pypa.io/en/stable/news/#v22-2
can_report() {
  "$PYTHON" -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 2))' 2>/dev/null
}
can_report || "$PYTHON" -m pip install --quiet --upgrade pip
if can_report; then
  exec "$PYTHON" -m pip install --no-input --dry-run --ignore-installed --report "$W/$out" -c "$W/pins.txt" "$@"
fi
rm -rf "$W/target"
"$PYTHON" -m pip install --no-input --target "$W/target" -c "$W/pins.txt" "$@"
"$PYTHON" -m pip list --path "$W/target" --format json > "$W/$out"
"#;

impl<'a> Pip<'a> {
    /// Puts the files of the build into the room; the lock among them says nothing there.
    pub(super) fn new(room: &'a Room<'a>, dependencies: &Dependencies) -> Result<Self, LockError> {
        let folder = room.folder().join("python");
        fs_err::create_dir_all(&folder)?;
        let mut hashed = Vec::new();
        for (name, bytes) in &dependencies.files {
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                fs_err::create_dir_all(parent)?;
            }
            let is_lock = name.rsplit('/').next() == Some(PIP_LOCK);
            fs_err::write(path, if is_lock { &[][..] } else { bytes })?;
            if String::from_utf8_lossy(bytes).contains(" --hash") {
                hashed.push(name.clone());
            }
        }
        Ok(Self { room, hashed })
    }

    /// What the steps install, with versions of before kept where they satisfy.
    pub(super) fn keeping(&self, steps: &[&Install], before: &Versions) -> Result<Result<Chosen, Said>, LockError> {
        self.converge(steps, before.clone(), &[])
    }

    /// The same with some packages moved to the newest version that can be had.
    pub(super) fn upgrading(
        &self,
        steps: &[&Install],
        before: &Versions,
        names: &[String],
    ) -> Result<Result<Chosen, Said>, LockError> {
        let newest = match self.attempt(steps, &Versions::new())? {
            Ok(chosen) => chosen.versions,
            Err(said) => return Ok(Err(said)),
        };
        let mut pins = before.clone();
        for name in names {
            pins.remove(name);
            pins.extend(newest.get(name).map(|version| (name.clone(), version.clone())));
        }
        self.converge(steps, pins, names)
    }

    fn converge(
        &self,
        steps: &[&Install],
        mut pins: Versions,
        held: &[String],
    ) -> Result<Result<Chosen, Said>, LockError> {
        loop {
            let said = match self.attempt(steps, &pins)? {
                Ok(chosen) => return Ok(Ok(chosen)),
                Err(said) => said,
            };
            let before = pins.len();
            let blamed = blamed(&said.text);
            pins.retain(|name, _| held.contains(name) || !blamed.contains(name));
            if pins.len() == before {
                // It cannot say which one is in the way: one last time without any.
                pins.retain(|name, _| held.contains(name));
            }
            if pins.len() == before || super::resolve::is_network(&said.text) {
                return Ok(Err(said));
            }
        }
    }

    fn attempt(&self, steps: &[&Install], pins: &Versions) -> Result<Result<Chosen, Said>, LockError> {
        let mut chosen = Chosen::default();
        let mut args = Vec::new();
        for step in steps {
            match step {
                Install::Requirements { file } if self.hashed.contains(file) => {
                    match self.ask(&["-r".into(), file.clone()], &Versions::new(), &mut chosen)? {
                        Some(said) => return Ok(Err(said)),
                        None => continue,
                    }
                }
                Install::Requirements { file } => args.extend(["-r".to_owned(), file.clone()]),
                Install::Packages { names } => args.extend(names.iter().cloned()),
                Install::UvSync { .. } | Install::PoetrySync { .. } => {}
            }
        }
        if !args.is_empty() {
            let mut pins = pins.clone();
            pins.extend(chosen.versions.clone());
            if let Some(said) = self.ask(&args, &pins, &mut chosen)? {
                return Ok(Err(said));
            }
        }
        Ok(Ok(chosen))
    }

    /// One run of pip; gives what it said where it failed.
    fn ask(&self, args: &[String], pins: &Versions, chosen: &mut Chosen) -> Result<Option<Said>, LockError> {
        let report = self.room.folder().join("report.json");
        fs_err::write(self.room.folder().join("pins.txt"), pins::constraints(pins))?;
        let mut all = vec!["report.json".to_owned()];
        all.extend(args.iter().cloned());
        let said = self.room.run(SCRIPT, &all)?;
        if !said.is_success {
            return Ok(Some(said));
        }
        let bytes = fs_err::read(report)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(std::io::Error::from)?;
        take(&value, chosen);
        Ok(None)
    }
}

/// Reads pip's installation report, or its list where it is too old for one.
fn take(value: &Value, chosen: &mut Chosen) {
    let items = value.get("install").unwrap_or(value).as_array().into_iter().flatten();
    for item in items {
        let metadata = item.get("metadata").unwrap_or(item);
        let text = |key: &str| metadata.get(key).and_then(Value::as_str);
        let (Some(name), Some(version)) = (text("name"), text("version")) else { continue };
        let is_direct = item.get("is_direct").and_then(Value::as_bool).unwrap_or(false);
        let versions = if is_direct { &mut chosen.direct } else { &mut chosen.versions };
        versions.remove(&normalize(name));
        add(versions, normalize(name), version);
    }
}

/// Packages whose constraint pip names in a conflict, or whose pinned version it cannot find.
fn blamed(text: &str) -> Vec<String> {
    let marks = ["(constraint) ", "No matching distribution found for "];
    let named = text.lines().filter_map(|line| {
        let (_, rest) = marks.iter().find_map(|mark| line.split_once(mark))?;
        head(rest).map(|(name, _)| name)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_names_what_is_in_the_way() {
        let text = "ERROR: Cannot install a==2 because these package versions have conflicting dependencies.\n\n\
                    The conflict is caused by:\n    The user requested a==2\n    The user requested (constraint) a==1\n    \
                    b 1.0 depends on c>2\n    The user requested (constraint) C_c==1\n\
                    ERROR: No matching distribution found for six==99\n";
        assert_eq!(blamed(text), ["a", "c-c", "six"]);
        assert_eq!(blamed("all is well"), [""; 0]);
    }

    #[test]
    fn reports_and_lists_are_read() {
        let report = serde_json::json!({"install": [
            {"is_direct": false, "metadata": {"name": "Six", "version": "1.16.0"}},
            {"is_direct": true, "metadata": {"name": "lib", "version": "1"}},
        ]});
        let mut chosen = Chosen::default();
        take(&report, &mut chosen);
        assert_eq!(chosen.versions, Versions::from([("six".into(), "1.16.0".into())]));
        assert_eq!(chosen.direct, Versions::from([("lib".into(), "1".into())]));
        let mut listed = Chosen::default();
        take(&serde_json::json!([{"name": "six", "version": "1.16.0"}]), &mut listed);
        assert_eq!(listed.versions, chosen.versions);
    }
}
