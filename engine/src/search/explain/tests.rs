//! Matches against plain loops in f64.

use std::path::Path;

use super::super::{Corpus, Metric, SearchRequest};
use super::*;
use crate::job::CorpusOptions;
use crate::text::TextOptions;
use crate::{EmbedOptions, Session};

/// The order of sums of 40 products, each rounded twice, of rows of length 1.
const TOLERANCE: f64 = 80.0 * f32::EPSILON as f64;

/// Rows of length 1 that look random.
fn rows(count: usize, seed: u64) -> Vec<Vec<f32>> {
    const DIM: usize = 40;
    let values = super::super::tests::noise(count * DIM, seed);
    let row = |row: &[f32]| {
        let mut row = row.to_vec();
        to_length_1(&mut row);
        row
    };
    values.chunks(DIM).map(row).collect()
}

fn matrix(rows: &[Vec<f32>]) -> TokenMatrix {
    TokenMatrix {
        spans: (0..rows.len()).map(|row| row..row + 1).collect(),
        words: vec![String::new(); rows.len()],
        rows: Tensor::from_vec(rows.concat(), (rows.len(), 40), &Device::Cpu).unwrap(),
        truncated_at: None,
    }
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[test]
fn matches_are_those_of_a_plain_loop_and_do_not_depend_on_other_texts() {
    let lengths = [0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 257];
    let texts: Vec<Vec<Vec<f32>>> = lengths.iter().map(|length| rows(*length, *length as u64 + 7)).collect();
    let matrices: Vec<TokenMatrix> = texts.iter().map(|text| matrix(text)).collect();
    for tokens in [0, 1, 5, 12, 13, 40] {
        let query = rows(tokens, 1000 + tokens as u64);
        let all = matches(&matrix(&query), &matrices).unwrap();
        for ((text, own), found) in texts.iter().zip(&matrices).zip(&all) {
            assert_eq!(found.len(), if text.is_empty() { 0 } else { tokens });
            for (token, found) in found.iter().enumerate() {
                let best = text.iter().map(|row| cosine(&query[token], row)).fold(f64::MIN, f64::max);
                let own = cosine(&query[token], &text[found.text]);
                assert_eq!(found.query, token);
                assert!(best - own <= TOLERANCE, "{tokens} {}: {best} {own}", text.len());
                assert!((own - f64::from(found.cosine)).abs() <= TOLERANCE, "{own} {}", found.cosine);
            }
            assert_eq!(&matches(&matrix(&query), std::slice::from_ref(own)).unwrap()[0], found);
        }
        for (token, row) in query.iter().enumerate() {
            let alone = matches(&matrix(std::slice::from_ref(row)), &matrices).unwrap();
            for (alone, all) in alone.iter().zip(&all).filter(|(alone, _)| !alone.is_empty()) {
                assert_eq!(
                    (alone[0].text, alone[0].cosine.to_bits()),
                    (all[token].text, all[token].cosine.to_bits())
                );
            }
        }
    }
}

#[test]
fn of_equal_tokens_the_first_is_the_match() {
    let mut text = rows(70, 3);
    let query = rows(3, 4);
    for place in [9, 20, 21, 65] {
        text[place] = query[1].clone();
    }
    let found = matches(&matrix(&query), &[matrix(&text)]).unwrap();
    assert_eq!(found[0][1].text, 9);
    assert!((f64::from(found[0][1].cosine) - 1.0).abs() <= TOLERANCE);
}

const TEXTS: [&str; 4] =
    ["The mill on the river. Bread!", "", "The garden at night, and the river", "río: the mill"];

/// A corpus of [`TEXTS`] of at most 12 tokens, with its model.
fn corpus(folder: &Path, keeps_texts: bool) -> (Corpus, QueryModel) {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sentence-transformers/dense-prompts");
    let (lines, vectors) = (folder.join("a.jsonl"), folder.join("a.parquet"));
    let line = |text: &&str| format!("{}\n", serde_json::json!({ "text": text }));
    std::fs::write(&lines, TEXTS.iter().map(line).collect::<String>()).unwrap();
    let session = Session::open(model).unwrap();
    let reading = if keeps_texts { TextOptions::default().keep(["text"]) } else { TextOptions::default() };
    let reading = CorpusOptions::default().reading(reading);
    let embedder = session.embedder(&EmbedOptions::default().max_length(8)).unwrap();
    embedder.embed_files([&lines], &vectors, &reading).unwrap();
    let corpus = Corpus::open(&vectors, Metric::Cosine).unwrap();
    let model = QueryModel::open(&corpus, &session, None, Some(40)).unwrap();
    (corpus, model)
}

#[test]
fn hits_of_a_request_are_explained_by_the_hidden_states_of_their_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let (corpus, model) = corpus(folder.path(), true);
    let query = "the mill by the río?";
    let request = serde_json::json!({ "query": query, "explain": true, "max_characters": 9 });
    let request: SearchRequest = serde_json::from_value(request).unwrap();
    let answer = request.answer(&corpus, Some(&model)).unwrap();
    assert_eq!(answer.hits.len(), 4);
    let encoded = model.query_tokens(query).unwrap();
    let own: Vec<usize> =
        (0..encoded.offsets.len()).filter(|&at| !encoded.offsets[at].bytes.is_empty()).collect();
    // Without the prompt and the special tokens.
    assert!(own.len() >= 6 && own.len() + 4 < encoded.offsets.len(), "{:?}", encoded.offsets);
    for hit in &answer.hits {
        let text = TEXTS[hit.row as usize];
        let of_text = model.text_tokens(&[text.to_owned()]).unwrap();
        let explanation = hit.explanation.as_ref().unwrap();
        assert_eq!(hit.explained_to.is_some(), of_text.is_truncated[0], "{text}");
        assert_eq!(explanation.len(), if text.is_empty() { 0 } else { own.len() });
        for (found, &token) in explanation.iter().zip(&own) {
            assert_eq!(found.query_span, encoded.offsets[token].bytes);
            assert_eq!(
                (found.token.as_str(), found.matched.as_str()),
                (&query[found.query_span.clone()], &text[found.span.clone()])
            );
            assert!(hit.explained_to.is_none_or(|end| found.span.end <= end));
            let places = (0..of_text.offsets.len()).filter(|&at| !of_text.offsets[at].bytes.is_empty());
            let cosines = places.map(|at| (cosine(&encoded.vectors[token], &of_text.vectors[at]), at));
            let (best, at) =
                cosines.fold((f64::MIN, 0), |best, next| if next.0 > best.0 { next } else { best });
            assert!((best - f64::from(found.cosine)).abs() < 1e-5, "{best} {found:?}");
            assert_eq!(found.span, of_text.offsets[at].bytes, "{found:?}");
        }
    }
    assert!(answer.hits.iter().any(|hit| hit.explained_to.is_some()), "{answer:?}");
    let json = serde_json::to_value(&answer.hits[0]).unwrap();
    let first = &json["explanation"][0];
    assert_eq!((&first["token"], &first["query_span"]), (&"the".into(), &serde_json::json!([0, 3])));
    assert!(first["match"].is_string() && first["span"].is_array() && first["cosine"].is_number());
}

#[test]
fn what_has_no_words_or_no_texts_is_not_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (with_texts, model) = corpus(folder.path(), true);
    let request = |json: &str| serde_json::from_str::<SearchRequest>(json).unwrap();
    let like = request(r#"{"like": "a", "explain": true}"#).answer(&with_texts, Some(&model)).unwrap_err();
    assert_eq!(like.to_string(), "`explain` needs a query in words: other queries have no tokens");
    let silent = request(r#"{"query": "mill"}"#).answer(&with_texts, Some(&model)).unwrap();
    assert!(silent.hits.iter().all(|hit| hit.explanation.is_none()));
    let empty = request(r#"{"query": "", "explain": true}"#).answer(&with_texts, Some(&model)).unwrap();
    assert!(empty.hits.iter().all(|hit| hit.explanation.as_ref().is_some_and(Vec::is_empty)));
    let other = tempfile::tempdir().unwrap();
    let (without_texts, model) = corpus(other.path(), false);
    let error =
        request(r#"{"query": "mill", "explain": true}"#).answer(&without_texts, Some(&model)).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
    assert!(error.to_string().starts_with("`explain` needs the texts of hits, and "), "{error}");
}
