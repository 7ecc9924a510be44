//! Tables for people: columns two blanks apart, as wide as their longest cell, within the terminal's width.

use std::borrow::Cow;
use std::io::{IsTerminal, stdout};

use console::{Alignment, Term, measure_text_width, pad_str};

use crate::print::print_line;

/// Columns if the terminal does not say how many it has.
const DEFAULT_WIDTH: usize = 80;
/// Blanks between two columns.
const GAP: &str = "  ";
/// Width that a column of texts keeps on a terminal that is too narrow.
const MIN_TEXT: usize = 8;
/// Replaces the middle of a shortened text.
const ELLIPSIS: &str = "...";

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    header: Cow<'static, str>,
    is_text: bool,
}

impl Column {
    /// A column of texts, which are left-aligned, and shortened if the table is too wide.
    pub(crate) fn text(header: impl Into<Cow<'static, str>>) -> Self {
        Self { header: header.into(), is_text: true }
    }

    /// A column of numbers, which are right-aligned.
    pub(crate) fn number(header: impl Into<Cow<'static, str>>) -> Self {
        Self { header: header.into(), is_text: false }
    }
}

/// A table with a header. Columns of texts are shortened if it is too wide.
pub(crate) struct Table {
    columns: Vec<Column>,
    width: usize,
}

impl Table {
    /// A table for standard output.
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), width: terminal_width() }
    }

    /// The same, in which no text is shortened unless a terminal is too narrow for it.
    pub(crate) fn whole_in_pipes(self) -> Self {
        let width = if stdout().is_terminal() { self.width } else { usize::MAX };
        Self { width, ..self }
    }

    /// Whether it fits, if texts are shortened.
    pub(crate) fn fits<R: Into<Vec<String>>>(&self, rows: impl IntoIterator<Item = R>) -> bool {
        let widths = self.widths(rows);
        widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1) <= self.width
    }

    /// Prints the header and the rows, which are asked for twice: first for their widths.
    pub(crate) fn print<R: Into<Vec<String>>, I: IntoIterator<Item = R>>(
        &self,
        rows: impl Fn() -> I,
    ) -> nearsay::Result<()> {
        let widths = self.widths(rows());
        let header = self.columns.iter().map(|column| column.header.clone().into_owned()).collect();
        print_line(&self.line(header, &widths))?;
        rows().into_iter().try_for_each(|row| print_line(&self.line(row.into(), &widths)))
    }

    fn widths<R: Into<Vec<String>>>(&self, rows: impl IntoIterator<Item = R>) -> Vec<usize> {
        let mut widths: Vec<usize> =
            self.columns.iter().map(|column| measure_text_width(&visible(&column.header))).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row.into()) {
                *width = measure_text_width(&visible(&cell)).max(*width);
            }
        }
        let total = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        let texts = self.columns.iter().filter(|column| column.is_text).count().max(1);
        let too_wide = total.saturating_sub(self.width).div_ceil(texts);
        for (width, _) in widths.iter_mut().zip(&self.columns).filter(|(_, column)| column.is_text) {
            *width = width.saturating_sub(too_wide).max(MIN_TEXT.min(*width));
        }
        widths
    }

    fn line(&self, row: Vec<String>, widths: &[usize]) -> String {
        let cells = row.iter().zip(widths).zip(&self.columns).map(|((cell, width), column)| {
            let alignment = if column.is_text { Alignment::Left } else { Alignment::Right };
            pad_str(&shorten(&visible(cell), *width), *width, alignment, None).into_owned()
        });
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    }
}

/// The text with control characters escaped: a file or an id must not move the cursor, nor turn the line around.
pub(crate) fn visible(text: &str) -> String {
    let moves = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escape = |c: char| if moves(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Columns of the terminal, or a usual number.
pub(crate) fn terminal_width() -> usize {
    let columns = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|width| *width > 0).unwrap_or(DEFAULT_WIDTH)
}

/// The text without its middle if it is wider than `width`: the start and the end of a path or id matter.
fn shorten(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(ELLIPSIS.len());
    let start = fitting(text.chars(), room / 2);
    let start_width = measure_text_width(&start);
    let end: String = fitting(text.chars().rev(), room - start_width).chars().rev().collect();
    format!("{start}{ELLIPSIS}{end}")
}

/// The first characters, at most `width` wide.
fn fitting(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut text = String::new();
    for character in characters {
        text.push(character);
        if measure_text_width(&text) > width {
            text.pop();
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(width: usize, rows: &[[&str; 2]]) -> Vec<String> {
        let table = Table { columns: vec![Column::text("file"), Column::number("F1")], width };
        let rows = || rows.iter().map(|row| row.map(str::to_owned));
        let widths = table.widths(rows());
        rows().map(|row| table.line(row.into(), &widths)).collect()
    }

    #[test]
    fn numbers_are_right_aligned_and_texts_left() {
        assert_eq!(
            lines(80, &[["a.txt", "0.5"], ["longer.txt", "-0.25"]]),
            ["a.txt         0.5", "longer.txt  -0.25"]
        );
    }

    #[test]
    fn a_text_that_is_too_wide_loses_its_middle() {
        let name = "a/very/long/path/of/a/system/output.txt";
        let line = &lines(30, &[[name, "0.123456"]])[0];
        assert_eq!((line.as_str(), line.len()), ("a/very/l...utput.txt  0.123456", 30));
        let narrow = &lines(5, &[[name, "0.123456"]])[0];
        assert_eq!(narrow, "a/...txt  0.123456");
    }

    #[test]
    fn width_is_that_on_the_screen() {
        assert_eq!(lines(80, &[["数学", "1"], ["ab", "2"]]), ["数学   1", "ab     2"]);
        assert_eq!(shorten("数学数学数学", 9), "数...数学");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(lines(80, &[["a\u{1b}[31m\nb", "1"]]), ["a\\u{1b}[31m\\nb   1"]);
    }
}
