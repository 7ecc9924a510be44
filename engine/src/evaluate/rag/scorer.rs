//! The measures of some samples.

use std::collections::{HashMap, HashSet};

use nearsay_metrics::ranking::Overlap;
use serde::Serialize;

use super::sample::Sample;
use super::summary::RagSummary;
use super::{RagOptions, Relevance};
use crate::embed::{Embedded, Embedder, sentences};
use crate::score::bertscore::Scores;
use crate::vectors::dot;
use crate::{Error, Result};

/// The measures of a sample; `None` where its fields do not allow one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SampleScores {
    /// Its line in the file, from 1.
    pub row: u64,
    /// Precision and recall by ids.
    #[serde(flatten, serialize_with = "by_ids")]
    pub by_ids: Option<Overlap>,
    /// Precision and recall by the contexts' texts.
    #[serde(flatten, serialize_with = "by_texts")]
    pub by_texts: Option<Overlap>,
    /// BERTScore of response and reference.
    pub bertscore: Option<Scores>,
    /// How well the contexts support the response. `None` inside if one of them has no sentence.
    pub support: Option<Option<Support>>,
}

/// How well contexts support a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Support {
    /// The mean over the response's sentences of the greatest cosine to a sentence of the contexts.
    pub mean: f64,
    /// The minimum over them.
    pub minimum: f64,
    /// The sentence that has the minimum, the first one.
    pub weakest: String,
    /// Number of sentences of the response.
    pub sentences: usize,
}

fn by_ids<S: serde::Serializer>(overlap: &Option<Overlap>, serializer: S) -> Result<S::Ok, S::Error> {
    named("id_based_", *overlap, serializer)
}

fn by_texts<S: serde::Serializer>(overlap: &Option<Overlap>, serializer: S) -> Result<S::Ok, S::Error> {
    named("", *overlap, serializer)
}

/// Precision and recall under the names that ragas has for them.
fn named<S: serde::Serializer>(
    prefix: &str,
    overlap: Option<Overlap>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let values = overlap.map(|overlap| [("precision", overlap.precision), ("recall", overlap.recall)]);
    let key = |(name, value)| (format!("{prefix}context_{name}"), value);
    serializer.collect_map(values.into_iter().flatten().map(key))
}

/// The models as they are used.
pub(super) struct SampleScorer<'a> {
    options: &'a RagOptions,
    /// Makes vectors of length 1.
    embedder: Option<Embedder>,
}

impl<'a> SampleScorer<'a> {
    pub(super) fn new(options: &'a RagOptions) -> Result<Self> {
        if options.embedder.is_some()
            && matches!(options.relevance, Relevance::BertScore(_))
            && options.scorer.is_none()
        {
            return Err(Error::usage("contexts can be compared by BERTScore only with a model for it"));
        }
        let normalized = |embedder: &Embedder| embedder.with(|options| options.normalize(true));
        Ok(Self { options, embedder: options.embedder.as_ref().map(normalized).transpose()? })
    }

    /// The scores of some samples. Texts that were truncated are counted in `summary`.
    pub(super) fn score(&self, samples: &[Sample], summary: &mut RagSummary) -> Result<Vec<SampleScores>> {
        let mut scores: Vec<SampleScores> = samples.iter().map(by_ids_alone).collect();
        self.add_bertscore(samples, &mut scores, summary)?;
        let Some(embedder) = &self.embedder else { return Ok(scores) };
        let plan = Plan::of(samples, self.options.relevance);
        let vectors = embedder.embed(&plan.texts)?;
        summary.truncated += vectors.notices.truncated.count;
        for ((sample, scores), parts) in samples.iter().zip(&mut scores).zip(&plan.samples) {
            scores.support = parts.support.as_ref().map(|parts| parts.score(&plan.texts, &vectors));
            scores.by_texts = match (&parts.contexts, self.options.relevance) {
                (Some([retrieved, reference]), Relevance::Cosine(threshold)) => {
                    Some(overlap(retrieved, reference, |left, right| {
                        dot(&vectors[*left], &vectors[*right]) >= threshold
                    }))
                }
                (_, Relevance::BertScore(threshold)) => self.by_bertscore(sample, threshold, summary)?,
                (None, _) => None,
            };
        }
        Ok(scores)
    }

    fn add_bertscore(
        &self,
        samples: &[Sample],
        scores: &mut [SampleScores],
        summary: &mut RagSummary,
    ) -> Result<()> {
        let Some(scorer) = &self.options.scorer else { return Ok(()) };
        let pair = |sample: &'_ Sample| Some((sample.response.clone()?, sample.reference.clone()?));
        let (places, pairs): (Vec<usize>, Vec<_>) =
            samples.iter().map(pair).enumerate().filter_map(|(place, pair)| Some((place, pair?))).unzip();
        let scored = scorer.score(&pairs)?;
        summary.truncated += scored.notices.truncated;
        places.into_iter().zip(&scored).for_each(|(place, pair)| scores[place].bertscore = Some(*pair));
        Ok(())
    }

    /// Precision and recall of contexts by BERTScore's F1.
    fn by_bertscore(
        &self,
        sample: &Sample,
        threshold: f64,
        summary: &mut RagSummary,
    ) -> Result<Option<Overlap>> {
        let (Some(scorer), Some([retrieved, reference])) = (&self.options.scorer, contexts(sample)) else {
            return Ok(None);
        };
        let pairs: Vec<_> =
            retrieved.iter().flat_map(|left| reference.iter().map(move |right| (*left, *right))).collect();
        let scored = scorer.score(&pairs)?;
        summary.truncated += scored.notices.truncated;
        let is_relevant =
            |left: &usize, right: &usize| f64::from(scored[left * reference.len() + right].f1) >= threshold;
        let places = |texts: &[&str]| (0..texts.len()).collect::<Vec<_>>();
        Ok(Some(overlap(&places(&retrieved), &places(&reference), is_relevant)))
    }
}

fn by_ids_alone(sample: &Sample) -> SampleScores {
    let by_ids = match (&sample.retrieved_ids, &sample.reference_ids) {
        (Some(retrieved), Some(reference)) => Some(Overlap::of(retrieved, reference)),
        _ => None,
    };
    SampleScores { row: sample.row, by_ids, ..SampleScores::default() }
}

/// The different retrieved contexts and the different reference contexts of a sample without ids.
fn contexts(sample: &Sample) -> Option<[Vec<&str>; 2]> {
    if sample.retrieved_ids.is_some() && sample.reference_ids.is_some() {
        return None;
    }
    Some([distinct(sample.retrieved_contexts.as_ref()?), distinct(sample.reference_contexts.as_ref()?)])
}

/// The different texts, in the order of their first occurrences.
fn distinct(texts: &[String]) -> Vec<&str> {
    let mut seen = HashSet::new();
    texts.iter().map(String::as_str).filter(|text| seen.insert(*text)).collect()
}

/// Precision and recall if a retrieved context is relevant to a reference context.
fn overlap(
    retrieved: &[usize],
    reference: &[usize],
    is_relevant: impl Fn(&usize, &usize) -> bool,
) -> Overlap {
    let hits = |left: usize| reference.iter().any(|right| is_relevant(&retrieved[left], right));
    let found = |right: usize| retrieved.iter().any(|left| is_relevant(left, &reference[right]));
    Overlap::of_counts(
        [(0..retrieved.len()).filter(|left| hits(*left)).count(), retrieved.len()],
        [(0..reference.len()).filter(|right| found(*right)).count(), reference.len()],
    )
}

/// The texts of some samples that are embedded, each once.
#[derive(Default)]
struct Plan<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
    samples: Vec<Parts>,
}

/// The places of a sample's texts.
struct Parts {
    /// Retrieved and reference contexts that are compared by cosine.
    contexts: Option<[Vec<usize>; 2]>,
    support: Option<SupportParts>,
}

/// The places of the sentences of a response and its contexts.
struct SupportParts {
    response: Vec<usize>,
    contexts: Vec<usize>,
}

impl<'a> Plan<'a> {
    fn of(samples: &'a [Sample], relevance: Relevance) -> Self {
        let mut plan = Self::default();
        for sample in samples {
            let by_cosine = matches!(relevance, Relevance::Cosine(_));
            let contexts = contexts(sample).filter(|_| by_cosine);
            let contexts = contexts.map(|sides| sides.map(|texts| plan.add(texts)));
            let support = match (&sample.response, &sample.retrieved_contexts) {
                (Some(response), Some(contexts)) => Some(SupportParts {
                    response: plan.add(parts_of(response)),
                    contexts: plan.add(contexts.iter().flat_map(|text| parts_of(text))),
                }),
                _ => None,
            };
            plan.samples.push(Parts { contexts, support });
        }
        plan
    }

    /// The places of these texts.
    fn add(&mut self, texts: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
        let place = |text: &'a str| {
            *self.places.entry(text).or_insert_with(|| {
                self.texts.push(text);
                self.texts.len() - 1
            })
        };
        texts.into_iter().map(place).collect()
    }
}

/// The sentences of a text.
fn parts_of(text: &str) -> impl Iterator<Item = &str> {
    sentences(text).into_iter().map(|range| &text[range])
}

impl SupportParts {
    fn score(&self, texts: &[&str], vectors: &Embedded) -> Option<Support> {
        let best = |sentence: usize| {
            let cosines = self.contexts.iter().map(|context| dot(&vectors[sentence], &vectors[*context]));
            cosines.max_by(f64::total_cmp)
        };
        let best: Vec<f64> = self.response.iter().map(|sentence| best(*sentence)).collect::<Option<_>>()?;
        let (weakest, minimum) = best.iter().enumerate().min_by(|left, right| left.1.total_cmp(right.1))?;
        Some(Support {
            mean: best.iter().sum::<f64>() / best.len() as f64,
            minimum: *minimum,
            weakest: texts[self.response[weakest]].to_owned(),
            sentences: best.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn contexts_are_compared_without_ids_only() {
        let sample = Sample {
            retrieved_contexts: texts(&["a", "b", "a"]),
            reference_contexts: texts(&["c"]),
            retrieved_ids: texts(&["1"]),
            ..Sample::default()
        };
        assert_eq!(contexts(&sample), Some([vec!["a", "b"], vec!["c"]]));
        let with_ids = Sample { reference_ids: texts(&["1"]), ..sample.clone() };
        assert_eq!(contexts(&with_ids), None);
        assert_eq!(contexts(&Sample { reference_contexts: None, ..sample }), None);
        assert_eq!(by_ids_alone(&with_ids).by_ids.unwrap().precision, Some(1.0));
    }

    #[test]
    fn a_context_that_is_relevant_to_two_counts_once() {
        let equal = |left: &usize, right: &usize| left % 10 == right % 10;
        let found = overlap(&[1, 2, 3], &[11, 21, 4], equal);
        assert_eq!((found.precision, found.recall), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
        let none = overlap(&[], &[1], equal);
        assert_eq!((none.precision, none.recall), (None, Some(0.0)));
    }

    #[test]
    fn each_text_is_embedded_once() {
        let sample = Sample {
            response: Some("One. Two.  One.".to_owned()),
            retrieved_contexts: texts(&["Two. Three.", "One."]),
            reference_contexts: texts(&["One."]),
            ..Sample::default()
        };
        let samples = [sample.clone(), sample];
        let plan = Plan::of(&samples, Relevance::Cosine(0.5));
        assert_eq!(plan.texts, ["Two. Three.", "One.", "Two.", "Three."]);
        let support = plan.samples[1].support.as_ref().unwrap();
        assert_eq!(
            (support.response.as_slice(), support.contexts.as_slice()),
            (&[1, 2, 1][..], &[2, 3, 1][..])
        );
        assert!(Plan::of(&samples, Relevance::BertScore(0.5)).samples[0].contexts.is_none());
    }

    #[test]
    fn keys_of_a_sample_are_those_of_ragas() {
        let by_ids = Some(Overlap::of(&["a"], &[]));
        let scores = SampleScores { row: 2, by_ids, ..SampleScores::default() };
        let json = serde_json::to_string(&scores).unwrap();
        let expected = r#"{"row":2,"id_based_context_precision":0.0,"id_based_context_recall":null,"bertscore":null,"support":null}"#;
        assert_eq!(json, expected);
    }
}
