//! Each text once, known by a number.

use std::collections::HashMap;
use std::sync::Arc;

/// Hashes quickly. The texts are names in code that is run here anyway, so nobody gains by making them collide.
pub(super) type Hasher = foldhash::fast::RandomState;

/// Number of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub(super) u32);

/// All texts of a graph.
#[derive(Debug, Clone, Default)]
pub(super) struct Strings {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32, Hasher>,
}

impl Strings {
    /// Room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.texts.reserve(more);
        self.numbers.reserve(more);
    }

    /// The number of `text`, a new one where it is new.
    pub(super) fn add(&mut self, text: &str) -> Symbol {
        if let Some(number) = self.numbers.get(text) {
            return Symbol(*number);
        }
        let text: Arc<str> = text.into();
        let number = u32::try_from(self.texts.len()).expect("fewer than four thousand million names fit into memory");
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        Symbol(number)
    }

    /// The number of `text`, where it has one.
    pub(super) fn find(&self, text: &str) -> Option<Symbol> {
        self.numbers.get(text).copied().map(Symbol)
    }

    /// The text with this number.
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        &self.texts[symbol.0 as usize]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}
