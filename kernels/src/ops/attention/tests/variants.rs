//! Every kind of score and mask, with the same tests for all.

use candle_core::{Device, Tensor};

use super::{LENGTHS, attend_with, from_lengths, reference};
use crate::ops::attention::reference::ReferenceScores;
use crate::ops::attention::{
    AttentionOptions, DistanceBias, DistanceBuckets, DistanceVectors, Heads, Scores, attention,
};
use crate::testing::{Target, assert_close, random, targets, team};
use crate::{CuSeqlens, Form};

/// Heads, and the values of each.
const HEADS: [(usize, usize); 4] = [(2, 8), (3, 12), (5, 32), (1, 65)];

/// One kind of attention.
#[derive(Debug, Clone, Copy)]
struct Variant {
    scale: Option<f32>,
    terms: TermsOf,
    window: Option<usize>,
    causal: bool,
    /// Heads that share a key head.
    sharing: usize,
    /// Whether only half of the tokens are keys, or as many as the window needs.
    filled: bool,
}

#[derive(Debug, Clone, Copy)]
enum TermsOf {
    Nothing,
    Buckets,
    Slopes,
    Vectors(VectorsOf),
}

#[derive(Debug, Clone, Copy)]
struct VectorsOf {
    /// Of all heads.
    shared: bool,
    has_keys: bool,
    has_queries: bool,
    /// Distances share rows, as in DeBERTa-v2; else there are 2 * 100 rows, fewer than the longest text's.
    bucketed: bool,
}

impl VectorsOf {
    fn buckets(self) -> DistanceBuckets {
        let buckets = if self.bucketed {
            DistanceBuckets::deberta_v2(32, 64)
        } else {
            DistanceBuckets::clamped(100, 200)
        };
        buckets.unwrap()
    }

    /// The number of heads that have tables.
    fn num_heads(self, heads: Heads) -> usize {
        if self.shared { 1 } else { heads.num_heads }
    }

    /// Position keys (0) or queries (1), [heads, rows, head_dim].
    fn table(self, heads: Heads, part: u64) -> Vec<f32> {
        random(30 + part, self.num_heads(heads) * self.buckets().num_rows() * heads.head_dim)
    }

    fn vectors(self, heads: Heads, target: Target) -> DistanceVectors {
        let shape = (self.num_heads(heads), self.buckets().num_rows(), heads.head_dim);
        let table = |part| Tensor::from_vec(self.table(heads, part), shape, &Device::Cpu).unwrap();
        let keys = self.has_keys.then(|| table(0));
        let queries = self.has_queries.then(|| table(1));
        DistanceVectors::new(keys.as_ref(), queries.as_ref(), &target.placement()).unwrap()
    }
}

const DEBERTA: VectorsOf = VectorsOf { shared: false, has_keys: true, has_queries: true, bucketed: false };

const BERT: Variant =
    Variant { scale: None, terms: TermsOf::Nothing, window: None, causal: false, sharing: 1, filled: false };

const VARIANTS: [Variant; 26] = [
    // Scores of T5 without its bias.
    Variant { scale: Some(1.0), ..BERT },
    Variant { terms: TermsOf::Buckets, ..BERT },
    Variant { terms: TermsOf::Buckets, scale: Some(1.0), ..BERT },
    Variant { terms: TermsOf::Slopes, ..BERT },
    Variant { window: Some(0), ..BERT },
    Variant { window: Some(5), ..BERT },
    Variant { window: Some(64), ..BERT },
    Variant { window: Some(100_000), ..BERT },
    Variant { causal: true, ..BERT },
    Variant { causal: true, window: Some(33), ..BERT },
    Variant { causal: true, window: Some(20), terms: TermsOf::Slopes, scale: Some(0.5), ..BERT },
    Variant { terms: TermsOf::Vectors(DEBERTA), scale: Some(0.1), ..BERT },
    Variant { terms: TermsOf::Vectors(VectorsOf { bucketed: true, ..DEBERTA }), ..BERT },
    Variant { terms: TermsOf::Vectors(VectorsOf { has_queries: false, ..DEBERTA }), ..BERT },
    Variant { terms: TermsOf::Vectors(VectorsOf { has_keys: false, ..DEBERTA }), ..BERT },
    // BERT's relative keys and queries.
    Variant { terms: TermsOf::Vectors(VectorsOf { shared: true, ..DEBERTA }), ..BERT },
    Variant { terms: TermsOf::Vectors(DEBERTA), window: Some(40), causal: true, ..BERT },
    Variant { sharing: 3, ..BERT },
    Variant { sharing: 2, terms: TermsOf::Buckets, causal: true, ..BERT },
    Variant { sharing: 2, terms: TermsOf::Vectors(DEBERTA), ..BERT },
    Variant { filled: true, ..BERT },
    Variant { filled: true, window: Some(5), ..BERT },
    Variant { filled: true, causal: true, window: Some(70), ..BERT },
    Variant { filled: true, terms: TermsOf::Buckets, ..BERT },
    Variant { filled: true, terms: TermsOf::Vectors(DEBERTA), ..BERT },
    Variant { filled: true, sharing: 2, terms: TermsOf::Slopes, ..BERT },
];

/// A variant with its numbers, for texts of up to `longest` tokens.
struct Case {
    variant: Variant,
    heads: Heads,
    bias: Option<DistanceBias>,
    vectors: Option<(DistanceVectors, Vec<u32>)>,
}

impl Case {
    fn new(variant: Variant, target: Target, (num_heads, head_dim): (usize, usize), longest: usize) -> Self {
        let heads = Heads { num_heads: num_heads * variant.sharing, num_key_heads: num_heads, head_dim };
        let num_heads = heads.num_heads;
        let bias = match variant.terms {
            TermsOf::Nothing | TermsOf::Vectors(_) => None,
            TermsOf::Buckets => {
                let table = Tensor::from_vec(table(heads), (32, num_heads), &Device::Cpu).unwrap();
                let table = table.to_device(&target.device()).unwrap();
                Some(DistanceBias::from_table(&table, &buckets().rows(longest)).unwrap())
            }
            TermsOf::Slopes => {
                Some(DistanceBias::from_slopes(&slopes(heads), longest, &target.device()).unwrap())
            }
        };
        let vectors = match variant.terms {
            TermsOf::Vectors(of) => Some((of.vectors(heads, target), of.buckets().rows(longest))),
            _ => None,
        };
        Self { variant, heads, bias, vectors }
    }

    fn options(&self) -> AttentionOptions<'_> {
        let Variant { scale, window, causal, .. } = self.variant;
        let scores = match (&self.bias, &self.vectors) {
            (Some(bias), _) => Scores::ByDistance(bias),
            (None, Some((vectors, rows))) => Scores::ByVectors { vectors, rows },
            (None, None) => Scores::Plain,
        };
        AttentionOptions {
            scale,
            window,
            causal,
            scores,
            num_key_heads: self.heads.num_key_heads,
            ..AttentionOptions::new(self.heads.num_heads)
        }
    }

    fn run(&self, target: Target, qkv: &[f32], cu_seqlens: &CuSeqlens) -> Vec<f32> {
        let counts = self.key_counts(cu_seqlens);
        let options = AttentionOptions { key_counts: counts.as_deref(), ..self.options() };
        attend_with(target, qkv, cu_seqlens, self.heads.head_dim, &options)
    }

    fn key_counts(&self, cu_seqlens: &CuSeqlens) -> Option<Vec<usize>> {
        let Variant { window, filled, .. } = self.variant;
        let needed = |length: usize| window.map_or(0, |radius| length.saturating_sub(radius));
        let count = |length: usize| length.div_ceil(2).max(needed(length));
        filled.then(|| cu_seqlens.ranges().map(|tokens| count(tokens.len())).collect())
    }

    fn reference(&self, qkv: &[f32], cu_seqlens: &CuSeqlens) -> Vec<f64> {
        let Variant { terms, window, causal, .. } = self.variant;
        let (table, slopes, buckets) = (table(self.heads), slopes(self.heads), buckets());
        let scale = self.options().scale(self.heads.head_dim);
        let by_vectors = self.vector_products(qkv);
        let added = |head: usize, query: usize, key: usize| {
            let distance = key as isize - query as isize;
            match terms {
                TermsOf::Nothing => 0.0,
                TermsOf::Buckets => table[buckets.row(distance) * self.heads.num_heads + head] as f64,
                TermsOf::Slopes => -slopes[head] as f64 * distance.unsigned_abs() as f64,
                TermsOf::Vectors(_) => scale * by_vectors(head, query, key),
            }
        };
        let is_key: Vec<bool> = match self.key_counts(cu_seqlens) {
            None => vec![true; cu_seqlens.total_tokens()],
            Some(counts) => {
                let of_sequence = |(tokens, count): (std::ops::Range<usize>, usize)| {
                    (0..tokens.len()).map(move |token| token < count)
                };
                cu_seqlens.ranges().zip(counts).flat_map(of_sequence).collect()
            }
        };
        let attends = |query: usize, key: usize| {
            let is_near = window.is_none_or(|radius| query.abs_diff(key) <= radius);
            is_key[key] && is_near && (!causal || key <= query)
        };
        let scores = ReferenceScores { scale, added: &added, attends: &attends };
        reference::attention(qkv, cu_seqlens, self.heads, &scores)
    }

    /// q_i PK[r] + k_j PQ[r] of a head and the tokens i and j.
    fn vector_products<'a>(&self, qkv: &'a [f32]) -> impl Fn(usize, usize, usize) -> f64 + 'a {
        let head_dim = self.heads.head_dim;
        let of = match self.variant.terms {
            TermsOf::Vectors(of) => of,
            _ => VectorsOf { has_keys: false, has_queries: false, ..DEBERTA },
        };
        let (buckets, heads) = (of.buckets(), self.heads);
        let tables = [of.table(heads, 0), of.table(heads, 1)];
        move |head, query, key| {
            let row = buckets.row(key as isize - query as isize);
            let row = if of.shared { row } else { head * buckets.num_rows() + row };
            let product = |part: usize, token: usize| {
                let values = &qkv[token * heads.width() + heads.column(head, part)..][..head_dim];
                let vector = &tables[part][row * head_dim..][..head_dim];
                values.iter().zip(vector).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>()
            };
            let with_keys = if of.has_keys { product(0, query) } else { 0.0 };
            with_keys + if of.has_queries { product(1, key) } else { 0.0 }
        }
    }

    /// A product of queries and keys errs by head_dim eps sum|q k| <= head_dim^2 eps for values in -1..1, its
    /// sum with a term by eps of both, and a difference to the largest by eps of the scores, each before a
    /// scale: relative errors of a weight. Then as in [`super::bound`].
    fn bound(&self, target: Target, num_keys: usize) -> f64 {
        let head_dim = self.heads.head_dim as f64;
        let product = self.options().scale(self.heads.head_dim) * head_dim;
        let added = match self.variant.terms {
            TermsOf::Nothing => 0.0,
            TermsOf::Buckets => 4.0,
            TermsOf::Slopes => 0.5 * num_keys as f64,
            // Two more products.
            TermsOf::Vectors(_) => 2.0 * product,
        };
        let products = if self.vectors.is_some() { 3.0 } else { 1.0 };
        let scores = products * product * head_dim + 3.0 * (product + added);
        4.0 * f32::EPSILON as f64 * (scores + num_keys as f64 + 8.0) + 2.0 * target.rounding()
    }
}

fn buckets() -> DistanceBuckets {
    DistanceBuckets::t5(32, 128, true).unwrap()
}

/// [32, num_heads], up to 4 in size.
fn table(heads: Heads) -> Vec<f32> {
    random(20, 32 * heads.num_heads).into_iter().map(|value| 4.0 * value).collect()
}

/// At most 0.5.
fn slopes(heads: Heads) -> Vec<f32> {
    (1..=heads.num_heads).map(|head| 0.5f32.powi(head as i32)).collect()
}

#[test]
fn agrees_with_the_reference() {
    let cu_seqlens = from_lengths(&LENGTHS);
    for target in targets() {
        for heads in HEADS {
            for variant in VARIANTS {
                let case = Case::new(variant, target, heads, 257);
                let qkv = target.held(&random(5, cu_seqlens.total_tokens() * case.heads.width()));
                let output = case.run(target, &qkv, &cu_seqlens);
                let expected = case.reference(&qkv, &cu_seqlens);
                let what = format!("{target:?} {heads:?} {variant:?}");
                assert_close(&what, &output, &expected, case.bound(target, 257));
            }
        }
    }
}

/// The biases are those of the batch's longest text: a longer one must not change the others.
#[test]
fn a_sequence_has_the_same_bits_alone_and_in_any_company() {
    let lengths = [5, 49, 12, 64, 1, 150, 33, 97];
    let cu_seqlens = from_lengths(&lengths);
    for target in targets() {
        for heads in [(2, 8), (3, 32)] {
            for variant in VARIANTS {
                let case = Case::new(variant, target, heads, 150);
                let (width, hidden_dim) = (case.heads.width(), case.heads.hidden_dim());
                let qkv = random(6, cu_seqlens.total_tokens() * width);
                let together = case.run(target, &qkv, &cu_seqlens);
                for (tokens, length) in cu_seqlens.ranges().zip(lengths) {
                    let alone = Case::new(variant, target, heads, length);
                    let qkv = &qkv[tokens.start * width..tokens.end * width];
                    let alone = alone.run(target, qkv, &from_lengths(&[length]));
                    let together = &together[tokens.start * hidden_dim..tokens.end * hidden_dim];
                    assert!(alone == together, "{target:?} {heads:?} {variant:?} length {length}");
                }
            }
        }
    }
}

#[test]
fn threads_of_a_team_give_the_same_bits() {
    let team = team(3);
    let cu_seqlens = from_lengths(&[130, 0, 77]);
    for target in targets().into_iter().filter(|target| matches!(target, Target::Cpu(_))) {
        for variant in VARIANTS {
            let case = Case::new(variant, target, (4, 8), 130);
            let qkv = random(6, cu_seqlens.total_tokens() * case.heads.width());
            let run = || case.run(target, &qkv, &cu_seqlens);
            assert_eq!(run(), team.share(run).unwrap(), "{target:?} {variant:?}");
        }
    }
}

/// A query that sees only itself has its own value, whatever its score.
#[test]
fn a_window_of_nothing_is_the_query_itself() {
    let cu_seqlens = from_lengths(&[3, 70]);
    for target in targets() {
        let case = Case::new(Variant { window: Some(0), ..BERT }, target, (1, 8), 70);
        let qkv = target.held(&random(7, 73 * 24));
        let output = case.run(target, &qkv, &cu_seqlens);
        let values = qkv.chunks_exact(24).flat_map(|row| &row[16..]);
        assert!(output.iter().eq(values), "{target:?}");
    }
}

#[test]
fn counts_of_keys_that_leave_a_query_without_one_are_named() {
    let qkv = Tensor::zeros((9, 24), candle_core::DType::F32, &Device::Cpu).unwrap();
    let error = |counts: &[usize], window| {
        let options = AttentionOptions { key_counts: Some(counts), window, ..AttentionOptions::new(2) };
        attention(&qkv, &from_lengths(&[0, 9]), &options, Form::Kernels).err().map(|error| error.to_string())
    };
    assert_eq!(error(&[0, 1], None), None);
    assert_eq!(error(&[0, 6], Some(3)), None);
    let named =
        |error: Option<String>, words: &str| assert_eq!(error.unwrap(), format!("attention: {words}"));
    named(error(&[0, 5], Some(3)), "sequence 1 of 9 tokens must have 6 to 9 keys, got 5");
    named(error(&[0, 10], None), "sequence 1 of 9 tokens must have 1 to 9 keys, got 10");
    named(error(&[0, 0], None), "sequence 1 of 9 tokens must have 1 to 9 keys, got 0");
    named(error(&[9], None), "key_counts must be for 2 sequences, got 1");
}

#[test]
fn terms_for_other_heads_or_shorter_texts_are_named() {
    let qkv = Tensor::zeros((5, 24), candle_core::DType::F32, &Device::Cpu).unwrap();
    let error = |heads: usize, longest: usize| {
        let bias = DistanceBias::from_slopes(&vec![0.5; heads], longest, &Device::Cpu).unwrap();
        let options = AttentionOptions { scores: Scores::ByDistance(&bias), ..AttentionOptions::new(2) };
        attention(&qkv, &from_lengths(&[5]), &options, Form::Kernels).unwrap_err().to_string()
    };
    assert_eq!(error(3, 5), "attention: the bias must have 2 heads, got 3");
    assert_eq!(error(2, 4), "attention: distances must be for texts of 5 tokens, got 4");
}
