//! Some texts of a window on their way: tokenized, encoded, made rows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use nearsay_kernels::CuSeqlens;

use super::counts::{Counts, padded_tokens};
use super::duplicates::Distinct;
use super::long_texts::Piece;
use super::rows::RowOrigin;
use super::vector_column::TokenRow;
use super::{EmbedRun, Level, OnLong, Progress, TokenVectors};
use crate::Result;
use crate::text::Record;
use crate::tokens::{TokenOffset, TokenizedText};

/// Pieces of texts, tokenized.
pub(super) struct Work {
    /// The window that the pieces are of.
    records: Arc<[Record]>,
    pub(super) pieces: Vec<Piece>,
    distinct: Distinct,
    /// Of the distinct pieces.
    tokens: Vec<TokenizedText>,
    /// Where these tokens stand, at token level.
    offsets: Vec<Vec<TokenOffset>>,
}

/// What was made of the distinct pieces.
enum Vectors {
    OfTexts(Vec<Vec<f32>>),
    OfTokens(Vec<TokenVectors>),
}

/// The work with its vectors, and what making them took.
pub(super) struct Encoded {
    work: Work,
    vectors: Vectors,
    tokens: u64,
    time: Duration,
}

impl Work {
    pub(super) fn tokenize(
        run: &EmbedRun<'_>,
        records: &Arc<[Record]>,
        pieces: Vec<Piece>,
        counts: &mut Counts,
    ) -> Result<Self> {
        let start = Instant::now();
        let EmbedRun { embedder, on_long, .. } = run;
        let text = |piece: &Piece| records[piece.record].text.get(piece.bytes.clone()).unwrap_or_default();
        let texts: Vec<&str> = pieces.iter().map(text).collect();
        let distinct = Distinct::of(&texts);
        let different: Vec<&str> = distinct.firsts.iter().map(|&first| texts[first]).collect();
        let (tokens, offsets) = match run.level {
            Level::Text => (embedder.tokenize(&different)?, Vec::new()),
            Level::Token => embedder.tokenize_with_offsets(&different)?,
        };
        for (piece, &index) in pieces.iter().zip(&distinct.indices) {
            on_long.check(&records[piece.record], &tokens[index], embedder.max_tokens())?;
            counts.add_text(&tokens[index]);
        }
        counts.repeated += distinct.repeated();
        counts.padded_tokens += padded_tokens(&tokens);
        counts.tokenize += start.elapsed();
        Ok(Self { records: records.clone(), pieces, distinct, tokens, offsets })
    }

    /// The record of a distinct piece, in words.
    fn name_of(&self, index: usize) -> String {
        let record = &self.records[self.pieces[self.distinct.firsts[index]].record];
        format!("of the record with id {} (row {})", crate::text::shorten(&record.id.to_string()), record.row)
    }

    /// Tokens of all pieces, of repeated ones each time.
    pub(super) fn total_tokens(&self) -> u64 {
        self.distinct.indices.iter().map(|&index| self.tokens[index].ids.len() as u64).sum()
    }

    /// Runs the encoder; `progress` hears of `counts` and what is added to them with every micro-batch.
    pub(super) fn encode(
        self,
        run: &EmbedRun<'_>,
        counts: Counts,
        progress: Progress<'_>,
    ) -> Result<Encoded> {
        let start = Instant::now();
        let running = Mutex::new(counts);
        let done = |batch: &CuSeqlens| {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            running.texts += batch.num_sequences() as u64;
            running.tokens += batch.total_tokens() as u64;
            running.encode = counts.encode + start.elapsed();
            progress(&running);
        };
        let vectors = match run.level {
            Level::Text => run.embedder.embed_telling(&self.tokens, &done).map(Vectors::OfTexts),
            Level::Token => run.embedder.embed_tokens_telling(&self.tokens, &done).map(Vectors::OfTokens),
        };
        let vectors = vectors.map_err(|error| error.of_text(|index| self.name_of(index)))?;
        let running = running.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Encoded { work: self, vectors, tokens: running.tokens - counts.tokens, time: start.elapsed() })
    }
}

impl Encoded {
    /// One vector a row; nothing at token level.
    pub(super) fn text_vectors(&self, run: &EmbedRun<'_>) -> Vec<Vec<f32>> {
        let Vectors::OfTexts(vectors) = &self.vectors else { return Vec::new() };
        let Work { records, pieces, distinct, tokens, .. } = &self.work;
        let of_piece = |index: usize| &vectors[distinct.indices[index]];
        if !matches!(run.on_long, OnLong::Merge(_)) {
            return (0..pieces.len()).map(|index| of_piece(index).clone()).collect();
        }
        let mut merged = Vec::with_capacity(records.len());
        let mut index = 0;
        for chunks in pieces.chunk_by(|left, right| left.record == right.record) {
            let range = index..index + chunks.len();
            index = range.end;
            let weights = range.clone().map(|index| tokens[distinct.indices[index]].ids.len());
            merged.push(run.embedder.mean(range.map(of_piece).zip(weights)));
        }
        merged
    }

    /// The rows of the pieces; with merged chunks, of all records.
    pub(super) fn rows(
        self,
        run: &EmbedRun<'_>,
        schema: &SchemaRef,
        counts: &mut Counts,
    ) -> Result<RecordBatch> {
        let work = &self.work;
        let rows = match &self.vectors {
            Vectors::OfTexts(_) => {
                let vectors = self.text_vectors(run).concat();
                run.layout.text_rows(schema, &self.origins(run), &vectors)?
            }
            Vectors::OfTokens(vectors) => {
                let row = |(piece, &index): (&Piece, &usize)| TokenRow {
                    vectors: &vectors[index],
                    offsets: &work.offsets[index],
                    start: piece.place.start(),
                };
                let rows: Vec<TokenRow<'_>> =
                    work.pieces.iter().zip(&work.distinct.indices).map(row).collect();
                run.layout.token_rows(schema, &self.origins(run), &rows)?
            }
        };
        counts.rows += rows.num_rows() as u64;
        Ok(rows)
    }

    /// Adds what was encoded and how long it took.
    pub(super) fn count(&self, counts: &mut Counts) {
        let is_first = |piece: &&Piece| piece.place.index == 0;
        counts.texts += self.work.pieces.iter().filter(is_first).count() as u64;
        counts.tokens += self.tokens;
        counts.encode += self.time;
    }

    /// What each row is of.
    fn origins(&self, run: &EmbedRun<'_>) -> Vec<RowOrigin<'_>> {
        let Work { records, pieces, distinct, tokens, .. } = &self.work;
        if matches!(run.on_long, OnLong::Merge(_)) {
            let whole = |record| RowOrigin { record, chunk: None, truncated: false };
            return records.iter().map(whole).collect();
        }
        let origin = |(piece, &index): (&Piece, &usize)| RowOrigin {
            record: &records[piece.record],
            chunk: Some(piece.place),
            truncated: tokens[index].truncated,
        };
        pieces.iter().zip(&distinct.indices).map(origin).collect()
    }
}
