//! Rows of a baseline: `LAYER,P,R,F`, comma separated although the published files are named `.tsv`.

use super::BaselineRow;
use crate::{Error, Result};

pub(super) const HEADER: &str = "LAYER,P,R,F";

/// Parses a whole file. `name` identifies it in messages.
pub(super) fn file(name: &str, contents: &str) -> Result<Vec<BaselineRow>> {
    // Spreadsheets write a byte order mark; pandas, which the reference reads with, skips it and blank rows.
    let contents = contents.strip_prefix('\u{feff}').unwrap_or(contents);
    let mut lines = contents.lines().zip(1u64..).filter(|(line, _)| !line.trim().is_empty());
    check_header(name, lines.next())?;
    rows(name, lines)
}

/// Parses rows without a header; each line has its row number in the file.
pub(super) fn rows<'a>(name: &str, lines: impl Iterator<Item = (&'a str, u64)>) -> Result<Vec<BaselineRow>> {
    let rows = lines
        .enumerate()
        .map(|(layer, (line, row))| {
            parse_row(line, layer).map_err(|rule| Error::BadRow { input: name.to_owned(), row, rule })
        })
        .collect::<Result<Vec<_>>>()?;
    if rows.is_empty() {
        return Err(Error::BadInput {
            input: name.to_owned(),
            rule: "a baseline must have a row for each layer, it has none".to_owned(),
        });
    }
    Ok(rows)
}

fn check_header(name: &str, first: Option<(&str, u64)>) -> Result<()> {
    let (header, row) = first.unwrap_or(("", 1));
    let columns = header.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    if columns.eq_ignore_ascii_case(HEADER) {
        return Ok(());
    }
    let rule = format!("the first row of a baseline must be {HEADER}, it is {header:?}");
    Err(Error::BadRow { input: name.to_owned(), row, rule })
}

/// Parses one row; the error is the rule that it breaks.
fn parse_row(line: &str, layer: usize) -> Result<BaselineRow, String> {
    let fields: Vec<_> = line.split(',').map(str::trim).collect();
    let [number, precision, recall, f1] = fields[..] else {
        return Err(format!("a row must have 4 comma-separated fields ({HEADER}), it has {}", fields.len()));
    };
    if number.parse() != Ok(layer) {
        return Err(format!("layers must count up from 0, so this LAYER must be {layer}, it is {number:?}"));
    }
    Ok(BaselineRow { precision: value("P", precision)?, recall: value("R", recall)?, f1: value("F", f1)? })
}

/// Parses a value, rounded to f64 and then to f32 as in the reference (`bert_score/score.py:149-151`).
///
/// A mean of cosines is between -1 and 1; 1 itself would cause a division by zero.
fn value(column: &str, text: &str) -> Result<f32, String> {
    match text.parse::<f64>().map(|value| value as f32) {
        Ok(value) if value > -1.0 && value < 1.0 => Ok(value),
        _ => Err(format!("{column} must be a number above -1 and below 1, it is {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: BaselineRow = BaselineRow { precision: 0.25, recall: 0.5, f1: -0.75 };

    #[test]
    fn the_published_form_is_read() -> Result<()> {
        assert_eq!(file("mine", "LAYER,P,R,F\n0,0.25,0.5,-0.75\n1,.25,5e-1,-0.75")?, [ROW, ROW]);
        Ok(())
    }

    #[test]
    fn marks_blanks_and_line_ends_of_other_systems_are_read() -> Result<()> {
        assert_eq!(file("mine", "\u{feff}layer, p, r, f\r\n\r\n 0, 0.25, 0.5, -0.75\r\n\n")?, [ROW]);
        Ok(())
    }

    #[test]
    fn a_broken_row_is_named() {
        let broken = [
            ("0,0.25,0.5,0.75", 1, "must be LAYER,P,R,F"),
            ("LAYER\tP\tR\tF\n0\t0.1\t0.1\t0.1", 1, "must be LAYER,P,R,F"),
            ("", 1, "must be LAYER,P,R,F"),
            ("LAYER,P,R,F\n\n1,0.1,0.1,0.1", 3, "must be 0, it is \"1\""),
            ("LAYER,P,R,F\n0,0.1,0.1,0.1\n2,0.1,0.1,0.1", 3, "must be 1, it is \"2\""),
            ("LAYER,P,R,F\n0,0.1,0.1", 2, "it has 3"),
            ("LAYER,P,R,F\n0,0.1,0.1,0.1,0.1", 2, "it has 5"),
            ("LAYER,P,R,F\n0,0.1,x,0.1", 2, "R must be a number"),
            ("LAYER,P,R,F\n0,nan,0.1,0.1", 2, "P must be a number"),
            ("LAYER,P,R,F\n0,0.1,0.1,inf", 2, "F must be a number"),
            ("LAYER,P,R,F\n0,0.1,0.1,1", 2, "below 1, it is \"1\""),
            ("LAYER,P,R,F\n0,0.1,0.1,0.9999999999", 2, "below 1"),
            ("LAYER,P,R,F\n-1,0.1,0.1,0.1", 2, "must be 0, it is \"-1\""),
        ];
        for (contents, expected_row, expected_rule) in broken {
            let error = file("mine.csv", contents).unwrap_err();
            assert!(
                matches!(&error, Error::BadRow { input, row, rule }
                    if input == "mine.csv" && *row == expected_row && rule.contains(expected_rule)),
                "{contents:?}: {error}"
            );
        }
    }

    #[test]
    fn a_header_alone_is_no_baseline() {
        let error = file("mine.csv", "LAYER,P,R,F\n").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
        assert!(error.to_string().contains("it has none"), "{error}");
    }
}
