//! Where a runnable dir is, written from the super-repo's root: `//infra`, `infra`, `.` for the root.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use wharf_git::place::lexical;

/// The place of a directory below the super-repo's root, with `/` between its parts; `.` is the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

/// A text that is no address in this workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It leads out of the super-repo.
    #[error("`{0}` is outside of the super-repo")]
    Outside(String),
    /// It is not UTF-8.
    #[error("`{0}` is not UTF-8")]
    NotUtf8(String),
}

impl Address {
    /// The super-repo's root.
    #[must_use]
    pub fn root() -> Self {
        Self(".".into())
    }

    /// From a path relative to the super-repo's root.
    ///
    /// # Errors
    /// When it climbs out, or is not UTF-8.
    pub fn from_relative(path: &Path) -> Result<Self, AddressError> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    parts.pop().ok_or_else(|| AddressError::Outside(path.display().to_string()))?;
                }
                Component::Normal(name) => {
                    let name = name.to_str().ok_or_else(|| AddressError::NotUtf8(path.display().to_string()))?;
                    parts.push(name);
                }
                Component::RootDir | Component::Prefix(_) => {
                    return Err(AddressError::Outside(path.display().to_string()));
                }
            }
        }
        Ok(if parts.is_empty() { Self::root() } else { Self(parts.join("/")) })
    }

    /// What a user means by `text`: `//x` and `x` from the super-repo's root; `./x` and `../x` from `here`;
    /// an absolute path as it is. A plain `x` that is only there below `here` means that one.
    ///
    /// # Errors
    /// When it leads out of the super-repo.
    pub fn parse(text: &str, root: &Path, here: &Path) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix("//") {
            return Self::from_relative(Path::new(rest));
        }
        let path = Path::new(text);
        let local = if path.is_absolute() {
            path.to_path_buf()
        } else if text == "." || text.starts_with("./") || text.starts_with("..") || !root.join(path).exists() {
            here.join(path)
        } else {
            root.join(path)
        };
        let plain = lexical(&local);
        let relative = plain.strip_prefix(root).map(Path::to_path_buf);
        let relative = relative.or_else(|_| {
            let real = local.canonicalize().unwrap_or(plain);
            real.strip_prefix(root).map(Path::to_path_buf)
        });
        Self::from_relative(&relative.map_err(|_| AddressError::Outside(text.into()))?)
    }

    /// A text that means this place from any folder, and is no option: for a command line.
    #[must_use]
    pub fn anywhere(&self) -> String {
        if self.is_root() { "//".to_owned() } else { format!("//{}", self.0) }
    }

    /// The same as people write it at the super-repo's root: without `//` where that means the same there and is no option.
    #[must_use]
    pub fn plain(&self) -> String {
        if self.is_root() || self.0.starts_with('-') { self.anywhere() } else { self.0.clone() }
    }

    /// The text, without `//`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the super-repo's root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    /// The directory on disk.
    #[must_use]
    pub fn under(&self, root: &Path) -> PathBuf {
        if self.is_root() { root.to_path_buf() } else { root.join(&self.0) }
    }

    /// The path below the root as it stands in ids: empty for the root, else with a `/` at its end.
    #[must_use]
    pub fn prefix(&self) -> String {
        if self.is_root() { String::new() } else { format!("{}/", self.0) }
    }

    /// Whether `other` is this place or below it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.is_root() || self == other || other.0.starts_with(&self.prefix())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_command_line_it_is_no_option_and_not_this_folder() {
        for (path, anywhere, plain) in [("", "//", "//"), ("a/b", "//a/b", "a/b"), ("-x", "//-x", "//-x")] {
            let address = Address::from_relative(Path::new(path)).unwrap();
            assert_eq!((address.anywhere().as_str(), address.plain().as_str()), (anywhere, plain));
        }
    }

    fn parse(text: &str) -> Result<String, AddressError> {
        Address::parse(text, Path::new("/w"), Path::new("/w/a")).map(|address| address.0)
    }

    #[test]
    fn writes_one_place_in_one_way() {
        assert_eq!(parse("//x/y/"), Ok("x/y".into()));
        assert_eq!(parse("./b"), Ok("a/b".into()));
        assert_eq!(parse(".."), Ok(".".into()));
        assert_eq!(parse("/w/q"), Ok("q".into()));
        assert_eq!(parse("//"), Ok(".".into()));
    }

    #[test]
    fn refuses_to_climb_out() {
        assert!(matches!(parse("../.."), Err(AddressError::Outside(_))));
        assert!(matches!(parse("//../x"), Err(AddressError::Outside(_))));
        assert!(matches!(parse("/etc"), Err(AddressError::Outside(_))));
    }

    #[test]
    fn contains_only_what_is_below() {
        let a = Address("a".into());
        assert!(a.contains(&Address("a/b".into())));
        assert!(!a.contains(&Address("ab".into())));
        assert!(Address::root().contains(&a));
    }
}
