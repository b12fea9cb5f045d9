//! Names of images, made from the names of folders.
//!
//! A component of an image's name is lower-case letters and digits, separated by one `.`, one or two `_`, or any
//! number of `-` (OCI distribution spec 1.1, "Pulling manifests").

/// An image name that no registry takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` cannot be the name of an image: {reason}")]
pub struct NameError {
    /// The name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The image name of a dir: the name of its repo, then the parts of its path in that repo, joined by `-`.
#[must_use]
pub fn image_name(repo: &str, path_in_repo: &str) -> String {
    let mut parts = vec![component(repo)];
    parts.extend(path_in_repo.split('/').filter(|part| !part.is_empty() && *part != ".").map(component));
    parts.join("-")
}

/// Checks a name that a user wrote.
///
/// # Errors
/// When a registry would not take it; says why.
pub fn check_image_name(name: &str) -> Result<(), NameError> {
    let refuse = |reason: &str| Err(NameError { name: name.into(), reason: reason.into() });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > 200 {
        return refuse("it is longer than 200 characters");
    }
    if name.contains(':') || name.contains('@') {
        return refuse("tags and digests are not part of it");
    }
    for part in name.split('/') {
        if part.is_empty() {
            return refuse("it has an empty part");
        }
        if let Some(bad) = part.chars().find(|character| !is_plain(*character) && !is_separator(*character)) {
            return refuse(&format!("`{bad}` is not allowed (lower-case letters, digits, `.`, `_`, `-`)"));
        }
        if part.starts_with(is_separator) || part.ends_with(is_separator) {
            return refuse("each part starts and ends with a letter or a digit");
        }
        if [".", "___", ".-", "-.", "._", "_.", "-_", "_-"].iter().skip(1).any(|run| part.contains(run))
            || part.contains("..")
        {
            return refuse("separators do not follow each other");
        }
    }
    Ok(())
}

/// A file name for an address: readable, and unique by a short hash where characters had to go.
#[must_use]
pub(super) fn slug(address: &str) -> String {
    if address == "." {
        return "root".into();
    }
    let plain: String =
        address.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    let changed = plain != address || plain == "root" || plain.starts_with(['-', '.']);
    if !changed {
        return plain;
    }
    let slug = format!("{}-{}", plain.trim_start_matches(['-', '.']), short_hash(address));
    slug.trim_start_matches('-').to_owned()
}

fn component(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if is_plain(character) {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with(is_separator) {
            name.push(if matches!(character, '.' | '_') { character } else { '-' });
        }
    }
    let name = name.trim_end_matches(is_separator);
    let lossy = !text.is_ascii();
    match (name.is_empty(), lossy) {
        (true, _) => format!("dir-{}", short_hash(text)),
        (false, true) => format!("{name}-{}", short_hash(text)),
        (false, false) => name.to_owned(),
    }
}

fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..6].to_owned()
}

fn is_plain(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

fn is_separator(character: char) -> bool {
    matches!(character, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_come_from_folders() {
        assert_eq!(image_name("harbor", "infra/db_tools"), "harbor-infra-db_tools");
        assert_eq!(image_name("Harbor", "."), "harbor");
        assert_eq!(image_name("h", "A b"), "h-a-b");
        assert_eq!(image_name("h", "-x"), "h-x");
    }

    #[test]
    fn letters_that_registries_lack_do_not_make_two_names_one() {
        assert_ne!(image_name("h", "données"), image_name("h", "donnees"));
        assert_ne!(image_name("h", "测试"), image_name("h", "数据"));
    }

    #[test]
    fn says_what_is_wrong_with_a_name() {
        for (name, part) in [
            ("A", "`A`"),
            ("a:1", "tags"),
            ("", "empty"),
            ("a//b", "empty part"),
            ("-a", "starts"),
            ("a..b", "separators"),
        ] {
            assert!(check_image_name(name).unwrap_err().reason.contains(part), "{name}");
        }
        assert!(check_image_name("team/a--b__c.d").is_ok());
    }

    proptest! {
        #[test]
        fn a_made_name_is_always_accepted(repo in "\\PC{0,20}", path in "\\PC{0,30}") {
            prop_assert!(check_image_name(&image_name(&repo, &path)).is_ok(), "{}", image_name(&repo, &path));
        }

        #[test]
        fn a_slug_is_a_file_name(address in "[^/\\x00]{1,30}") {
            let slug = slug(&address);
            prop_assert!(!slug.contains('/') && !slug.starts_with('-') && !slug.starts_with('.'));
        }
    }
}
