//! The bytes of the history's records: names once, each run as small numbers that refer to them.
//!
//! Numbers are LEB128 varints. Ten thousand tests are some 50 KB a run.

use std::collections::HashMap;
use std::sync::Arc;

use super::{DirEntry, RunEntry, TestEntry};
use crate::test_suite::Verdict;

/// The verdicts by their number in the file. Only ever add to its end.
const VERDICTS: [Verdict; 10] = [
    Verdict::Passed,
    Verdict::Flaky,
    Verdict::Skipped,
    Verdict::Xfailed,
    Verdict::Xpassed,
    Verdict::Failed,
    Verdict::Error,
    Verdict::TimedOut,
    Verdict::Crashed,
    Verdict::NotRun,
];
/// Attempts beyond this are not told apart: they share a byte with the verdict.
const MOST_ATTEMPTS: u32 = 15;

/// Writes numbers and texts.
#[derive(Debug, Default)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value as u8 & 0x7f) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
}

/// Reads them; `None` where the bytes end or mean nothing.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn count(&mut self) -> Option<usize> {
        // Each item takes a byte at least, so that a damaged count reserves no memory.
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len())
    }
}

/// Names, each as how many bytes it shares with the one before it, and its own end.
pub(super) fn write_names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.number(names.len() as u64);
    let mut before = "";
    for name in names {
        let mut shared = before.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        while !name.is_char_boundary(shared) {
            shared -= 1;
        }
        writer.number(shared as u64);
        writer.text(&name[shared..]);
        before = name;
    }
    writer.0
}

/// Adds the names of a record to those before it.
pub(super) fn read_names(bytes: &[u8], names: &mut Vec<Arc<str>>) -> Option<()> {
    let mut reader = Reader(bytes);
    let mut before = String::new();
    for _ in 0..reader.count()? {
        let shared = usize::try_from(reader.number()?).ok()?;
        let end = reader.text()?;
        if !before.is_char_boundary(shared) {
            return None;
        }
        before.truncate(shared);
        before.push_str(end);
        names.push(Arc::from(before.as_str()));
    }
    Some(())
}

/// A run; `numbers` has each test's name.
pub(super) fn write_run(run: &RunEntry, numbers: &HashMap<&str, u32>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.number(u64::from(run.run));
    writer.number(run.started.max(0) as u64);
    writer.number(run.code.unwrap_or(0));
    writer.number(run.dirs.len() as u64);
    for dir in &run.dirs {
        for text in [&dir.path, &dir.image, &dir.image_id, &dir.commit] {
            writer.text(text);
        }
        writer.0.push(u8::from(dir.dirty));
        let mut tests: Vec<(u32, &TestEntry)> =
            dir.tests.iter().filter_map(|test| Some((*numbers.get(&*test.id)?, test))).collect();
        tests.sort_by_key(|(number, _)| *number);
        writer.number(tests.len() as u64);
        let mut before = 0;
        for (number, test) in tests {
            writer.number(u64::from(number - before));
            before = number;
            let verdict = VERDICTS.iter().position(|verdict| *verdict == test.verdict).unwrap_or(0) as u8;
            writer.0.push(verdict | (test.attempts.min(MOST_ATTEMPTS) as u8) << 4);
            writer.number((test.duration.max(0.0) * 1e6).round() as u64);
        }
    }
    writer.0
}

/// The run of a record, with what `wanted` says of each test's number left in.
pub(super) fn read_run(bytes: &[u8], names: &[Arc<str>], wanted: &dyn Fn(usize) -> bool) -> Option<RunEntry> {
    let mut reader = Reader(bytes);
    let mut run = RunEntry {
        run: u32::try_from(reader.number()?).ok()?,
        started: i64::try_from(reader.number()?).ok()?,
        code: Some(reader.number()?).filter(|code| *code != 0),
        dirs: Vec::new(),
    };
    for _ in 0..reader.count()? {
        let (path, image, image_id, commit) = (reader.text()?, reader.text()?, reader.text()?, reader.text()?);
        let dirty = reader.byte()? != 0;
        let count = reader.count()?;
        let mut tests = Vec::new();
        let mut number = 0_usize;
        let [path, image, image_id, commit] = [path, image, image_id, commit].map(str::to_owned);
        for _ in 0..count {
            number = number.checked_add(usize::try_from(reader.number()?).ok()?)?;
            let packed = reader.byte()?;
            let micros = reader.number()?;
            let name = names.get(number)?;
            if wanted(number) {
                tests.push(TestEntry {
                    id: name.clone(),
                    verdict: *VERDICTS.get(usize::from(packed & 0x0f))?,
                    attempts: u32::from(packed >> 4),
                    duration: micros as f64 / 1e6,
                });
            }
        }
        run.dirs.push(DirEntry { path, image, image_id, commit, dirty, tests });
    }
    Some(run)
}

/// When the run of a record began, seconds of Unix time.
pub(super) fn started_of(bytes: &[u8]) -> Option<i64> {
    let mut reader = Reader(bytes);
    reader.number()?;
    i64::try_from(reader.number()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_back(names in proptest::collection::vec(".{0,12}", 0..20)) {
            let bytes = write_names(names.iter().map(String::as_str));
            let mut read = Vec::new();
            prop_assert_eq!(read_names(&bytes, &mut read), Some(()));
            let read: Vec<String> = read.iter().map(|name| name.to_string()).collect();
            prop_assert_eq!(read, names);
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut names = vec![Arc::from("a")];
            let _ = read_run(&bytes, &names, &|_| true);
            let _ = read_names(&bytes, &mut names);
        }

        #[test]
        fn numbers_come_back(value: u64) {
            let mut writer = Writer::default();
            writer.number(value);
            prop_assert_eq!(Reader(&writer.0).number(), Some(value));
        }
    }

    #[test]
    fn every_verdict_has_a_number() {
        for verdict in Verdict::ALL {
            assert!(VERDICTS.contains(&verdict), "{verdict:?}");
        }
    }
}
