//! What is kept, and its form: a head with version and hash, then JSON.
//!
//! An entry names its own key, so that a store that gives another one is found out.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::scene::Digest;
use crate::test_suite::reads::Reads;
use crate::test_suite::report::model::TestReport;
use crate::test_suite::verdict::Verdict;

const MAGIC: &[u8; 8] = b"wharftst";
/// Version of the form.
pub(super) const VERSION: u32 = 1;
const HEAD: usize = MAGIC.len() + 4 + 32;
/// How many states of the work tree are remembered for one test file or dir: going to and fro between branches then costs
/// nothing.
const REMEMBERED: usize = 8;

/// Why an entry cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It was cut off, or a bit of it is wrong, or it is another's.
    Damaged,
    /// A newer Wharf wrote it.
    Newer,
}

/// What is known of one test file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct FileEntry {
    key: String,
    /// Newest first.
    pub known: Vec<Known>,
}

/// What it depended on at one time, and what came of it then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub reads: Reads,
    /// Newest first.
    pub outcomes: Vec<Outcome>,
}

/// Verdicts in one state of all that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    #[serde(with = "hex")]
    pub digest: Digest,
    pub tests: Vec<CachedTest>,
}

/// One verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CachedTest {
    pub id: String,
    pub verdict: Verdict,
    pub duration: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

/// What is known of the collection of one runnable dir.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct DirEntry {
    key: String,
    /// Newest first.
    pub known: Vec<Collected>,
}

/// One whole collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Collected {
    /// Over names and settings that decide what is collected.
    #[serde(with = "hex")]
    pub digest: Digest,
    /// Whether anything may have decided it.
    pub everything: bool,
    /// Test files that were collected, also those without a test.
    pub files: BTreeSet<String>,
    pub deselected: usize,
    pub python: Option<String>,
    pub pytest: Option<String>,
}

impl FileEntry {
    pub(super) fn new(key: &Key) -> Self {
        Self { key: key.hex(), known: Vec::new() }
    }

    /// Adds an outcome, the newest.
    pub(super) fn add(&mut self, reads: Reads, outcome: Outcome) {
        let place = self.known.iter().position(|known| known.reads == reads);
        let mut known = place.map_or(Known { reads, outcomes: Vec::new() }, |place| self.known.remove(place));
        known.outcomes.retain(|other| other.digest != outcome.digest);
        known.outcomes.insert(0, outcome);
        self.known.insert(0, known);
        let mut left = REMEMBERED;
        for known in &mut self.known {
            known.outcomes.truncate(left);
            left -= known.outcomes.len();
        }
        self.known.retain(|known| !known.outcomes.is_empty());
    }
}

impl DirEntry {
    pub(super) fn new(key: &Key) -> Self {
        Self { key: key.hex(), known: Vec::new() }
    }

    /// Adds a collection, the newest.
    pub(super) fn add(&mut self, collected: Collected) {
        self.known.retain(|known| known.digest != collected.digest);
        self.known.insert(0, collected);
        self.known.truncate(REMEMBERED);
    }
}

/// What has a key of its own.
pub(super) trait Entry: Serialize + DeserializeOwned {
    fn key(&self) -> &str;

    /// Takes in what another entry of the same key knows, as the newest.
    fn merge(&mut self, other: Self);
}

impl Entry for FileEntry {
    fn key(&self) -> &str {
        &self.key
    }

    fn merge(&mut self, other: Self) {
        for known in other.known.into_iter().rev() {
            for outcome in known.outcomes.into_iter().rev() {
                self.add(known.reads.clone(), outcome);
            }
        }
    }
}

impl Entry for DirEntry {
    fn key(&self) -> &str {
        &self.key
    }

    fn merge(&mut self, other: Self) {
        for known in other.known.into_iter().rev() {
            self.add(known);
        }
    }
}

/// The bytes of an entry.
pub(super) fn encode(entry: &impl Entry) -> Vec<u8> {
    let body = serde_json::to_vec(entry).unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(blake3::hash(&body).as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// The entry in `bytes`, which must be that of `key`.
pub(super) fn decode<E: Entry>(key: &Key, bytes: &[u8]) -> Result<E, Fault> {
    let (head, body) = bytes.split_at_checked(HEAD).ok_or(Fault::Damaged)?;
    let rest = head.strip_prefix(MAGIC).ok_or(Fault::Damaged)?;
    let (version, check) = rest.split_at(4);
    let version = u32::from_le_bytes(version.try_into().map_err(|_| Fault::Damaged)?);
    // Whatever a newer one hashes, it is not for this one to judge.
    if version > VERSION {
        return Err(Fault::Newer);
    }
    if version != VERSION || blake3::hash(body).as_bytes() != check {
        return Err(Fault::Damaged);
    }
    let entry: E = serde_json::from_slice(body).map_err(|_| Fault::Damaged)?;
    if entry.key() == key.hex() { Ok(entry) } else { Err(Fault::Damaged) }
}

impl CachedTest {
    pub(super) fn of(test: &TestReport) -> Self {
        Self {
            id: test.id.clone(),
            verdict: test.verdict,
            duration: test.duration,
            file: test.file.clone(),
            line: test.line,
            phase: test.phase.clone(),
            message: test.message.clone(),
        }
    }

    /// As it stands in a report.
    pub(super) fn report(&self) -> TestReport {
        TestReport {
            id: self.id.clone(),
            verdict: self.verdict,
            cached: true,
            duration: self.duration,
            offset: 0.0,
            attempts: 0,
            file: self.file.clone(),
            line: self.line,
            phase: self.phase.clone(),
            message: self.message.clone(),
            longrepr: None,
            sections: Vec::new(),
        }
    }
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&blake3::Hash::from_bytes(*digest).to_hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        blake3::Hash::from_hex(&text).map(|hash| *hash.as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &Key, digests: &[u8]) -> FileEntry {
        let mut entry = FileEntry::new(key);
        for digest in digests {
            entry.add(Reads::default(), Outcome { digest: [*digest; 32], tests: Vec::new() });
        }
        entry
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let key = Key::of_dir(&[]).of_file("a.py");
        let entry = entry(&key, &[1, 2]);
        assert_eq!(decode::<FileEntry>(&key, &encode(&entry)), Ok(entry));
    }

    #[test]
    fn each_cut_and_each_wrong_bit_is_found() {
        let key = Key::of_dir(&[]).of_file("a.py");
        let bytes = encode(&entry(&key, &[1]));
        for length in 0..bytes.len() {
            assert_eq!(decode::<FileEntry>(&key, &bytes[..length]), Err(Fault::Damaged), "cut to {length}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<FileEntry>(&key, &wrong).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_keys_entry_and_a_newer_one_are_refused() {
        let (key, other) = (Key::of_dir(&[]).of_file("a.py"), Key::of_dir(&[]).of_file("b.py"));
        let bytes = encode(&entry(&key, &[1]));
        assert_eq!(decode::<FileEntry>(&other, &bytes), Err(Fault::Damaged));
        let mut newer = bytes;
        newer[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
        newer[20] ^= 1;
        assert_eq!(decode::<FileEntry>(&key, &newer), Err(Fault::Newer));
    }

    #[test]
    fn the_newest_states_are_remembered_and_the_oldest_forgotten() {
        let key = Key::of_dir(&[]).of_file("a.py");
        let mut entry = entry(&key, &(0..20).collect::<Vec<u8>>());
        let other = Reads { network: true, ..Reads::default() };
        entry.add(other.clone(), Outcome { digest: [99; 32], tests: Vec::new() });
        assert_eq!(entry.known[0].reads, other);
        let digests: Vec<u8> =
            entry.known.iter().flat_map(|known| &known.outcomes).map(|known| known.digest[0]).collect();
        assert_eq!(digests, [99, 19, 18, 17, 16, 15, 14, 13]);
    }
}
