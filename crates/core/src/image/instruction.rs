//! Instructions of a Dockerfile: physical lines put together, words cut (Dockerfile reference, "Format").

/// An instruction, or a line that is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Instruction<'t> {
    /// The text that it stands in, with its line breaks.
    pub raw: &'t str,
    /// Its first word in capitals; empty for what is no instruction.
    pub verb: String,
    /// The words that start with `--`.
    pub flags: Vec<String>,
    /// All other words: the items of a JSON list where they are written as one.
    pub operands: Vec<String>,
    /// Whether they are.
    pub is_list: bool,
}

/// All instructions, in order; what they stand in is the whole text.
pub(super) fn read(text: &str) -> Vec<Instruction<'_>> {
    let mut found = Vec::new();
    let (mut start, mut end, mut joined) = (0, 0, String::new());
    for line in text.split_inclusive('\n') {
        end += line.len();
        let plain = line.trim();
        let is_open = !joined.is_empty();
        // A comment may stand amidst an instruction.
        if plain.starts_with('#') || (plain.is_empty() && is_open) {
            if !is_open {
                found.push(parse(&text[start..end], ""));
                start = end;
            }
            continue;
        }
        match plain.strip_suffix('\\') {
            Some(part) => joined.extend([part, " "]),
            None => {
                joined.push_str(plain);
                found.push(parse(&text[start..end], &joined));
                joined.clear();
                start = end;
            }
        }
    }
    if start < text.len() {
        found.push(parse(&text[start..], &joined));
    }
    found
}

fn parse<'t>(raw: &'t str, joined: &str) -> Instruction<'t> {
    let (verb, mut left) = cut(joined);
    let mut flags = Vec::new();
    while left.starts_with("--") {
        let (flag, rest) = cut(left);
        flags.push(flag.to_owned());
        left = rest;
    }
    let list = serde_json::from_str::<Vec<String>>(left).ok();
    let is_list = list.is_some();
    let words = || left.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
    Instruction { raw, verb: verb.to_ascii_uppercase(), flags, operands: list.unwrap_or_else(words), is_list }
}

/// The first word, and what comes behind it.
fn cut(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

impl Instruction<'_> {
    /// What it takes from the build context: of `COPY` and `ADD` without `--from` all but the last word.
    pub(super) fn sources(&self) -> &[String] {
        let copies = matches!(self.verb.as_str(), "COPY" | "ADD");
        match self.operands.split_last() {
            Some((_, sources)) if copies && !self.flags.iter().any(|flag| flag.starts_with("--from")) => sources,
            _ => &[],
        }
    }

    /// It with other words, as one line.
    pub(super) fn with(&self, operands: &[String]) -> String {
        let operands = if self.is_list { serde_json::json!(operands).to_string() } else { operands.join(" ") };
        let words = [&self.verb].into_iter().chain(&self.flags).chain([&operands]);
        words.map(String::as_str).collect::<Vec<_>>().join(" ") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_may_span_lines() {
        let text = "# top\nFROM x\n\ncopy --chown=1:1 a \\\n  # why\n\n  'b' /d/\nADD [\"c  d\", \"/e\"]\nRUN x \\";
        let all = read(text);
        assert_eq!(all.iter().map(|one| one.raw).collect::<String>(), text);
        let copies: Vec<_> = all.iter().filter(|one| !one.sources().is_empty()).collect();
        assert_eq!((copies[0].sources(), copies[1].sources()), (&["a".into(), "b".into()][..], &["c  d".into()][..]));
        assert_eq!(copies[0].with(&["x".into(), "/d/".into()]), "COPY --chown=1:1 x /d/\n");
        assert_eq!(copies[1].with(&["x".into(), "/e".into()]), "ADD [\"x\",\"/e\"]\n");
        assert!(read("COPY --from=y . /x\n")[0].sources().is_empty());
    }
}
