//! How to treat texts that are longer than the model's longest.

use std::ops::Range;

use super::Embedder;
use super::chunks::{ChunkEnds, ChunkOptions, plan_limited};
use crate::text::Record;
use crate::tokens::{TokenizedText, TruncationSide};
use crate::vectors::rows::ChunkPlace;
use crate::{Error, Result};

/// How to treat texts that are longer than the model's longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnLong {
    /// Truncate and count them.
    #[default]
    Truncate,
    /// Return an error.
    Error,
    /// Split them into chunks, one row per chunk.
    Chunk(ChunkOptions),
    /// Split them into chunks; the text's vector is the mean of the chunks' vectors, weighted by their
    /// tokens.
    Merge(ChunkOptions),
}

/// A part of a record's text that is encoded on its own.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The record's position in its window.
    pub(super) record: usize,
    /// Byte range in its text.
    pub(super) bytes: Range<usize>,
    pub(super) place: ChunkPlace,
}

impl OnLong {
    fn chunk_options(self) -> Option<ChunkOptions> {
        match self {
            Self::Chunk(options) | Self::Merge(options) => Some(options),
            Self::Truncate | Self::Error => None,
        }
    }

    /// Checks that chunks, if there are any, fit the embedder's texts.
    ///
    /// # Errors
    /// Those of [`ChunkOptions::check`].
    pub fn check_for(self, embedder: &Embedder) -> Result<()> {
        let check = |options: ChunkOptions| options.check(embedder.tokenizer(), embedder.prompt_text());
        self.chunk_options().map_or(Ok(()), check)
    }

    /// As recorded with the vectors.
    pub(super) fn words(self, embedder: &Embedder) -> String {
        let (merged, options) = match self {
            Self::Truncate if embedder.options().truncation_side == TruncationSide::Left => {
                return "truncate at the beginning".to_owned();
            }
            Self::Truncate => return "truncate".to_owned(),
            Self::Error => return "error".to_owned(),
            Self::Chunk(options) => ("", options),
            Self::Merge(options) => (", merged by mean", options),
        };
        let ends = match options.ends {
            ChunkEnds::Sentences => "",
            ChunkEnds::Document => " at headings and blank lines",
        };
        let tokens = options.tokens.map(|tokens| format!(", {tokens} tokens")).unwrap_or_default();
        // Options that do not fit are refused before anything is recorded.
        let overlap = options.overlap_for(embedder.tokenizer(), embedder.prompt_text()).unwrap_or_default();
        format!("chunk{ends}{tokens}, overlap {overlap}{merged}")
    }

    /// Whether long texts become several pieces.
    pub(super) fn makes_chunks(self) -> bool {
        self.chunk_options().is_some()
    }

    /// The pieces of `records`, in their order.
    pub(super) fn pieces(self, embedder: &Embedder, records: &[Record]) -> Result<Vec<Piece>> {
        let Some(options) = self.chunk_options() else {
            return Ok(records
                .iter()
                .enumerate()
                .map(|(record, it)| Piece::whole(record, &it.text))
                .collect());
        };
        let positions: Vec<usize> = (0..records.len()).collect();
        let tokenizer = options.limited(embedder.tokenizer())?;
        let pieces = embedder.workers().map_short(embedder.control(), &positions, |&record| {
            let text = &records[record].text;
            let chunks = plan_limited(&tokenizer, embedder.prompt_text(), text, options, embedder.control())?;
            let piece = |(index, chunk): (usize, super::chunks::Chunk)| Piece {
                record,
                place: ChunkPlace {
                    index: index as u32,
                    offsets: [
                        chunk.bytes.start,
                        chunk.bytes.end,
                        chunk.characters.start,
                        chunk.characters.end,
                    ]
                    .map(|offset| offset as u32),
                },
                bytes: chunk.bytes,
            };
            Ok(chunks.into_iter().enumerate().map(piece).collect::<Vec<_>>())
        })?;
        Ok(pieces.concat())
    }

    /// Rejects a truncated text with [`OnLong::Error`].
    pub(super) fn check(self, record: &Record, tokens: &TokenizedText, max_tokens: usize) -> Result<()> {
        if self != Self::Error || !tokens.truncated {
            return Ok(());
        }
        Err(Error::TextTooLong { id: record.id.to_string(), row: record.row, max_tokens })
    }
}

impl Piece {
    fn whole(record: usize, text: &str) -> Self {
        Self { record, bytes: 0..text.len(), place: ChunkPlace { index: 0, offsets: [0; 4] } }
    }
}
