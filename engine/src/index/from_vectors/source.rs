//! Files of vectors as the rows of an index: which of their columns are used, and whether they fit each other.

use arrow_schema::{DataType, Field, SchemaRef};

use crate::index::columns::{self, PLACE, TEXT, TRUNCATED};
use crate::index::options::IndexOptions;
use crate::index::settings::Settings;
use crate::vectors::differences;
use crate::vectors::read::VectorFile;
use crate::vectors::rows::CHUNK_TEXT;
use crate::vectors::schema::ID;
use crate::{Error, Result};

/// Columns of chunks besides their places.
const OF_CHUNKS: [&str; 2] = ["chunk_id", CHUNK_TEXT];

/// A file, and which of its columns become which of the index.
pub(super) struct Source<'a> {
    pub(super) file: &'a VectorFile,
    pub(super) columns: SchemaRef,
    pub(super) text: Option<String>,
    pub(super) is_chunked: bool,
}

impl<'a> Source<'a> {
    pub(super) fn of(file: &'a VectorFile, text_column: Option<&str>) -> Result<Self> {
        let columns = file.columns()?;
        let is_string = |name: &str| {
            let field = columns.field_with_name(name).ok();
            field.is_some_and(|field| {
                matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
            })
        };
        let text = match text_column {
            Some(name) if !is_string(name) => {
                return Err(Error::usage(format!("{} has no column `{name}` of strings", file.name())));
            }
            Some(name) => Some(name.to_owned()),
            None => [CHUNK_TEXT, TEXT].into_iter().find(|name| is_string(name)).map(str::to_owned),
        };
        let is_number =
            |name: &&str| columns.field_with_name(name).is_ok_and(|it| *it.data_type() == DataType::UInt32);
        let is_chunked = PLACE.iter().all(is_number);
        Ok(Self { file, columns, text, is_chunked })
    }

    /// The fields of the id and of the kept columns.
    fn fields(&self) -> (Field, Vec<Field>) {
        let id = self.columns.field_with_name(ID).ok().cloned();
        let id = id.map(|field| match field.data_type() {
            DataType::Int64 | DataType::UInt64 | DataType::Utf8 => field,
            kind if kind.is_integer() => field.with_data_type(DataType::Int64),
            _ => field.with_data_type(DataType::Utf8),
        });
        let is_own = |name: &str| {
            name == ID
                || name == TRUNCATED
                || self.is_chunked && (PLACE.contains(&name) || OF_CHUNKS.contains(&name))
                || self.text.as_deref() == Some(name)
                // With chunks, the kept text is that of the chunk.
                || name == TEXT && self.text.as_deref() == Some(CHUNK_TEXT)
        };
        let kept = self.columns.fields().iter().filter(|field| !is_own(field.name()));
        let kept = kept.map(|field| field.as_ref().clone().with_nullable(true)).collect();
        (id.unwrap_or_else(|| Field::new(ID, DataType::Int64, true)), kept)
    }
}

/// The settings and the columns of an index of all sources.
pub(super) fn plan(sources: &[Source<'_>], options: &IndexOptions) -> Result<(Settings, SchemaRef)> {
    let Some(first) = sources.first() else { return Err(Error::usage("no file of vectors is named")) };
    let provenance = |source: &Source<'_>| source.file.provenance().map(|it| it.to_metadata());
    let expected = (first.file.width(), provenance(first), first.fields());
    for source in &sources[1..] {
        let bad = |rule: String| {
            Err(Error::BadInput {
                input: source.file.name().to_owned(),
                rule: format!("{rule} than {}", first.file.name()),
            })
        };
        if source.file.width() != expected.0 {
            let width = |width: Option<usize>| width.unwrap_or_default();
            return bad(format!(
                "its vectors have {} numbers, not {}: others",
                width(source.file.width()),
                width(expected.0)
            ));
        }
        let (was, is) = (expected.1.clone().unwrap_or_default(), provenance(source).unwrap_or_default());
        if let Some(name) = differences(&was, &is).next() {
            return bad(format!("its vectors come from another {}", name.replace('_', " ")));
        }
        if source.fields() != expected.2 {
            return bad("it has other columns".to_owned());
        }
    }
    let settings = Settings {
        metric: options.metric,
        vectors: options.vectors,
        codes: options.codes,
        bits: options.bits,
        seed: options.seed,
        dimensions: expected.0.unwrap_or_default(),
        provenance: expected.1,
        reading: None,
    };
    Ok((settings, columns::schema(&expected.2.0, &expected.2.1)?))
}
