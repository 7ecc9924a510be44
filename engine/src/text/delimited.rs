//! csv and tsv: a header, then rows with the same number of fields.
//!
//! Rows are split here ([`Splitter`]), not by the `csv` crate, which ends a row at a lone `\r` too, drops blank
//! lines, treats an unclosed quote as the end of the file, and does not limit a row. On all other input the
//! two agree; a test checks that.
//!
//! The separator is the one in the options, else that of a first line `sep=;` (Excel), else `,` in csv and a
//! tab in tsv. It is never guessed: a header without the columns that were asked for is an error, which names
//! the separator that would give them.

use serde_json::Value;

use super::fault::{Checked, Fault};
use super::format::InputFormat;
use super::kept::KeptValue;
use super::lines::{LineReader, is_blank, line_body};
use super::names::list_names;
use super::quote_watch::QuoteWatch;
use super::record::{NextRow, Row};
use super::separator::{Quotes, Separator};
use super::splitter::Splitter;
use super::{RecordId, TextOptions};
use crate::Result;
use crate::Setting;
use crate::error::phrase;

/// The rows of an input, and the columns of texts, ids and kept fields.
pub(super) struct DelimitedRows {
    syntax: Syntax,
    /// `None` if there is not even a header.
    columns: Option<Columns>,
    /// Looks for quotes in fields that are read without.
    watch: Option<QuoteWatch>,
}

/// How a row is split into fields.
#[derive(Clone, Copy)]
struct Syntax {
    separator: Separator,
    quoted: bool,
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
        let kept = self.keep.iter().map(|&index| KeptValue::Value(Value::String(fields[index].clone())));
        let kept: Vec<_> = kept.collect();
        let text = match self.texts.as_slice() {
            [index] => fields.swap_remove(*index),
            indices => {
                let texts: Vec<_> = indices.iter().map(|&index| fields[index].as_str()).collect();
                texts.join(&self.join)
            }
        };
        Row { id, text, missing: None, kept: kept.into() }
    }
}

impl DelimitedRows {
    /// Reads the header.
    pub(super) fn new(format: InputFormat, lines: &mut LineReader, options: &TextOptions) -> Result<Self> {
        let is_csv = format == InputFormat::Csv;
        let quoted = options.quotes == Quotes::Always || is_csv && options.quotes == Quotes::Auto;
        let usual = if is_csv { Separator::COMMA } else { Separator::TAB };
        let mut syntax = Syntax { separator: options.separator.unwrap_or(usual), quoted };
        let mut first = lines.start_row()?;
        if let Some(stated) = first.as_deref().map(line_body).and_then(Separator::stated) {
            syntax.separator = options.separator.unwrap_or(stated);
            first = lines.start_row()?;
        }
        let columns = match first {
            Some(line) => {
                let mut header = syntax.split(line, lines)?;
                // Programs that add a byte order mark to a file that has one leave the second to its reader.
                header[0] = header[0].trim_start_matches('\u{feff}').to_owned();
                let columns = find_columns(&header, syntax, options);
                Some(columns.map_err(|fault| fault.of_input(lines.name()))?)
            }
            None => None,
        };
        let watch = (!quoted && options.quotes == Quotes::Auto).then(QuoteWatch::default);
        Ok(Self { syntax, columns, watch })
    }

    pub(super) fn next(&mut self, lines: &mut LineReader) -> Result<NextRow> {
        let Some(columns) = &self.columns else { return Ok(NextRow::End) };
        let Some(line) = lines.start_row()? else {
            self.watch.iter_mut().for_each(|watch| watch.end(lines.name()));
            return Ok(NextRow::End);
        };
        let fields = self.syntax.split(line, lines)?;
        // A blank line is one empty field, and therefore a row of a file with one column.
        if columns.count > 1 && fields.len() == 1 && is_blank(&fields[0]) {
            return lines.expect_end().map(|()| NextRow::End);
        }
        if fields.len() != columns.count {
            let rule = format!("the number of fields is {}; the header has {}", fields.len(), columns.count);
            let may_be_quoted = self.watch.is_some() && fields.iter().any(|field| field.starts_with('"'));
            let remedy = may_be_quoted
                .then(|| phrase!["if its fields are quoted, read it with ", (Setting::Quotes, "always")]);
            return Err(lines.bad_row(Fault::from(rule).with(remedy)));
        }
        if let Some(watch) = &mut self.watch {
            columns.texts.iter().for_each(|&index| watch.see(&fields[index], lines.name()));
        }
        Ok(NextRow::Row(columns.take(fields)))
    }
}

impl Syntax {
    /// The fields of the row that starts with `line`, which may span several lines if one of them is quoted.
    fn split(self, mut line: String, lines: &mut LineReader) -> Result<Vec<String>> {
        let separator = self.separator.character();
        if !self.quoted {
            return Ok(line_body(&line).split(separator).map(str::to_owned).collect());
        }
        let mut splitter = Splitter::new(separator);
        loop {
            splitter.push(&line).map_err(|rule| lines.bad_row(rule))?;
            if !splitter.is_open() {
                return Ok(splitter.finish());
            }
            line = lines
                .continue_row()?
                .ok_or_else(|| lines.bad_row("a quote is opened in this row and never closed"))?;
        }
    }
}

fn find_columns(header: &[String], syntax: Syntax, options: &TextOptions) -> Checked<Columns> {
    let find = |column: &str| -> Checked<Option<usize>> {
        let mut found = (0..header.len()).filter(|&index| header[index] == column);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(format!("the header has the column `{column}` twice").into()),
            (first, None) => Ok(first),
        }
    };
    let require =
        |column: &String| find(column)?.ok_or_else(|| missing_column(column, header, syntax.separator));
    let require_all = |columns: &[String]| columns.iter().map(require).collect::<Checked<Vec<_>>>();
    Ok(Columns {
        count: header.len(),
        texts: require_all(&options.text_fields)?,
        join: options.join.clone(),
        id: match (&options.id_field, options.id_column()) {
            (Some(column), _) => Some(require(column)?),
            (None, Some(column)) => find(column).map_err(|fault| fault.with(options.id_remedy()))?,
            (None, None) => None,
        },
        keep: require_all(&options.keep)?,
    })
}

fn missing_column(column: &str, header: &[String], separator: Separator) -> Fault {
    let names = list_names(header.iter().map(String::as_str));
    let rule = format!("the header has no column `{column}`; its columns are {names}");
    let [only] = header else { return rule.into() };
    let others = [
        (Separator::SEMICOLON, "';'", "';'"),
        (Separator::TAB, "tabs", "tab"),
        (Separator::BAR, "'|'", "'|'"),
        (Separator::COMMA, "','", "','"),
    ];
    let is_in =
        |(other, ..): &&(Separator, &str, &str)| *other != separator && only.contains(other.character());
    match others.iter().find(is_in) {
        None => rule.into(),
        Some((_, words, value)) => Fault::from(format!("{rule}; it looks separated by {words}"))
            .hint(phrase!["read it with ", (Setting::Separator, value)]),
    }
}
