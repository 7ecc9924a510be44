//! Embedding a stream of records: read, tokenized, encoded and written window by window.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::vec::IntoIter;

use super::counts::Counts;
use super::long_texts::Piece;
use super::pieces::TokenizedPieces;
use super::{Embedder, OnLong, limits};
use crate::session::{Measured, WindowLimits, Windows, pipeline};
use crate::text::Record;
use crate::vectors::folder::RowCounts;
use crate::vectors::rows::RowLayout;
use crate::vectors::write::RowWriter;
use crate::vectors::{Level, Vectors};
use crate::{Error, Result};

/// How records become rows.
#[derive(Debug, Clone)]
pub struct EmbedRun<'a> {
    /// Computes the vectors.
    pub embedder: &'a Embedder,
    /// The columns of a row.
    pub layout: RowLayout,
    /// How to treat long texts.
    pub on_long: OnLong,
    /// Whether each record is written, and the writer flushed, before the next one is read.
    pub row_by_row: bool,
}

/// Called after every micro-batch, from any thread.
pub type EmbedProgress<'a> = &'a (dyn Fn(&Counts) + Sync);

impl Measured for Record {
    fn useful_bytes(&self, longest: usize) -> usize {
        self.text.len().min(longest)
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.kept.bytes()
    }
}

impl EmbedRun<'_> {
    /// Embeds `records`, in order, and adds to `counts`.
    ///
    /// On a GPU, the next texts are read and tokenized and earlier rows are written while the encoder works.
    /// If reading fails, the rows before the error are still written. The caller must finish the writer.
    ///
    /// # Errors
    /// If reading, tokenizing, encoding or writing fails, or the embedder's calls are stopped.
    pub fn run(
        &self,
        records: impl Iterator<Item = Result<Record>>,
        writer: &mut dyn RowWriter,
        counts: &mut Counts,
        progress: EmbedProgress<'_>,
    ) -> Result<()> {
        let schema = self.layout.schema()?;
        let shared = Mutex::new(*counts);
        let prepared = Preparation {
            run: self,
            windows: Windows::new(records, self.limits()),
            records: Arc::new([]),
            groups: Vec::new().into_iter(),
            error: None,
            counts: &shared,
        };
        let encode = |pieces: TokenizedPieces| {
            let before = *lock(&shared);
            let encoded = pieces.encode(self, before, progress)?;
            encoded.count(&mut lock(&shared));
            Ok(encoded)
        };
        // A row must not wait in the pipeline for the next one.
        let is_beside = self.embedder.works_beside_cpu() && !self.row_by_row;
        let result = pipeline(is_beside, prepared, encode, |encoded| {
            let rows = encoded.rows(self, &schema)?;
            lock(&shared).rows += rows.num_rows() as u64;
            writer.write(&rows)?;
            if self.row_by_row { writer.flush() } else { Ok(()) }
        });
        *counts = *lock(&shared);
        result
    }

    fn limits(&self) -> WindowLimits {
        let limits = match self.layout.level {
            Level::Text => limits::of_texts(self.embedder),
            Level::Token => limits::of_tokens(self.embedder),
            Level::Sparse => limits::of_sparse(self.embedder),
        };
        // A text that is split into chunks is tokenized whole.
        let max_tokens = if self.on_long.makes_chunks() { usize::MAX } else { limits.max_tokens };
        let limits = WindowLimits { max_tokens, ..limits };
        if self.row_by_row { WindowLimits { items: 1, doublings: 0, ..limits } } else { limits }
    }

    fn pieces(&self, records: &[Record], counts: &mut Counts) -> Result<Vec<Piece>> {
        let start = Instant::now();
        let pieces = self.on_long.pieces(self.embedder, records);
        counts.tokenize += start.elapsed();
        pieces
    }

    /// Counts texts, rows and tokens of `records` (repeated texts each time) without encoding; `truncated` is
    /// the number of texts that are too long.
    ///
    /// # Errors
    /// If tokenizing fails, or a text is too long with [`OnLong::Error`].
    pub fn survey(&self, records: &[Record]) -> Result<Counts> {
        let mut counts = Counts::from(RowCounts { texts: records.len() as u64, ..RowCounts::default() });
        let texts = self.tokenized(records, &mut counts)?;
        let is_merged = matches!(self.on_long, OnLong::Merge(_));
        counts.rows = if is_merged { records.len() } else { texts.pieces.len() } as u64;
        counts.tokens = texts.total_tokens() as u64;
        if self.on_long.makes_chunks() {
            let chunks = texts.pieces.chunk_by(|left, right| left.record == right.record);
            counts.truncated = chunks.filter(|chunks| chunks.len() > 1).count() as u64;
        }
        Ok(counts)
    }

    /// The vectors of `records` before conversion to the output type.
    ///
    /// # Errors
    /// If tokenizing or encoding fails, or the embedder's calls are stopped.
    pub fn vectors(&self, records: &[Record]) -> Result<Vectors> {
        let texts = self.tokenized(records, &mut Counts::default())?;
        let encoded = texts.encode(self, Counts::default(), &|_| ())?;
        encoded.text_vectors(self)
    }

    fn tokenized(&self, records: &[Record], counts: &mut Counts) -> Result<TokenizedPieces> {
        let records: Arc<[Record]> = records.into();
        let pieces = self.pieces(&records, counts)?;
        TokenizedPieces::new(self, &records, pieces, counts)
    }
}

/// The tokenized pieces of a stream of records, in groups that are processed together.
struct Preparation<'a, I> {
    run: &'a EmbedRun<'a>,
    windows: Windows<I>,
    /// Records of the current window; `groups` are those not yet returned.
    records: Arc<[Record]>,
    groups: IntoIter<Vec<Piece>>,
    /// The error that ended the stream after that window.
    error: Option<Error>,
    counts: &'a Mutex<Counts>,
}

impl<I: Iterator<Item = Result<Record>>> Preparation<'_, I> {
    fn next_window(&mut self) -> Option<Result<()>> {
        let window = self.windows.next()?;
        self.records = window.items.into();
        self.error = window.error;
        let mut counts = Counts::default();
        let pieces = self.run.pieces(&self.records, &mut counts);
        lock(self.counts).tokenize += counts.tokenize;
        Some(pieces.map(|pieces| {
            self.groups = groups(pieces, self.run.on_long, window.useful_bytes).into_iter();
        }))
    }

    fn tokenize(&self, group: Vec<Piece>) -> Result<TokenizedPieces> {
        let mut counts = Counts::default();
        let texts = TokenizedPieces::new(self.run, &self.records, group, &mut counts)?;
        let mut all = lock(self.counts);
        *all = *all + counts;
        Ok(texts)
    }
}

impl<I: Iterator<Item = Result<Record>>> Iterator for Preparation<'_, I> {
    type Item = Result<TokenizedPieces>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(group) = self.groups.next() {
                return Some(self.tokenize(group));
            }
            if let Some(error) = self.error.take() {
                return Some(Err(error));
            }
            if let Err(error) = self.next_window()? {
                return Some(Err(error));
            }
        }
    }
}

/// Groups pieces that are processed together: all pieces of a window, or about `bytes` of text if each chunk
/// has its own row, since one text may have many chunks.
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

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
