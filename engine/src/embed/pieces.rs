//! Some texts of a window: tokenized, then encoded, then turned into rows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use nearsay_models::SparseVector;

use super::counts::{Counts, padded_tokens};
use super::encoding::{Done, normalize};
use super::long_texts::Piece;
use super::{EmbedProgress, EmbedRun, OnLong};
use crate::error::shorten;
use crate::session::Distinct;
use crate::text::Record;
use crate::tokens::{TokenOffset, TokenizedText};
use crate::vectors::rows::{RowOrigin, TokenRow, TokenRows};
use crate::vectors::{Level, Vectors};
use crate::{Error, Result};

/// Tokenized pieces of texts.
pub(super) struct TokenizedPieces {
    /// The window that the pieces belong to.
    records: Arc<[Record]>,
    pub(super) pieces: Vec<Piece>,
    distinct: Distinct,
    /// Tokens of the distinct pieces.
    tokens: Vec<TokenizedText>,
    /// Offsets of these tokens, at token level.
    offsets: Vec<Vec<TokenOffset>>,
}

/// Pieces with their vectors, and the time spent encoding.
pub(super) struct EncodedPieces {
    texts: TokenizedPieces,
    vectors: PieceVectors,
    time: Duration,
}

/// One vector per piece; at token level one per token of each piece.
enum PieceVectors {
    Dense(Vectors),
    Sparse(Vec<SparseVector>),
}

impl TokenizedPieces {
    pub(super) fn new(
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
        let different = distinct.select(&texts);
        let (tokens, offsets) = match run.layout.level {
            Level::Text | Level::Sparse => (embedder.tokenize(&different)?, Vec::new()),
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

    /// Names the record of a distinct piece.
    fn name_of(&self, index: usize) -> String {
        let record = &self.records[self.pieces[self.distinct.firsts[index]].record];
        format!("of the record with id {} (row {})", shorten(&record.id.to_string()), record.row)
    }

    /// The tokens of a piece.
    fn tokens_of(&self, piece: usize) -> &TokenizedText {
        &self.tokens[self.distinct.indices[piece]]
    }

    /// Tokens of all pieces; repeated pieces count each time.
    pub(super) fn total_tokens(&self) -> usize {
        (0..self.pieces.len()).map(|piece| self.tokens_of(piece).ids.len()).sum()
    }

    /// Runs the encoder. After every micro-batch, `progress` is called with the sum of `counts` and the
    /// counts so far.
    pub(super) fn encode(
        self,
        run: &EmbedRun<'_>,
        counts: Counts,
        progress: EmbedProgress<'_>,
    ) -> Result<EncodedPieces> {
        let start = Instant::now();
        let running = Mutex::new(counts);
        let done = |texts: u64, tokens: u64| {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            running.texts += texts;
            running.tokens += tokens;
            running.encode = counts.encode + start.elapsed();
            progress(&running);
        };
        let vectors = match run.layout.level {
            Level::Text => self.text_vectors(run, &done).map(PieceVectors::Dense),
            Level::Token => self.token_vectors(run, &done).map(PieceVectors::Dense),
            Level::Sparse => self.sparse_vectors(run, &done).map(PieceVectors::Sparse),
        };
        let vectors = vectors.map_err(|error| error.of_text(|index| self.name_of(index)))?;
        Ok(EncodedPieces { texts: self, vectors, time: start.elapsed() })
    }

    /// One vector per piece.
    fn text_vectors(&self, run: &EmbedRun<'_>, done: Done<'_>) -> Result<Vectors> {
        let mut vectors = Vectors::zeros(self.pieces.len(), run.embedder.dimensions());
        let target = Mutex::new(&mut vectors);
        run.embedder.embed_into(&self.tokens, &self.distinct.places(), &target, done)?;
        Ok(vectors)
    }

    /// One sparse vector per piece.
    fn sparse_vectors(&self, run: &EmbedRun<'_>, done: Done<'_>) -> Result<Vec<SparseVector>> {
        let mut vectors = vec![SparseVector::default(); self.pieces.len()];
        let target = Mutex::new(&mut vectors);
        run.embedder.embed_sparse_into(&self.tokens, &self.distinct.places(), &target, done)?;
        Ok(vectors)
    }

    /// One vector per token of each piece.
    fn token_vectors(&self, run: &EmbedRun<'_>, done: Done<'_>) -> Result<Vectors> {
        let mut rows = 0;
        let starts: Vec<usize> = (0..self.pieces.len())
            .map(|piece| {
                let start = rows;
                rows += run.embedder.kept_tokens(&self.tokens_of(piece).ids).count();
                start
            })
            .collect();
        let mut vectors = Vectors::zeros(rows, run.embedder.hidden_dim());
        let target = Mutex::new(&mut vectors);
        let places = self.distinct.places().map(|piece| starts[piece]);
        run.embedder.embed_tokens_into(&self.tokens, &places, &target, done)?;
        Ok(vectors)
    }

    /// Turns the pieces' `vectors` into one vector per row: merged chunks become their mean.
    fn merged(&self, run: &EmbedRun<'_>, vectors: Vectors) -> Vectors {
        if !matches!(run.on_long, OnLong::Merge(_)) {
            return vectors;
        }
        let mut merged = Vectors::zeros(self.records.len(), vectors.dim());
        let mut next = 0;
        let chunks = self.pieces.chunk_by(|left, right| left.record == right.record);
        for (row, chunks) in chunks.enumerate() {
            let pieces = next..next + chunks.len();
            next = pieces.end;
            let weighted = pieces.map(|piece| (&vectors[piece], self.tokens_of(piece).ids.len()));
            weighted_mean(weighted, merged.row_mut(row));
            if run.embedder.is_normalized() {
                normalize(merged.row_mut(row));
            }
        }
        merged
    }

    /// The record and chunk of each row.
    fn origins(&self, run: &EmbedRun<'_>) -> Vec<RowOrigin<'_>> {
        if matches!(run.on_long, OnLong::Merge(_)) {
            let whole = |record| RowOrigin { record, chunk: None, truncated: false };
            return self.records.iter().map(whole).collect();
        }
        let origin = |(index, piece): (usize, &Piece)| RowOrigin {
            record: &self.records[piece.record],
            chunk: Some(piece.place),
            truncated: self.tokens_of(index).truncated,
        };
        self.pieces.iter().enumerate().map(origin).collect()
    }

    /// The tokens of each piece that have a vector.
    fn token_rows(&self, run: &EmbedRun<'_>) -> Vec<TokenRow<'_>> {
        let row = |(index, piece): (usize, &Piece)| {
            let (ids, offsets) = (&self.tokens_of(index).ids, &self.offsets[self.distinct.indices[index]]);
            let tokens = run.embedder.kept_tokens(ids).map(|token| (ids[token], &offsets[token]));
            TokenRow { tokens: tokens.collect(), start: piece.place.start() }
        };
        self.pieces.iter().enumerate().map(row).collect()
    }
}

impl EncodedPieces {
    /// One vector per row, at text level.
    ///
    /// # Errors
    /// [`Error::Bug`] at another one.
    pub(super) fn text_vectors(self, run: &EmbedRun<'_>) -> Result<Vectors> {
        match self.vectors {
            PieceVectors::Dense(vectors) => Ok(self.texts.merged(run, vectors)),
            PieceVectors::Sparse(_) => {
                Err(Error::Bug("sparse vectors where dense ones are needed".to_owned()))
            }
        }
    }

    /// The rows of the pieces; with merged chunks, of all records.
    pub(super) fn rows(self, run: &EmbedRun<'_>, schema: &SchemaRef) -> Result<RecordBatch> {
        let Self { texts, vectors, .. } = self;
        let origins = texts.origins(run);
        match (vectors, run.layout.level) {
            (PieceVectors::Sparse(vectors), _) => run.layout.sparse_rows(schema, &origins, &vectors),
            (PieceVectors::Dense(vectors), Level::Text | Level::Sparse) => {
                run.layout.text_rows(schema, &origins, texts.merged(run, vectors))
            }
            (PieceVectors::Dense(vectors), Level::Token) => {
                let tokens = TokenRows { vectors, rows: texts.token_rows(run) };
                run.layout.token_rows(schema, &origins, tokens)
            }
        }
    }

    /// Adds the encoded texts, their tokens and the time.
    pub(super) fn count(&self, counts: &mut Counts) {
        let is_first = |piece: &&Piece| piece.place.index == 0;
        counts.texts += self.texts.pieces.iter().filter(is_first).count() as u64;
        counts.tokens += self.texts.tokens.iter().map(|text| text.ids.len() as u64).sum::<u64>();
        counts.encode += self.time;
    }
}

/// Writes the weighted mean of vectors to `mean`.
fn weighted_mean<'a>(vectors: impl Iterator<Item = (&'a [f32], usize)>, mean: &mut [f32]) {
    let mut sums = vec![0.0_f64; mean.len()];
    let mut total = 0.0;
    for (vector, weight) in vectors {
        let weight = weight as f64;
        total += weight;
        sums.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * f64::from(*value));
    }
    let total = f64::max(total, 1.0);
    mean.iter_mut().zip(sums).for_each(|(value, sum)| *value = (sum / total) as f32);
}
