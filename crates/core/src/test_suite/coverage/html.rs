//! The pages: one with all dirs and files, one for each file with its source. They need no network and no script.

use std::io::{self, Write};

use minijinja::{Environment, Value, context};

use super::file::{Counts, FileCoverage};
use super::merged::Merged;
use crate::test_suite::report::text::clean;

const STYLE: &str = include_str!("coverage.css");
const INDEX: &str = include_str!("index.html.j2");
const SOURCE: &str = include_str!("source.html.j2");

/// What all pages say at their top.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// Name of the workspace.
    pub workspace: &'a str,
    /// Number of the run.
    pub run: u32,
    /// Version of Wharf.
    pub wharf: &'a str,
}

/// Name of the page of one source file, unlike that of any other.
#[must_use]
pub fn page_name(path: &str) -> String {
    let readable: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let tail = &readable[readable.len().saturating_sub(60)..];
    format!("{tail}-{}.html", &blake3::hash(path.as_bytes()).to_hex()[..8])
}

/// Writes the page of all dirs. `gaps`: what the numbers lack.
///
/// # Errors
/// What `out` says.
pub fn index(merged: &Merged, head: Head<'_>, gaps: &[String], out: impl Write) -> io::Result<()> {
    let total = merged.total();
    let mut rows = vec![row("all", "all", None, total)];
    for (dir, files) in merged.by_dir() {
        let mut counts = Counts::default();
        files.iter().for_each(|(_, file)| counts.add(*file));
        rows.push(row("dir", dir, None, counts));
        rows.extend(files.iter().map(|(path, counts)| row("file", path, Some(page_name(path)), *counts)));
    }
    let gaps: Vec<_> = gaps.iter().map(|gap| clean(gap).into_owned()).collect();
    let page = context! {
        head => heading(head), rows, gaps, percent => total.shown(), branches => total.branches > 0,
        style => Value::from_safe_string(STYLE.to_owned()),
    };
    render("index.html", INDEX, page, out)
}

/// Writes the page of one file; `text` is its source now.
///
/// # Errors
/// What `out` says.
pub fn source(path: &str, file: &FileCoverage, text: &str, head: Head<'_>, out: impl Write) -> io::Result<()> {
    let lines: Vec<_> = (1..)
        .zip(text.lines())
        .map(|(number, line): (u32, &str)| {
            let branch = file.branches.get(&number).filter(|branch| !branch.missed.is_empty());
            let (class, word) = match (file.hit.0.contains(&number), file.missed.0.contains(&number), branch) {
                (true, _, Some(_)) => ("part", "partly"),
                (true, _, None) => ("hit", ""),
                (_, true, _) => ("miss", "missed"),
                _ => ("", ""),
            };
            let note = branch.filter(|_| class == "part").map(|branch| {
                let ends: Vec<String> = branch
                    .missed
                    .iter()
                    .map(|to| if *to < 0 { "the end".into() } else { format!("line {to}") })
                    .collect();
                format!("never went on to {}", ends.join(", "))
            });
            context! { number, class, word, text => clean(line).into_owned(), note }
        })
        .collect();
    let page = context! {
        head => heading(head), lines, row => row("file", path, None, file.counts()),
        style => Value::from_safe_string(STYLE.to_owned()),
    };
    render("source.html", SOURCE, page, out)
}

fn heading(head: Head<'_>) -> Value {
    context! { workspace => clean(head.workspace).into_owned(), run => head.run, wharf => head.wharf }
}

fn row(kind: &str, name: &str, page: Option<String>, counts: Counts) -> Value {
    let level = match counts.percent() {
        percent if percent >= 90.0 => "good",
        percent if percent >= 60.0 => "fair",
        _ => "poor",
    };
    context! {
        kind, name => clean(name).into_owned(), page, level, percent => counts.shown(),
        lines => counts.lines, missed => counts.lines - counts.lines_hit,
        branches => counts.branches, branches_missed => counts.branches - counts.branches_hit,
    }
}

fn render(name: &'static str, template: &'static str, page: Value, out: impl Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.add_template(name, template).map_err(io::Error::other)?;
    let template = environment.get_template(name).map_err(io::Error::other)?;
    template.render_captured_to(page, out).map_err(io::Error::other)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_suite::coverage::Gathered;

    const HEAD: Head<'_> = Head { workspace: "<w>", run: 3, wharf: "0.1.0" };

    fn merged() -> Merged {
        let mut gathered = Gathered::default();
        gathered.file("infra/<b>.py".into(), "1,3", "2", vec![(3, 2, [-1].into())]);
        Merged::of([&gathered].into_iter(), |_| Some("infra".into()))
    }

    #[test]
    fn the_index_links_each_file_and_escapes_what_it_names() {
        let mut out = Vec::new();
        index(&merged(), HEAD, &["no coverage of `ml`: <i>".into()], &mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(page.contains(&format!("href=\"{}\"", page_name("infra/<b>.py"))), "{page}");
        assert!(!page.contains("<b>") && !page.contains("<w>") && !page.contains("<i>"), "{page}");
        assert!(page.contains("60.0") && !page.contains("http:"), "{page}");
    }

    #[test]
    fn a_source_page_marks_its_lines_and_its_text_is_inert() {
        let mut out = Vec::new();
        let text = "x = '</code><script>alert(1)</script>'\ny\nif x:\n# \u{1b}[31mred\n";
        source("infra/<b>.py", &merged().files["infra/<b>.py"], text, HEAD, &mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("never went on to the end"), "{page}");
        assert_eq!((page.matches("class=\"miss\"").count(), page.matches("class=\"part\"").count()), (1, 1));
    }

    #[test]
    fn names_of_pages_differ_where_paths_do() {
        assert_ne!(page_name("a/b.py"), page_name("a-b.py"));
        assert!(page_name(&"ä/".repeat(200)).len() < 80);
    }
}
