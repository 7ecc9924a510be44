//! Texts to measure with: random token ids from the whole vocabulary.

use nearsay_models::{Recipe, SplitMix64};

use crate::tokens::TokenizedText;

/// Every run measures the same texts. With this seed even the shortest mix, of 63 texts, has a quarter of
/// abstracts and the same mean as a long one.
const SEED: u64 = 1;

/// Texts that are encoded together.
pub(super) struct Workload {
    /// `32 x 128`, `natural mix`.
    pub(super) name: String,
    /// The length of each text, if all are equal.
    pub(super) length: Option<usize>,
    pub(super) texts: Vec<TokenizedText>,
}

impl Workload {
    /// `count` texts of `length` tokens.
    pub(super) fn equal(count: usize, length: usize, recipe: &Recipe) -> Self {
        let name = format!("{count} x {length}");
        Self { name, length: Some(length), texts: texts(vec![length; count], recipe) }
    }

    /// Texts of natural lengths with `tokens` tokens in total, or just over.
    pub(super) fn natural_mix(tokens: usize, recipe: &Recipe) -> Self {
        let lengths = natural_lengths(tokens, recipe.usual_tokens(), SEED);
        Self { name: "natural mix".to_owned(), length: None, texts: texts(lengths, recipe) }
    }

    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.texts.iter().map(|text| text.ids.len())
    }

    pub(super) fn tokens(&self) -> usize {
        self.lengths().sum()
    }
}

fn texts(lengths: Vec<usize>, recipe: &Recipe) -> Vec<TokenizedText> {
    let mut random = SplitMix64::new(SEED);
    let mut id = || (random.next_u64() % recipe.vocab_size() as u64) as u32;
    let mut text = |length| (0..length).map(|_| id()).collect();
    let tokenized =
        |ids| TokenizedText { ids, truncated: false, is_empty: false, second_part: None, keys: None };
    lengths.into_iter().map(|length| tokenized(text(length))).collect()
}

/// Lengths that resemble a corpus of sentences with abstracts among them: three in four are log-normal with a
/// median of 20 tokens and a deviation of e^0.5, the others with a median of 200 and e^0.4, cut to 256. Their
/// mean is 66.
fn natural_lengths(tokens: usize, max_tokens: usize, seed: u64) -> Vec<usize> {
    const LONGEST: usize = 256;
    const SHORTEST: usize = 3;
    let mut random = Random(SplitMix64::new(seed));
    let (mut lengths, mut total) = (Vec::new(), 0);
    while total < tokens {
        let (median, deviation) = if random.uniform() < 0.75 { (20.0, 0.5) } else { (200.0, 0.4) };
        let length = (median * (deviation * random.normal()).exp()).round() as usize;
        let length = length.clamp(SHORTEST, LONGEST).min(max_tokens);
        lengths.push(length);
        total += length;
    }
    lengths
}

struct Random(SplitMix64);

impl Random {
    /// In 0..1.
    fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, deviation 1 (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_models::Shape;

    #[test]
    fn the_mix_is_the_same_for_the_same_seed() {
        assert_eq!(natural_lengths(9000, 512, 1), natural_lengths(9000, 512, 1));
        assert_ne!(natural_lengths(9000, 512, 1), natural_lengths(9000, 512, 2));
    }

    #[test]
    fn the_mix_has_short_texts_and_a_tail() {
        let lengths = natural_lengths(1_000_000, 512, 1);
        let share = |range: std::ops::RangeInclusive<usize>| {
            lengths.iter().filter(|length| range.contains(length)).count() as f64 / lengths.len() as f64
        };
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        assert!((60.0..70.0).contains(&mean), "{mean}");
        assert!((share(3..=20) - 0.4).abs() < 0.03, "{}", share(3..=20));
        assert!((share(150..=256) - 0.19).abs() < 0.03, "{}", share(150..=256));
        assert_eq!(share(3..=256), 1.0);
    }

    #[test]
    fn a_short_mix_is_like_a_long_one() {
        let lengths = natural_lengths(4096, 512, SEED);
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        assert!((60.0..70.0).contains(&mean), "{mean} of {lengths:?}");
    }

    #[test]
    fn texts_fit_the_model() {
        let mut config = Shape::find("bert-base").unwrap().config();
        (config["max_position_embeddings"], config["vocab_size"]) = (40.into(), 50.into());
        let recipe = Recipe::read(&config).unwrap();
        let mix = Workload::natural_mix(500, &recipe);
        assert!(mix.tokens() >= 500 && mix.lengths().all(|length| length <= 40));
        assert!(mix.texts.iter().flat_map(|text| &text.ids).all(|&id| id < 50));
        let equal = Workload::equal(3, 7, &recipe);
        assert_eq!((equal.name.as_str(), equal.tokens(), equal.length), ("3 x 7", 21, Some(7)));
    }
}
