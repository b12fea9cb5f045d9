//! What one Python file imports, as it stands there: nothing is resolved yet.

/// One module that a file names.
///
/// `S` is the form of its names: text while a file is read, a number in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import<S> {
    /// The module with dots; empty in `from . import name`.
    pub module: S,
    /// Leading dots: 0 for an absolute import.
    pub level: u32,
    /// What is taken from the module by `from`: a name, which may be a submodule, or `*`.
    pub name: Option<S>,
    /// Line of the statement, from 1.
    pub line: u32,
    /// What names it.
    pub how: How,
    /// When it is executed.
    pub when: When,
}

/// What names a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum How {
    /// An `import` or `from` statement.
    Statement,
    /// `importlib.import_module`, `__import__` or `pytest.importorskip` with a literal name.
    Call,
    /// `pytest_plugins`.
    Plugin,
}

impl How {
    /// The other way round than `as u8`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Statement, Self::Call, Self::Plugin].into_iter().find(|how| *how as u8 == number)
    }
}

/// When an import is executed: a set of circumstances, none for one that always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct When(pub(super) u8);

impl When {
    /// In a function: not when the module is imported.
    pub const IN_FUNCTION: Self = Self(1);
    /// Below an `if`, an `except`, a loop or a `match`.
    pub const CONDITIONAL: Self = Self(2);
    /// Below `if TYPE_CHECKING`: never.
    pub const TYPING: Self = Self(4);
    /// In a `try` that catches `ImportError`.
    pub const GUARDED: Self = Self(8);

    /// Both circumstances.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` hold.
    #[must_use]
    pub fn is(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it may be executed while its module is imported.
    #[must_use]
    pub fn at_import(self) -> bool {
        !self.is(Self::IN_FUNCTION) && !self.is(Self::TYPING)
    }

    /// The words that people and JSON read.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let named = [
            (Self::IN_FUNCTION, "in function"),
            (Self::CONDITIONAL, "conditional"),
            (Self::TYPING, "type checking"),
            (Self::GUARDED, "guarded"),
        ];
        named.into_iter().filter(|(when, _)| self.is(*when)).map(|(_, word)| word).collect()
    }
}

/// All that one file says about imports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileImports {
    /// Its imports in the order of the file.
    pub imports: Vec<Import<String>>,
    /// Literal names in `__all__`, which `from package import *` takes.
    pub exports: Vec<String>,
    /// What Python would not take; the imports are those that could be read nevertheless.
    pub fault: Option<Fault<String>>,
}

/// Something in a file that Python would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault<S> {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: S,
}
