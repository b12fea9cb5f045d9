//! What must be the same for a verdict to stand, beside what the test file read: the image, the command, the variables.

use std::fmt;

use blake3::Hasher;

use super::scene::field;

/// Goes up whenever what is hashed, or what an entry holds, changes its meaning.
const RULES: &str = "wharf-test-cache-1";

/// Names an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of all that stays the same for the tests of one runnable dir, from names and values.
    #[must_use]
    pub fn of_dir(parts: &[(String, String)]) -> Self {
        let mut hasher = Hasher::new();
        field(&mut hasher, RULES.as_bytes());
        for (name, value) in parts {
            field(&mut hasher, name.as_bytes());
            field(&mut hasher, value.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The key of one test file of that dir.
    #[must_use]
    pub fn of_file(&self, file: &str) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(&self.0);
        field(&mut hasher, file.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// In hexadecimal digits, as in names of files.
    #[must_use]
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.hex())
    }
}
