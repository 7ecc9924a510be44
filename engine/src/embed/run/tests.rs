//! Runs over a tiny model.

use std::sync::Mutex;

use nearsay_kernels::Precision;
use nearsay_models::HubOptions;

use super::*;
use crate::embed::EmbedOptions;
use crate::text::{Kept, RecordId};
use crate::vectors::rows::Columns;
use crate::vectors::write::{Destination, Output, OutputFormat, row_writer};
use crate::vectors::{Metadata, OutputType};
use crate::{DeviceChoice, Session, SessionOptions};

fn embedder(batch_tokens: usize) -> Embedder {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/families/bert");
    let options = SessionOptions::default()
        .device(DeviceChoice::Cpu)
        .precision(Precision::F32)
        .batch_tokens(batch_tokens)
        .hub(HubOptions::default());
    Session::with(model, &options).unwrap().embedder(&EmbedOptions::default()).unwrap()
}

fn run_of(embedder: &Embedder, on_long: OnLong) -> EmbedRun<'_> {
    let layout = RowLayout {
        level: Level::Text,
        columns: Columns::new(OutputFormat::Npy, &[], None, &[], &[]).unwrap(),
        chunked: matches!(on_long, OnLong::Chunk(_)),
        marks_truncated: false,
        output_type: OutputType::F32,
        ranges: None,
        dim: embedder.dimensions(),
    };
    EmbedRun { embedder, layout, on_long, row_by_row: false }
}

fn record(row: u64, text: String) -> Record {
    Record { id: RecordId::Row(row), row: row + 1, text, has_text: true, kept: Kept::Nothing }
}

fn counts_of(run: &EmbedRun<'_>, texts: impl Iterator<Item = String>, progress: EmbedProgress<'_>) -> Counts {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::File(folder.path().join("out.npy"));
    let destination = Destination::create(&output, false).unwrap();
    let mut writer =
        row_writer(destination, OutputFormat::Npy, &run.layout.schema().unwrap(), &Metadata::new()).unwrap();
    let mut counts = Counts::default();
    let records = texts.zip(0..).map(|(text, row)| Ok(record(row, text)));
    run.run(records, writer.as_mut(), &mut counts, progress).unwrap();
    counts
}

#[test]
fn progress_hears_of_every_micro_batch_and_ends_at_the_total() {
    let embedder = embedder(16);
    let heard = Mutex::new(Vec::new());
    let each = |counts: &Counts| heard.lock().unwrap().push((counts.texts, counts.tokens));
    let texts = (0..100).map(|row| format!("the river {row}"));
    let counts = counts_of(&run_of(&embedder, OnLong::Truncate), texts, &each);
    let heard = heard.into_inner().unwrap();
    assert!(heard.len() > 10 && heard.is_sorted(), "{heard:?}");
    assert_eq!((counts.texts, counts.rows, heard.last()), (100, 100, Some(&(100, counts.tokens))));
}

#[test]
fn repeated_texts_are_encoded_once_and_counted() {
    let embedder = embedder(0);
    let run = run_of(&embedder, OnLong::Truncate);
    let texts = || (0..100).map(|row| format!("the river {}", "cat ".repeat(row % 4)));
    let counts = counts_of(&run, texts(), &|_| ());
    let once = counts_of(&run, texts().take(4), &|_| ());
    assert_eq!((counts.texts, counts.rows, counts.repeated), (100, 100, 96));
    assert_eq!(counts.tokens, once.tokens);
    let records: Vec<Record> = texts().zip(0..).map(|(text, row)| record(row, text)).collect();
    let vectors = run.vectors(&records).unwrap();
    for (row, vector) in vectors.rows().enumerate() {
        let alone = run.vectors(&records[row..=row]).unwrap();
        assert_eq!(vector, &alone[0], "{row}");
    }
}
