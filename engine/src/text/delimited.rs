//! csv and tsv: a header, then rows with the same number of fields.
//!
//! Rows are split here, not by the `csv` crate, which ends a row at a lone `\r` too, drops blank lines,
//! treats an unclosed quote as the end of the file, and does not limit a row. On all other input the two
//! agree; a test checks that.

use serde_json::Value;

use super::format::InputFormat;
use super::lines::{LineReader, is_blank, line_body};
use super::names::list_names;
use super::record::Row;
use super::{RecordId, TextOptions};
use crate::{Error, Result};

/// The rows of an input, and the columns of texts, ids and kept fields.
pub(super) struct DelimitedRows {
    quoted: bool,
    /// `None` if there is not even a header.
    columns: Option<Columns>,
}

struct Columns {
    count: usize,
    texts: Vec<usize>,
    join: String,
    id: Option<usize>,
    keep: Vec<usize>,
}

impl Columns {
    fn take(&self, mut fields: Vec<String>) -> Row {
        let id = self.id.map(|index| RecordId::String(fields[index].clone()));
        let kept: Vec<_> = self.keep.iter().map(|&index| Value::String(fields[index].clone())).collect();
        let text = match self.texts.as_slice() {
            [index] => fields.swap_remove(*index),
            indices => {
                let texts: Vec<_> = indices.iter().map(|&index| fields[index].as_str()).collect();
                texts.join(&self.join)
            }
        };
        Row { id, text, kept: kept.into() }
    }
}

impl DelimitedRows {
    /// Reads the header.
    pub(super) fn new(format: InputFormat, lines: &mut LineReader, options: &TextOptions) -> Result<Self> {
        let quoted = format == InputFormat::Csv;
        let columns = match read_fields(lines, quoted)? {
            Some(header) => Some(find_columns(lines.name(), &header, quoted, options)?),
            None => None,
        };
        Ok(Self { quoted, columns })
    }

    pub(super) fn next(&self, lines: &mut LineReader) -> Result<Option<Row>> {
        let Some(columns) = &self.columns else { return Ok(None) };
        let Some(fields) = read_fields(lines, self.quoted)? else { return Ok(None) };
        // A blank line is one empty field, and therefore a row of a file with one column.
        if columns.count > 1 && fields.len() == 1 && is_blank(&fields[0]) {
            return lines.expect_end().map(|()| None);
        }
        if fields.len() != columns.count {
            let rule = format!("the number of fields is {}; the header has {}", fields.len(), columns.count);
            return Err(lines.bad_row(rule));
        }
        Ok(Some(columns.take(fields)))
    }
}

fn find_columns(name: &str, header: &[String], quoted: bool, options: &TextOptions) -> Result<Columns> {
    let bad_input = |rule| Error::BadInput { input: name.to_owned(), rule };
    let find = |column: &str| {
        let mut found = (0..header.len()).filter(|&index| header[index] == column);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(bad_input(format!("the header has the column `{column}` twice"))),
            (first, None) => Ok(first),
        }
    };
    let require =
        |column: &String| find(column)?.ok_or_else(|| bad_input(missing_column(column, header, quoted)));
    let require_all = |columns: &[String]| columns.iter().map(require).collect::<Result<Vec<_>>>();
    Ok(Columns {
        count: header.len(),
        texts: require_all(&options.text_fields)?,
        join: options.join.clone(),
        id: match &options.id_field {
            Some(column) => Some(require(column)?),
            None => find(options.id_field_or_default())?,
        },
        keep: require_all(&options.keep)?,
    })
}

fn missing_column(column: &str, header: &[String], quoted: bool) -> String {
    let names = list_names(header.iter().map(String::as_str));
    let mut rule = format!("the header has no column `{column}`; its columns are {names}");
    if let [only] = header {
        let other = [(';', "';'", true), ('\t', "tabs", quoted), (',', "','", !quoted)];
        if let Some((_, separator, _)) = other.iter().find(|(mark, _, apt)| *apt && only.contains(*mark)) {
            rule.push_str(&format!("; it looks separated by {separator}"));
        }
    }
    rule
}

/// The fields of the next row, which may span several lines if one of them is quoted.
fn read_fields(lines: &mut LineReader, quoted: bool) -> Result<Option<Vec<String>>> {
    let Some(mut line) = lines.start_row()? else { return Ok(None) };
    if !quoted {
        return Ok(Some(line_body(&line).split('\t').map(str::to_owned).collect()));
    }
    let mut splitter = Splitter::default();
    loop {
        splitter.push(&line).map_err(|rule| lines.bad_row(rule))?;
        if splitter.state != QuoteState::Quoted {
            return Ok(Some(splitter.finish()));
        }
        line = lines
            .continue_row()?
            .ok_or_else(|| lines.bad_row("a quote is opened in this row and never closed".to_owned()))?;
    }
}

/// The splitter's position in a csv row.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum QuoteState {
    /// At the start of a field, the only place where a quote opens one.
    #[default]
    Start,
    /// In an unquoted field.
    Plain,
    /// In a quoted field.
    Quoted,
    /// After a quote in such a field: its end, or the first half of a doubled quote.
    QuoteSeen,
}

/// Splits one csv row (RFC 4180), line by line.
#[derive(Default)]
struct Splitter {
    state: QuoteState,
    fields: Vec<String>,
    field: String,
}

impl Splitter {
    fn push(&mut self, line: &str) -> Result<(), String> {
        let body = line_body(line);
        for character in body.chars() {
            self.step(character)?;
        }
        if self.state == QuoteState::Quoted {
            self.field.push_str(&line[body.len()..]);
        }
        Ok(())
    }

    fn step(&mut self, character: char) -> Result<(), String> {
        self.state = match (self.state, character) {
            (QuoteState::Start, '"') => QuoteState::Quoted,
            (QuoteState::Quoted, '"') => QuoteState::QuoteSeen,
            (QuoteState::Start | QuoteState::Plain | QuoteState::QuoteSeen, ',') => {
                self.fields.push(std::mem::take(&mut self.field));
                QuoteState::Start
            }
            (QuoteState::QuoteSeen, '"') | (QuoteState::Quoted, _) => {
                self.field.push(character);
                QuoteState::Quoted
            }
            (QuoteState::Start | QuoteState::Plain, _) => {
                self.field.push(character);
                QuoteState::Plain
            }
            (QuoteState::QuoteSeen, _) => {
                return Err(format!(
                    "field {} goes on after its closing quote; a quote inside quotes must be doubled",
                    self.fields.len() + 1
                ));
            }
        };
        Ok(())
    }

    fn finish(mut self) -> Vec<String> {
        self.fields.push(self.field);
        self.fields
    }
}

#[cfg(test)]
mod tests {
    use super::Splitter;

    fn split(row: &str) -> Vec<String> {
        let mut splitter = Splitter::default();
        splitter.push(row).expect("a row");
        splitter.finish()
    }

    #[test]
    fn agrees_with_the_csv_crate() {
        for row in [
            "a,b,c\n",
            "a,,\n",
            ",,\n",
            "\"a,b\",c\n",
            "\"say \"\"hi\"\"\",x\n",
            "5\" pipe,\"\"\n",
            "a b , c\n",
        ] {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
            let expected = reader.records().next().expect("a row").expect("a row");
            assert_eq!(split(row), expected.iter().collect::<Vec<_>>(), "{row:?}");
        }
    }

    #[test]
    fn text_behind_a_closing_quote_is_refused() {
        let rule = Splitter::default().push("a,\"b\"c\n").expect_err("malformed");
        assert_eq!(rule, "field 2 goes on after its closing quote; a quote inside quotes must be doubled");
    }
}
