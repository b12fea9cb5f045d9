//! The nearest known spelling of a word that is not known.

use super::schema::{KEYS, Key, tables};

/// A known path, name or word.
pub type Suggestion = String;

/// The known key that was probably meant by `path`.
pub(super) fn nearest_key(path: &str) -> Option<Suggestion> {
    let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
    let by_path = KEYS.iter().filter_map(|key| Some((misspelling(path, key.path)?, key)));
    // `base` or `os.base` for `image.base`: the right name in the wrong place, or a slip in the right place.
    let by_name = KEYS.iter().filter_map(|key| {
        let distance = misspelling(name, key.name())?;
        (key.table() == table || distance == 0).then_some((distance + usize::from(key.table() != table), key))
    });
    by_path.chain(by_name).min_by_key(|(distance, _)| *distance).map(|(_, key): (_, &Key)| key.path.to_owned())
}

/// The known table that was probably meant by `path`.
pub(super) fn nearest_table(path: &str) -> Option<Suggestion> {
    nearest_word(path, &tables())
}

/// The one of `words` that was probably meant.
#[must_use]
pub fn nearest_word(word: &str, words: &[&str]) -> Option<Suggestion> {
    let near = words.iter().filter_map(|known| Some((misspelling(word, known)?, known)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| (*known).to_owned())
}

/// The one of `paths` that was probably meant by `path`: a file of that name in another folder, or one that is a few slips
/// away.
#[must_use]
pub fn nearest_path<'a>(path: &str, paths: impl Iterator<Item = &'a str>) -> Option<Suggestion> {
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let most = (name(path)?.len() / 3).max(1);
    let distance = |known: &str| match name(known) == name(path) {
        true => Some(0),
        false if known.len().abs_diff(path.len()) > most => None,
        false => Some(strsim::osa_distance(path, known)).filter(|distance| *distance <= most),
    };
    let near = paths.filter_map(|known| Some((distance(known)?, known)));
    near.min().map(|(_, known)| known.to_owned())
}

/// How many slips lead from `known` to `word`, if so few that it was probably meant: one for each three letters.
/// Case and the choice between `-` and `_` are no slips.
fn misspelling(word: &str, known: &str) -> Option<usize> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let most = (known.len() / 3).max(1);
    // Each letter more or less is a slip.
    if word.len().abs_diff(known.len()) > most && word.is_ascii() {
        return None;
    }
    let word = word.to_lowercase().replace('_', "-");
    let distance = strsim::osa_distance(&word, known);
    (distance <= most).then_some(distance)
}
