//! Coverage as a table: a row a dir, and all together.

use wharf_core::test_suite::Report;
use wharf_core::test_suite::coverage::Counts;
use wharf_core::test_suite::report::text::one_line;

use super::style::Paint;
use super::table::{Cell, Table};

/// The table. Code of dirs that were not part of the run, or of none, has a row of its own.
pub fn table(report: &Report, total: Counts) -> Table {
    let branches = total.branches > 0;
    let mut headers = vec!["coverage of", "lines", "missed"];
    if branches {
        headers.extend(["branches", "missed"]);
    }
    headers.push("percent");
    let mut table = Table::new(&headers);
    let mut row = |name: &str, counts: Counts| {
        let mut cells: Vec<Cell> =
            vec![name.into(), counts.lines.to_string().into(), missed(counts.lines - counts.lines_hit)];
        if branches {
            cells.extend([counts.branches.to_string().into(), missed(counts.branches - counts.branches_hit)]);
        }
        cells.push(counts.shown().into());
        table.row(cells);
    };
    let mut other = total;
    for (dir, counts) in report.dirs.iter().filter_map(|dir| Some((dir, dir.coverage?))) {
        other.lines -= counts.lines;
        other.lines_hit -= counts.lines_hit;
        other.branches -= counts.branches;
        other.branches_hit -= counts.branches_hit;
        row(&one_line(&dir.path), counts);
    }
    if other.lines > 0 {
        row("other code", other);
    }
    row("all", total);
    table
}

fn missed(count: u64) -> Cell {
    Cell::painted(count.to_string(), if count == 0 { Paint::Dim } else { Paint::Plain })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::super::style::Style;
    use super::*;

    #[test]
    fn dirs_other_code_and_all() {
        let counts = |lines, lines_hit| Counts { lines, lines_hit, ..Counts::default() };
        let mut infra = sample::dir("infra", Vec::new());
        infra.coverage = Some(counts(10, 7));
        let report = sample::report(vec![infra, sample::dir("ml", Vec::new())]);
        let text = table(&report, counts(14, 8)).render(None, Style { color: false, unicode: true });
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["infra", "10", "3", "70.0"]);
        assert_eq!(lines[2], ["other", "code", "4", "3", "25.0"]);
        assert_eq!(lines[3], ["all", "14", "6", "57.1"]);
    }
}
