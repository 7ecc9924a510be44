//! An embedding run over a stream of records.

use std::sync::Arc;
use std::time::Instant;

use arrow_schema::SchemaRef;

use super::counts::Counts;
use super::long_texts::Piece;
use super::work::{Encoded, Work};
use super::{Embedder, OnLong, RowLayout, WindowLimits, Windows};
use crate::Result;
use crate::output::RowWriter;
use crate::overlap::Overlap;
use crate::text::Record;

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
    /// On a GPU the next texts are read and tokenized, and the rows before are written, while the encoder works.
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
        std::thread::scope(|scope| {
            let overlap = Overlap::new(scope, self.embedder.works_beside_cpu());
            let mut pipeline = Pipeline { run: self, overlap, schema, writer, progress, is_broken: false };
            let result = self.feed(&mut pipeline, records, counts);
            let rest = pipeline.finish(counts);
            // What failed first comes first in the input, too, unless the encoder was behind.
            rest.and(result)
        })
    }

    fn feed(
        &self,
        pipeline: &mut Pipeline<'_, '_>,
        records: impl Iterator<Item = Result<Record>>,
        counts: &mut Counts,
    ) -> Result<()> {
        for window in Windows::new(records, self.limits()) {
            let records: Arc<[Record]> = window.records.into();
            for group in groups(self.pieces(&records, counts)?, self.on_long, window.useful_bytes) {
                let work = Work::tokenize(self, &records, group, counts)?;
                pipeline.push(work, counts)?;
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
        let limits = if self.embedder.works_beside_cpu() { limits.for_gpu() } else { limits };
        if self.on_long.makes_chunks() { limits.whole_texts() } else { limits }
    }

    fn pieces(&self, records: &[Record], counts: &mut Counts) -> Result<Vec<Piece>> {
        let start = Instant::now();
        let pieces = self.on_long.pieces(self.embedder, records);
        counts.tokenize += start.elapsed();
        pieces
    }

    /// What would be counted of `records`: texts, rows, tokens (of repeated texts each time), and as `truncated` the texts that are too
    /// long. Nothing is encoded.
    ///
    /// # Errors
    /// If tokenizing fails, or a text is longer than it may be.
    pub fn survey(&self, records: &[Record]) -> Result<Counts> {
        let mut counts = Counts { texts: records.len() as u64, ..Counts::default() };
        let work = self.tokenized(records, &mut counts)?;
        let is_merged = matches!(self.on_long, OnLong::Merge(_));
        counts.rows = if is_merged { records.len() } else { work.pieces.len() } as u64;
        counts.tokens = work.total_tokens();
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
        let work = self.tokenized(records, &mut Counts::default())?;
        let encoded = work.encode(self, Counts::default(), &|_| ())?;
        Ok(encoded.text_vectors(self).concat())
    }

    fn tokenized(&self, records: &[Record], counts: &mut Counts) -> Result<Work> {
        let records: Arc<[Record]> = records.into();
        let pieces = self.pieces(&records, counts)?;
        Work::tokenize(self, &records, pieces, counts)
    }
}

/// Texts that were tokenized go in, rows go out to the writer. Beside a GPU the encoder has a thread of its own and runs while other
/// texts are tokenized and written; on the CPU it takes all cores anyway.
struct Pipeline<'scope, 'env> {
    run: &'env EmbedRun<'env>,
    overlap: Overlap<'scope, 'env, Encoded>,
    schema: SchemaRef,
    writer: &'env mut dyn RowWriter,
    progress: Progress<'env>,
    /// Whether writing has failed.
    is_broken: bool,
}

impl Pipeline<'_, '_> {
    /// Begins to encode `work`, and writes what was encoded meanwhile.
    fn push(&mut self, work: Work, counts: &mut Counts) -> Result<()> {
        let (run, progress) = (self.run, self.progress);
        let finished = self.wait(counts)?;
        let before = *counts;
        let done = self.overlap.begin(move || work.encode(run, before, progress));
        if let Some(encoded) = finished {
            self.write(encoded, counts)?;
        }
        let Some(encoded) = done? else { return Ok(()) };
        encoded.count(counts);
        self.write(encoded, counts)
    }

    /// Writes what is still under way, unless writing has failed before.
    fn finish(&mut self, counts: &mut Counts) -> Result<()> {
        match self.wait(counts)? {
            Some(encoded) if !self.is_broken => self.write(encoded, counts),
            _ => Ok(()),
        }
    }

    fn wait(&mut self, counts: &mut Counts) -> Result<Option<Encoded>> {
        self.overlap.wait().inspect(|encoded| encoded.iter().for_each(|encoded| encoded.count(counts)))
    }

    fn write(&mut self, encoded: Encoded, counts: &mut Counts) -> Result<()> {
        let written = encoded.rows(self.run, &self.schema, counts).and_then(|rows| self.writer.write(&rows));
        self.is_broken = written.is_err();
        written
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
