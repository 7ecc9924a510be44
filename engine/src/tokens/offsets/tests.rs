//! Offsets over the fixtures' tokenizers.

use nearsay_models::TokenizerSettings;
use proptest::prelude::*;

use super::*;
use crate::tokens::TokenizerLimits;
use crate::tokens::tests::{fixture, open};

const FAMILIES: [&str; 5] = ["bert", "distilbert", "roberta", "xlm-roberta", "camembert"];

fn lower_cased(family: &str) -> TextTokenizer {
    let limits = TokenizerLimits { max_tokens: 64, vocab_size: 1000, lower_case: true };
    TextTokenizer::open(&fixture(family), &TokenizerSettings::default(), limits).unwrap()
}

/// The fixture texts, and some that are altered before they reach the tokenizer.
fn tricky_texts(family: &str) -> Vec<String> {
    let path = fixture(family).with_file_name("texts.json");
    let mut texts: Vec<String> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    texts.extend(
        ["  the river \t", "\u{a0}İİ the İriver\u{2003}", "ΟΔΟΣ river", "a\u{0}b\u{c}c \u{fffd}"]
            .map(String::from),
    );
    texts.extend(
        ["猫 é🙂👍🏽", "the\u{2003}<mask> river", "ﷺ ½ ﬁ Kelvin \u{212a}", "cafe\u{301} trains"]
            .map(String::from),
    );
    texts.push(format!(" É{} the river, {}", "ab".repeat(9_000), "x".repeat(5_000)));
    texts
}

fn check(tokenizer: &TextTokenizer, prompt: &str, text: &str) -> OffsetTokens {
    let found = tokenizer.encode_with_offsets(prompt, text).unwrap();
    assert_eq!(found.tokens, tokenizer.encode(&format!("{prompt}{text}")).unwrap(), "{prompt:?} {text:?}");
    assert_eq!(found.offsets.len(), found.tokens.ids.len());
    for TokenOffset { token, bytes, characters } in &found.offsets {
        let covered = text.get(bytes.clone()).unwrap_or_else(|| panic!("{text:?}: {bytes:?} of {token}"));
        assert_eq!(characters.start, text[..bytes.start].chars().count(), "{text:?} {token}");
        assert_eq!(characters.len(), covered.chars().count(), "{text:?} {token}");
    }
    found
}

fn places(tokenizer: &TextTokenizer, prompt: &str, text: &str) -> Vec<(String, String)> {
    let found = check(tokenizer, prompt, text);
    found.offsets.into_iter().map(|offset| (offset.token, text[offset.bytes].to_owned())).collect()
}

#[test]
fn ids_are_those_of_encode_and_ranges_lie_between_characters() {
    for family in FAMILIES {
        for tokenizer in [open(family, 8), open(family, 64), lower_cased(family)] {
            for text in tricky_texts(family) {
                for prompt in ["", "query: ", "İquery", " "] {
                    check(&tokenizer, prompt, &text);
                }
            }
        }
    }
}

#[test]
fn ranges_count_from_the_text_as_given() {
    let tokenizer = open("bert", 16);
    let found = check(&tokenizer, "", " \u{a0}The river");
    assert_eq!(found.offsets[0].bytes, 0..0);
    assert_eq!(found.offsets.last().unwrap().bytes, 0..0);
    let own: Vec<_> = found.offsets[1..found.offsets.len() - 1].iter().collect();
    assert_eq!((own[0].bytes.clone(), own[0].characters.clone()), (3..6, 2..5));
    assert_eq!(own.last().unwrap().bytes.end, 12);
}

#[test]
fn tokens_of_the_prompt_have_no_place() {
    for family in FAMILIES {
        let tokenizer = open(family, 64);
        let with = check(&tokenizer, "the garden: ", "the river");
        let own: Vec<_> = with.offsets.iter().filter(|offset| !offset.bytes.is_empty()).collect();
        // A blank at the prompt's end may be part of the text's first token.
        let prompt = tokenizer.encode_stripped("the garden: ").unwrap().ids.len() - 2;
        assert!(with.offsets[..=prompt].iter().all(|offset| offset.bytes == (0..0)), "{family} {with:?}");
        assert_eq!((own[0].bytes.start, own.last().unwrap().bytes.end), (0, 9), "{family}");
        let blanks = check(&tokenizer, "the garden: ", "  ");
        assert!(blanks.offsets.iter().all(|offset| offset.bytes.is_empty()), "{blanks:?}");
    }
}

#[test]
fn bytes_of_one_character_have_its_whole_range() {
    let tokenizer = open("roberta", 64);
    let own: Vec<String> = places(&tokenizer, "", "猫🙂").into_iter().map(|(_, covered)| covered).collect();
    assert!(own.len() > 4, "{own:?}");
    assert!(own[1..own.len() - 1].iter().all(|covered| covered == "猫" || covered == "🙂"), "{own:?}");
}

#[test]
fn lower_case_letters_of_another_length_keep_the_places() {
    for family in FAMILIES {
        let found = places(&lower_cased(family), "", "İİİ river");
        let river: String = found.iter().map(|(_, covered)| covered.trim()).collect::<String>();
        assert!(river.ends_with("river"), "{family} {found:?}");
    }
}

#[test]
fn an_overlong_word_is_one_token_over_all_of_it() {
    let tokenizer = open("bert", 16);
    let word = "a".repeat(20_000);
    let found = places(&tokenizer, "", &format!("the {word} river"));
    assert!(
        found.contains(&("[UNK]".to_owned(), word)),
        "{:?}",
        found.iter().map(|f| &f.0).collect::<Vec<_>>()
    );
    assert_eq!(found[found.len() - 2].1.chars().next_back(), Some('r'));
}

proptest! {
    #[test]
    fn any_text_has_its_tokens_inside(prompt in ".{0,6}", text in "(\\PC|[ aİ猫é.\u{0}\u{301}]){0,40}", family in 0..5usize) {
        check(&open(FAMILIES[family], 24), &prompt, &text);
        check(&lower_cased(FAMILIES[family]), &prompt, &text);
    }
}
