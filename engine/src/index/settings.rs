//! How an index was built: what an update has to do again in the same way.

use serde::{Deserialize, Serialize};

use super::volume::VolumeKind;
use crate::embed::{ChunkEnds, ChunkOptions, OnLong};
use crate::search::Metric;
use crate::text::{Quotes, Separator, TextOptions};
use crate::vectors::Metadata;
use crate::{Error, Result};

/// The number type in which an index stores vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum StoredType {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the exponent of f32: 8 bits of precision.
    Bf16,
    /// 16 bits, IEEE 754: 11 bits of precision.
    F16,
}

impl StoredType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::F16];

    /// The name: `f32`, `bf16` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// numpy's name in little-endian order; bf16 has none there and is read as unsigned numbers.
    pub(super) fn numpy(self) -> &'static str {
        match self {
            Self::F32 => "<f4",
            Self::Bf16 => "<u2",
            Self::F16 => "<f2",
        }
    }

    /// Bytes of a number.
    pub(super) fn bytes(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }
}

impl std::str::FromStr for StoredType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|stored| stored.name() == name);
        found.ok_or_else(|| Error::usage(format!("vectors are stored as f32, bf16 or f16, got `{name}`")))
    }
}

/// Codes that are stored with vectors, so that a search reads less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Codes {
    /// Nothing: a search reads the vectors.
    None,
    /// A byte for each number. A search reads these, and the vectors of the few rows that can be among the best.
    #[default]
    I8,
}

impl Codes {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::I8, Self::None];

    /// The name: `i8` or `none`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::I8 => "i8",
        }
    }

    /// The first indexes had none.
    fn none() -> Self {
        Self::None
    }
}

impl std::str::FromStr for Codes {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|codes| codes.name() == name);
        found.ok_or_else(|| Error::usage(format!("codes are i8 or none, got `{name}`")))
    }
}

/// The settings in the first line of an index's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) metric: Metric,
    pub(super) vectors: StoredType,
    #[serde(default = "Codes::none")]
    pub(super) codes: Codes,
    /// Whether signs are stored, too.
    #[serde(default)]
    pub(super) bits: bool,
    #[serde(default)]
    pub(super) seed: u64,
    /// Values in a vector; 0 if an index without rows does not know.
    pub(super) dimensions: usize,
    /// The origin of the vectors, if it is known.
    pub(super) provenance: Option<Metadata>,
    /// How texts are read and split; `None` if the index was built from vectors.
    pub(super) reading: Option<Reading>,
}

impl Settings {
    /// How the rows of volumes are stored.
    pub(super) fn volume_kind(&self) -> VolumeKind {
        let Self { vectors, dimensions, codes, bits, seed, .. } = *self;
        VolumeKind { stored: vectors, width: dimensions, codes, bits, seed }
    }
}

/// How the texts of an index are read and split into chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reading {
    text_fields: Vec<String>,
    join: String,
    id_field: Option<String>,
    no_id: bool,
    keep: Vec<String>,
    json_columns: Vec<String>,
    format: Option<String>,
    separator: Option<char>,
    quotes: Option<bool>,
    whole_files: bool,
    skip_empty: bool,
    lossy: bool,
    on_long: Long,
    texts_per_volume: u64,
}

/// What happens to long texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Long {
    Truncate,
    Refuse,
    Chunk(Split),
    Merge(Split),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Split {
    tokens: Option<usize>,
    overlap: Option<usize>,
    in_documents: bool,
}

impl Reading {
    pub(super) fn new(options: &super::IndexOptions) -> Self {
        let text = options.reading.clone();
        Self {
            text_fields: text.text_fields,
            join: text.join,
            id_field: text.id_field,
            no_id: text.no_id,
            keep: text.keep,
            json_columns: options.json_columns.clone(),
            format: text.format.map(|format| format.to_string()),
            separator: text.separator.map(Separator::character),
            quotes: match text.quotes {
                Quotes::Auto => None,
                Quotes::Always => Some(true),
                Quotes::Never => Some(false),
            },
            whole_files: text.whole_files,
            skip_empty: text.skip_empty,
            lossy: text.lossy,
            on_long: Long::of(options.on_long),
            texts_per_volume: options.texts_per_volume.get(),
        }
    }

    /// The same settings as options.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a value cannot be one; `name` is the index.
    pub(super) fn options(&self, name: &str) -> Result<super::IndexOptions> {
        let broken = |what: &str| Error::BadInput {
            input: name.to_owned(),
            rule: format!("its manifest has a {what} that does not exist"),
        };
        let format = self.format.as_deref().map(str::parse).transpose().map_err(|_| broken("format"))?;
        let separator = self.separator.map(|it| Separator::new(it).ok_or_else(|| broken("separator")));
        let reading = TextOptions {
            text_fields: self.text_fields.clone(),
            join: self.join.clone(),
            id_field: self.id_field.clone(),
            no_id: self.no_id,
            keep: self.keep.clone(),
            format,
            separator: separator.transpose()?,
            quotes: match self.quotes {
                None => Quotes::Auto,
                Some(true) => Quotes::Always,
                Some(false) => Quotes::Never,
            },
            whole_files: self.whole_files,
            skip_empty: self.skip_empty,
            lossy: self.lossy,
            ..TextOptions::default()
        };
        let texts_per_volume = self.texts_per_volume.try_into().map_err(|_| broken("size of volumes"))?;
        Ok(super::IndexOptions {
            reading,
            on_long: self.on_long.options(),
            json_columns: self.json_columns.clone(),
            texts_per_volume,
            ..super::IndexOptions::default()
        })
    }
}

impl Long {
    fn of(on_long: OnLong) -> Self {
        let split = |options: ChunkOptions| Split {
            tokens: options.tokens,
            overlap: options.overlap,
            in_documents: options.ends == ChunkEnds::Document,
        };
        match on_long {
            OnLong::Truncate => Self::Truncate,
            OnLong::Error => Self::Refuse,
            OnLong::Chunk(options) => Self::Chunk(split(options)),
            OnLong::Merge(options) => Self::Merge(split(options)),
        }
    }

    fn options(self) -> OnLong {
        let options = |split: Split| {
            let ends = if split.in_documents { ChunkEnds::Document } else { ChunkEnds::Sentences };
            ChunkOptions { tokens: split.tokens, overlap: split.overlap, ends }
        };
        match self {
            Self::Truncate => OnLong::Truncate,
            Self::Refuse => OnLong::Error,
            Self::Chunk(split) => OnLong::Chunk(options(split)),
            Self::Merge(split) => OnLong::Merge(options(split)),
        }
    }
}
