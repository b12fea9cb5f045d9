//! Splits a container's standard output into the plugin's events and everything else.
//!
//! An event is a record separator (0x1e), one line of JSON that begins with this run's nonce, and a newline. Anything
//! that merely looks like one is a test's own output. An event is never longer than [`LONGEST`]: what does not end by
//! then was none, so memory stays bounded whatever a test prints.

/// First byte of an event.
pub const SEPARATOR: u8 = 0x1e;

/// The most bytes of one event. The plugin writes at most 4000 at once.
const LONGEST: usize = 64 * 1024;

/// A piece of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes that a test or pytest itself printed.
    Output(Vec<u8>),
    /// The JSON of an event.
    Event(Vec<u8>),
}

/// Splits one stream. Bytes go in as they come.
#[derive(Debug)]
pub struct Splitter {
    head: Vec<u8>,
    candidate: Option<Vec<u8>>,
}

impl Splitter {
    /// A splitter for the run that has this nonce.
    #[must_use]
    pub fn new(nonce: &str) -> Self {
        Self { head: format!("{{\"wharf\":\"{nonce}\",").into_bytes(), candidate: None }
    }

    /// Takes some bytes and gives the pieces that are complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Pieces::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.candidate.take() {
                None => match rest.iter().position(|byte| *byte == SEPARATOR) {
                    None => {
                        pieces.output(rest);
                        rest = &[];
                    }
                    Some(at) => {
                        pieces.output(&rest[..at]);
                        self.candidate = Some(Vec::new());
                        rest = &rest[at + 1..];
                    }
                },
                Some(candidate) => rest = self.extend(candidate, rest, &mut pieces),
            }
        }
        pieces.done
    }

    /// What is left when the stream has ended.
    #[must_use]
    pub fn finish(&mut self) -> Option<Piece> {
        let candidate = self.candidate.take()?;
        Some(Piece::Output([&[SEPARATOR], candidate.as_slice()].concat()))
    }

    fn extend<'a>(&mut self, mut candidate: Vec<u8>, rest: &'a [u8], pieces: &mut Pieces) -> &'a [u8] {
        let end = rest.iter().position(|byte| *byte == b'\n' || *byte == SEPARATOR);
        let (part, after) = match end {
            None => (rest, &rest[rest.len()..]),
            Some(at) => (&rest[..at], &rest[at..]),
        };
        candidate.extend_from_slice(part);
        let is_head = candidate.len().min(self.head.len());
        let fits = candidate[..is_head] == self.head[..is_head] && candidate.len() <= LONGEST;
        match (fits, after.first()) {
            (true, None) => {
                self.candidate = Some(candidate);
                after
            }
            (true, Some(b'\n')) if candidate.len() > self.head.len() && candidate.ends_with(b"}") => {
                pieces.done.push(Piece::Event(candidate));
                &after[1..]
            }
            // Not ours: give it back as it came. A separator after it may begin a real one.
            _ => {
                pieces.output(&[SEPARATOR]);
                pieces.output(&candidate);
                after
            }
        }
    }
}

#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
}

impl Pieces {
    fn output(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.done.last_mut() {
            Some(Piece::Output(last)) => last.extend_from_slice(bytes),
            _ => self.done.push(Piece::Output(bytes.to_vec())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
        let mut splitter = Splitter::new("n1");
        let mut pieces: Vec<Piece> = chunks.iter().flat_map(|chunk| splitter.take(chunk)).collect();
        pieces.extend(splitter.finish());
        let mut events = Vec::new();
        let mut output = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Event(json) => events.push(String::from_utf8(json).unwrap()),
                Piece::Output(bytes) => output.extend(bytes),
            }
        }
        (events, output)
    }

    const EVENT: &[u8] = b"\x1e{\"wharf\":\"n1\",\"event\":\"x\"}\n";

    #[test]
    fn events_are_told_from_output() {
        let (events, output) = split(&[b"a", EVENT, b"b\n", EVENT]);
        assert_eq!(events.len(), 2);
        assert_eq!(output, b"ab\n");
    }

    #[test]
    fn what_only_looks_like_an_event_is_output() {
        for fake in [
            &b"\x1e{\"wharf\":\"other\",\"event\":\"x\"}\n"[..],
            b"\x1e\x1e\x1e",
            b"\x1e{\"wharf\":\"n1\",\"event\"\n",
            b"\x1enoise\n",
        ] {
            let (events, output) = split(&[fake, EVENT]);
            assert_eq!(events.len(), 1, "{fake:?}");
            assert_eq!(output, fake);
        }
    }

    #[test]
    fn an_endless_line_does_not_grow_memory() {
        let mut splitter = Splitter::new("n1");
        splitter.take(b"\x1e{\"wharf\":\"n1\",");
        for _ in 0..100 {
            splitter.take(&[b'x'; 4096]);
        }
        assert!(splitter.candidate.is_none());
    }

    proptest! {
        #[test]
        fn cutting_the_stream_anywhere_changes_nothing(cuts in proptest::collection::vec(0_usize..200, 0..6), noise in proptest::collection::vec(any::<u8>(), 0..40)) {
            let whole = [noise.as_slice(), b"\n", EVENT, b"tail", EVENT].concat();
            let mut places: Vec<usize> = cuts.into_iter().map(|cut| cut % (whole.len() + 1)).collect();
            places.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for place in places {
                chunks.push(&whole[from..place]);
                from = place;
            }
            chunks.push(&whole[from..]);
            let (events, output) = split(&chunks);
            let (all_events, all_output) = split(&[&whole]);
            prop_assert_eq!(&events, &all_events);
            prop_assert_eq!(output, all_output);
            prop_assert!(events.len() >= 2);
        }
    }
}
