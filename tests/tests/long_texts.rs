//! Texts beyond the model's length, scored in windows, against a plain reference: each window alone through the encoder,
//! each token's vector from the window where it is most central, cosines and means in f64.

use std::path::Path;

use nearsay::score::bertscore::{IdfBuilder, OnLongText, PairGrid, PairwiseBounds, Scores, TokenWeights};
use nearsay::score::{PairSource, TextSource};
use nearsay::tokens::{TextTokenizer, TokenizerLimits};
use nearsay::{DeviceChoice, ErrorKind, ScoreOptions, Scorer, Session, SessionOptions};
use nearsay_models::{Encoder, EncoderOptions, HubOptions, Model};
use nearsay_tests::{fixture, minilm};

/// Two orders of summation of f32 cosines, and the tiny models' large weights (see parity_bertscore.rs).
const BOUND: f64 = 5e-6;

fn open(folder: &Path, batch_tokens: usize, threads: usize) -> Session {
    let options = SessionOptions::default().device(DeviceChoice::Cpu).batch_tokens(batch_tokens);
    Session::with(folder.to_str().unwrap(), &options.threads(threads)).unwrap()
}

/// With the tokens of the reference, which puts no space before a text.
fn windows(session: &Session, layer: usize, length: usize) -> Scorer {
    let options = ScoreOptions::default().layer(layer).max_length(length).on_long(OnLongText::Windows);
    session.scorer(&options.use_fast_tokenizer()).unwrap()
}

/// The model's parts, without a session.
struct Reference {
    encoder: Encoder,
    tokenizer: TextTokenizer,
    layer: usize,
    /// Tokens of a window.
    length: usize,
    /// Special tokens before and after a text.
    ends: [usize; 2],
    weights: TokenWeights,
}

impl Reference {
    fn new(folder: &Path, layer: usize, length: usize) -> Self {
        let model = Model::open(folder.to_str().unwrap(), &HubOptions::default()).unwrap();
        let options = EncoderOptions { num_layers: Some(layer), ..EncoderOptions::default() };
        let limits = TokenizerLimits {
            max_tokens: usize::MAX,
            vocab_size: model.recipe().vocab_size(),
            lower_case: false,
        };
        let settings = model.tokenizer().settings();
        let tokenizer = TextTokenizer::open(&model.tokenizer().file().unwrap(), settings, limits).unwrap();
        let id = |name: &Option<String>| tokenizer.token_to_id(name.as_deref()?);
        let weights = TokenWeights::uniform(id(&settings.cls_token), id(&settings.sep_token));
        let (empty, word) = (tokenizer.encode("").unwrap().ids, tokenizer.encode("river").unwrap().ids);
        let before = usize::from(empty[0] == word[0]);
        let ends = [before, empty.len() - before];
        Self { encoder: model.load_encoder(&options).unwrap(), tokenizer, layer, length, ends, weights }
    }

    fn ids(&self, text: &str) -> Vec<u32> {
        self.tokenizer.encode(text).unwrap().ids
    }

    /// The hidden states of a sequence alone.
    fn states(&self, ids: &[u32]) -> Vec<Vec<f64>> {
        let batch = self.encoder.pack(&[ids]).unwrap();
        let states = self.encoder.forward(&batch, &[self.layer]).unwrap();
        let values = states.layer(self.layer).unwrap().to_vec().unwrap();
        values
            .chunks_exact(values.len() / ids.len())
            .map(|row| row.iter().map(|value| f64::from(*value)).collect())
            .collect()
    }

    /// A vector of length 1 for each token of a text.
    fn vectors(&self, ids: &[u32]) -> Vec<Vec<f64>> {
        let [before, after] = self.ends;
        let (inner, room) = (&ids[before..ids.len() - after], self.length - before - after);
        let step = room.div_ceil(2);
        let starts = (0..).step_by(step).take_while(|&start| start == 0 || start + room < inner.len() + step);
        let places: Vec<_> = starts.map(|start| start..(start + room).min(inner.len())).collect();
        let states: Vec<_> = places
            .iter()
            .map(|place| {
                let window = [&ids[..before], &inner[place.clone()], &ids[ids.len() - after..]].concat();
                self.states(&window)
            })
            .collect();
        let token = |at: usize| {
            let mut best: Option<(usize, usize)> = None;
            for (window, place) in places.iter().enumerate().filter(|(_, place)| place.contains(&at)) {
                let central = (at - place.start).min(place.end - 1 - at);
                if best.is_none_or(|(known, _)| central > known) {
                    best = Some((central, window));
                }
            }
            let window = best.expect("a window").1;
            states[window][before + at - places[window].start].clone()
        };
        let last = states.last().unwrap();
        let first = states[0][..before].iter().cloned();
        let all = first.chain((0..inner.len()).map(token)).chain(last[last.len() - after..].iter().cloned());
        all.map(|row| {
            let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt();
            row.iter().map(|value| value / norm).collect()
        })
        .collect()
    }

    /// P, R and F1.
    fn score(&self, candidate: &str, reference: &str) -> [f64; 3] {
        let [candidate, reference] = [candidate, reference].map(|text| self.ids(text));
        let vectors = [&candidate, &reference].map(|ids| self.vectors(ids));
        let side = |ids: &[u32], own: &[Vec<f64>], other: &[Vec<f64>]| {
            let (mut sum, mut weights) = (0.0, 0.0);
            for (id, row) in ids.iter().zip(own) {
                let cosine = |other: &Vec<f64>| row.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
                let weight = self.weights.weight(*id);
                if weight > 0.0 {
                    sum += weight * other.iter().map(cosine).fold(f64::NEG_INFINITY, f64::max);
                    weights += weight;
                }
            }
            sum / weights
        };
        let precision = side(&candidate, &vectors[0], &vectors[1]);
        let recall = side(&reference, &vectors[1], &vectors[0]);
        [precision, recall, 2.0 * precision * recall / (precision + recall)]
    }

    /// A text of so many tokens, special tokens included: words of one token each, in an order that `seed` chooses.
    fn text(&self, tokens: usize, seed: u64) -> String {
        let base = self.ids("the the").len();
        let is_one = |word: &&&str| self.ids(&format!("the the {word}")).len() == base + 1;
        let words = ["the", "and", "river", "night", "garden", "light", "again", "of", "a", "in", "to"];
        let words: Vec<&str> = words.iter().filter(is_one).copied().collect();
        assert!(words.len() >= 3, "{words:?}");
        let mut state = seed;
        let word = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            words[(state >> 33) as usize % words.len()]
        };
        let mut text: Vec<&str> = (0..tokens).map(word).collect();
        // A tokenizer may put a mark of its own before the first word.
        let count = |text: &[&str]| self.ids(&text.join(" ")).len();
        text.truncate(tokens - (count(&text) - tokens));
        assert_eq!(count(&text), tokens);
        text.join(" ")
    }
}

fn bits(scores: &Scores) -> [u32; 3] {
    [scores.precision, scores.recall, scores.f1].map(f32::to_bits)
}

#[track_caller]
fn assert_close(what: &str, got: &Scores, expected: [f64; 3]) {
    for (got, expected) in [got.precision, got.recall, got.f1].into_iter().zip(expected) {
        let off = (f64::from(got) - expected).abs();
        assert!(off <= BOUND, "{what}: {got} against {expected}, off by {off:e}");
    }
}

#[test]
fn scores_are_those_of_windows_that_are_encoded_alone() {
    for (family, length) in [("bert", 40), ("bert", 16), ("roberta", 17), ("t5", 12), ("modernbert", 16)] {
        let folder = fixture(&format!("families/{family}"));
        let session = open(&folder, 256, 2);
        let layer = session.recipe().num_layers();
        let scorer = windows(&session, layer, length);
        let mut reference = Reference::new(&folder, layer, length);
        let stride = (length - reference.ends[0] - reference.ends[1]).div_ceil(2);
        let lengths = [length - 1, length, length + 1, length + stride, length + stride + 1, 3000];
        let texts: Vec<String> =
            (1..).zip(lengths).map(|(seed, tokens)| reference.text(tokens, seed)).collect();
        let other = reference.text(2 * length + 3, 99);
        for text in &texts {
            let scores = scorer.score(&[(text, &other), (&other, text)]).unwrap();
            assert_eq!(scores.notices.truncated, 0);
            let what = format!("{family} {length}, {} tokens", reference.ids(text).len());
            assert_close(&what, &scores[0], reference.score(text, &other));
            assert_close(&what, &scores[1], reference.score(&other, text));
        }
        // Document frequencies are those of whole texts, too.
        let column = |name: &str, texts: &[String]| TextSource::of_texts(name, texts.to_vec());
        let source = PairSource::new(column("c", &texts[1..5]), vec![column("r", &texts[..4])]);
        let weighted = scorer.weighted_by_idf(&source).unwrap();
        let mut idf = IdfBuilder::new();
        texts[..4].iter().for_each(|text| idf.add(&reference.ids(text)));
        reference.weights = TokenWeights::Idf(idf.finish().unwrap());
        // Of the frequent words only those that a short text lacks weigh anything.
        let (text, other) = (&texts[3], &reference.text(2 * length, 5));
        let expected = reference.score(text, other);
        if expected.iter().all(|score| score.is_finite()) {
            assert_close(
                &format!("{family} with idf"),
                &weighted.score(&[(text, other)]).unwrap()[0],
                expected,
            );
        }
    }
}

#[test]
fn minilm_scores_every_one_of_3000_tokens() {
    let session = open(minilm(), 256, 2);
    let scorer = windows(&session, 5, 512);
    let reference = Reference::new(minilm(), 5, 512);
    let [text, other, short] =
        [(3000, 1), (1201, 2), (40, 3)].map(|(tokens, seed)| reference.text(tokens, seed));
    for (text, other) in [(&text, &other), (&text, &short), (&short, &text)] {
        let scores = scorer.score(&[(text, other)]).unwrap();
        assert_close("minilm", &scores[0], reference.score(text, other));
    }
    // Truncated texts have other scores.
    let cut = session.scorer(&ScoreOptions::default().layer(5)).unwrap();
    let cut = cut.score(&[(&text, &other)]).unwrap();
    assert_eq!(cut.notices.truncated, 2);
    assert!(bits(&cut[0]) != bits(&scorer.score(&[(&text, &other)]).unwrap()[0]));
    let itself = scorer.score(&[(&text, &text)]).unwrap()[0];
    assert!((itself.f1 - 1.0).abs() < 1e-6, "{itself:?}");
}

/// Texts of many lengths, two of them twice.
fn mixed(reference: &Reference) -> Vec<(String, String)> {
    let text = |at: usize| reference.text([5, 39, 40, 41, 59, 60, 200, 12, 700][at % 9], at as u64 % 13);
    (0..20).map(|at| (text(at), text(at * 5 + 2))).collect()
}

#[test]
fn bits_depend_on_the_pair_alone() {
    let folder = fixture("families/bert");
    let pairs = mixed(&Reference::new(&folder, 3, 40));
    let session = open(&folder, 256, 1);
    let alone: Vec<[u32; 3]> = pairs
        .iter()
        .map(|pair| bits(&windows(&session, 3, 40).score(std::slice::from_ref(pair)).unwrap()[0]))
        .collect();
    for (batch_tokens, threads) in [(1, 1), (64, 3), (4096, 2)] {
        let scorer = windows(&open(&folder, batch_tokens, threads), 3, 40);
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        for turn in 0..3 {
            order.rotate_left(7);
            order.swap(turn, 11);
            let shuffled: Vec<_> = order.iter().map(|&at| pairs[at].clone()).collect();
            let scores = scorer.score(&shuffled).unwrap();
            for (at, scores) in order.iter().zip(&scores) {
                assert_eq!(bits(scores), alone[*at], "pair {at}, {batch_tokens}, {threads}");
            }
        }
        let layers = scorer.all_layers().unwrap().score(&pairs).unwrap();
        assert_eq!(layers.layers[3].iter().map(bits).collect::<Vec<_>>(), alone);
        let first = windows(&session, 1, 40).score(&pairs).unwrap();
        assert_eq!(
            layers.layers[1].iter().map(bits).collect::<Vec<_>>(),
            first.iter().map(bits).collect::<Vec<_>>()
        );
        let (candidates, references): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
        let grid = PairGrid { candidates: &candidates, references: &references };
        for bounds in [PairwiseBounds::default(), PairwiseBounds::default().vector_bytes(1)] {
            let mut matrix = Vec::new();
            let keep = |band: nearsay::score::bertscore::ScoreBand<'_>| {
                matrix.extend(band.scores.iter().map(bits));
                Ok(())
            };
            let notices = scorer.score_grids(&[grid], bounds, |_| (), keep).unwrap();
            let diagonal: Vec<_> = (0..pairs.len()).map(|at| matrix[at * pairs.len() + at]).collect();
            assert_eq!(diagonal, alone);
            assert!(notices.encoded >= notices.distinct);
            if bounds.vector_bytes > 1 {
                assert_eq!(notices.encoded, notices.distinct);
            }
        }
    }
}

#[test]
fn a_text_that_fits_has_the_bits_that_it_has_without_windows() {
    for family in ["bert", "roberta", "t5"] {
        let folder = fixture(&format!("families/{family}"));
        let reference = Reference::new(&folder, 2, 20);
        let pairs: Vec<(String, String)> =
            (4..20).map(|tokens| (reference.text(tokens, 1), reference.text(24 - tokens, 2))).collect();
        let session = open(&folder, 256, 2);
        let options = ScoreOptions::default().layer(2).max_length(20).use_fast_tokenizer();
        let plain = session.scorer(&options).unwrap();
        let scorer = windows(&session, 2, 20);
        let [plain, found] = [&plain, &scorer].map(|scorer| scorer.score(&pairs).unwrap());
        assert_eq!(plain, found, "{family}");
        // The same next to a long text.
        let long = (reference.text(300, 7), reference.text(18, 8));
        let all: Vec<_> = std::iter::once(long).chain(pairs).collect();
        let found = scorer.score(&all).unwrap();
        assert_eq!(
            plain.iter().map(bits).collect::<Vec<_>>(),
            found[1..].iter().map(bits).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_text_that_is_too_long_is_an_error_before_any_is_encoded() {
    let folder = fixture("families/bert");
    let reference = Reference::new(&folder, 2, 40);
    let session = open(&folder, 256, 2);
    let options = ScoreOptions::default().layer(2).on_long(OnLongText::Error);
    let scorer = session.scorer(&options).unwrap();
    let [fits, long] = [(40, 1), (41, 2)].map(|(tokens, seed)| reference.text(tokens, seed));
    let scores = scorer.score(&[(&fits, &fits)]).unwrap();
    assert!(!scorer.signature().to_string().contains("on_long"));
    assert_eq!(
        scores[0],
        session.scorer(&ScoreOptions::default().layer(2)).unwrap().score(&[(&fits, &fits)]).unwrap()[0]
    );
    let error = scorer.score(&[(&fits, &long)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadData);
    assert!(error.to_string().ends_with("the text has 41 tokens, and the longest text has 40"), "{error}");
    let column =
        |name: &str, texts: [&String; 3]| TextSource::of_texts(name, texts.map(Clone::clone).to_vec());
    let source = PairSource::new(column("c", [&fits; 3]), vec![column("r", [&fits, &fits, &long])]);
    let error = scorer.check_lengths(&source).unwrap_err();
    assert_eq!(error.to_string(), "r, row 3: the text has 41 tokens, and the longest text has 40");
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("windows")));
    assert!(windows(&session, 2, 40).check_lengths(&source).is_ok());
}
