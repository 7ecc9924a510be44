//! One column of texts that can be read more than once.
//!
//! Inputs may be read several times: to check them before any work, to weight tokens by idf, and to score.
//! Standard input and pipes cannot be read twice, so their texts are kept.

use std::fmt;
use std::sync::Arc;

use crate::text::{Input, InputFormat, Kept, Record, RecordId, TextOptions, TextReader};
use crate::{Error, Result, Setting};

/// An iterator over texts.
type Texts = Box<dyn Iterator<Item = Result<String>> + Send>;
/// An iterator over texts with their rows and ids.
pub(super) type Records = Box<dyn Iterator<Item = Result<Record>> + Send>;

/// A file or standard input, and the field or column of its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextColumn {
    /// The input.
    pub input: Input,
    /// The field or column with the text. `None`: that of [`TextOptions::text_fields`], or the lines of a txt.
    pub field: Option<String>,
}

impl TextColumn {
    /// How the column is read: `common`, with its own field.
    pub(super) fn options(&self, common: &TextOptions) -> TextOptions {
        match &self.field {
            Some(field) => common.clone().text_fields([field]),
            None => common.clone(),
        }
    }

    /// Whether its format, as far as it is known by name, is txt, which has no fields.
    pub(super) fn is_named_txt(&self, common: &TextOptions) -> bool {
        let by_name = match &self.input {
            Input::File(path) => InputFormat::from_path(path).ok(),
            Input::Stdin | Input::Text(_) => None,
        };
        common.format.or(by_name) == Some(InputFormat::Txt)
    }
}

/// One column of texts: of a file, or of anything else that can be iterated again.
#[derive(Clone)]
pub struct TextSource {
    name: String,
    field: Option<String>,
    /// The input and how it is read, if it is one.
    origin: Option<Arc<(Input, TextOptions)>>,
    open: Arc<dyn Fn() -> Result<Records> + Send + Sync>,
}

impl TextSource {
    /// The texts of a file. Checks that it can be read; reads all of it if it is not a regular file. A file that
    /// is one text has no id: two sides in two files have different paths.
    ///
    /// # Errors
    /// If it cannot be read, or is not a regular file and breaks a rule.
    pub fn open(input: &Input, options: &TextOptions) -> Result<Self> {
        let is_numbered = options.no_id || options.id_field.is_none() && input.is_document(options);
        let options = TextOptions { no_id: is_numbered, ..options.clone() };
        let reader = TextReader::open(input, &options)?;
        let name = input.to_string();
        let has_fields = reader.format() != InputFormat::Txt && !reader.format().is_document();
        let field = has_fields.then(|| options.text_fields.join(" "));
        if !input.can_be_read_again() {
            let records =
                reader.map(|record| record.map_err(without_skipping)).collect::<Result<Vec<_>>>()?;
            return Ok(Self { field, ..Self::of_records(&name, records) });
        }
        let input = input.clone();
        let origin = Some(Arc::new((input.clone(), options.clone())));
        let open = move || -> Result<Records> {
            Ok(Box::new(TextReader::open(&input, &options)?.map(|record| record.map_err(without_skipping))))
        };
        Ok(Self { name, field, origin, open: Arc::new(open) })
    }

    /// The texts of a column, read with the `common` options and its own field.
    ///
    /// # Errors
    /// As [`TextSource::open`]; if the column is named and the input is a txt, which has none.
    pub(super) fn of_column(column: &TextColumn, common: &TextOptions) -> Result<Self> {
        let source = Self::open(&column.input, &column.options(common))?;
        match (&column.field, &source.field) {
            (Some(named), None) => Err(Error::usage_hint(
                format!(
                    "{} is read as txt, which has no fields, and so none named `{named}` for the text",
                    source.name
                ),
                "use jsonl, json, csv, tsv or parquet for texts with other fields",
            )),
            _ => Ok(source),
        }
    }

    /// The texts that `open` returns, which must be the same in every call. `name` identifies them in
    /// messages. They have no ids.
    pub fn new(name: &str, open: impl Fn() -> Result<Texts> + Send + Sync + 'static) -> Self {
        let open = move || -> Result<Records> {
            Ok(Box::new(open()?.zip(0..).map(|(text, position)| text.map(|text| without_id(text, position)))))
        };
        Self { name: name.to_owned(), field: None, origin: None, open: Arc::new(open) }
    }

    /// Texts in memory. `name` identifies them in messages.
    pub fn of_texts(name: &str, texts: impl Into<Arc<[String]>>) -> Self {
        let texts: Arc<[String]> = texts.into();
        Self::new(name, move || {
            let texts = texts.clone();
            Ok(Box::new((0..texts.len()).map(move |index| Ok(texts[index].clone()))))
        })
    }

    /// Records in memory.
    pub(super) fn of_records(name: &str, records: Vec<Record>) -> Self {
        let records: Arc<[Record]> = records.into();
        let open = move || -> Result<Records> {
            let records = records.clone();
            Ok(Box::new((0..records.len()).map(move |index| Ok(records[index].clone()))))
        };
        Self { name: name.to_owned(), field: None, origin: None, open: Arc::new(open) }
    }

    /// The same texts in the order of `records`, which are in memory.
    pub(super) fn reordered(&self, records: Vec<Record>) -> Self {
        Self { field: self.field.clone(), ..Self::of_records(&self.name, records) }
    }

    /// The same texts, each with the value of one more field of its row, and the place of that value among those kept.
    ///
    /// # Errors
    /// If the texts are not those of a file, or the file has no such field.
    pub(super) fn keeping(&self, field: &str) -> Result<(Self, usize)> {
        let Some(origin) = &self.origin else {
            return Err(Error::usage(format!(
                "{}: fields besides the text are read from files only",
                self.name
            )));
        };
        let (input, options) = &**origin;
        let mut kept = options.keep.clone();
        let place = kept.iter().position(|known| known == field).unwrap_or_else(|| {
            kept.push(field.to_owned());
            kept.len() - 1
        });
        Ok((Self::open(input, &options.clone().keep(kept))?, place))
    }

    /// The same texts without their ids.
    #[must_use]
    pub fn without_ids(&self) -> Self {
        let with_ids = self.open.clone();
        let open = move || -> Result<Records> {
            let anonymous = |(record, position): (Result<Record>, u64)| {
                record.map(|record| Record { id: RecordId::Row(position), ..record })
            };
            Ok(Box::new(with_ids()?.zip(0..).map(anonymous)))
        };
        Self { open: Arc::new(open), ..self.clone() }
    }

    /// Its name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The field or column of a file's texts; `None` if they are lines or in memory.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Reads the texts from the start.
    ///
    /// # Errors
    /// If they cannot be opened.
    pub fn texts(&self) -> Result<Texts> {
        Ok(Box::new(self.records()?.map(|record| record.map(|record| record.text))))
    }

    /// The same with rows and ids.
    pub(super) fn records(&self) -> Result<Records> {
        (self.open)()
    }
}

/// An error without the remedy of leaving out rows without text: rows of several inputs belong together.
fn without_skipping(error: Error) -> Error {
    match error {
        Error::Hinted { error, hint } if hint.settings().any(|setting| setting == Setting::SkipEmpty) => {
            *error
        }
        error => error,
    }
}

fn without_id(text: String, position: u64) -> Record {
    Record { id: RecordId::Row(position), row: position + 1, text, has_text: true, kept: Kept::Nothing }
}

impl fmt::Debug for TextSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("TextSource");
        text.field("name", &self.name).field("field", &self.field).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_memory_can_be_read_again() {
        let texts = TextSource::of_texts("memory", ["a".to_owned(), "b".to_owned()]);
        for _ in 0..2 {
            let read: Vec<String> = texts.texts().unwrap().map(Result::unwrap).collect();
            assert_eq!(read, ["a", "b"]);
        }
        let rows: Vec<_> = texts.records().unwrap().map(|record| record.unwrap().row).collect();
        assert_eq!(rows, [1, 2]);
    }

    #[test]
    fn a_document_has_no_id() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        for (name, options) in [
            (&b"a.md"[..], TextOptions::default()),
            (b"a.html", TextOptions::default()),
            (b"\xff.md", TextOptions::default()),
            (b"a.txt", TextOptions::default().whole_files()),
        ] {
            let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
            std::fs::write(&path, "a\n").unwrap();
            let source = TextSource::open(&Input::File(path), &options).unwrap();
            let record = source.records().unwrap().next().unwrap().unwrap();
            assert_eq!((record.id, record.text.as_str()), (RecordId::Row(0), "a"));
        }
    }

    #[test]
    fn a_named_column_of_a_txt_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.txt");
        std::fs::write(&path, "a\n").unwrap();
        let column = TextColumn { input: Input::File(path), field: Some("text".to_owned()) };
        let error = TextSource::of_column(&column, &TextOptions::default()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        assert!(error.to_string().ends_with("none named `text` for the text"), "{error}");
        let column = TextColumn { field: None, ..column };
        assert!(TextSource::of_column(&column, &TextOptions::default()).is_ok());
    }
}
