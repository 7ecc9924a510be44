//! The entries of a manifest.

use std::ops::Add;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::vectors::Metadata;
use crate::vectors::write::{Digest, hexadecimal};

/// An entry of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ManifestEntry {
    /// The first one: how the job was started.
    Begin {
        /// [`FORMAT_VERSION`](super::FORMAT_VERSION) of the program that started it.
        format_version: u32,
        settings: Metadata,
    },
    /// A finished shard.
    Shard(ShardRecord),
    /// Every shard up to this end of the input is recorded. Rows that are appended have further shards and
    /// another end.
    End(InputEnd),
}

/// An end of a job's input. A job whose input has grown has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputEnd {
    /// Rows of the whole input.
    pub input_rows: u64,
    /// Shards of the whole input, including those of other machines.
    pub shards: u64,
    /// The SHA-256 of the `input_sha256` of these shards, one after the other; `None` in jobs of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_sha256: Option<String>,
}

/// The digest of a whole input: the SHA-256 of its shards' `input_sha256`, one after the other, as 64
/// hexadecimal digits each.
#[derive(Debug, Clone, Default)]
pub(crate) struct InputChain(Sha256);

impl InputChain {
    pub(crate) fn add(&mut self, input_sha256: &str) {
        self.0.update(input_sha256);
    }

    pub(crate) fn digest(&self) -> String {
        hexadecimal(&self.0.clone().finalize())
    }
}

/// Counts of texts and rows: the same whenever and wherever they are embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowCounts {
    /// Texts read: one per input row.
    #[serde(rename = "input_rows")]
    pub texts: u64,
    /// Rows written: one per text, or one per chunk.
    pub rows: u64,
    /// Tokens encoded.
    pub tokens: u64,
    /// Texts that were truncated.
    pub truncated: u64,
    /// Texts without tokens except special tokens and the prompt; their vectors come from these alone.
    pub empty: u64,
    /// Empty texts without any token, if the tokenizer adds no special ones: their vectors are zeros.
    pub without_tokens: u64,
    /// Repeated texts in a window, which were not encoded again.
    pub repeated: u64,
    /// Tokens that the same texts would have in padded batches of 32, in input order.
    pub padded_tokens: u64,
}

impl Add for RowCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            texts: self.texts + other.texts,
            rows: self.rows + other.rows,
            tokens: self.tokens + other.tokens,
            truncated: self.truncated + other.truncated,
            empty: self.empty + other.empty,
            without_tokens: self.without_tokens + other.without_tokens,
            repeated: self.repeated + other.repeated,
            padded_tokens: self.padded_tokens + other.padded_tokens,
        }
    }
}

/// A finished shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShardRecord {
    /// Its number, from 0.
    pub shard: u64,
    /// Its file's name in the job's folder.
    pub file: String,
    /// Its first input row, from 0.
    pub first_row: u64,
    /// The counts from making it.
    #[serde(flatten)]
    pub counts: RowCounts,
    /// Bytes of its file.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Digest of its input rows.
    pub input_sha256: String,
}

impl ShardRecord {
    pub(crate) fn new(
        shard: u64,
        first_row: u64,
        counts: RowCounts,
        file: Digest,
        input_sha256: String,
    ) -> Self {
        Self {
            shard,
            file: file_name(shard),
            first_row,
            counts,
            bytes: file.bytes,
            sha256: file.sha256,
            input_sha256,
        }
    }
}

/// The name of a shard's file.
pub(crate) fn file_name(shard: u64) -> String {
    format!("part-{shard:05}.parquet")
}

/// Whether a name is that of a shard's file.
pub(crate) fn is_shard_name(name: &str) -> bool {
    let digits = name.strip_prefix("part-").and_then(|rest| rest.strip_suffix(".parquet"));
    digits.is_some_and(|digits| digits.parse::<u64>().is_ok_and(|shard| file_name(shard) == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert_eq!(file_name(7), "part-00007.parquet");
        for name in ["part-00007.parquet", "part-1234567.parquet"] {
            assert!(is_shard_name(name), "{name}");
        }
        for name in
            ["part-7.parquet", "part-000007.parquet", "part-0000x.parquet", "part-00007.parquet.gz", "a"]
        {
            assert!(!is_shard_name(name), "{name}");
        }
    }
}
