//! Random sequences of runs, kills, and changes of the input: a job is never called complete when it is not,
//! a run that is refused changes nothing, and the input that a job has last accepted is always accepted again.
//!
//! A kill is simulated: a run goes to its end, or is cancelled after some micro-batches, and then the
//! manifests lose their last bytes, as if the process had been killed before it wrote them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use nearsay::job::{
    Corpus, CorpusOptions, Existing, FolderState, FolderStatus, JobProgress, Observer, verify,
};
use nearsay::text::Input;
use nearsay::vectors::read::VectorFile;
use nearsay::vectors::write::Output;
use nearsay::{Cancel, Control, Embedder, ErrorKind, Result, Workers};
use nearsay_tests::fixture;
use nearsay_tests::job::files;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const MANIFESTS: [&str; 2] = ["_manifest.jsonl", "_manifest.copy.jsonl"];
const ROWS_PER_SHARD: u64 = 3;
const CASES: u32 = 60;

/// What happens to a job and its input.
#[derive(Debug, Clone)]
enum Step {
    Grow(usize),
    Shrink(usize),
    Edit(usize),
    /// The input that the job has last accepted comes back.
    Restore,
    Run(Existing),
    /// A run that is cancelled after so many micro-batches, and whose manifests lose a share of the bytes that
    /// it wrote; the copy lacks one more line.
    Killed(Existing, usize, f64, bool),
    Damage(usize),
}

fn existing() -> impl Strategy<Value = Existing> {
    prop_oneof![1 => Just(Existing::Resume), 2 => Just(Existing::Append)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..8).prop_map(Step::Grow),
        1 => (1_usize..4).prop_map(Step::Shrink),
        1 => any::<usize>().prop_map(Step::Edit),
        2 => Just(Step::Restore),
        5 => existing().prop_map(Step::Run),
        4 => (existing(), 0_usize..5, 0.0..1.0, any::<bool>())
            .prop_map(|(existing, batches, share, lags)| Step::Killed(existing, batches, share, lags)),
        1 => any::<usize>().prop_map(Step::Damage),
    ]
}

/// Cancels a run after some micro-batches.
struct Killer {
    left: AtomicUsize,
    cancel: Cancel,
}

impl Observer for Killer {
    fn progress(&self, _progress: &JobProgress) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.cancel.cancel();
        }
    }
}

fn embedder() -> &'static Embedder {
    static EMBEDDER: OnceLock<Embedder> = OnceLock::new();
    EMBEDDER
        .get_or_init(|| Embedder::open(fixture("families/bert").to_str().expect("UTF-8")).expect("a model"))
}

/// A job, its input, and every input that it has accepted.
struct World {
    folder: tempfile::TempDir,
    input: Vec<String>,
    accepted: Vec<Vec<String>>,
    edits: usize,
    /// How runs ended.
    outcomes: BTreeMap<&'static str, usize>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (input, accepted) = (vec!["the river".to_owned()], Vec::new());
        Self { folder, input, accepted, edits: 0, outcomes: BTreeMap::new() }
    }

    fn job(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn content(&self) -> BTreeMap<String, Vec<u8>> {
        if self.job().exists() { files(&self.job()) } else { BTreeMap::new() }
    }

    /// A text that no other has the vector of: its number in binary, in words that the vocabulary has (some
    /// digits are unknown to it, and texts that differ in these only have the same vector).
    fn new_text(&mut self) -> String {
        self.edits += 1;
        let digits = format!("{:b}", self.edits);
        digits.chars().map(|digit| if digit == '1' { "light " } else { "garden " }).collect()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Grow(count) => {
                for _ in 0..*count {
                    let text = self.new_text();
                    self.input.push(text);
                }
            }
            Step::Shrink(count) => self.input.truncate(self.input.len().saturating_sub(*count)),
            Step::Edit(row) if !self.input.is_empty() => {
                let row = row % self.input.len();
                self.input[row] = self.new_text();
            }
            Step::Edit(_) => {}
            Step::Restore => self.input = self.accepted.last().unwrap_or(&self.input).clone(),
            Step::Run(existing) => self.run(*existing, None),
            Step::Killed(existing, batches, share, lags) => {
                self.run(*existing, Some((*batches, *share, *lags)))
            }
            Step::Damage(which) => self.damage(*which),
        }
        self.check();
    }

    fn run(&mut self, existing: Existing, kill: Option<(usize, f64, bool)>) {
        let (before, input) = (self.content(), self.input.clone());
        let ends = ends(&self.job());
        let result = embed(&self.job(), &input, existing, kill.map_or(usize::MAX, |(batches, ..)| batches));
        let outcome = match &result {
            Err(error) if error.kind() == ErrorKind::BadData => "refused",
            Err(_) => "cancelled",
            Ok(()) if self::ends(&self.job()) > ends.max(1) => "extended",
            Ok(()) => "completed",
        };
        *self.outcomes.entry(outcome).or_default() += 1;
        match result.map_err(|error| (error.kind(), error.to_string())) {
            Err((ErrorKind::BadData, error)) => {
                assert_eq!(self.content(), before, "a run that is refused changes nothing: {error}");
            }
            Err((kind, error)) => assert_eq!(kind, ErrorKind::Cancelled, "{error}"),
            Ok(()) if kill.is_none() => assert!(is_complete(&self.job())),
            Ok(()) => {}
        }
        if self.content() != before || is_complete(&self.job()) && has(&self.job(), &input) {
            self.accepted.push(input);
        }
        if let Some((_, share, lags)) = kill {
            self.crash(&before, share, lags);
        }
    }

    /// Leaves the manifests as if the process had been killed before it wrote their last bytes.
    fn crash(&self, before: &BTreeMap<String, Vec<u8>>, share: f64, lags: bool) {
        let Some(whole) = self.content().remove(MANIFESTS[0]) else { return };
        let lines = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        // The first line is written before any shard.
        let has_shards = self.content().keys().any(|name| name.starts_with("part-"));
        let begin = whole.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let start = before.get(MANIFESTS[0]).map_or(0, Vec::len).max(if has_shards { begin } else { 0 });
        let start = start.min(whole.len());
        let cut = start + ((whole.len() - start) as f64 * share) as usize;
        let copy = lines(&whole[..cut]);
        let copy = if lags && copy > start { lines(&whole[..copy - 1]).max(start) } else { copy };
        for (name, length) in MANIFESTS.iter().zip([cut, copy]) {
            fs::write(self.job().join(name), &whole[..length]).expect("written");
        }
        fs::write(self.job().join(".nearsay-a1b2c3.part"), "half a shard").expect("written");
        fs::write(self.job().join(".nearsay-status.json"), "{\"process\":1}").expect("written");
    }

    /// Removes a shard.
    fn damage(&self, which: usize) {
        let shards: Vec<String> =
            self.content().into_keys().filter(|name| name.starts_with("part-")).collect();
        if !shards.is_empty() {
            fs::remove_file(self.job().join(&shards[which % shards.len()])).expect("removed");
        }
    }

    fn check(&self) {
        let Some(last) = self.accepted.last() else { return };
        if is_complete(&self.job()) {
            let is_of = |input: &Vec<String>| has(&self.job(), input);
            assert!(self.accepted.iter().any(is_of), "it is called complete, and has no input's rows");
        }
        // In a copy, so that the job stays as it is.
        let copy = tempfile::tempdir().expect("a folder");
        let job = copy.path().join("out");
        fs::create_dir(&job).expect("a folder");
        for (name, bytes) in self.content() {
            fs::write(job.join(name), bytes).expect("written");
        }
        let accepted = embed(&job, last, Existing::Append, usize::MAX);
        accepted.unwrap_or_else(|error| panic!("its last input is refused: {error}"));
        assert!(is_complete(&job) && has(&job, last), "continued, it has other rows");
        let status = FolderStatus::read(&job).expect("a status");
        assert!(status.is_complete && status.run.is_none() && status.counts.texts == last.len() as u64);
    }
}

fn embed(job: &Path, texts: &[String], existing: Existing, batches: usize) -> Result<()> {
    let input = job.with_file_name("in.txt");
    fs::write(&input, texts.iter().map(|text| format!("{text}\n")).collect::<String>()).expect("written");
    let options = CorpusOptions::default().rows_per_shard(ROWS_PER_SHARD).existing(existing);
    let corpus = Corpus::open(&[Input::File(input)], &Output::Folder(job.to_owned()), &options)?;
    let killer = Killer { left: AtomicUsize::new(batches), cancel: Cancel::default() };
    let embedder = embedder().with_cancel(&killer.cancel);
    corpus.embed(&embedder, &killer).map(drop)
}

/// The number of recorded ends.
fn ends(job: &Path) -> usize {
    FolderStatus::read(job).map_or(0, |status| status.ends.len())
}

fn is_complete(job: &Path) -> bool {
    let workers = Workers::new(std::num::NonZero::new(1));
    let Ok(state) = FolderState::read(job, &workers, &Control::default()) else { return false };
    let verified = verify(&[state]);
    verified.problems.is_empty() && verified.missing.is_empty() && verified.mismatch.is_none()
}

/// Whether the folder has the vectors of these texts, in this order.
fn has(job: &Path, texts: &[String]) -> bool {
    let mut values = Vec::new();
    for batch in VectorFile::open(job).expect("a job").batches().expect("batches") {
        values.extend(batch.expect("a batch").vectors().expect("vectors").into_values());
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let expected = embedder().embed(&texts).expect("vectors");
    expected.values() == values
}

#[test]
fn a_job_comes_through_whatever_happens_to_it() {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let sequences = proptest::collection::vec(step(), 4..18);
    let outcomes = RefCell::new(BTreeMap::<&str, usize>::new());
    let result = TestRunner::new(config).run(&sequences, |steps| {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        for (outcome, count) in world.outcomes {
            *outcomes.borrow_mut().entry(outcome).or_default() += count;
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    // The sequences are worth something only if all of this happens.
    let outcomes = outcomes.into_inner();
    for outcome in ["refused", "cancelled", "completed", "extended"] {
        assert!(outcomes.get(outcome).is_some_and(|count| *count > 2), "{outcome}: {outcomes:?}");
    }
}
