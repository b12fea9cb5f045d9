//! `coverage.xml`: the form of Cobertura that CI servers read (GitLab, Jenkins, Azure and others), as its `coverage-04.dtd` has it.
//!
//! One package a runnable dir, one class a file, paths relative to the workspace's root, which is the one source.

use std::io::{self, Write};

use super::file::{Counts, FileCoverage};
use super::merged::Merged;
use crate::test_suite::report::text::clean;

/// What stands at the top of the file.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The workspace's root.
    pub root: &'a str,
    /// Version of Wharf.
    pub wharf: &'a str,
    /// When the run began, in milliseconds since 1970.
    pub millis: i64,
}

/// Writes it.
///
/// # Errors
/// What `out` says.
pub fn write(merged: &Merged, head: Head<'_>, mut out: impl Write) -> io::Result<()> {
    let total = merged.total();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/coverage-04.dtd\">")?;
    writeln!(
        out,
        "<coverage {} lines-covered=\"{}\" lines-valid=\"{}\" branches-covered=\"{}\" branches-valid=\"{}\" complexity=\"0\" version=\"wharf {}\" timestamp=\"{}\">",
        rates(total),
        total.lines_hit,
        total.lines,
        total.branches_hit,
        total.branches,
        escaped(head.wharf),
        head.millis,
    )?;
    writeln!(out, "  <sources>\n    <source>{}</source>\n  </sources>\n  <packages>", escaped(head.root))?;
    for (dir, files) in merged.by_dir() {
        let mut counts = Counts::default();
        files.iter().for_each(|(_, file)| counts.add(*file));
        writeln!(out, "    <package name=\"{}\" {} complexity=\"0\">\n      <classes>", escaped(dir), rates(counts))?;
        for (path, counts) in files {
            let name = path.rsplit('/').next().unwrap_or(path);
            writeln!(
                out,
                "        <class name=\"{}\" filename=\"{}\" {} complexity=\"0\">\n          <methods/>\n          <lines>",
                escaped(name),
                escaped(path),
                rates(counts),
            )?;
            lines(&merged.files[path], &mut out)?;
            writeln!(out, "          </lines>\n        </class>")?;
        }
        writeln!(out, "      </classes>\n    </package>")?;
    }
    writeln!(out, "  </packages>\n</coverage>")
}

fn lines(file: &FileCoverage, out: &mut impl Write) -> io::Result<()> {
    let all: std::collections::BTreeSet<u32> = file.hit.0.union(&file.missed.0).copied().collect();
    for line in all {
        let hits = u8::from(file.hit.0.contains(&line));
        match file.branches.get(&line).filter(|branch| branch.total > 0) {
            Some(branch) => {
                let (taken, total) = (branch.taken(), branch.total);
                let percent = taken * 100 / total;
                writeln!(
                    out,
                    "            <line number=\"{line}\" hits=\"{hits}\" branch=\"true\" condition-coverage=\"{percent}% ({taken}/{total})\"/>"
                )?;
            }
            None => writeln!(out, "            <line number=\"{line}\" hits=\"{hits}\"/>")?,
        }
    }
    Ok(())
}

fn rates(counts: Counts) -> String {
    let rate = |hit: u64, all: u64| if all == 0 { 1.0 } else { hit as f64 / all as f64 };
    let (lines, branches) = (rate(counts.lines_hit, counts.lines), rate(counts.branches_hit, counts.branches));
    format!("line-rate=\"{lines:.4}\" branch-rate=\"{branches:.4}\"")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_suite::coverage::Gathered;

    #[test]
    fn numbers_names_and_escapes() {
        let mut gathered = Gathered::default();
        gathered.file("in&fra/<a>.py".into(), "1-2", "3", vec![(2, 2, [3].into())]);
        let merged = Merged::of([&gathered].into_iter(), |_| Some("in&fra".into()));
        let mut out = Vec::new();
        write(&merged, Head { root: "/w", wharf: "0.1.0", millis: 5 }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in [
            "line-rate=\"0.6667\" branch-rate=\"0.5000\" lines-covered=\"2\" lines-valid=\"3\"",
            "<source>/w</source>",
            "filename=\"in&amp;fra/&lt;a&gt;.py\"",
            "<line number=\"2\" hits=\"1\" branch=\"true\" condition-coverage=\"50% (1/2)\"/>",
            "<line number=\"3\" hits=\"0\"/>",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
