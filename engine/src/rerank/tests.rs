//! Pairs through tiny cross-encoders. Parity with sentence-transformers is in tests/tests/parity_rerank.rs.

use std::path::PathBuf;

use super::*;
use crate::SessionOptions;

fn session() -> Session {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let folder = fixtures.join("cross-encoders/bert");
    Session::with(folder.to_str().unwrap(), &SessionOptions::default().threads(2)).unwrap()
}

const PAIRS: [(&str, &str); 4] = [
    ("a river", "The river ran over its banks."),
    ("", "The river"),
    ("a river", ""),
    ("The flood came at night, and the river ran over its banks.", "slowly"),
];

fn bits(encoder: &CrossEncoder, pairs: &[(&str, &str)]) -> Vec<u32> {
    let scored = encoder.score(pairs, |_| ()).unwrap();
    scored.scores.iter().map(|score| score.to_bits()).collect()
}

#[test]
fn a_pair_has_the_same_bits_alone_and_in_company() {
    let encoder = session().cross_encoder(&CrossEncoderOptions::default()).unwrap();
    let together = bits(&encoder, &PAIRS);
    for (pair, expected) in PAIRS.iter().zip(&together) {
        assert_eq!(bits(&encoder, &[*pair]), [*expected], "{pair:?}");
    }
    assert!(bits(&encoder, &[]).is_empty());
}

#[test]
fn logits_are_what_the_sigmoid_is_applied_to() {
    let session = session();
    let scores = session.cross_encoder(&CrossEncoderOptions::default()).unwrap();
    let logits = session.cross_encoder(&CrossEncoderOptions::default().logits(true)).unwrap();
    let [scores, logits] = [scores, logits].map(|encoder| encoder.score(&PAIRS, |_| ()).unwrap().scores);
    for (score, logit) in scores.iter().zip(logits) {
        assert_eq!(*score, Activation::Sigmoid.reference(f64::from(logit)) as f32);
    }
}

#[test]
fn the_longer_text_of_a_pair_is_cut_first() {
    let session = session();
    let tokens = |length, first: &str, second: &str| {
        let tokenizer = session.tokenizer(Some(length), session.model().tokenizer_length(), false).unwrap();
        let pair = tokenizer.encode_pair(first, second).unwrap();
        (pair.ids.len(), pair.second_part, pair.truncated)
    };
    // [CLS], three or four [UNK], [SEP], ..
    assert_eq!(tokens(12, "x y z", "x y z"), (9, Some(5), false));
    assert_eq!(tokens(8, "x y z", "x"), (7, Some(5), false));
    assert_eq!(tokens(6, "x y z", "x"), (6, Some(4), true));
    assert_eq!(tokens(7, "x y z", "x y z x y z"), (7, Some(4), true));
}

#[test]
fn a_long_text_is_cut_as_if_it_were_read_whole() {
    let session = session();
    let tokenizer = session.tokenizer(Some(20), session.model().tokenizer_length(), false).unwrap();
    let long = "the river ran over its banks ".repeat(20_000);
    let cut = &long[..2_000];
    assert_eq!(
        tokenizer.encode_pair("a flood", &long).unwrap().ids,
        tokenizer.encode_pair("a flood", cut).unwrap().ids
    );
}

#[test]
fn a_length_without_room_for_two_texts_is_refused() {
    let options = CrossEncoderOptions::default().max_length(4);
    let error = session().cross_encoder(&options).unwrap_err();
    // Three special tokens and one of a text: the other has no room.
    assert!(matches!(error, Error::LengthTooShort { length: 4, special_tokens: 4 }), "{error}");
}
