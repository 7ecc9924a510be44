//! The same text gets the same bits in each precision: alone, in any batch, in any order, with any token
//! budget and any number of threads.
//!
//! Property tests over the tiny models of every family, and one over all-MiniLM-L6-v2. Bits are compared, not
//! values.

use std::path::Path;

use nearsay::score::PairTexts;
use nearsay::score::bertscore::Scores;
use nearsay::{
    DeviceChoice, EmbedOptions, Embedder, Precision, ScoreOptions, Scorer, Session, SessionOptions,
};
use nearsay_tests::{fixture, minilm};
use proptest::prelude::*;

const FAMILIES: [&str; 36] = [
    "bert",
    "bert-odd",
    "distilbert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "electra",
    "albert",
    "mpnet",
    "bert-relative-key",
    "bert-relative-key-query",
    "deberta",
    "deberta-v2",
    "bart",
    "mbart",
    "t5",
    "umt5",
    "modernbert",
    "longformer",
    "led",
    "pegasus",
    "gte",
    "gte-mixed",
    "nomic",
    "nomic-experts",
    "jina",
    "jina-code",
    "jina-v3",
    "qwen3",
    "gemma3_text",
    "eurobert",
    "neobert",
    "convbert",
    "squeezebert",
    "xlnet",
    "xlm",
];

const WORDS: [&str; 12] =
    ["river", "the", "a", "train", "judge", "cloud", "Zürich", "42", "and", "over", "!", "naïve"];

fn open(folder: &Path, precision: Precision, batch_tokens: usize, threads: usize) -> Session {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).precision(precision);
    let options = options.batch_tokens(batch_tokens).threads(threads);
    Session::with(folder.to_str().unwrap(), &options).unwrap()
}

fn embedder(folder: &Path, precision: Precision, batch_tokens: usize, threads: usize) -> Embedder {
    open(folder, precision, batch_tokens, threads).embedder(&EmbedOptions::default()).unwrap()
}

fn bits(embedder: &Embedder, texts: &[String]) -> Vec<Vec<u32>> {
    let vectors = embedder.embed(texts).unwrap();
    vectors.rows().map(|vector| vector.iter().map(|value| value.to_bits()).collect()).collect()
}

fn scorer(folder: &Path, precision: Precision, batch_tokens: usize, threads: usize) -> Scorer {
    let session = open(folder, precision, batch_tokens, threads);
    session.scorer(&ScoreOptions::default().layer(session.recipe().num_layers())).unwrap()
}

fn score_bits(scores: &Scores) -> [u32; 3] {
    [scores.precision, scores.recall, scores.f1].map(f32::to_bits)
}

/// Texts of 0 to 30 words.
fn a_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 0..30).prop_map(|words| words.join(" "))
}

fn texts_in_an_order() -> impl Strategy<Value = (Vec<String>, Vec<usize>)> {
    prop::collection::vec(a_text(), 1..12).prop_flat_map(|texts| {
        let order = Just((0..texts.len()).collect::<Vec<usize>>()).prop_shuffle();
        (Just(texts), order)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_vector_does_not_depend_on_its_company(
        (texts, order) in texts_in_an_order(),
        family in prop::sample::select(&FAMILIES[..]),
        precision in prop::sample::select(&Precision::OF_CPU[..]),
        batch_tokens in 1usize..300,
        threads in 1usize..5,
    ) {
        let model = fixture(&format!("families/{family}"));
        let alone: Vec<Vec<u32>> = {
            let embedder = embedder(&model, precision, 1, 1);
            texts.iter().map(|text| bits(&embedder, std::slice::from_ref(text)).remove(0)).collect()
        };
        let shuffled: Vec<String> = order.iter().map(|&index| texts[index].clone()).collect();
        let together = bits(&embedder(&model, precision, batch_tokens, threads), &shuffled);
        for (place, &index) in order.iter().enumerate() {
            prop_assert_eq!(&together[place], &alone[index], "{}: {:?}", family, &texts[index]);
        }
    }

    #[test]
    fn shuffling_pairs_permutes_their_scores_and_nothing_else(
        (candidates, order) in texts_in_an_order(),
        references in prop::collection::vec(prop::collection::vec(a_text(), 2), 12),
        family in prop::sample::select(&FAMILIES[..]),
        precision in prop::sample::select(&Precision::OF_CPU[..]),
        batch_tokens in 1usize..300,
        threads in 1usize..5,
    ) {
        let model = fixture(&format!("families/{family}"));
        let pairs: Vec<PairTexts> = candidates
            .iter()
            .zip(&references)
            .map(|(candidate, references)| PairTexts::new(candidate, references))
            .collect();
        let one_by_one = scorer(&model, precision, 1, 1);
        let alone: Vec<[u32; 3]> = pairs
            .iter()
            .map(|pair| score_bits(&one_by_one.score(std::slice::from_ref(pair)).unwrap()[0]))
            .collect();
        let shuffled: Vec<PairTexts> = order.iter().map(|&index| pairs[index].clone()).collect();
        let together = scorer(&model, precision, batch_tokens, threads).score(&shuffled).unwrap();
        for (place, &index) in order.iter().enumerate() {
            prop_assert_eq!(score_bits(&together[place]), alone[index], "{}: {:?}", family, &pairs[index]);
        }
    }
}

#[test]
fn all_minilm_l6_v2_in_one_batch_and_alone() {
    let model = minilm();
    let texts: Vec<String> = (0..40)
        .map(|i| (0..i * 5).map(|k| WORDS[(i * 7 + k * k) % WORDS.len()]).collect::<Vec<_>>().join(" "))
        .collect();
    let mut reversed = texts.clone();
    reversed.reverse();
    for precision in Precision::OF_CPU {
        let alone = bits(&embedder(model, precision, 1, 1), &texts);
        for (batch_tokens, threads) in [(128, 2), (512, 1), (512, 3), (100_000, 2)] {
            assert_eq!(
                bits(&embedder(model, precision, batch_tokens, threads), &texts),
                alone,
                "{precision:?}, {batch_tokens} tokens, {threads} threads"
            );
        }
        let mut backwards = bits(&embedder(model, precision, 700, 2), &reversed);
        backwards.reverse();
        assert_eq!(backwards, alone, "{precision:?}");
    }
}
