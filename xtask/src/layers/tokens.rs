//! Rust source as words and signs with their lines, without comments, strings and test-only items.
//!
//! Owns just enough of the language to see paths: it never fails, and on source that does not compile its answer means nothing.

/// A word (identifier, number, lifetime without its quote) or one sign; `::` is one sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its text; empty for a string or character literal.
    pub text: String,
    /// The line it starts on, from 1.
    pub line: usize,
}

impl Token {
    /// Could this be an identifier or keyword?
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// A source file's tokens, and the names of modules that are there for tests only.
pub struct Source {
    /// All tokens outside test-only items.
    pub tokens: Vec<Token>,
    /// Each `NAME` of `#[cfg(test)] mod NAME;`.
    pub test_modules: Vec<String>,
}

/// Reads a source file.
pub fn read(text: &str) -> Source {
    let lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1 };
    without_tests(&lexer.tokens())
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Lexer {
    fn tokens(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(c) = self.peek(0) {
            let line = self.line;
            let text = match c {
                '/' if self.peek(1) == Some('/') => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.next();
                    }
                    continue;
                }
                '/' if self.peek(1) == Some('*') => {
                    self.block_comment();
                    continue;
                }
                '"' => self.string(),
                '\'' => self.quote(),
                c if c.is_alphanumeric() || c == '_' => self.word(),
                c if c.is_whitespace() => {
                    self.next();
                    continue;
                }
                ':' if self.peek(1) == Some(':') => self.take(2),
                _ => self.take(1),
            };
            tokens.push(Token { text, line });
        }
        tokens
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn take(&mut self, count: usize) -> String {
        (0..count).filter_map(|_| self.next()).collect()
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                _ => {
                    self.next();
                    continue;
                }
            }
            self.take(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> String {
        self.next();
        while let Some(c) = self.next() {
            match c {
                '\\' => drop(self.next()),
                '"' => break,
                _ => {}
            }
        }
        String::new()
    }

    /// A word, or a raw string, or what follows a string's prefix.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek(0).filter(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
            self.next();
        }
        let raw = matches!(word.as_str(), "r" | "br" | "cr");
        match self.peek(0) {
            Some('"') if raw => self.raw_string(0),
            Some('"') if matches!(word.as_str(), "b" | "c") => self.string(),
            Some('\'') if word == "b" => self.quote(),
            Some('#') if raw => {
                let hashes = (0..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
                if self.peek(hashes) == Some('"') {
                    self.take(hashes);
                    self.raw_string(hashes)
                } else {
                    // A raw identifier, as in `r#type`.
                    self.take(1);
                    self.word()
                }
            }
            _ => word,
        }
    }

    fn raw_string(&mut self, hashes: usize) -> String {
        self.next();
        while let Some(c) = self.next() {
            if c == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.take(hashes);
                break;
            }
        }
        String::new()
    }

    /// A character literal, or the quote before a lifetime.
    fn quote(&mut self) -> String {
        if self.peek(1) == Some('\\') {
            self.take(3);
            while self.next().is_some_and(|c| c != '\'') {}
            return String::new();
        }
        if self.peek(2) == Some('\'') {
            self.take(3);
            return String::new();
        }
        self.take(1)
    }
}

/// Drops each item behind `#[cfg(test)]` and `#[test]`.
fn without_tests(tokens: &[Token]) -> Source {
    let mut source = Source { tokens: Vec::new(), test_modules: Vec::new() };
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = attribute_end(tokens, at) else {
            source.tokens.push(tokens[at].clone());
            at += 1;
            continue;
        };
        if !is_test_only(&tokens[at..end]) {
            source.tokens.extend_from_slice(&tokens[at..end]);
            at = end;
            continue;
        }
        let mut start = end;
        while let Some(end) = attribute_end(tokens, start) {
            start = end;
        }
        at = item_end(tokens, start);
        let item = &tokens[start..at];
        if let Some(place) = item.iter().position(|token| token.text == "mod")
            && item.get(place + 2).is_some_and(|token| token.text == ";")
        {
            source.test_modules.push(item[place + 1].text.clone());
        }
    }
    source
}

/// The place behind the attribute that starts at `at`, if one does.
fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let text = |at: usize| tokens.get(at).map(|token| token.text.as_str());
    if text(at) != Some("#") || text(at + 1) != Some("[") {
        return None;
    }
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate().skip(at + 1) {
        match token.text.as_str() {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(place + 1);
        }
    }
    Some(tokens.len())
}

fn is_test_only(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().map(|token| token.text.as_str()).collect();
    matches!(words.as_slice(), ["#", "[", "cfg", "(", "test", ")", "]"] | ["#", "[", "test", "]"])
        || words.starts_with(&["#", "[", "cfg", "(", "all", "(", "test", ","])
}

/// The place behind the item that starts at `at`: behind its `;`, or behind the `}` of its body.
fn item_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.text.as_str(), ";" | "}" | ",") {
            return place + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        read(text).tokens.into_iter().filter(Token::is_word).map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_gone() {
        let text = r##"
            // crate::a
            /* crate::b /* nested */ crate::c */
            let a = "crate::d \" crate::e"; let b = r#"crate::f " "#; let c = b"x"; let d = '"'; let e = '\''; let f = b'"';
            fn g<'long>(x: &'long str) {}
        "##;
        assert_eq!(words(text).join(" "), "let a let b let c let d let e let f fn g long x long str");
    }

    #[test]
    fn lines_are_counted_through_strings() {
        let source = read("\"one\ntwo\"\n/* \n */ here");
        assert_eq!(source.tokens.last().map(|token| (token.text.as_str(), token.line)), Some(("here", 4)));
    }

    #[test]
    fn test_only_items_are_gone() {
        let text = "use a::b; #[cfg(test)] #[allow(x)] mod tests { use c::d; fn e() {} } #[cfg(test)] use f::{g, h}; #[test] fn i() { j() } fn k() {}";
        assert_eq!(words(text).join(" "), "use a b fn k");
    }

    #[test]
    fn test_modules_in_their_own_file_are_named() {
        assert_eq!(read("#[cfg(test)]\nmod checks;\nmod real;").test_modules, ["checks"]);
    }
}
