//! The documents of a corpus by descending id.
//!
//! trec_eval orders documents of equal scores by descending id, and a search returns the lower row first. So
//! rows are in descending order of ids, and hits at the last rank are trec_eval's too. Texts go to a
//! temporary file, from which they are read in that order; ids and places stay in memory.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::shorten;
use crate::text::{JsonLines, JsonObject};
use crate::{Error, Result};

/// A corpus of texts by descending id.
#[derive(Debug)]
pub struct Corpus {
    name: String,
    /// Descending.
    entries: Vec<Entry>,
    texts: File,
}

/// A document.
#[derive(Debug)]
struct Entry {
    id: Box<str>,
    /// Where the text starts in the file of texts, in bytes.
    start: u64,
    bytes: u32,
    line: u64,
}

impl Corpus {
    /// Reads a file of objects with `_id`, `text` and perhaps `title`. A document's text is its title, a
    /// blank and the text, without blanks at both ends, as in mteb.
    ///
    /// # Errors
    /// If the file cannot be read, has no document, an object lacks a field, or an id occurs twice; if the
    /// temporary file cannot be written.
    pub fn read(path: &Path) -> Result<Self> {
        let mut lines = JsonLines::open(path)?;
        let mut file = BufWriter::new(tempfile::tempfile().map_err(|source| failed("creating", source))?);
        let (mut entries, mut start) = (Vec::new(), 0);
        while let Some((id, text)) = lines.next(document)? {
            file.write_all(text.as_bytes()).map_err(|source| failed("writing", source))?;
            // A row has at most 64 MiB.
            let bytes = text.len() as u32;
            entries.push(Entry { id: id.into(), start, bytes, line: lines.row() });
            start += u64::from(bytes);
        }
        let name = lines.name().to_owned();
        if entries.is_empty() {
            return Err(Error::BadInput { input: name, rule: "has no documents".to_owned() });
        }
        entries.sort_unstable_by(|left, right| (&right.id, left.line).cmp(&(&left.id, right.line)));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].id == pair[1].id) {
            let rule = format!("the id {:?} is that of row {} too", shorten(&pair[1].id), pair[0].line);
            return Err(Error::BadRow { input: name, row: pair[1].line, rule });
        }
        let texts = file.into_inner().map_err(|error| failed("writing", error.into_error()))?;
        Ok(Self { name, entries, texts })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none, which [`Corpus::read`] refuses.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is a document with this id.
    pub fn has(&self, id: &str) -> bool {
        self.entries.binary_search_by(|entry| id.cmp(&entry.id)).is_ok()
    }

    /// The texts from row `first` on, at most `count` of them and about `bytes` bytes, but one at least.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn texts(&self, first: usize, count: usize, bytes: usize) -> Result<Vec<String>> {
        let (mut texts, mut total) = (Vec::new(), 0);
        for entry in self.entries.iter().skip(first).take(count) {
            total += entry.bytes as usize;
            if total > bytes && !texts.is_empty() {
                break;
            }
            let text = self.read_text(entry).map_err(|source| failed("reading", source))?;
            texts.push(String::from_utf8(text).map_err(|error| Error::Bug(error.to_string()))?);
        }
        Ok(texts)
    }

    fn read_text(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        let (mut texts, mut text) = (&self.texts, vec![0; entry.bytes as usize]);
        texts.seek(SeekFrom::Start(entry.start))?;
        texts.read_exact(&mut text)?;
        Ok(text)
    }

    /// The ids, descending.
    pub(super) fn into_ids(self) -> Vec<Box<str>> {
        self.entries.into_iter().map(|entry| entry.id).collect()
    }
}

fn document(object: &mut JsonObject) -> Result<(String, String), String> {
    let (id, title) = (object.id("_id")?, object.optional_string("title")?.unwrap_or_default());
    let text = object.string("text")?;
    let whole = if title.is_empty() { text } else { format!("{title} {text}") };
    Ok((id, whole.trim().to_owned()))
}

fn failed(action: &'static str, source: io::Error) -> Error {
    let folder = std::env::temp_dir();
    let target = format!("a temporary file for texts in {} (TMPDIR names another folder)", folder.display());
    Error::Io { action, target, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Corpus> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corpus.jsonl");
        std::fs::write(&path, text).unwrap();
        Corpus::read(&path)
    }

    #[test]
    fn documents_are_in_descending_order_of_ids() {
        let corpus = read(concat!(
            "{\"_id\":\"10\",\"title\":\"T\",\"text\":\"ten\\n\",\"metadata\":{\"a\":[1]}}\n",
            "{\"_id\":\"9\",\"title\":\"\",\"text\":\" nine\"}\n",
            "{\"_id\":100,\"text\":\"\",\"title\":null}\n",
            "{\"_id\":\"é\",\"title\":\"only\",\"text\":\"\"}\n",
        ));
        let corpus = corpus.unwrap();
        assert_eq!(corpus.texts(0, 9, 1000).unwrap(), ["only", "nine", "", "T ten"]);
        assert_eq!(corpus.texts(1, 2, 1000).unwrap(), ["nine", ""]);
        assert_eq!(corpus.texts(3, 2, 1).unwrap(), ["T ten"]);
        assert_eq!(corpus.texts(0, 9, 4).unwrap(), ["only"]);
        assert!(corpus.has("9") && corpus.has("é") && corpus.has("100") && !corpus.has("1"));
        assert_eq!(corpus.into_ids().iter().map(|id| &**id).collect::<Vec<_>>(), ["é", "9", "100", "10"]);
    }

    #[test]
    fn documents_that_break_a_rule_are_named() {
        for (text, rule) in [
            (
                "{\"_id\":\"a\",\"text\":\"\"}\n{\"_id\":\"b\",\"text\":\"\"}\n{\"_id\":\"a\",\"text\":\"\"}\n",
                "row 3: the id \"a\" is that of row 1 too",
            ),
            (
                "{\"id\":\"a\",\"text\":\"\"}\n",
                "row 1: no value in field `_id`; the other fields are `id`, `text`",
            ),
            (
                "{\"_id\":\"a\",\"title\":\"t\"}\n",
                "row 1: no value in field `text`; the other fields are `_id`, `title`",
            ),
            ("", ": has no documents"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().ends_with(rule), "{error}");
        }
    }
}
