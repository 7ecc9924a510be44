//! Properties of every plan, with the fixtures' tokenizers.

use std::path::Path;
use std::time::{Duration, Instant};

use nearsay_models::TokenizerSettings;
use proptest::prelude::*;

use super::*;
use crate::tokens::TokenizerLimits;

const FAMILIES: [&str; 3] = ["bert", "roberta", "xlm-roberta"];

fn open(family: &str, max_tokens: usize) -> TextTokenizer {
    let families = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/families");
    let limits = TokenizerLimits { max_tokens, vocab_size: 1000, lower_case: false };
    let path = families.join(family).join("tokenizer.json");
    TextTokenizer::open(&path, &TokenizerSettings::default(), limits).unwrap()
}

fn plan(tokenizer: &TextTokenizer, prompt: &str, text: &str, overlap: usize) -> Vec<Chunk> {
    let chunks = plan_chunks(tokenizer, prompt, text, ChunkOptions::default().overlap(overlap)).unwrap();
    check_order(&chunks, text);
    if tokenizer.encode(&format!("{prompt}{text}")).unwrap().truncated {
        check_parts(&chunks, text);
        check_fits(tokenizer, prompt, &chunks, text);
    } else {
        assert_eq!(chunks, [Chunk { bytes: 0..text.len(), characters: 0..text.chars().count() }]);
    }
    chunks
}

fn check_order(chunks: &[Chunk], text: &str) {
    let mut covered = 0;
    for pair in chunks.windows(2) {
        let [one, two] = [&pair[0].bytes, &pair[1].bytes];
        assert!(one.start < two.start && one.end < two.end, "{text:?}: {one:?} {two:?}");
    }
    for chunk in chunks {
        let Range { start, end } = chunk.bytes;
        assert!(text[covered..start.max(covered)].chars().all(is_blank), "{text:?}: hole before {start}");
        covered = end;
        let characters = text[..start].chars().count()..text[..end].chars().count();
        assert_eq!(chunk.characters, characters, "{text:?}");
    }
    assert!(text[covered..].chars().all(is_blank), "{text:?}: ends at {covered}");
}

fn check_parts(chunks: &[Chunk], text: &str) {
    for chunk in chunks {
        let part = &text[chunk.bytes.clone()];
        assert!(!part.is_empty() && part.trim_matches(is_blank) == part, "{text:?}: {part:?}");
    }
}

fn check_fits(tokenizer: &TextTokenizer, prompt: &str, chunks: &[Chunk], text: &str) {
    for part in chunks.iter().map(|chunk| &text[chunk.bytes.clone()]) {
        let tokens = tokenizer.encode(&format!("{prompt}{part}")).unwrap();
        assert!(!tokens.truncated || part.chars().count() == 1, "{text:?}: {part:?}");
    }
}

fn parts<'a>(chunks: &[Chunk], text: &'a str) -> Vec<&'a str> {
    chunks.iter().map(|chunk| &text[chunk.bytes.clone()]).collect()
}

#[test]
fn a_text_that_fits_is_one_chunk() {
    for family in FAMILIES {
        for text in ["", "  ", "the river", " the river\n"] {
            assert_eq!(plan(&open(family, 32), "", text, 3).len(), 1);
        }
    }
}

#[test]
fn chunks_end_with_sentences_where_these_are_near() {
    let text = "The river and the train. The garden and the mill. The old cat and the old dog! ".repeat(3);
    let tokenizer = open("bert", 24);
    for part in parts(&plan(&tokenizer, "", &text, 0), &text) {
        assert!(part.ends_with(['.', '!']) && part.starts_with("The"), "{part:?}");
    }
}

#[test]
fn chunks_end_with_words_elsewhere() {
    let text = "the river and the train ".repeat(20);
    for family in FAMILIES {
        for overlap in [0, 5] {
            let tokenizer = open(family, 24);
            let chunks = plan(&tokenizer, "", &text, overlap);
            for part in parts(&chunks, &text) {
                let words = part.split(' ').all(|word| ["the", "river", "and", "train"].contains(&word));
                assert!(words, "{family}: {part:?}");
            }
            let common =
                chunks.windows(2).all(|pair| (pair[0].bytes.end > pair[1].bytes.start) == (overlap > 0));
            assert!(common, "{family}: {chunks:?}");
        }
    }
}

#[test]
fn an_enormous_word_is_cut_between_characters() {
    let text = "é🙂".repeat(500);
    for overlap in [0, 5] {
        let chunks = plan(&open("roberta", 16), "", &text, overlap);
        assert!(chunks.len() > 100);
    }
    // One unknown token; a split would turn it into many.
    let word = "a".repeat(9_000);
    let text = format!("the river {word} and the train and the garden and the mill and the night");
    let chunks = plan(&open("bert", 16), "", &text, 2);
    assert!(parts(&chunks, &text)[0].contains(&word), "{}", chunks.len());
}

#[test]
fn a_prompt_takes_its_part() {
    let text = "the river and the train ".repeat(20);
    for family in FAMILIES {
        let tokenizer = open(family, 24);
        let (with, without) = (plan(&tokenizer, "the mill: ", &text, 2), plan(&tokenizer, "", &text, 2));
        assert!(with.len() > without.len(), "{family}");
    }
}

#[test]
fn an_overlap_of_half_the_room_is_refused() {
    let tokenizer = open("bert", 16);
    let refusal = |prompt: &str, overlap| {
        plan_chunks(&tokenizer, prompt, "a", ChunkOptions::default().overlap(overlap))
            .unwrap_err()
            .to_string()
    };
    assert!(refusal("", 7).contains("smaller than half the 14 tokens"), "{}", refusal("", 7));
    assert!(refusal("", 7).ends_with("got 7"));
    assert!(refusal(&"the river ".repeat(20), 0).contains("half the 0 tokens"));
    assert!(plan_chunks(&tokenizer, "", "a", ChunkOptions::default().overlap(6)).is_ok());
}

#[test]
fn the_default_overlap_fits_every_length() {
    let text = "The river ran over its banks. ".repeat(20);
    for length in 3..40 {
        let tokenizer = open("bert", length);
        let chunks = plan_chunks(&tokenizer, "", &text, ChunkOptions::default()).unwrap();
        assert!(chunks.len() > 1, "{length}");
        let shorter =
            plan_chunks(&open("bert", 40), "", &text, ChunkOptions::default().tokens(length)).unwrap();
        assert_eq!(chunks, shorter, "{length}");
    }
    let whole_prompt = plan_chunks(&open("bert", 16), &"the river ".repeat(20), "a", ChunkOptions::default());
    assert!(whole_prompt.unwrap_err().to_string().contains("no tokens left"));
}

#[test]
fn documents_are_split_before_headings() {
    let sentences = "The cat saw the river. ".repeat(2);
    let text =
        ["One", "Two", "Three"].map(|name| format!("# {name}\n\n{}\n\n", sentences.trim_end())).concat();
    let options = ChunkOptions::default().ends(ChunkEnds::Document);
    let chunks = plan_chunks(&open("bert", 40), "", &text, options).unwrap();
    let starts: Vec<&str> = chunks.iter().map(|chunk| &text[chunk.bytes.start..][..5]).collect();
    assert_eq!(starts, ["# One", "# Two", "# Thr"]);
    assert!(chunks.iter().all(|chunk| text[chunk.bytes.clone()].ends_with("river.")));
}

#[test]
fn a_character_of_more_tokens_than_fit_stands_alone() {
    let text = "a 🙂🙂 b ﷺ the river";
    for max_tokens in [3, 4, 5] {
        plan(&open("roberta", max_tokens), "", text, 0);
        plan(&open("xlm-roberta", max_tokens), "", text, 0);
    }
}

#[test]
fn time_is_linear_whatever_the_text() {
    let texts = ["the river and the train. ", "a", "a,", "the river  \n", "猫"]
        .map(|piece| piece.repeat(250_000 / piece.len()));
    for family in ["bert", "roberta"] {
        let tokenizer = open(family, 512);
        for text in &texts {
            let start = Instant::now();
            plan_chunks(&tokenizer, "", text, ChunkOptions::default().overlap(200)).unwrap();
            // One or two seconds on two shared Xeon cores; minutes if each chunk read the rest of the text.
            let piece: String = text.chars().take(8).collect();
            assert!(start.elapsed() < Duration::from_secs(30), "{family} {piece}: {:?}", start.elapsed());
        }
    }
}

/// Texts of words, marks, blanks, ideographs, characters with several tokens and characters that are dropped.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "the ",
        "river",
        " ",
        "and ",
        "train. ",
        "mill! ",
        "night?",
        "\n",
        "\u{a0}",
        "猫",
        "。",
        "é",
        "🙂",
        "(a) ",
        ".\" ",
        "\u{0}",
        "\u{301}",
        "unaffordable",
        "ﷺ",
        "<mask>",
        "[CLS] ",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    prop::collection::vec(prop_oneof![9 => pieces.prop_map(str::to_owned), 1 => "\\PC{0,5}"], 0..120)
        .prop_map(|pieces| pieces.concat())
}

/// Every chunk but the last ends at the end of a word or sentence, unless it is part of a single word.
fn check_ends(chunks: &[Chunk], text: &str) {
    for Chunk { bytes, .. } in &chunks[..chunks.len() - 1] {
        let end = bytes.end..bytes.end;
        let ends = boundaries::last_word_end(text, end.clone()).or(boundaries::last_sentence_end(text, end));
        let solid = boundaries::last_word_end(text, bytes.start + 1..bytes.end).is_none();
        assert!(ends.is_some() || solid, "{text:?}: {:?}", &text[bytes.clone()]);
    }
}

/// If a sentence ends in the second half of the room and after the previous chunk, the chunk ends at the end
/// of a sentence.
fn check_sentences(tokenizer: &TextTokenizer, prompt: &str, chunks: &[Chunk], text: &str) {
    let half = tokenizer.room(prompt).unwrap() / 2 + 1;
    let mut covered = 0;
    for Chunk { bytes, .. } in &chunks[..chunks.len() - 1] {
        let own = tokenizer.fit(prompt, &text[bytes.clone()]).unwrap();
        if let Some(token) = own.tokens.get(half) {
            let from = (bytes.start + token.end).max(covered + 1);
            let last = boundaries::last_sentence_end(text, from..bytes.end);
            assert!(last.is_none_or(|last| last == bytes.end), "{text:?}: {:?}", &text[bytes.clone()]);
        }
        covered = bytes.end;
    }
}

proptest! {
    #[test]
    fn every_plan_keeps_the_rules(
        text in text(),
        family in 0..FAMILIES.len(),
        max_tokens in 9..40usize,
        overlap in 0..4usize,
        prompt in prop::sample::select(vec!["", "a: ", " "]),
    ) {
        let tokenizer = open(FAMILIES[family], max_tokens);
        let overlap = overlap.min((tokenizer.room(prompt).unwrap().max(1) - 1) / 2);
        let chunks = plan(&tokenizer, prompt, &text, overlap);
        check_ends(&chunks, &text);
        check_sentences(&tokenizer, prompt, &chunks, &text);
    }
}
