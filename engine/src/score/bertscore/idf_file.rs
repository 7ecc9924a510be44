//! Saved document frequencies, so that many runs weigh tokens alike: counted once, added up, and read by `score`.
//!
//! The file is text. Its first line is a JSON object, of which `format_version` is the first key; then a line for each
//! token id, ascending, with the number of references that contain it; and a JSON object with the SHA-256 of all
//! lines before it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::IdfBuilder;
use super::idf::IdfWeights;
use crate::error::{Phrase, phrase};
use crate::text::read_small;
use crate::tokens::READING;
use crate::vectors::write::{OutputFile, hexadecimal};
use crate::{Error, Result, Setting};

/// The version of the format.
const FORMAT_VERSION: u64 = 1;
/// The value of `kind`.
const KIND: &str = "idf";
/// The most references: their number is exact in f64.
const MOST_REFERENCES: u64 = 1 << 53;
/// A vocabulary of a million entries has 16 MB.
const MAX_BYTES: u64 = 64 << 20;

/// What token ids and their counts depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdfOrigin {
    /// The version of how texts are read ([`READING`]).
    pub reading: u32,
    /// The SHA-256 of the tokenizer's files.
    pub tokenizer_sha256: String,
    /// The longest text in tokens; the rest was not counted.
    pub max_length: usize,
    /// Whether a space was put before each text ([`Scorer::puts_space`](super::Scorer::puts_space)).
    #[serde(default, skip_serializing_if = "is_false")]
    pub leading_space: bool,
}

/// For a field that older files do not have.
pub(super) fn is_false(value: &bool) -> bool {
    !*value
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format_version: u64,
    kind: String,
    /// The version of the program.
    nearsay: String,
    /// The model's name, for readers.
    model: String,
    #[serde(flatten)]
    origin: IdfOrigin,
    references: u64,
    tokens: u64,
}

/// Document frequencies of references, and what they depend on.
#[derive(Debug, Clone)]
pub struct SavedIdf {
    /// The name of the model whose tokenizer was used.
    pub model: String,
    /// What the counts depend on.
    pub origin: IdfOrigin,
    counts: IdfBuilder,
    path: PathBuf,
}

impl SavedIdf {
    /// Counts of the model `model`, which are not in a file yet.
    pub(crate) fn new(model: &str, origin: IdfOrigin, counts: IdfBuilder) -> Self {
        Self { model: model.to_owned(), origin, counts, path: PathBuf::new() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::NoInput`] if it cannot be read; [`Error::NewerFormat`] if a later version wrote it; [`Error::BadInput`]
    /// if it is something else or damaged.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_small(path, "a file of document frequencies", MAX_BYTES)?, path)
    }

    /// Reads the content of a file; `path` is its name in messages.
    ///
    /// # Errors
    /// As [`SavedIdf::read`], if it is not what [`SavedIdf::to_text`] returned.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let bad = |rule: String| Error::BadInput { input: path.display().to_string(), rule };
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        check_version(path, first)?;
        let head: Head = serde_json::from_str(first)
            .map_err(|error| bad(format!("its first line is not that of document frequencies: {error}")))?;
        let end = rest.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
        let (body, last) = rest.split_at(end);
        if !last.starts_with("{\"sha256\"") {
            return Err(bad("the file is cut off: its last line has no SHA-256".to_owned()));
        }
        let sha256 = digest(&text[..first.len() + 1 + end]);
        if last != foot(&sha256) {
            let rule =
                format!("the file is damaged: its SHA-256 is {sha256:.12}.., not that of its last line");
            return Err(bad(rule));
        }
        let counts = read_counts(body, &head).map_err(bad)?;
        Ok(Self { model: head.model, origin: head.origin, counts, path: path.to_owned() })
    }

    /// Writes the file, and returns the SHA-256 in its last line.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&self, mut file: OutputFile) -> Result<String> {
        file.write(self.to_text()?.as_bytes())?;
        file.persist()?;
        self.sha256()
    }

    /// The content of the file.
    ///
    /// # Errors
    /// If the counts cannot be written as text.
    pub fn to_text(&self) -> Result<String> {
        let body = self.body()?;
        let foot = foot(&digest(&body));
        Ok(body + &foot)
    }

    /// All lines but the last.
    fn body(&self) -> Result<String> {
        let frequencies = self.counts.frequencies();
        let head = Head {
            format_version: FORMAT_VERSION,
            kind: KIND.to_owned(),
            nearsay: env!("CARGO_PKG_VERSION").to_owned(),
            model: self.model.clone(),
            origin: self.origin.clone(),
            references: self.counts.documents(),
            tokens: frequencies.len() as u64,
        };
        let mut text = serde_json::to_string(&head).map_err(|error| Error::Bug(error.to_string()))?;
        text.push('\n');
        text.extend(frequencies.iter().map(|(id, frequency)| format!("{id}\t{frequency}\n")));
        Ok(text)
    }

    /// The sum of the counts of several files, which must have the same origin.
    ///
    /// # Errors
    /// [`Error::BadInput`] with the two files and values if their origins differ; [`Error::Usage`] for no file.
    pub fn merged(files: &[Self]) -> Result<Self> {
        let Some((first, others)) = files.split_first() else {
            return Err(Error::usage("there are no files of document frequencies to add up"));
        };
        let mut sum = first.clone();
        for other in others {
            first.origin.check(&other.origin).map_err(|(what, [here, there])| Error::BadInput {
                input: other.name(),
                rule: format!("{what} is {there}, and {here} in {}", first.name()),
            })?;
            sum.counts.add_counts(&other.counts);
            if sum.references() > MOST_REFERENCES {
                let rule = format!("{} references in all are more than 2^53", sum.references());
                return Err(Error::BadInput { input: other.name(), rule });
            }
        }
        sum.path = PathBuf::new();
        Ok(sum)
    }

    /// For messages: the file, if it was read from one.
    fn name(&self) -> String {
        match self.path.as_os_str().is_empty() {
            true => format!("the document frequencies of {} references", self.references()),
            false => self.path.display().to_string(),
        }
    }

    /// The number of references.
    pub fn references(&self) -> u64 {
        self.counts.documents()
    }

    /// The number of different tokens in them.
    pub fn tokens(&self) -> usize {
        self.counts.frequencies().len()
    }

    /// The SHA-256 of the counts, as in the file's last line.
    ///
    /// # Errors
    /// If they cannot be written as text.
    pub fn sha256(&self) -> Result<String> {
        Ok(digest(&self.body()?))
    }

    /// The weights, for a model with this origin of token ids.
    ///
    /// # Errors
    /// [`Error::BadInput`] with both values if its own origin is another; if there are fewer than two references.
    pub(super) fn weights(&self, origin: &IdfOrigin, model: &str) -> Result<IdfWeights> {
        let input = self.name();
        if let Err((what, [here, there])) = self.origin.check(origin) {
            let rule = format!("{what} is {here} (model {:?}), and {there} for {model}", self.model);
            return Err(Error::BadInput { input, rule }.with_hint(self.origin.setting_of(origin)));
        }
        if self.references() < 2 {
            let rule = format!("must have the tokens of at least 2 references, got {}", self.references());
            return Err(Error::BadInput { input, rule });
        }
        self.counts.clone().finish()
    }
}

impl IdfOrigin {
    /// What differs from another origin, and both values.
    fn check(&self, other: &Self) -> std::result::Result<(), (&'static str, [String; 2])> {
        let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
        if self.tokenizer_sha256 != other.tokenizer_sha256 {
            let digests = [short(&self.tokenizer_sha256), short(&other.tokenizer_sha256)];
            return Err(("the tokenizer's SHA-256", digests));
        }
        if self.max_length != other.max_length {
            return Err(("the longest text in tokens", [self, other].map(|it| it.max_length.to_string())));
        }
        if self.leading_space != other.leading_space {
            return Err(("the space before each text", [self, other].map(|it| it.leading_space.to_string())));
        }
        if self.reading != other.reading {
            return Err(("the version of reading texts", [self, other].map(|it| it.reading.to_string())));
        }
        Ok(())
    }

    /// The setting with which a score has this origin instead of another one. No setting makes another tokenizer do.
    fn setting_of(&self, other: &Self) -> Option<Phrase> {
        let length = self.max_length.to_string();
        let setting = match () {
            () if self.tokenizer_sha256 != other.tokenizer_sha256 => return None,
            () if self.max_length != other.max_length => {
                phrase![(Setting::MaxLength, length.as_str()), " scores as it was counted"]
            }
            () if other.leading_space => {
                phrase![Setting::UseFastTokenizer, " scores as it was counted"]
            }
            () if self.leading_space => {
                phrase!["score without ", Setting::UseFastTokenizer, ", or count it anew"]
            }
            () => return None,
        };
        Some(setting)
    }

    /// That of this program, with a tokenizer and a length.
    pub(crate) fn of(tokenizer_sha256: String, max_length: usize, leading_space: bool) -> Self {
        Self { reading: READING, tokenizer_sha256, max_length, leading_space }
    }
}

/// Refuses a later format, whatever else it has.
fn check_version(path: &Path, first: &str) -> Result<()> {
    let value: Option<serde_json::Value> = serde_json::from_str(first).ok();
    let field = |name: &str| value.as_ref()?.get(name);
    let rule = match (
        field("kind").and_then(|kind| kind.as_str()),
        field("format_version").and_then(|it| it.as_u64()),
    ) {
        (Some(KIND), Some(FORMAT_VERSION)) => return Ok(()),
        (Some(KIND), Some(newer)) if newer > FORMAT_VERSION => {
            return Err(Error::NewerFormat { path: path.to_owned(), recorded: newer, known: FORMAT_VERSION });
        }
        (Some(KIND), found) => {
            let found = found.map_or("none".to_owned(), |found| found.to_string());
            format!("format_version must be {FORMAT_VERSION}, got {found}")
        }
        _ => "the file has no document frequencies, as `nearsay idf` writes them".to_owned(),
    };
    Err(Error::BadInput { input: path.display().to_string(), rule })
}

fn read_counts(body: &str, head: &Head) -> std::result::Result<IdfBuilder, String> {
    if head.references > MOST_REFERENCES {
        return Err(format!("must have at most 2^53 references, got {}", head.references));
    }
    let mut counts = Vec::new();
    for (number, line) in (2..).zip(body.lines()) {
        let parsed =
            line.split_once('\t').and_then(|(id, count)| Some((id.parse().ok()?, count.parse().ok()?)));
        let Some((id, count)) = parsed else {
            return Err(format!("line {number} must be a token id, a tab and a count, got {line:?}"));
        };
        let (id, count): (u32, u64) = (id, count);
        if format!("{id}\t{count}") != line {
            return Err(format!("line {number} must have plain numbers, got {line:?}"));
        }
        if counts.last().is_some_and(|(last, _)| *last >= id) {
            return Err(format!("line {number} must have a higher token id than the line before, got {id}"));
        }
        if count == 0 || count > head.references {
            return Err(format!(
                "line {number} must have a count from 1 to {}, got {count}",
                head.references
            ));
        }
        counts.push((id, count));
    }
    if counts.len() as u64 != head.tokens {
        return Err(format!("must have {} tokens, got {}", head.tokens, counts.len()));
    }
    Ok(IdfBuilder::of_counts(head.references, counts))
}

/// The last line.
fn foot(sha256: &str) -> String {
    format!("{{\"sha256\":\"{sha256}\"}}\n")
}

fn digest(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests;
