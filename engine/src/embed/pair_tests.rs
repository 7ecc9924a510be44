//! Pairs of texts through a tiny model. Parity with sentence-transformers is in the Python package's tests.

use std::path::PathBuf;

use crate::vectors::Vectors;
use crate::{EmbedOptions, Embedder, Session};

const PAIRS: [(&str, &str); 5] = [
    ("a river", "The river ran over its banks."),
    ("", ""),
    ("a river", "The river ran over its banks."),
    ("", "night"),
    ("night", ""),
];

fn embedder(folder: &str, options: &EmbedOptions) -> Embedder {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    Session::open(fixtures.join(folder).to_str().unwrap()).unwrap().embedder(options).unwrap()
}

fn row(vectors: &Vectors, row: usize) -> Vec<u32> {
    vectors[row].iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_pair_has_the_vector_of_its_tokens() {
    let embedder = embedder("families/bert", &EmbedOptions::default());
    let found = embedder.embed_pairs(&PAIRS).unwrap();
    let tokens = embedder.tokenize_pairs(&PAIRS).unwrap();
    let expected = embedder.embed_tokenized(&tokens).unwrap();
    for at in 0..PAIRS.len() {
        assert_eq!(row(&found.vectors, at), row(&expected, at), "{at}");
        let alone = embedder.embed_pairs(&PAIRS[at..=at]).unwrap();
        assert_eq!(row(&found.vectors, at), row(&alone.vectors, 0), "{at}");
    }
    assert_eq!((found.notices.repeated, found.notices.empty.first.clone()), (1, vec![1]));
    // The same words in other parts.
    assert_ne!(row(&found.vectors, 3), row(&found.vectors, 4));
    let (states, cu_seqlens) = embedder.embed_tokens_tokenized(&tokens).unwrap();
    let lengths: Vec<usize> = cu_seqlens.windows(2).map(|ends| ends[1] - ends[0]).collect();
    assert_eq!(lengths, tokens.iter().map(|pair| pair.ids.len()).collect::<Vec<_>>());
    assert_eq!(states.len(), cu_seqlens[tokens.len()]);
}

#[test]
fn a_prompt_is_before_the_first_text() {
    let plain = embedder("families/bert", &EmbedOptions::default());
    let options = EmbedOptions { prompt: Some("the river ".to_owned()), ..EmbedOptions::default() };
    let prompted = embedder("families/bert", &options);
    let pairs = PAIRS.map(|(first, second)| (format!("the river {first}"), second));
    let (found, expected) = (prompted.embed_pairs(&PAIRS).unwrap(), plain.embed_pairs(&pairs).unwrap());
    assert_eq!(found.vectors, expected.vectors);
    assert_eq!((found.notices.empty.count, expected.notices.empty.count), (1, 0));
}

#[test]
fn models_of_other_vectors_and_short_lengths_are_refused() {
    let late = embedder("late-interaction/pylate", &EmbedOptions::default());
    assert!(late.embed_pairs(&PAIRS).is_err() && late.tokenize_pairs(&PAIRS).is_err());
    let with_length = |length| {
        let options = EmbedOptions { max_length: Some(length), ..EmbedOptions::default() };
        embedder("families/bert", &options)
    };
    let error = with_length(4).embed_pairs(&PAIRS).unwrap_err().to_string();
    assert!(error.contains('4'), "{error}");
    assert_eq!(with_length(5).embed_pairs(&PAIRS).unwrap().notices.truncated.count, 2);
}
