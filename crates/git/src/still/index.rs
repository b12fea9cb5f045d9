//! Git's index, as far as it takes to tell that nothing changed (gitformat-index(5)).

/// One file of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What `lstat` said when the file was last seen to be as recorded: ctime, mtime (seconds and nanoseconds), inode, mode,
    /// uid, gid, size, each in its lower 32 bits.
    pub stat: Stat,
    /// Its mode in the index: a file, an executable one, a link or a submodule.
    pub mode: u32,
    /// Id of its content; of a submodule, its commit.
    pub id: String,
    /// Its path.
    pub path: Vec<u8>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub ctime: (u32, u32),
    pub mtime: (u32, u32),
    pub inode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u32,
}

/// An index in which all is plain.
#[derive(Debug)]
pub(super) struct Index {
    /// Its files, by path.
    pub entries: Vec<Entry>,
    /// Id of the tree that it would be committed as.
    pub tree: String,
}

/// A submodule's mode.
pub(super) const MODULE: u32 = 0o160_000;
/// A symbolic link's mode.
pub(super) const LINK: u32 = 0o120_000;

/// Bytes of an object id. Repos with SHA-256 are left to Git.
const ID: usize = 20;

impl Index {
    /// Reads an index. `None` for one with anything out of the ordinary in it: conflicts, entries that are assumed to be
    /// unchanged, sparse or split indexes, no tree known for the whole.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let version = number(bytes.get(4..8)?);
        if bytes.get(..4)? != b"DIRC" || !matches!(version, 2 | 3) {
            return None;
        }
        let count = usize::try_from(number(bytes.get(8..12)?)).ok()?;
        // No entry is shorter than 64 bytes, so a damaged count asks for no memory.
        let mut entries = Vec::with_capacity(count.min(bytes.len() / 64));
        let mut rest = bytes.get(12..bytes.len().checked_sub(ID)?)?;
        for _ in 0..count {
            let (entry, length) = Entry::parse(rest)?;
            entries.push(entry);
            rest = rest.get(length..)?;
        }
        Some(Self { entries, tree: whole_tree(rest)? })
    }
}

impl Entry {
    fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let field = |place: usize| bytes.get(place * 4..place * 4 + 4).map(number);
        let flags = u16::from_be_bytes(bytes.get(60..62)?.try_into().ok()?);
        // Assumed to be unchanged, extended flags, a side of a conflict.
        if flags & 0xf000 != 0 {
            return None;
        }
        let end = bytes.get(62..)?.iter().position(|byte| *byte == 0)?;
        let path = bytes[62..62 + end].to_vec();
        let stat = Stat {
            ctime: (field(0)?, field(1)?),
            mtime: (field(2)?, field(3)?),
            inode: field(5)?,
            uid: field(7)?,
            gid: field(8)?,
            size: field(9)?,
        };
        let entry = Self { stat, mode: field(6)?, id: hex(bytes.get(40..40 + ID)?), path };
        Some((entry, (62 + end + 8) / 8 * 8))
    }
}

/// The id of the whole tree, from the extension that remembers trees.
fn whole_tree(mut extensions: &[u8]) -> Option<String> {
    let mut tree = None;
    while extensions.len() >= 8 {
        let (name, size) = (&extensions[..4], usize::try_from(number(&extensions[4..8])).ok()?);
        let content = extensions.get(8..8 + size)?;
        match name {
            b"TREE" => tree = root_of(content),
            // One that has to be understood begins with a small letter.
            _ if !name[0].is_ascii_uppercase() => return None,
            _ => {}
        }
        extensions = &extensions[8 + size..];
    }
    tree
}

/// `\0<entries> <subtrees>\n<id>`; without an id where an entry changed since.
fn root_of(content: &[u8]) -> Option<String> {
    let rest = content.strip_prefix(b"\0")?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    if rest.starts_with(b"-") {
        return None;
    }
    rest.get(end + 1..end + 1 + ID).map(hex)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_indexes_are_left_to_git() {
        assert!(Index::parse(b"").is_none());
        assert!(Index::parse(b"DIRC\0\0\0\x02\xff\xff\xff\xff").is_none());
        assert!(Index::parse(b"DIRC\0\0\0\x04\0\0\0\0aaaaaaaaaaaaaaaaaaaa").is_none(), "another version");
        assert!(Index::parse(b"DIRC\0\0\0\x02\0\0\0\0link\0\0\0\0aaaaaaaaaaaaaaaaaaaa").is_none(), "a split one");
        assert!(Index::parse(b"DIRC\0\0\0\x02\0\0\0\0TREE\xff\xff\xff\xffaaaaaaaaaaaaaaaaaaaa").is_none());
    }
}
