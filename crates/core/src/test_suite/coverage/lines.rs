//! Sets of line numbers, written as `1-3,7`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most lines that one range may name: a file of more is not source.
const MOST: u32 = 10_000_000;

/// Line numbers of one file, from 1. As text: ranges in order, such as `1-3,7`; nothing for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lines(pub BTreeSet<u32>);

/// Text that is no set of lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no list of lines")]
pub struct LinesError {
    /// That text.
    pub text: String,
}

impl FromStr for Lines {
    type Err = LinesError;

    fn from_str(text: &str) -> Result<Self, LinesError> {
        let mut lines = BTreeSet::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let wrong = || LinesError { text: part.to_owned() };
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u32, u32) =
                first.parse().ok().zip(last.parse().ok()).filter(|(_, last)| *last < MOST).ok_or_else(wrong)?;
            lines.extend(first..=last);
        }
        Ok(Self(lines))
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = lines.next() {
            let mut last = first;
            while let Some(next) = lines.next_if_eq(&(last + 1)) {
                last = next;
            }
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

impl TryFrom<String> for Lines {
    type Error = LinesError;

    fn try_from(text: String) -> Result<Self, LinesError> {
        text.parse()
    }
}

impl From<Lines> for String {
    fn from(lines: Lines) -> Self {
        lines.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_set_survives_being_written(lines in proptest::collection::btree_set(1_u32..200, 0..60)) {
            let lines = Lines(lines);
            prop_assert_eq!(lines.to_string().parse::<Lines>().unwrap(), lines);
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["x", "1-", "-3", "1-99999999999", "1-4000000000"] {
            assert!(text.parse::<Lines>().is_err(), "{text}");
        }
        assert_eq!("".parse(), Ok(Lines::default()));
    }
}
