//! Which files a tokenizer is built from, and damaged ones. Token ids are compared in
//! engine/src/tokens/built_tests.rs.

mod damaged;

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::files::HubOptions;

/// A folder with these files.
pub(super) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

pub(super) fn open(directory: &TempDir) -> ModelFolder {
    ModelFolder::resolve(directory.path().to_str().unwrap(), &HubOptions::default()).unwrap()
}

/// The files of a tokenizer for a model of this type.
pub(super) fn find(directory: &TempDir, model_type: &str) -> Result<Option<VocabularyFiles>> {
    let folder = open(directory);
    let settings = TokenizerSettings::read(&folder, model_type, None)?;
    VocabularyFiles::find(&folder, model_type, None, &settings)
}

fn build(files: &[(&str, &[u8])], model_type: &str, rows: usize) -> serde_json::Value {
    let directory = folder(files);
    let built = find(&directory, model_type).unwrap().expect("files").build(rows).unwrap();
    serde_json::from_str(&built).unwrap()
}

const WORDS: &[u8] = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nriver\n##s\n";

#[test]
fn tokenizer_json_is_stronger_and_all_files_of_the_class_are_needed() {
    let class = |files: &[(&str, &[u8])], model_type: &str| {
        find(&folder(files), model_type).unwrap().map(|files| files.class())
    };
    let words = ("vocab.txt", WORDS);
    assert_eq!(class(&[words], "bert"), Some(VocabularyClass::Bert));
    assert_eq!(class(&[words, ("tokenizer.json", b"")], "bert"), None);
    assert_eq!(class(&[words], "roberta"), None);
    assert_eq!(class(&[("vocab.json", b""), words], "roberta"), None);
    assert_eq!(class(&[("vocab.json", b""), ("merges.txt", b"")], "roberta"), Some(VocabularyClass::Roberta));
    assert_eq!(class(&[("spiece.model", b"")], "xlm-roberta"), None);
    assert_eq!(class(&[words], "t5"), None);
    let named = |name: &str| format!(r#"{{"tokenizer_class": "{name}"}}"#);
    for (name, expected) in [
        ("ByT5Tokenizer", Some(VocabularyClass::ByT5)),
        ("MPNetTokenizerFast", Some(VocabularyClass::MpNet)),
        ("PreTrainedTokenizerFast", None),
    ] {
        let config = ("tokenizer_config.json", named(name));
        assert_eq!(class(&[words, (config.0, config.1.as_bytes())], "t5"), expected, "{name}");
    }
}

#[test]
fn a_digest_is_that_of_the_files_that_the_tokenizer_is_built_from() {
    let directory = folder(&[("vocab.txt", WORDS), ("merges.txt", b"")]);
    let digest = || {
        let folder = open(&directory);
        let settings = TokenizerSettings::read(&folder, "bert", None).unwrap();
        VocabularyFiles::find(&folder, "bert", None, &settings).unwrap();
        folder.digest(std::iter::empty()).unwrap()
    };
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    let first = digest();
    write("merges.txt", "others");
    assert_eq!(digest(), first);
    write("vocab.txt", "[UNK]\n");
    let second = digest();
    assert_ne!(second, first);
    // With a tokenizer.json, the vocabulary is not read.
    write("tokenizer.json", "{}");
    let third = digest();
    assert_ne!(third, second);
    write("vocab.txt", "[UNK]\nriver\n");
    assert_eq!(digest(), third);
}

#[test]
fn a_vocabulary_is_read_line_by_line() {
    let built = build(&[("vocab.txt", b"[UNK]\r\n[CLS]\r[SEP]\n\n a \n[PAD]\n[MASK]")], "bert", 9);
    let vocab = &built["model"]["vocab"];
    for (id, token) in ["[UNK]", "[CLS]", "[SEP]", "", " a ", "[PAD]", "[MASK]"].into_iter().enumerate() {
        assert_eq!(vocab[token], id, "{token:?}");
    }
    // The last of equal lines counts.
    let built = build(&[("vocab.txt", b"[UNK]\n[CLS]\n[SEP]\n[UNK]\n")], "bert", 9);
    assert_eq!(built["model"]["vocab"]["[UNK]"], 3);
}

#[test]
fn a_special_token_without_an_embedding_is_left_out() {
    let words: &[u8] = b"[UNK]\n[CLS]\n[SEP]\n";
    let ids = |rows: usize| {
        let built = build(&[("vocab.txt", words)], "bert", rows);
        let tokens = built["added_tokens"].as_array().unwrap().clone();
        tokens
            .iter()
            .map(|token| (token["content"].as_str().unwrap().to_owned(), token["id"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    let token = |text: &str, id: u64| (text.to_owned(), id);
    let there = [token("[UNK]", 0), token("[CLS]", 1), token("[SEP]", 2)];
    assert_eq!(ids(3), there);
    assert_eq!(ids(4), [&there[..], &[token("[PAD]", 3)]].concat());
    assert_eq!(ids(9), [&there[..], &[token("[PAD]", 3), token("[MASK]", 4)]].concat());
}

#[test]
fn every_class_names_files_that_are_downloaded() {
    for name in ["BertTokenizer", "RobertaTokenizer", "DebertaV2Tokenizer", "T5Tokenizer", "MBartTokenizer"] {
        let class = VocabularyClass::find(Some(name), "").unwrap();
        assert!(class.files().iter().all(|file| VOCABULARY_FILES.contains(file)), "{name}");
    }
    assert_eq!(VocabularyClass::find(Some("ByT5Tokenizer"), "bert").unwrap().files(), [""; 0]);
}
