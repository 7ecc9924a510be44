//! The elements of a JSON array, one at a time: of a file of any size only one element is in memory.
//!
//! An input that does not start with `[` is values one after the other, on any number of lines: one object, or
//! the lines of a jsonl file that is named .json.

use super::JsonRows;
use super::scan::ValueScanner;
use crate::Result;
use crate::text::fault::Fault;
use crate::text::lines::LineReader;
use crate::text::record::NextRow;

/// The position in an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte.
    Start,
    /// After `[`.
    Opened,
    /// After an element of an array.
    Inside,
    /// Between values that are not in an array.
    Loose,
    End,
}

/// Reads the values of a json input.
pub(in crate::text) struct JsonElements {
    rows: JsonRows,
    state: State,
    /// Values so far.
    count: u64,
}

impl JsonElements {
    pub(in crate::text) fn new(rows: JsonRows) -> Self {
        Self { rows, state: State::Start, count: 0 }
    }

    /// The next row. Rows are counted by elements, from 1.
    pub(in crate::text) fn next(&mut self, lines: &mut LineReader) -> Result<NextRow> {
        if !self.find_element(lines)? {
            return Ok(NextRow::End);
        }
        self.count += 1;
        let mut scanner = ValueScanner::default();
        let (element, has_end) = lines.scan_row(self.count, |piece| scanner.scan(piece))?;
        if !has_end && !scanner.is_word() {
            return Err(lines.bad_row("not valid JSON: the value is never closed"));
        }
        if element.is_empty() {
            return Err(lines.bad_row("not valid JSON: a value is missing"));
        }
        self.rows.parse(&element).map_err(|fault| lines.bad_row(fault))
    }

    /// Goes on to the start of the next value; false if there is none.
    fn find_element(&mut self, lines: &mut LineReader) -> Result<bool> {
        loop {
            let next = lines.peek()?;
            self.state = match (self.state, next) {
                (State::Start, Some(b'[')) => State::Opened,
                (State::Start | State::Loose, None) | (State::End, _) => return Ok(false),
                (State::Start | State::Loose, Some(_)) => {
                    self.state = State::Loose;
                    return Ok(true);
                }
                (State::Opened | State::Inside, Some(b']')) => {
                    lines.skip(1);
                    self.state = State::End;
                    return self.expect_end(lines);
                }
                (State::Inside, Some(b',')) => {
                    lines.skip(1);
                    return self.expect_element(lines);
                }
                (State::Opened, Some(_)) => {
                    self.state = State::Inside;
                    return Ok(true);
                }
                (State::Opened | State::Inside, None) => {
                    return Err(self.broken("the array is never closed by `]`", lines));
                }
                (State::Inside, Some(_)) => {
                    return Err(self.broken("expected `,` or `]` after an element", lines));
                }
            };
            lines.skip(1);
        }
    }

    fn expect_element(&mut self, lines: &mut LineReader) -> Result<bool> {
        match lines.peek()? {
            Some(b']' | b',') | None => Err(self.broken("expected an element after `,`", lines)),
            Some(_) => Ok(true),
        }
    }

    fn expect_end(&mut self, lines: &mut LineReader) -> Result<bool> {
        match lines.peek()? {
            None => Ok(false),
            Some(_) => Err(self.broken("more follows after the array's `]`", lines)),
        }
    }

    fn broken(&self, rule: &str, lines: &LineReader) -> crate::Error {
        let place =
            if self.count == 0 { "at the start".to_owned() } else { format!("after row {}", self.count) };
        Fault::from(format!("not valid JSON: {rule} ({place})")).of_input(lines.name())
    }
}
