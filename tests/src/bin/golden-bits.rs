//! Prints one line of JSON with digests of nearsay's results on this machine: token ids, vectors, hidden
//! states and scores of the tiny models, in every CPU precision, on the instruction set in use.
//!
//! usage: golden-bits [--record]
//!
//! `tests/tests/golden_bits.rs` compares them with `tests/data/golden_bits.json`, where `--record` writes
//! those of every instruction set of this machine.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

use nearsay::{
    DeviceChoice, EmbedOptions, Embedder, Precision, Result, ScoreOptions, Scorer, Session, SessionOptions,
};
use nearsay_kernels::InstructionSet;
use nearsay_tests::{fixture, repository};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

const MODELS: [&str; 8] = [
    "families/bert",
    "families/bert-gelu-new",
    "families/bert-odd",
    "families/distilbert",
    "families/roberta",
    "families/xlm-roberta",
    "families/camembert",
    "sentence-transformers/dense-prompts",
];

/// Words that the fixtures' tokenizers know, and words that they do not.
const WORDS: [&str; 16] = [
    "river",
    "the",
    "a",
    "train",
    "judge",
    "cloud",
    "Zürich",
    "42",
    "and",
    "over",
    "!",
    "naïve",
    "🙂",
    "日本",
    "[SEP]",
    "unbelievably",
];

/// A digest of everything added, as 16 hexadecimal digits.
#[derive(Default)]
struct Bits(Sha256);

impl Bits {
    fn words(&mut self, words: impl IntoIterator<Item = u32>) {
        for word in words {
            self.0.update(word.to_le_bytes());
        }
    }

    fn values<'a>(&mut self, values: impl IntoIterator<Item = &'a f32>) {
        self.words(values.into_iter().map(|value| value.to_bits()));
    }

    fn finish(self) -> String {
        self.0.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Texts of 0 to 39 words, always the same: enough for products in full tiles and in every remainder.
fn texts() -> Vec<String> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize
    };
    let word = |random: usize| WORDS[random % WORDS.len()];
    (0..40).map(|length| (0..length).map(|_| word(next())).collect::<Vec<_>>().join(" ")).collect()
}

fn session(folder: &Path, precision: Precision) -> Result<Session> {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).precision(precision);
    Session::with(folder.to_str().expect("a path in UTF-8"), &options)
}

/// Texts whose token ids depend on how blanks at their ends are read.
const BLANKS: [&str; 4] = [" ", " river ", "\tThe judge,\n", "\u{a0}naïve  "];

/// The token ids of every model: with and without a prompt, cut and whole.
fn tokens() -> Result<String> {
    let mut bits = Bits::default();
    for model in MODELS {
        let session = session(&fixture(model), Precision::F32)?;
        for options in [EmbedOptions::default(), EmbedOptions::default().prompt("query").max_length(12)] {
            let texts: Vec<String> = texts().into_iter().chain(BLANKS.map(str::to_owned)).collect();
            for text in session.embedder(&options)?.tokenize(&texts)? {
                bits.words([text.ids.len() as u32, u32::from(text.truncated), u32::from(text.is_empty)]);
                bits.words(text.ids);
            }
        }
    }
    Ok(bits.finish())
}

fn vectors(embedder: &Embedder) -> Result<String> {
    let mut bits = Bits::default();
    bits.values(embedder.embed(&texts())?.values());
    Ok(bits.finish())
}

fn hidden_states(embedder: &Embedder) -> Result<String> {
    let mut bits = Bits::default();
    bits.values(embedder.embed_tokens(&texts())?.vectors.values());
    Ok(bits.finish())
}

fn scores(scorer: &Scorer) -> Result<String> {
    let texts = texts();
    let pairs: Vec<(&str, &str)> = texts.iter().zip(&texts[7..]).map(|(a, b)| (&**a, &**b)).collect();
    let mut bits = Bits::default();
    for scores in scorer.score(&pairs)?.iter() {
        bits.values([&scores.precision, &scores.recall, &scores.f1]);
    }
    Ok(bits.finish())
}

/// The digests of every model in one precision, and the identity of its jobs.
fn results(precision: Precision) -> Result<Value> {
    let (mut models, mut identity) = (Map::new(), None);
    for model in MODELS {
        let session = session(&fixture(model), precision)?;
        let embedder = session.embedder(&EmbedOptions::default())?;
        // Recorded before RoBERTa's texts had a space before them.
        let scoring = ScoreOptions::default().layer(session.recipe().num_layers()).use_fast_tokenizer();
        let scorer = session.scorer(&scoring)?;
        let digests = json!({
            "vectors": vectors(&embedder)?,
            "hidden_states": hidden_states(&embedder)?,
            "scores": scores(&scorer)?,
        });
        models.insert(model.to_owned(), digests);
        let provenance = embedder.provenance();
        identity = Some((provenance.arithmetic, provenance.instruction_set));
    }
    let (arithmetic, instruction_set) = identity.expect("there are models");
    Ok(json!({ "arithmetic": arithmetic, "instruction_set": instruction_set, "models": models }))
}

/// Runs this program on every instruction set and writes the results into the file.
fn record() -> io::Result<()> {
    let file = repository().join("tests/data/golden_bits.json");
    let mut recorded: Map<String, Value> = match fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(_) => Map::new(),
    };
    for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
        let output = Command::new(env::current_exe()?).env("NEARSAY_ISA", set.name()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        recorded.insert(set.arithmetic().name().to_owned(), serde_json::from_slice(&output.stdout)?);
    }
    fs::write(file, format!("{:#}\n", Value::Object(recorded)))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    if env::args().nth(1).as_deref() == Some("--record") {
        return Ok(record()?);
    }
    nearsay::check_environment()?;
    let mut precisions = Map::new();
    for precision in Precision::OF_CPU {
        precisions.insert(precision.name().to_owned(), results(precision)?);
    }
    println!(
        "{}",
        json!({ "reading": nearsay::tokens::READING, "tokens": tokens()?, "precisions": precisions })
    );
    Ok(())
}
