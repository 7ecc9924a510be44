//! An embedding run over a stream of records.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use nearsay_kernels::CuSeqlens;

use super::counts::{Counts, padded_tokens};
use super::duplicates::Distinct;
use super::long_texts::Piece;
use super::rows::RowOrigin;
use super::vector_column::TokenRow;
use super::{Embedder, OnLong, RowLayout, WindowLimits, Windows};
use crate::Result;
use crate::output::RowWriter;
use crate::text::Record;
use crate::tokens::{TokenOffset, TokenizedText};

/// One vector a text, or one a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// One vector a text, or a chunk of it.
    Text,
    /// One vector a token.
    Token,
}

/// How records become rows.
#[derive(Debug, Clone)]
pub struct EmbedRun<'a> {
    /// Makes the vectors.
    pub embedder: &'a Embedder,
    /// What a row is of.
    pub level: Level,
    /// What rows hold beside vectors.
    pub layout: RowLayout,
    /// What is done with long texts.
    pub on_long: OnLong,
}

/// Hears of every micro-batch, from any thread.
pub type Progress<'a> = &'a (dyn Fn(&Counts) + Sync);

impl EmbedRun<'_> {
    /// The schema of the rows.
    ///
    /// # Errors
    /// When the vectors do not fit the output's type, or two columns would have one name.
    pub fn schema(&self) -> Result<SchemaRef> {
        match self.level {
            Level::Text => self.layout.text_schema(),
            Level::Token => self.layout.token_schema(),
        }
    }

    /// Embeds `records`, in order. `counts` is what was counted before, and is added to.
    ///
    /// Where reading fails, the rows before are written first; finishing the writer is left to the caller.
    ///
    /// # Errors
    /// If reading, tokenizing, encoding or writing fails, or the run is interrupted.
    pub fn run(
        &self,
        records: impl Iterator<Item = Result<Record>>,
        writer: &mut dyn RowWriter,
        counts: &mut Counts,
        progress: Progress<'_>,
    ) -> Result<()> {
        let schema = self.schema()?;
        let limits = self.limits();
        for window in Windows::new(records, limits) {
            let work = WindowRun { run: self, records: &window.records, progress };
            for group in groups(work.pieces(counts)?, self.on_long, limits.useful_bytes) {
                writer.write(&work.rows(group, &schema, counts)?)?;
            }
            if let Some(error) = window.error {
                return Err(error);
            }
        }
        Ok(())
    }

    fn limits(&self) -> WindowLimits {
        let max_tokens = self.embedder.max_tokens();
        let limits = match self.level {
            Level::Text => WindowLimits::sentences(max_tokens),
            Level::Token => WindowLimits::tokens(max_tokens, self.embedder.hidden_dim()),
        };
        if self.on_long.makes_chunks() { limits.whole_texts() } else { limits }
    }

    /// What would be counted of `records`: texts, rows, tokens (of repeated texts each time), and as `truncated` the texts that are too
    /// long. Nothing is encoded.
    ///
    /// # Errors
    /// If tokenizing fails, or a text is longer than it may be.
    pub fn survey(&self, records: &[Record]) -> Result<Counts> {
        let mut counts = Counts { texts: records.len() as u64, ..Counts::default() };
        let window = WindowRun { run: self, records, progress: &|_| () };
        let work = window.tokenize(window.pieces(&mut counts)?, &mut counts)?;
        let is_merged = matches!(self.on_long, OnLong::Merge(_));
        counts.rows = if is_merged { records.len() } else { work.pieces.len() } as u64;
        counts.tokens = work.distinct.indices.iter().map(|&index| work.tokens[index].ids.len() as u64).sum();
        if self.on_long.makes_chunks() {
            let chunks = work.pieces.chunk_by(|left, right| left.record == right.record);
            counts.truncated = chunks.filter(|chunks| chunks.len() > 1).count() as u64;
        }
        Ok(counts)
    }

    /// The vectors of `records` as they are before they become numbers of the output's type, one after the other.
    ///
    /// # Errors
    /// If tokenizing or encoding fails, or the run is interrupted.
    pub fn vectors(&self, records: &[Record]) -> Result<Vec<f32>> {
        let window = WindowRun { run: self, records, progress: &|_| () };
        let pieces = window.pieces(&mut Counts::default())?;
        let work = window.tokenize(pieces, &mut Counts::default())?;
        window.text_vectors(&work, &mut Counts::default()).map(|vectors| vectors.concat())
    }
}

/// The work on one window.
struct WindowRun<'a> {
    run: &'a EmbedRun<'a>,
    records: &'a [Record],
    progress: Progress<'a>,
}

/// The texts of a window, tokenized.
struct Work {
    pieces: Vec<Piece>,
    distinct: Distinct,
    /// Of the distinct texts.
    tokens: Vec<TokenizedText>,
    /// Where these tokens stand, at token level.
    offsets: Vec<Vec<TokenOffset>>,
}

impl WindowRun<'_> {
    /// The rows of some of the window's pieces; with merged chunks, of all.
    fn rows(&self, pieces: Vec<Piece>, schema: &SchemaRef, counts: &mut Counts) -> Result<RecordBatch> {
        let texts = pieces.iter().filter(|piece| piece.place.index == 0).count() as u64;
        let work = self.tokenize(pieces, counts)?;
        let layout = &self.run.layout;
        let rows = match self.run.level {
            Level::Text => {
                let vectors = self.text_vectors(&work, counts)?.concat();
                layout.text_rows(schema, &self.origins(&work), &vectors)?
            }
            Level::Token => self.token_rows(schema, &work, counts)?,
        };
        counts.texts += texts;
        counts.rows += rows.num_rows() as u64;
        Ok(rows)
    }

    fn piece_text(&self, piece: &Piece) -> &str {
        self.records[piece.record].text.get(piece.bytes.clone()).unwrap_or_default()
    }

    fn pieces(&self, counts: &mut Counts) -> Result<Vec<Piece>> {
        let start = Instant::now();
        let pieces = self.run.on_long.pieces(self.run.embedder, self.records);
        counts.tokenize += start.elapsed();
        pieces
    }

    fn tokenize(&self, pieces: Vec<Piece>, counts: &mut Counts) -> Result<Work> {
        let start = Instant::now();
        let EmbedRun { embedder, on_long, .. } = self.run;
        let texts: Vec<&str> = pieces.iter().map(|piece| self.piece_text(piece)).collect();
        let distinct = Distinct::of(&texts);
        let different: Vec<&str> = distinct.firsts.iter().map(|&first| texts[first]).collect();
        let (tokens, offsets) = match self.run.level {
            Level::Text => (embedder.tokenize(&different)?, Vec::new()),
            Level::Token => embedder.tokenize_with_offsets(&different)?,
        };
        for (piece, &index) in pieces.iter().zip(&distinct.indices) {
            on_long.check(&self.records[piece.record], &tokens[index], embedder.max_tokens())?;
            counts.add_text(&tokens[index]);
        }
        counts.repeated += distinct.repeated();
        counts.padded_tokens += padded_tokens(&tokens);
        counts.tokenize += start.elapsed();
        Ok(Work { pieces, distinct, tokens, offsets })
    }

    /// One vector a row.
    fn text_vectors(&self, work: &Work, counts: &mut Counts) -> Result<Vec<Vec<f32>>> {
        let vectors = self.timed(counts, |done| self.run.embedder.embed_telling(&work.tokens, done))?;
        let of_piece = |index: usize| &vectors[work.distinct.indices[index]];
        if !matches!(self.run.on_long, OnLong::Merge(_)) {
            return Ok((0..work.pieces.len()).map(|index| of_piece(index).clone()).collect());
        }
        let mut merged = Vec::with_capacity(self.records.len());
        let mut index = 0;
        for chunks in work.pieces.chunk_by(|left, right| left.record == right.record) {
            let range = index..index + chunks.len();
            index = range.end;
            let weights = range.clone().map(|index| work.tokens[work.distinct.indices[index]].ids.len());
            merged.push(self.run.embedder.mean(range.map(of_piece).zip(weights)));
        }
        Ok(merged)
    }

    fn token_rows(&self, schema: &SchemaRef, work: &Work, counts: &mut Counts) -> Result<RecordBatch> {
        let embedder = self.run.embedder;
        let vectors = self.timed(counts, |done| embedder.embed_tokens_telling(&work.tokens, done))?;
        let row = |(piece, &index): (&Piece, &usize)| TokenRow {
            vectors: &vectors[index],
            offsets: &work.offsets[index],
            start: piece.place.start(),
        };
        let rows: Vec<TokenRow<'_>> = work.pieces.iter().zip(&work.distinct.indices).map(row).collect();
        self.run.layout.token_rows(schema, &self.origins(work), &rows)
    }

    /// What each row is of.
    fn origins(&self, work: &Work) -> Vec<RowOrigin<'_>> {
        if matches!(self.run.on_long, OnLong::Merge(_)) {
            let whole = |record| RowOrigin { record, chunk: None, truncated: false };
            return self.records.iter().map(whole).collect();
        }
        let origin = |(piece, &index): (&Piece, &usize)| RowOrigin {
            record: &self.records[piece.record],
            chunk: Some(piece.place),
            truncated: work.tokens[index].truncated,
        };
        work.pieces.iter().zip(&work.distinct.indices).map(origin).collect()
    }

    /// Runs the encoder, counting its time and telling of its micro-batches.
    fn timed<R>(
        &self,
        counts: &mut Counts,
        encode: impl FnOnce(&(dyn Fn(&CuSeqlens) + Sync)) -> Result<R>,
    ) -> Result<R> {
        let (start, before) = (Instant::now(), counts.encode);
        let running = Mutex::new(*counts);
        let done = |batch: &CuSeqlens| {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            running.texts += batch.num_sequences() as u64;
            running.tokens += batch.total_tokens() as u64;
            running.encode = before + start.elapsed();
            (self.progress)(&running);
        };
        let result = encode(&done)?;
        let running = running.into_inner().unwrap_or_else(PoisonError::into_inner);
        (counts.tokens, counts.encode) = (running.tokens, before + start.elapsed());
        Ok(result)
    }
}

/// Pieces that are worked on together: all of a window's, unless they are chunks with rows of their own, of which one text may have
/// many. Then at most some `bytes`.
fn groups(pieces: Vec<Piece>, on_long: OnLong, bytes: usize) -> Vec<Vec<Piece>> {
    if !matches!(on_long, OnLong::Chunk(_)) {
        return if pieces.is_empty() { Vec::new() } else { vec![pieces] };
    }
    let mut groups = Vec::new();
    let (mut group, mut size) = (Vec::new(), 0);
    for piece in pieces {
        size += piece.bytes.len();
        group.push(piece);
        if size >= bytes {
            groups.push(std::mem::take(&mut group));
            size = 0;
        }
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}

#[cfg(test)]
mod tests;
