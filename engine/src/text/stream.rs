//! Several inputs as one stream of records.

use std::collections::VecDeque;

use arrow_schema::Field;

use super::document::numbered;
use super::ids::SeenIds;
use super::survey::Survey;
use super::{Input, Record, RecordId, TextOptions, TextReader};
use crate::{Error, Result};

/// Bytes of text and kept values after which reading ahead stops.
const AHEAD_BYTES: usize = 64 << 20;

/// The records of several inputs, one after the other. Ends at the first error.
///
/// Rows without an id are numbered across all inputs, from 0. An id that occurs twice is an error that names
/// both rows: at once if the rows are close together, otherwise before the stream ends. Half a million ids
/// are kept in memory; more go to a temporary file.
pub struct RecordStream {
    inputs: Vec<Input>,
    options: TextOptions,
    survey: Survey,
    /// The current input and its index; `None` before the first and after the last.
    reader: Option<TextReader>,
    opened: usize,
    position: u64,
    /// Rows, those left out, replacements, and bytes of the inputs that are finished.
    rows: u64,
    skipped: u64,
    replaced: u64,
    bytes: u64,
    seen: SeenIds,
    /// Records that were read ahead, and the failure that ended them, if one did.
    ahead: VecDeque<(Result<Record>, usize)>,
    done: bool,
    /// The input of the record that was returned last.
    last: usize,
}

impl RecordStream {
    /// Checks that every input can be read, and opens the first. The others are opened when they are reached,
    /// so a thousand files need one file handle.
    ///
    /// # Errors
    /// Those of [`TextReader::open`]; [`Error::Usage`](crate::Error::Usage) if standard input is named twice,
    /// or fields are kept of Parquet and other inputs together; [`Error::BadInput`](crate::Error::BadInput)
    /// if two Parquet files have a kept column of different types.
    pub fn open(inputs: &[Input], options: &TextOptions) -> Result<Self> {
        let survey = Survey::of(inputs, options)?;
        let mut stream = Self {
            inputs: inputs.to_vec(),
            options: options.clone(),
            survey,
            reader: None,
            opened: 0,
            position: 0,
            rows: 0,
            skipped: 0,
            replaced: 0,
            bytes: 0,
            seen: SeenIds::default(),
            ahead: VecDeque::new(),
            done: false,
            last: 0,
        };
        stream.open_next()?;
        Ok(stream)
    }

    /// Reads up to `count` records ahead, stopping at 64 MiB of text. They stay in the stream, and so does a
    /// failure after them: [`RecordStream::ahead`] shows them.
    ///
    /// # Errors
    /// If not even the first record can be read.
    pub fn read_ahead(&mut self, count: usize) -> Result<()> {
        let mut bytes = 0;
        while self.ahead.len() < count && bytes < AHEAD_BYTES && !self.done {
            let Some(record) = self.read() else { break };
            bytes += record.as_ref().map_or(0, |record| record.text.len() + record.kept.bytes());
            self.ahead.push_back((record, self.opened.saturating_sub(1)));
        }
        match self.ahead.pop_front_if(|(first, _)| first.is_err()) {
            Some((failed, _)) => failed.map(drop),
            None => Ok(()),
        }
    }

    /// The records that were read ahead and not yet returned, up to a failure.
    pub fn ahead(&self) -> impl Iterator<Item = &Record> {
        self.ahead.iter().filter_map(|(record, _)| record.as_ref().ok())
    }

    /// Whether nothing follows the records that were read ahead.
    pub fn is_all_ahead(&self) -> bool {
        self.done
    }

    /// The current input: its format, and whether that was sniffed.
    pub fn current(&self) -> Option<&TextReader> {
        self.reader.as_ref()
    }

    /// The index of the input that has the record that was returned last.
    pub fn last_input(&self) -> usize {
        self.last
    }

    /// Records so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Rows so far that were left out because they have no text; 0 unless [`TextOptions::skip_empty`].
    pub fn skipped(&self) -> u64 {
        self.skipped + self.reader.as_ref().map_or(0, TextReader::skipped)
    }

    /// Sequences so far that were not UTF-8 and were replaced by U+FFFD; 0 unless [`TextOptions::lossy`].
    pub fn replaced(&self) -> u64 {
        self.replaced + self.reader.as_ref().map_or(0, TextReader::replaced)
    }

    /// The kept columns in the order of [`TextOptions::keep`], each nullable. `None` unless all inputs
    /// are Parquet and there is at least one.
    pub fn kept_types(&self) -> Option<&[Field]> {
        self.survey.kept_types.as_deref()
    }

    /// Bytes of all inputs on disk; `None` if one is standard input or a pipe.
    pub fn bytes_total(&self) -> Option<u64> {
        self.survey.bytes
    }

    /// Bytes of the inputs read from disk so far, before decompression; for Parquet, in proportion to the
    /// rows read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes + self.reader.as_ref().map_or(0, TextReader::bytes_read)
    }

    fn open_next(&mut self) -> Result<()> {
        self.rows += self.reader.as_ref().map_or(0, TextReader::rows);
        self.skipped = self.skipped();
        self.replaced = self.replaced();
        self.bytes = self.bytes_read();
        self.reader = None;
        if let Some(input) = self.inputs.get(self.opened) {
            self.reader = Some(TextReader::open(input, &self.options)?);
            self.opened += 1;
        }
        Ok(())
    }

    fn read(&mut self) -> Option<Result<Record>> {
        if self.done {
            return None;
        }
        let record = self.next_record().transpose();
        self.done = !matches!(record, Some(Ok(_)));
        record
    }

    fn next_record(&mut self) -> Result<Option<Record>> {
        while let Some(reader) = &mut self.reader {
            match reader.next().transpose()? {
                Some(record) => return self.number(record).map(Some),
                None => self.open_next()?,
            }
        }
        self.seen.finish(&self.inputs).map(|()| None).map_err(|error| self.of_id(error))
    }

    /// Numbers a row without an id by its position in the whole input, those left out included.
    fn number(&mut self, mut record: Record) -> Result<Record> {
        if let RecordId::Row(row) = record.id {
            record.id = RecordId::Row(self.rows + row);
        }
        self.position += 1;
        let seen = self.seen.insert(&record.id, self.opened - 1, record.row, &self.inputs);
        seen.map_err(|error| self.of_id(error)).map(|()| record)
    }

    /// An id that occurs twice has a remedy if nobody named its field.
    fn of_id(&self, error: Error) -> Error {
        let is_document = |name: &str| {
            self.inputs.iter().any(|input| input.is_document(&self.options) && input.to_string() == name)
        };
        match &error {
            Error::BadRow { input, .. } if is_document(input) => error.with_hint(Some(numbered())),
            Error::BadRow { .. } => error.with_hint(self.options.id_remedy()),
            _ => error,
        }
    }
}

impl Iterator for RecordStream {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.ahead.pop_front() {
            Some((record, input)) => {
                self.last = input;
                Some(record)
            }
            None => {
                let record = self.read();
                self.last = self.opened.saturating_sub(1);
                record
            }
        }
    }
}

impl std::iter::FusedIterator for RecordStream {}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Input, RecordId, RecordStream, TextOptions};

    fn inputs(folder: &tempfile::TempDir, files: &[(&str, &str)]) -> Vec<Input> {
        let write = |(name, content): &(&str, &str)| {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("written");
            Input::File(path)
        };
        files.iter().map(write).collect()
    }

    #[test]
    fn rows_are_numbered_over_all_inputs() {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs =
            inputs(&folder, &[("a.txt", "one\ntwo\n"), ("empty.txt", ""), ("b.csv", "text\nthree\n")]);
        let stream = RecordStream::open(&inputs, &TextOptions::default()).expect("opened");
        let records: Vec<_> = stream.map(|record| record.expect("a record")).collect();
        let rows: Vec<_> = records.iter().map(|record| (record.id.clone(), record.row)).collect();
        assert_eq!(rows, [(RecordId::Row(0), 1), (RecordId::Row(1), 2), (RecordId::Row(2), 2)]);
    }

    #[test]
    fn same_id_in_two_files_names_both_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = "{\"id\":5,\"text\":\"one\"}\n{\"id\":6,\"text\":\"two\"}\n";
        let inputs = inputs(&folder, &[("a.jsonl", first), ("b.jsonl", "{\"id\":6,\"text\":\"three\"}\n")]);
        let mut stream = RecordStream::open(&inputs, &TextOptions::default()).expect("opened");
        let error = stream.by_ref().find_map(Result::err).expect("twice");
        let rule = format!("{}, row 1: id 6 occurs twice; it is first in {}, row 2", inputs[1], inputs[0]);
        assert_eq!((error.to_string(), error.kind()), (rule, crate::ErrorKind::BadData));
        assert!(stream.next().is_none());
    }

    #[test]
    fn what_is_read_ahead_stays_in_the_stream() {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs =
            inputs(&folder, &[("a.jsonl", "{\"text\":\"one\"}\n{\"text\":\"two\"}\n{\"text\":3}\n")]);
        let mut stream = RecordStream::open(&inputs, &TextOptions::default()).expect("opened");
        stream.read_ahead(2).expect("the first can be read");
        assert_eq!((stream.ahead().count(), stream.is_all_ahead(), stream.position()), (2, false, 2));
        stream.read_ahead(10).expect("the first can be read");
        assert_eq!((stream.ahead().count(), stream.is_all_ahead()), (2, true));
        let texts: Vec<_> = stream.map(|record| record.map(|record| record.text).ok()).collect();
        assert_eq!(texts, [Some("one".to_owned()), Some("two".to_owned()), None]);
        let inputs = super::tests::inputs(&folder, &[("b.jsonl", "3\n")]);
        let mut stream = RecordStream::open(&inputs, &TextOptions::default()).expect("opened");
        assert_eq!(stream.read_ahead(5).expect_err("no text").kind(), crate::ErrorKind::BadData);
        assert!(stream.next().is_none());
    }

    #[test]
    fn each_record_has_its_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs = inputs(&folder, &[("a.txt", "one\ntwo\n"), ("b.txt", ""), ("c.txt", "three\n")]);
        for ahead in 0..5 {
            let mut stream = RecordStream::open(&inputs, &TextOptions::default()).expect("opened");
            stream.read_ahead(ahead).expect("read");
            let found: Vec<usize> =
                std::iter::from_fn(|| stream.next().map(|_| stream.last_input())).collect();
            assert_eq!(found, [0, 0, 2], "{ahead}");
        }
    }

    #[test]
    fn last_missing_input_is_found_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut inputs = inputs(&folder, &[("a.txt", "one\n")]);
        inputs.push(Input::File(folder.path().join("absent.txt")));
        let error = RecordStream::open(&inputs, &TextOptions::default()).map(|_| ()).expect_err("missing");
        assert_eq!(error.kind(), crate::ErrorKind::NoInput);
    }

    #[test]
    fn last_input_without_fields_is_found_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs = inputs(&folder, &[("a.jsonl", "{\"text\":\"one\",\"year\":1}\n"), ("b.txt", "two\n")]);
        let options = TextOptions { keep: vec!["year".to_owned()], ..TextOptions::default() };
        let error = RecordStream::open(&inputs, &options).map(|_| ()).expect_err("no fields");
        let message =
            format!("{} is read as txt, which has no fields, and so none named `year` to keep", inputs[1]);
        assert_eq!((error.to_string(), error.kind()), (message, crate::ErrorKind::Usage));
    }

    #[test]
    fn standard_input_twice_is_usage() {
        let inputs = [Input::Stdin, Input::Stdin];
        let error = RecordStream::open(&inputs, &TextOptions::default()).map(|_| ()).expect_err("twice");
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
    }

    #[test]
    fn replacements_are_counted_over_all_inputs() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = ["a.txt", "b.txt"].map(|name| folder.path().join(name));
        paths.iter().for_each(|path| fs::write(path, b"x\xffy\xff\n").expect("written"));
        let options = TextOptions { lossy: true, ..TextOptions::default() };
        let mut stream = RecordStream::open(&paths.map(Input::File), &options).expect("opened");
        assert_eq!((stream.by_ref().count(), stream.replaced(), stream.position()), (2, 4, 2));
    }

    #[test]
    fn bytes_are_counted_over_all_inputs() {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs = inputs(&folder, &[("a.txt", "one\ntwo\n"), ("b.csv", "text\nthree\n")]);
        let mut stream = RecordStream::open(&inputs, &TextOptions::default()).expect("opened");
        assert_eq!(stream.bytes_total(), Some(19));
        let counts: Vec<u64> = std::iter::from_fn(|| stream.next().map(|_| stream.bytes_read())).collect();
        assert!(counts.is_sorted(), "{counts:?}");
        assert_eq!((counts.len(), stream.bytes_read()), (3, 19));
        let pipe = [Input::File("/dev/null".into())];
        let options = TextOptions { format: Some(super::super::InputFormat::Txt), ..TextOptions::default() };
        assert_eq!(RecordStream::open(&pipe, &options).expect("opened").bytes_total(), None);
    }

    #[test]
    fn streams_may_cross_threads() {
        fn is_send<T: Send>() {}
        is_send::<RecordStream>();
    }
}
