//! Fits against the offsets of the whole text.

use std::time::{Duration, Instant};

use super::*;
use crate::tokens::tests::open;

const FAMILIES: [&str; 3] = ["bert", "roberta", "xlm-roberta"];

/// The result that `fit` must return, from the text tokenized in one piece.
fn expected(tokenizer: &TextTokenizer, prompt: &str, text: &str) -> (usize, bool) {
    let found = tokenizer.encode_with_offsets(prompt, text).unwrap();
    let end = found.offsets.iter().map(|offset| offset.bytes.end).max().unwrap_or(0);
    (end, !found.tokens.truncated)
}

#[test]
fn a_fit_reaches_as_far_as_encode() {
    let pieces = ["the river ", "a,", "猫", "é ", "unaffordable \u{301}trains  ", "[CLS] ", "\u{0}\u{0}x "];
    for family in FAMILIES {
        let tokenizer = open(family, 16);
        for piece in pieces {
            for count in [0, 1, 2, 3, 5, 10, 1000] {
                for prompt in ["", "the garden: "] {
                    let text = format!("  {}", piece.repeat(count));
                    let fit = tokenizer.fit(prompt, &text).unwrap();
                    assert_eq!(
                        (fit.end, fit.is_all),
                        expected(&tokenizer, prompt, &text),
                        "{family} {text:?}"
                    );
                    assert!(fit.tokens.len() <= tokenizer.room("").unwrap(), "{family}");
                    assert!(fit.tokens.iter().all(|token| text.get(token.clone()).is_some()));
                }
            }
        }
    }
}

#[test]
fn room_is_what_special_tokens_and_prompt_leave() {
    let tokenizer = open("bert", 16);
    assert_eq!(tokenizer.room("").unwrap(), 14);
    let prompt = "the garden: ";
    assert_eq!(tokenizer.room(prompt).unwrap(), 16 - tokenizer.encode(prompt).unwrap().ids.len());
    assert_eq!(tokenizer.room(&prompt.repeat(50)).unwrap(), 0);
}

#[test]
fn ten_megabytes_take_no_longer_than_the_beginning() {
    let text = "the river and the train. ".repeat(400_000);
    for family in FAMILIES {
        let tokenizer = open(family, 256);
        let start = Instant::now();
        for _ in 0..10 {
            assert!(!tokenizer.fit("", &text).unwrap().is_all);
        }
        assert!(start.elapsed() < Duration::from_secs(2), "{family}: {:?}", start.elapsed());
    }
}
