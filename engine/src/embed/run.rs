//! An embedding run over a stream of records.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nearsay_kernels::CuSeqlens;

use super::{Embedder, Window, WindowLimits, Windows};
use crate::Result;
use crate::output::{TokenWriter, VectorWriter};
use crate::text::{Record, RecordId};
use crate::tokens::TokenizedText;

/// Where vectors go.
pub enum Sink {
    /// One vector a text.
    Sentences(Box<dyn VectorWriter>),
    /// One vector a token.
    Tokens(Box<dyn TokenWriter>),
}

impl Sink {
    /// Completes the output: it now stands under its name.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(self) -> Result<()> {
        match self {
            Self::Sentences(writer) => writer.finish(),
            Self::Tokens(writer) => writer.finish(),
        }
    }
}

/// What a run counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Texts written.
    pub texts: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Those that were cut.
    pub truncated: u64,
    /// Those without tokens of their own: their vectors are made of the special tokens and the prompt.
    pub empty: u64,
    /// Those of them without any token, by a tokenizer that adds no special ones: their vectors are zeros.
    pub without_tokens: u64,
    /// Time spent tokenizing.
    pub tokenize: Duration,
    /// Time spent encoding and pooling.
    pub encode: Duration,
}

/// Embeds `records` into `sink`, in order; `progress` hears of every micro-batch, from any thread.
///
/// Where reading fails, the rows before are written first; finishing the sink is left to the caller.
///
/// # Errors
/// If reading, tokenizing, encoding or writing fails, or the run is interrupted.
pub fn run(
    embedder: &Embedder,
    records: impl Iterator<Item = Result<Record>>,
    sink: &mut Sink,
    progress: impl Fn(&Counts) + Sync,
) -> Result<Counts> {
    let max_tokens = embedder.tokenizer.max_tokens();
    let limits = match sink {
        Sink::Sentences(_) => WindowLimits::sentences(max_tokens),
        Sink::Tokens(_) => WindowLimits::tokens(max_tokens, embedder.hidden_dim()),
    };
    let mut counts = Counts::default();
    for window in Windows::new(records, limits) {
        embed_window(embedder, &window, sink, &mut counts, &progress)?;
        if let Some(error) = window.error {
            return Err(error);
        }
    }
    Ok(counts)
}

/// Counts while a window is encoded.
struct Running<'a> {
    counts: Mutex<Counts>,
    /// When encoding began.
    start: Instant,
    /// What it took for the windows before.
    encode: Duration,
    progress: &'a (dyn Fn(&Counts) + Sync),
}

impl Running<'_> {
    fn add(&self, batch: &CuSeqlens) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.texts += batch.num_sequences() as u64;
        counts.tokens += batch.total_tokens() as u64;
        counts.encode = self.encode + self.start.elapsed();
        (self.progress)(&counts);
    }
}

fn embed_window(
    embedder: &Embedder,
    window: &Window,
    sink: &mut Sink,
    counts: &mut Counts,
    progress: &(dyn Fn(&Counts) + Sync),
) -> Result<()> {
    let start = Instant::now();
    let texts: Vec<&str> = window.records.iter().map(|record| record.text.as_str()).collect();
    let tokenized = embedder.tokenize(&texts)?;
    let encode = Instant::now();
    counts.tokenize += encode - start;
    let ids: Vec<RecordId> = window.records.iter().map(|record| record.id.clone()).collect();
    let running = Running { counts: Mutex::new(*counts), start: encode, encode: counts.encode, progress };
    let done = |batch: &CuSeqlens| running.add(batch);
    match sink {
        Sink::Sentences(writer) => {
            let vectors = embedder.embed_telling(&tokenized, &done)?;
            counts.encode += encode.elapsed();
            writer.write(&ids, &vectors.concat())?;
        }
        Sink::Tokens(writer) => {
            let vectors = embedder.embed_tokens_telling(&tokenized, &done)?;
            counts.encode += encode.elapsed();
            for (id, text) in ids.iter().zip(&vectors) {
                writer.write(id, &text.token_ids, &text.values)?;
            }
        }
    }
    count(counts, &tokenized);
    Ok(())
}

fn count(counts: &mut Counts, texts: &[TokenizedText]) {
    let those = |holds: fn(&TokenizedText) -> bool| texts.iter().filter(|text| holds(text)).count() as u64;
    counts.texts += texts.len() as u64;
    counts.tokens += texts.iter().map(|text| text.ids.len() as u64).sum::<u64>();
    counts.truncated += those(|text| text.truncated);
    counts.empty += those(|text| text.is_empty);
    counts.without_tokens += those(|text| text.ids.is_empty());
}

#[cfg(test)]
mod tests {
    use nearsay_models::{HubOptions, Model};

    use super::*;
    use crate::embed::EmbedOptions;
    use crate::output::{Destination, Metadata, Output, OutputFormat, vector_writer};
    use crate::text::Kept;
    use crate::{Interruption, Workers};

    #[test]
    fn progress_hears_of_every_micro_batch_and_ends_at_the_total() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/families/bert");
        let model = Model::open(model, &HubOptions::default()).unwrap();
        let options = EmbedOptions { batch_tokens: 16, ..EmbedOptions::default() };
        let embedder = Embedder::open(&model, &options, Workers::new(None, Interruption::default())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let output = Output::File(folder.path().join("out.npy"));
        let destination = Destination::create(&output, false).unwrap();
        let writer = vector_writer(destination, OutputFormat::Npy, 32, &Metadata::new()).unwrap();
        let record = |row| {
            let text = "the river".to_owned();
            Ok(Record { id: RecordId::Row(row), row: row + 1, text, kept: Kept::Nothing })
        };
        let heard = Mutex::new(Vec::new());
        let each = |counts: &Counts| heard.lock().unwrap().push((counts.texts, counts.tokens));
        let counts = run(&embedder, (0..100).map(record), &mut Sink::Sentences(writer), each).unwrap();
        let heard = heard.into_inner().unwrap();
        assert!(heard.len() > 10 && heard.is_sorted(), "{heard:?}");
        assert_eq!((counts.texts, heard.last()), (100, Some(&(100, counts.tokens))));
    }
}
