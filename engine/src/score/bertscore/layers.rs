//! Scores of several layers from one pass of the encoder.

use super::options::ScoredLayer;
use super::rounds::Call;
use super::scored::ScoreNotices;
use super::{Scorer, Scores};
use crate::score::systems::RecurringTexts;
use crate::score::{Pair, PairSource, PairTexts};
use crate::{Error, Result};

/// Scores pairs at several layers of a model, in one pass of its encoder. A layer's scores have the bits that a
/// [`Scorer`] of that layer alone returns.
///
/// Pairs are matched on a layer as soon as it exists, so that the hidden states of one layer are in memory. Texts that
/// recur in a later window of pairs are encoded again, since all layers of a text would be needed to keep it.
///
/// ```no_run
/// # fn main() -> nearsay::Result<()> {
/// let scorer = nearsay::Scorer::for_language("en")?;
/// let scored = scorer.all_layers()?.score(&[("The cat sat.", "A cat was sitting.")])?;
/// for (layer, scores) in scored.layers.iter().enumerate() {
///     println!("layer {layer}: F1 {:.4}", scores[0].f1);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct LayerScorer {
    /// The scorer of the highest layer.
    scorer: Scorer,
    layers: Vec<ScoredLayer>,
}

/// The scores of some pairs at several layers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LayerScores {
    /// By layer, in the order of [`LayerScorer::layers`]; one per pair.
    pub layers: Vec<Vec<Scores>>,
    /// Notices about unusual pairs.
    pub notices: ScoreNotices,
}

impl LayerScorer {
    /// The layers of `scorers`, which differ in nothing else.
    ///
    /// # Errors
    /// If there are none, they are not in ascending order, or they differ in anything else.
    pub(in crate::score) fn of<'a>(scorers: impl IntoIterator<Item = &'a Scorer>) -> Result<Self> {
        let scorers: Vec<&Scorer> = scorers.into_iter().collect();
        let highest = *scorers.last().ok_or_else(|| Error::Bug("no layer to score".to_owned()))?;
        let is_ascending = scorers.is_sorted_by(|one, next| one.layer() < next.layer());
        if !is_ascending || !scorers.iter().all(|scorer| scorer.is_same_but_layer(highest)) {
            return Err(Error::Bug(
                "scorers of one pass must differ in their layers, from low to high".to_owned(),
            ));
        }
        Ok(Self { scorer: highest.clone(), layers: scorers.iter().map(|scorer| scorer.layer).collect() })
    }

    /// The layers, from the lowest up; 0 is the embeddings.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = usize> {
        self.layers.iter().map(|layer| layer.layer)
    }

    /// The scorer of the highest layer, with the settings of all.
    pub fn highest(&self) -> &Scorer {
        &self.scorer
    }

    /// The same scorer, which knows the texts that occur in more than one row ([`Scorer::keeping`]).
    #[must_use]
    pub fn keeping(&self, recurring: &RecurringTexts) -> Self {
        Self { scorer: self.scorer.keeping(recurring), layers: self.layers.clone() }
    }

    /// Scores pairs in memory, in order.
    ///
    /// # Errors
    /// As [`Scorer::score`].
    pub fn score<P: Pair>(&self, pairs: &[P]) -> Result<LayerScores> {
        let mut layers = vec![Vec::with_capacity(pairs.len()); self.layers.len()];
        let pairs = pairs.iter().map(|pair| Ok(pair.to_texts()));
        let notices = self.score_each(pairs, |window| {
            layers.iter_mut().zip(window).for_each(|(all, scores)| all.extend_from_slice(scores));
            Ok(())
        })?;
        Ok(LayerScores { layers, notices })
    }

    /// Scores every pair of `source`, as [`Scorer::score_source`] does. `each` is called with the scores of one window
    /// at each layer.
    ///
    /// # Errors
    /// As [`Scorer::score_source`].
    pub fn score_source(
        &self,
        source: &PairSource,
        each: impl FnMut(&[Vec<Scores>]) -> Result<()>,
    ) -> Result<ScoreNotices> {
        self.score_each(source.pairs()?, each)
    }

    /// Scores pairs of any number as they come. `each` is called with the scores of one window at each layer.
    ///
    /// # Errors
    /// As [`Scorer::score_source`], and those of `pairs`.
    pub fn score_each(
        &self,
        pairs: impl Iterator<Item = Result<PairTexts>>,
        each: impl FnMut(&[Vec<Scores>]) -> Result<()>,
    ) -> Result<ScoreNotices> {
        let layers = &self.layers;
        let is_one = layers.len() == 1;
        let cache = is_one.then_some(&*self.scorer.cache);
        let store = self.scorer.store.as_deref().filter(|_| is_one);
        Call { scorer: &self.scorer, layers, cache, store }.run(pairs, each)
    }
}

impl Scorer {
    /// The same scorer for every layer of the model, from the embeddings (0) to the last.
    ///
    /// # Errors
    /// If the baseline lacks a layer, or a device has no room for all.
    pub fn all_layers(&self) -> Result<LayerScorer> {
        let scorers = (0..=self.session().recipe().num_layers()).map(|layer| self.at_layer(layer));
        LayerScorer::of(&scorers.collect::<Result<Vec<_>>>()?)
    }
}
