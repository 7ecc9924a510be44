//! Tokenizing against the fixtures' tokenizers, and rules for hostile ones and for long texts.

use super::*;
use std::path::PathBuf;

pub(super) fn fixture(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/families")
        .join(family)
        .join("tokenizer.json")
}

pub(super) fn open(family: &str, max_tokens: usize) -> TextTokenizer {
    let limits = TokenizerLimits { max_tokens, vocab_size: 1000, lower_case: false };
    TextTokenizer::open(&fixture(family), &TokenizerSettings::default(), limits).unwrap()
}

fn refusal(contents: &str, limits: TokenizerLimits) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, contents).unwrap();
    TextTokenizer::open(&path, &TokenizerSettings::default(), limits).unwrap_err().to_string()
}

const LIMITS: TokenizerLimits = TokenizerLimits { max_tokens: 16, vocab_size: 1000, lower_case: false };

#[test]
fn texts_are_cut_to_the_limit_and_say_so() {
    for family in ["bert", "roberta", "xlm-roberta"] {
        let tokenizer = open(family, 6);
        let short = tokenizer.encode("a").unwrap();
        assert!(!short.truncated && !short.is_empty && short.ids.len() <= 6, "{family} {short:?}");
        let long = tokenizer.encode("the river and the train and the judge and the cloud").unwrap();
        assert!(long.truncated, "{family}");
        assert_eq!(long.ids.len(), 6, "{family}");
        assert_eq!((long.ids[0], long.ids[5]), (short.ids[0], *short.ids.last().unwrap()), "{family}");
    }
}

#[test]
fn texts_may_be_cut_at_their_beginning() {
    for family in ["bert", "roberta", "xlm-roberta", "gemma3_text"] {
        let text = "the river and the train and the judge and the cloud ".repeat(200);
        let whole = open(family, 100_000).encode(&text).unwrap().ids;
        let cut = open(family, 6).truncating(TruncationSide::Left).unwrap();
        let tokens = cut.encode(&text).unwrap();
        assert!(tokens.truncated && tokens.ids.len() == 6, "{family} {tokens:?}");
        let empty = cut.encode("").unwrap().ids;
        // As many special tokens before and after the text as around an empty one.
        let before =
            empty.iter().zip(&whole).take_while(|(a, b)| a == b).count().min(empty.len().div_ceil(2));
        assert_eq!(tokens.ids[..before], whole[..before], "{family}");
        assert_eq!(tokens.ids[before..], whole[whole.len() - 6 + before..], "{family}");
        assert_eq!(cut.encode("a").unwrap(), open(family, 6).encode("a").unwrap(), "{family}");
    }
    let pair = open("bert", 8).truncating(TruncationSide::Left).unwrap();
    let long = "the river and the train ".repeat(200);
    let whole = open("bert", 100_000).encode_pair("a", &long).unwrap().ids;
    let tokens = pair.encode_pair("a", &long).unwrap();
    assert_eq!((&tokens.ids[..3], &tokens.ids[3..]), (&whole[..3], &whole[whole.len() - 5..]));
}

#[test]
fn blanks_at_both_ends_count_unless_they_are_stripped() {
    let tokenizer = open("roberta", 16);
    let plain = tokenizer.encode("the river").unwrap();
    let blanks = "  the river\t\u{1f}\u{a0}";
    assert_eq!(tokenizer.encode_stripped(blanks).unwrap(), plain);
    assert!(tokenizer.encode(blanks).unwrap().ids.len() > plain.ids.len());
    assert_ne!(tokenizer.encode(" the river").unwrap(), plain);
    assert!(!tokenizer.encode(" ").unwrap().is_empty);
    for empty in ["", " ", "\t \u{2003}", "\u{1c}"] {
        let tokens = tokenizer.encode_stripped(empty).unwrap();
        assert!(tokens.is_empty && tokens.ids.len() == 2, "{empty:?} {tokens:?}");
    }
    // BERT's normalizer and Unigram's words have no blanks.
    for family in ["bert", "xlm-roberta"] {
        let tokenizer = open(family, 16);
        assert_eq!(tokenizer.encode(" the river\t ").unwrap(), tokenizer.encode("the river").unwrap());
        assert!(tokenizer.encode(" \t").unwrap().is_empty, "{family}");
    }
}

/// Texts of 60 kB in which a cut falls inside words, characters, controls that BERT drops, and special
/// tokens.
fn long_texts() -> Vec<String> {
    let pieces = [
        "river  ",
        "a",
        "trains, and ",
        "theolo\u{c}gical ",
        "猫",
        "é ",
        "[CLS] ",
        "<mask>",
        "a,",
        "naïve\u{85}ly ",
    ];
    pieces
        .iter()
        .flat_map(|piece| (0..3).map(move |shift| "x ".repeat(shift) + &piece.repeat(60_000 / piece.len())))
        .collect()
}

#[test]
fn a_long_text_gives_what_its_whole_gives() {
    for family in ["bert", "roberta", "xlm-roberta", "camembert"] {
        for max_tokens in [16, 5_000] {
            let tokenizer = open(family, max_tokens);
            for text in long_texts() {
                let whole = tokenizer.encode_whole(&text).unwrap();
                let start: String = text.chars().take(20).collect();
                assert_eq!(
                    tokenizer.encode(&text).unwrap(),
                    whole,
                    "{family}, {max_tokens} tokens, {start:?}"
                );
            }
        }
    }
}

#[test]
fn settings_beside_the_tokenizer_are_applied() {
    let settings = TokenizerSettings { do_lower_case: Some(false), ..TokenizerSettings::default() };
    let cased = TextTokenizer::open(&fixture("bert"), &settings, LIMITS).unwrap();
    let plain = open("bert", 16);
    assert_eq!(plain.encode("RIVER").unwrap(), plain.encode("river").unwrap());
    assert_ne!(cased.encode("RIVER").unwrap(), cased.encode("river").unwrap());
}

#[test]
fn tokens_that_the_class_puts_around_a_text_replace_those_of_the_file() {
    let around = |first: &str, last: Option<&str>| TokenizerSettings {
        around: Some([Some(first.to_owned()), last.map(str::to_owned)]),
        ..TokenizerSettings::default()
    };
    let plain = open("bert", 16).encode("the river").unwrap().ids;
    let (first, last) = (plain[0], plain[plain.len() - 1]);
    let words = &plain[1..plain.len() - 1];
    let ids = |settings: &TokenizerSettings| {
        TextTokenizer::open(&fixture("bert"), settings, LIMITS).unwrap().encode("the river").unwrap().ids
    };
    assert_eq!(ids(&around("[SEP]", Some("[CLS]"))), [&[last], words, &[first]].concat());
    assert_eq!(ids(&around("[SEP]", None)), [&[last], words].concat());
    let error = TextTokenizer::open(&fixture("bert"), &around("<bos>", None), LIMITS).err().unwrap();
    assert!(error.to_string().contains("its vocabulary must have `<bos>`"), "{error}");
}

#[test]
fn ten_megabytes_without_a_blank_are_one_unknown_token() {
    let tokenizer = open("bert", 64);
    let tokens = tokenizer.encode(&"a".repeat(10_000_000)).unwrap();
    assert_eq!(tokens, tokenizer.encode(&"a".repeat(200)).unwrap());
    assert_eq!(tokens.ids.len(), 3);
}

#[test]
fn lower_case_is_applied_where_the_model_asks_for_it() {
    let limits = TokenizerLimits { lower_case: true, ..LIMITS };
    let lower = TextTokenizer::open(&fixture("roberta"), &TokenizerSettings::default(), limits).unwrap();
    let plain = open("roberta", 16);
    assert_eq!(lower.encode("The RIVER").unwrap(), plain.encode("the river").unwrap());
    assert_ne!(plain.encode("The RIVER").unwrap(), plain.encode("the river").unwrap());
}

#[test]
fn what_is_not_a_tokenizer_is_refused() {
    assert!(refusal("{", LIMITS).contains("is not a tokenizer"));
    assert!(refusal("[]", LIMITS).contains("is not a tokenizer"));
    let text = std::fs::read_to_string(fixture("bert")).unwrap();
    let error = refusal(&text, TokenizerLimits { vocab_size: 20, ..LIMITS });
    assert!(error.contains("but the model has embeddings for ids below 20 only"), "{error}");
    let error = refusal(&text, TokenizerLimits { max_tokens: 2, ..LIMITS });
    assert_eq!(error, "the longest text must have more than the 2 special tokens, got 2");
}

#[test]
fn a_tokenizer_that_panics_is_an_error() {
    crate::silence_expected_panics();
    // A template that gives a special token fewer ids than tokens, after tokenizers#2151.
    let text = std::fs::read_to_string(fixture("bert")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["post_processor"]["special_tokens"]["[CLS]"]["ids"] = serde_json::json!([]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, json.to_string()).unwrap();
    match TextTokenizer::open(&path, &TokenizerSettings::default(), LIMITS) {
        Err(error) => assert!(matches!(error, Error::Tokenizer { .. }), "{error}"),
        // If it loads, using it must return a result or an error, not panic.
        Ok(tokenizer) => drop(tokenizer.encode("the river")),
    }
}

#[test]
fn marks_that_are_taken_off_do_not_make_a_word_long() {
    let tokenizer = open("bert", 16);
    let start = format!("a{}{} ", "\u{941}".repeat(1700), "b".repeat(200));
    let short = tokenizer.encode(&format!("{start}{}", "river ".repeat(1200))).unwrap();
    let long = tokenizer.encode(&format!("{start}{}", "river ".repeat(4000))).unwrap();
    assert_eq!(short, long);
}
