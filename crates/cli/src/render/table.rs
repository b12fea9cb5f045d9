//! A small table: columns as wide as they need be, numbers to the right, cut where the terminal is narrow.

use super::style::{Paint, Style};
use super::width::{cut_end, pad_end, pad_start, width};

/// Columns between two columns.
const GAP: usize = 2;
/// A column is never cut below this.
const NARROWEST: usize = 10;

/// A table that is filled row by row and rendered once.
#[derive(Debug, Clone, Default)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

/// Text of one cell and how it is set off.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A cell that is set off.
    #[must_use]
    pub fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self { text: text.into(), paint }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text, Paint::Plain)
    }
}

impl Table {
    /// A table with these headers and no rows.
    #[must_use]
    pub fn new(headers: &[&str]) -> Self {
        Self { headers: headers.iter().map(|text| (*text).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, those beyond the headers are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Self {
        let mut cells: Vec<_> = cells.into_iter().collect();
        cells.resize_with(self.headers.len(), || "".into());
        self.rows.push(cells);
        self
    }

    /// Columns of a terminal below which this table cannot be cut to fit.
    #[must_use]
    pub fn narrowest(&self) -> usize {
        let numeric: Vec<_> = (0..self.headers.len()).map(|index| self.is_numeric(index)).collect();
        let widths = self.widths(Some(0), &numeric);
        widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, each with a newline. `columns` is the terminal's width; `None` (a pipe) cuts nothing.
    #[must_use]
    pub fn render(&self, columns: Option<usize>, style: Style) -> String {
        let numeric: Vec<_> = (0..self.headers.len()).map(|index| self.is_numeric(index)).collect();
        let widths = self.widths(columns, &numeric);
        let mut out = String::new();
        let headers = self.headers.iter().map(|text| (text.as_str(), Paint::Dim));
        push_line(&mut out, headers, &widths, &numeric, style);
        for row in &self.rows {
            let cells = row.iter().map(|cell| (cell.text.as_str(), cell.paint));
            push_line(&mut out, cells, &widths, &numeric, style);
        }
        out
    }

    fn is_numeric(&self, index: usize) -> bool {
        let is_number = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 's' | 'm' | 'h'))
        };
        let mut filled =
            self.rows.iter().map(|row| row[index].text.as_str()).filter(|text| *text != "-" && !text.is_empty());
        let mut any = false;
        filled.all(|text| {
            any = true;
            is_number(text)
        }) && any
    }

    fn widths(&self, columns: Option<usize>, numeric: &[bool]) -> Vec<usize> {
        let mut widths: Vec<_> = self.headers.iter().map(|text| width(text)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = width(&cell.text).max(*widest);
            }
        }
        let Some(columns) = columns else {
            return widths;
        };
        let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        while total(&widths) > columns {
            let widest = widths
                .iter_mut()
                .zip(numeric)
                .filter(|(width, numeric)| !**numeric && **width > NARROWEST)
                .map(|(width, _)| width)
                .max();
            match widest {
                Some(width) => *width -= 1,
                None => break,
            }
        }
        widths
    }
}

fn push_line<'a>(
    out: &mut String,
    cells: impl Iterator<Item = (&'a str, Paint)>,
    widths: &[usize],
    numeric: &[bool],
    style: Style,
) {
    let mut line = String::new();
    let mut blanks = 0;
    for (index, (text, paint)) in cells.take(widths.len()).enumerate() {
        let text = cut_end(text, widths[index], style);
        let padded = if numeric[index] { pad_start(&text, widths[index]) } else { pad_end(&text, widths[index]) };
        let body = padded.trim_end_matches(' ');
        if !body.is_empty() {
            line.push_str(&" ".repeat(blanks));
            line.push_str(&style.paint(paint, body));
            blanks = 0;
        }
        blanks += padded.len() - body.len() + GAP;
    }
    out.push_str(&line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["dir", "image", "passed", "seconds"]);
        table.row(["infra".into(), "infra:local-me-0.1.0".into(), "209".into(), "12.3s".into()]);
        table.row(["漢字".into(), "-".into(), Cell::painted("0", Paint::Red), "1m02s".into()]);
        table
    }

    #[test]
    fn numbers_stand_to_the_right_and_no_line_ends_in_blanks() {
        assert_eq!(
            table().render(None, Style::PLAIN),
            "dir    image                 passed  seconds\n\
             infra  infra:local-me-0.1.0     209    12.3s\n\
             漢字   -                          0    1m02s\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_text() {
        assert_eq!(
            table().render(Some(38), Style { color: false, unicode: true }),
            "dir    image           passed  seconds\n\
             infra  infra:local-m…     209    12.3s\n\
             漢字   -                    0    1m02s\n"
        );
        assert_eq!(table().narrowest(), 34);
    }

    #[test]
    fn short_rows_and_colours() {
        let mut table = Table::new(&["a", "b"]);
        assert!(table.is_empty());
        table.row([Cell::painted("x", Paint::Green)]);
        assert_eq!(
            table.render(None, Style { color: true, unicode: true }),
            "\u{1b}[2ma\u{1b}[0m  \u{1b}[2mb\u{1b}[0m\n\u{1b}[32mx\u{1b}[0m\n"
        );
    }
}
