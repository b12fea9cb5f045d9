//! Which of an owner's files an entry means.

use globset::{GlobBuilder, GlobMatcher};

/// Paths, folders and globs, with exclusions.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

#[derive(Debug, Clone)]
enum Pattern {
    /// A file, or a folder with all that is in it.
    Path(String),
    Glob(Box<GlobMatcher>),
}

impl Patterns {
    /// Reads what `[[files]]` states; what is no glob was refused with the configuration.
    pub(super) fn new(texts: &[String]) -> Self {
        let mut patterns = Self::default();
        for text in texts {
            match text.strip_prefix('!') {
                Some(text) => patterns.exclude.extend(Pattern::new(text)),
                None => patterns.include.extend(Pattern::new(text)),
            }
        }
        patterns
    }

    /// Whether a path in the owner's folder is meant.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.include.iter().any(|pattern| pattern.matches(path))
            && !self.exclude.iter().any(|pattern| pattern.matches(path))
    }

    /// Inclusions that match none of `paths`, as written where they are plain paths.
    pub(super) fn idle<'a>(&self, texts: &'a [String], paths: &[&str]) -> Vec<&'a str> {
        let plain = texts.iter().filter(|text| !text.starts_with('!'));
        let idle = plain.zip(&self.include).filter(|(_, pattern)| !paths.iter().any(|path| pattern.matches(path)));
        idle.map(|(text, _)| text.as_str()).collect()
    }
}

impl Pattern {
    fn new(text: &str) -> Option<Self> {
        let plain = text.trim_end_matches('/');
        if !is_glob(plain) {
            return Some(Self::Path(plain.to_owned()));
        }
        let glob = if text.ends_with('/') { format!("{plain}/**") } else { plain.to_owned() };
        let glob = GlobBuilder::new(&glob).literal_separator(true).build().ok()?;
        Some(Self::Glob(Box::new(glob.compile_matcher())))
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Path(own) => {
                path.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Glob(glob) => glob.is_match(path),
        }
    }
}

/// Whether a text stands for more than itself.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_files_folders_and_globs() {
        let texts = ["pytest.ini", "ci/", "**/*.cfg", "*/gen/", "!ci/own.yml"].map(str::to_owned);
        let patterns = Patterns::new(&texts);
        for path in ["pytest.ini", "ci/a/b.yml", "x.cfg", "deep/er/x.cfg", "a/gen/b/c"] {
            assert!(patterns.matches(path), "{path}");
        }
        for path in ["pytest.ini.bak", "a/pytest.ini", "cix/a", "ci/own.yml", "a/b/gen/c", "cfg"] {
            assert!(!patterns.matches(path), "{path}");
        }
        assert_eq!(patterns.idle(&texts, &["pytest.ini", "a.cfg"]), ["ci/", "*/gen/"]);
    }
}
