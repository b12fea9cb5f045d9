//! Columns on a terminal: how many a text takes, and how to make it take fewer.
//!
//! Works on text without escape sequences: cut first, paint then.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Style;

/// Columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns`, its end given up for an ellipsis where it is longer.
#[must_use]
pub fn cut_end(text: &str, columns: usize, style: Style) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let dots = style.sign("…", "...");
    let Some(room) = columns.checked_sub(width(dots)) else {
        return String::new();
    };
    format!("{}{dots}", take(text.chars(), room).into_iter().collect::<String>())
}

/// `text` in at most `columns`, its start given up for an ellipsis where it is longer.
#[must_use]
pub fn cut_start(text: &str, columns: usize, style: Style) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let dots = style.sign("…", "...");
    let Some(room) = columns.checked_sub(width(dots)) else {
        return String::new();
    };
    let end = take(text.chars().rev(), room).into_iter().rev();
    format!("{dots}{}", end.collect::<String>())
}

/// `text` with blanks behind it up to `columns`.
#[must_use]
pub fn pad_end(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` with blanks before it up to `columns`.
#[must_use]
pub fn pad_start(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

fn take(chars: impl Iterator<Item = char>, room: usize) -> Vec<char> {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RICH: Style = Style { color: true, unicode: true };

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut_end("漢字漢字", 6, RICH), "漢字…");
        assert_eq!(cut_start("漢字漢字", 6, RICH), "…漢字");
        assert_eq!(pad_end("漢", 4), "漢  ");
    }

    #[test]
    fn what_fits_stays_and_too_little_room_gives_nothing() {
        assert_eq!(cut_end("abc", 3, RICH), "abc");
        assert_eq!(cut_end("abcdef", 5, Style::PLAIN), "ab...");
        assert_eq!(cut_end("abc", 0, RICH), "");
        assert_eq!(cut_start("abcdef", 4, RICH), "…def");
    }
}
