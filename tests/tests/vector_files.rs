//! Reads embedded output back: the bits, the ids, and how the vectors were made.

use std::fs;
use std::path::{Path, PathBuf};

use nearsay::job::CorpusOptions;
use nearsay::vectors::OutputType;
use nearsay::vectors::read::{NumberSlice, VectorFile};
use nearsay::vectors::write::OutputFormat;
use nearsay::{DeviceChoice, EmbedOptions, Embedder, ErrorKind, Session, SessionOptions};
use nearsay_tests::fixture;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const ROWS: usize = 25;

/// A model, 25 texts with ids, and a folder for outputs.
struct Desk {
    folder: TempDir,
    embedder: Embedder,
    texts: Vec<String>,
}

impl Desk {
    fn new() -> Self {
        let model = fixture("sentence-transformers/dense-prompts");
        let options = SessionOptions::default().device(DeviceChoice::Cpu);
        let session = Session::with(model.to_str().unwrap(), &options).unwrap();
        let embedder = session.embedder(&EmbedOptions::default().prompt("passage")).unwrap();
        let words = ["river", "cloud", "the", "judge"];
        let text = |row: usize| format!("{} {} {row}", words[row % 4], words[row / 4 % 4]);
        let desk =
            Self { folder: tempfile::tempdir().unwrap(), embedder, texts: (0..ROWS).map(text).collect() };
        let line = |(row, text): (usize, &String)| {
            format!("{}\n", serde_json::json!({ "id": format!("row {row}"), "text": text }))
        };
        let lines: String = desk.texts.iter().enumerate().map(line).collect();
        fs::write(desk.path("in.jsonl"), lines).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn embed(&self, output: &str, options: &CorpusOptions) -> PathBuf {
        let (input, output) = (self.path("in.jsonl"), self.path(output));
        self.embedder.embed_files([input], &output, options).unwrap();
        output
    }

    /// A job of three shards.
    fn job(&self, name: &str) -> PathBuf {
        self.embed(&format!("{name}/"), &CorpusOptions::default().rows_per_shard(10))
    }
}

/// The bits of a file's floats and its ids, row after row.
fn rows(path: &Path) -> nearsay::Result<(Vec<u32>, Vec<String>)> {
    let (mut bits, mut ids) = (Vec::new(), Vec::new());
    for batch in VectorFile::open(path)?.batches()? {
        let batch = batch?;
        assert_eq!(batch.first_row(), ids.len() as u64);
        bits.extend(batch.vectors()?.values().iter().map(|value| value.to_bits()));
        ids.extend(batch.ids().iter().map(ToString::to_string));
    }
    Ok((bits, ids))
}

#[test]
fn every_format_and_a_job_have_the_embedders_bits_and_a_query_fits_them() {
    let desk = Desk::new();
    let vectors = desk.embedder.embed(&desk.texts).unwrap();
    let expected: Vec<u32> = vectors.values().iter().map(|value| value.to_bits()).collect();
    let query = desk.embedder.prompt("query").unwrap().embed(&["flooding"]).unwrap();
    let mut outputs = vec![desk.job("job")];
    for format in OutputFormat::ALL {
        outputs.push(desk.embed(&format!("vectors.{format}"), &CorpusOptions::default()));
    }
    for path in outputs {
        let file = VectorFile::open(&path).unwrap();
        assert_eq!(file.rows().unwrap_or(ROWS as u64), ROWS as u64, "{}", path.display());
        assert_eq!(file.width(), Some(desk.embedder.dimensions()));
        assert!(file.is_complete());
        let (bits, ids) = rows(&path).unwrap();
        assert_eq!(bits, expected, "{}", path.display());
        let has_ids = path.extension().is_none_or(|extension| extension != "npy");
        let id = |row: usize| if has_ids { format!("\"row {row}\"") } else { row.to_string() };
        assert_eq!(ids, (0..ROWS).map(id).collect::<Vec<_>>(), "{}", path.display());
        let Some(provenance) = file.provenance() else { continue };
        assert_eq!(provenance.prompt, desk.embedder.prompt_text());
        let fitting = EmbedOptions::fitting(provenance, desk.embedder.session()).unwrap();
        let again = desk.embedder.session().embedder(&fitting).unwrap().embed(&["flooding"]).unwrap();
        assert_eq!(again.values(), query.values(), "{}", path.display());
    }
}

#[test]
fn which_formats_say_how_their_vectors_came_about() {
    let desk = Desk::new();
    let with = |format: &OutputFormat| {
        let path = desk.embed(&format!("vectors.{format}"), &CorpusOptions::default());
        VectorFile::open(&path).unwrap().provenance().is_some()
    };
    let known: Vec<String> = OutputFormat::ALL.iter().filter(|f| with(f)).map(ToString::to_string).collect();
    assert_eq!(known, ["parquet", "safetensors", "arrow"]);
    assert!(VectorFile::open(&desk.job("job")).unwrap().provenance().is_some());
}

#[test]
fn numbers_of_fewer_bits_are_as_written() {
    let desk = Desk::new();
    for (output_type, bytes) in [(OutputType::F16, 2), (OutputType::U8, 1), (OutputType::Ubinary, 1)] {
        let options = CorpusOptions::default().output_type(output_type).rows_per_shard(10);
        let path = desk.embed(&format!("{output_type:?}/"), &options);
        let file = VectorFile::open(&path).unwrap();
        let mut found = 0;
        for batch in file.batches().unwrap() {
            found += match batch.unwrap().numbers() {
                NumberSlice::F32(values) => size_of_val(values),
                NumberSlice::F16(values) => size_of_val(values),
                NumberSlice::I8(values) => size_of_val(values),
                NumberSlice::U8(values) => size_of_val(values),
                other => panic!("{other:?}"),
            };
        }
        let width = file.width().unwrap();
        assert_eq!(found, ROWS * width * bytes, "{output_type:?}");
        let provenance = file.provenance().unwrap();
        assert_eq!(provenance.output_type, output_type);
        assert_eq!(provenance.ranges.is_some(), output_type == OutputType::U8);
    }
}

#[test]
fn a_job_that_was_cut_off_has_its_recorded_shards() {
    let desk = Desk::new();
    let job = desk.job("job");
    let whole = rows(&job).unwrap();
    for name in ["_manifest.jsonl", "_manifest.copy.jsonl"] {
        let text = fs::read_to_string(job.join(name)).unwrap();
        let lines: Vec<&str> = text.lines().take(3).collect();
        fs::write(job.join(name), lines.join("\n") + "\n").unwrap();
    }
    let file = VectorFile::open(&job).unwrap();
    assert!(!file.is_complete());
    assert_eq!(file.rows(), Some(20));
    let (bits, ids) = rows(&job).unwrap();
    assert_eq!(bits, whole.0[..bits.len()]);
    assert_eq!(ids, whole.1[..20]);
    fs::remove_file(job.join("part-00001.parquet")).unwrap();
    let error = rows(&job).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadData, "{error}");
    assert!(error.to_string().contains("part-00001.parquet"), "{error}");
}

#[test]
fn every_byte_of_a_job_that_is_flipped_is_found_or_changes_nothing() {
    let desk = Desk::new();
    let job = desk.job("job");
    let whole = rows(&job).unwrap();
    let (mut refused, mut same) = (0, 0);
    for entry in fs::read_dir(&job).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for index in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << (index % 8);
            fs::write(&path, &flipped).unwrap();
            match rows(&job) {
                Ok(found) if found == whole => same += 1,
                // A damaged line of one manifest is read from the other.
                Ok(_) => panic!("{}, byte {index}: other rows", path.display()),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::BadData, "{}, byte {index}: {error}", path.display());
                    refused += 1;
                }
            }
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(rows(&job).unwrap(), whole);
    assert!(refused > 3000 && same > 1000, "{refused} refused, {same} the same");
}

#[test]
fn a_manifest_names_no_file_but_its_shards_own() {
    let desk = Desk::new();
    let (job, other) = (desk.job("job"), desk.job("other"));
    for name in ["_manifest.jsonl", "_manifest.copy.jsonl"] {
        let text = fs::read_to_string(job.join(name)).unwrap();
        let moved = |line: &str| {
            let (entry, _) = line.strip_prefix("{\"entry\":").unwrap().rsplit_once(",\"sha256\":").unwrap();
            let entry = entry.replace("\"part-00001.parquet\"", "\"../other/part-00001.parquet\"");
            let digest: String = Sha256::digest(&entry).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{{\"entry\":{entry},\"sha256\":\"{digest}\"}}\n")
        };
        fs::write(job.join(name), text.lines().map(moved).collect::<String>()).unwrap();
    }
    assert!(other.join("part-00001.parquet").exists());
    let error = VectorFile::open(&job).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadData, "{error}");
    assert!(error.to_string().contains("../other/part-00001.parquet"), "{error}");
}

#[test]
fn a_query_by_another_model_does_not_fit() {
    let desk = Desk::new();
    let file = desk.embed("vectors.parquet", &CorpusOptions::default());
    let file = VectorFile::open(&file).unwrap();
    let other = fixture("sentence-transformers/old-layout");
    let options = SessionOptions::default().device(DeviceChoice::Cpu);
    let session = Session::with(other.to_str().unwrap(), &options).unwrap();
    let error = EmbedOptions::fitting(file.provenance().unwrap(), &session).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Model, "{error}");
    assert!(
        error.to_string().contains("dense-prompts") && error.to_string().contains("old-layout"),
        "{error}"
    );
}

#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    let desk = Desk::new();
    let path = desk.path("pipe.npy");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let error = VectorFile::open(&path).unwrap_err();
    assert!(error.to_string().ends_with("pipe.npy: must be a regular file"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn shards_of_any_size_have_the_same_rows(rows_per_shard in 1u64..30) {
        let desk = Desk::new();
        let expected = desk.embedder.embed(&desk.texts).unwrap();
        let job = desk.embed("job/", &CorpusOptions::default().rows_per_shard(rows_per_shard));
        let bits: Vec<u32> = expected.values().iter().map(|value| value.to_bits()).collect();
        prop_assert_eq!(rows(&job).unwrap().0, bits);
    }
}
