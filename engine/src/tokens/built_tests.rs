//! Tokenizers that are built from the files of a vocabulary, against transformers' own conversion of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use nearsay_models::{HubOptions, ModelFolder};
use serde::Deserialize;
use serde_json::Value;

use super::*;

/// `cases.json`: see tests/fixtures/README.md.
#[derive(Deserialize)]
struct Cases {
    texts: Vec<String>,
    pairs: Vec<(String, String)>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    /// The files of the folder: JSON, or the name of a file in `vocabularies/`.
    files: BTreeMap<String, Value>,
    /// Ids that the tokenizer may use.
    rows: usize,
    ids: Vec<Vec<u32>>,
    pairs: Vec<Vec<u32>>,
}

/// The fixture, or another folder that scripts/fixtures/tokenizer_files.py wrote.
fn root() -> PathBuf {
    let fixture = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tokenizer-files");
    std::env::var_os("NEARSAY_TOKENIZER_CASES").map_or_else(fixture, PathBuf::from)
}

fn cases() -> Cases {
    serde_json::from_slice(&fs::read(root().join("cases.json")).unwrap()).unwrap()
}

fn write(case: &Case, folder: &Path) {
    for (name, content) in &case.files {
        match content.as_str() {
            Some(source) => {
                let content = fs::read(root().join("vocabularies").join(source)).unwrap();
                fs::write(folder.join(name), content).unwrap();
            }
            None => fs::write(folder.join(name), content.to_string()).unwrap(),
        }
    }
}

/// The tokenizer of the model in a folder.
fn build(folder: &Path, rows: usize) -> Result<TextTokenizer> {
    let folder = ModelFolder::resolve(folder.to_str().unwrap(), &HubOptions::default())?;
    let config: Value = folder.read_transformer_json("config.json")?.unwrap();
    let text = |field: &str| config.get(field).and_then(Value::as_str);
    let (model_type, named) = (text("model_type").unwrap(), text("tokenizer_class"));
    let settings = TokenizerSettings::read(&folder, model_type, named)?;
    let files = VocabularyFiles::find(&folder, model_type, named, &settings)?.unwrap();
    let limits = TokenizerLimits { max_tokens: usize::MAX, vocab_size: rows, lower_case: false };
    TextTokenizer::build(&files, &settings, limits)
}

#[test]
fn ids_are_those_of_transformers() {
    let Cases { texts, pairs, cases } = cases();
    let mut different = Vec::new();
    for (name, case) in cases {
        let folder = tempfile::tempdir().unwrap();
        write(&case, folder.path());
        let tokenizer = build(folder.path(), case.rows).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((case.ids.len(), case.pairs.len()), (texts.len(), pairs.len()), "{name}");
        for (text, ids) in texts.iter().zip(&case.ids) {
            let found = tokenizer.encode(text).unwrap().ids;
            different.extend((found != *ids).then(|| format!("{name}: {text:?}: {found:?}, not {ids:?}")));
        }
        for ((left, right), ids) in pairs.iter().zip(&case.pairs) {
            let pair = (left.as_str(), right.as_str());
            let found =
                tokenizer.run_by(|tokenizer| tokenizer.encode(pair, true)).unwrap().get_ids().to_vec();
            different.extend((found != *ids).then(|| format!("{name}: {pair:?}: {found:?}, not {ids:?}")));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}
