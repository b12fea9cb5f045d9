//! Colours and signs, decided once by the caller.

/// What the output may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are wanted.
    pub color: bool,
    /// Whether signs outside ASCII can be shown.
    pub unicode: bool,
}

/// How a piece of text is set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// Good news.
    Green,
    /// Bad news.
    Red,
    /// Worth a look.
    Yellow,
    /// A way on.
    Cyan,
    /// Less important than what is around it.
    Dim,
    /// A title.
    Bold,
    /// A title of bad news.
    BoldRed,
    /// A title of good news.
    BoldGreen,
}

impl Style {
    /// No colours, ASCII only.
    pub const PLAIN: Self = Self { color: false, unicode: false };

    /// `text` set off, if colours are wanted.
    #[must_use]
    pub fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Plain => "",
            Paint::Green => "32",
            Paint::Red => "31",
            Paint::Yellow => "33",
            Paint::Cyan => "36",
            Paint::Dim => "2",
            Paint::Bold => "1",
            Paint::BoldRed => "1;31",
            Paint::BoldGreen => "1;32",
        };
        if !self.color || code.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// `unicode` where it can be shown, else `ascii`.
    #[must_use]
    pub fn sign(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }
}
