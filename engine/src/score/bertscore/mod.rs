//! BERTScore: pairs of texts to precision, recall and F1.
//!
//! [`Scorer`] runs tokenizer, encoder and match on pairs of texts; the other parts run no encoder. The
//! numbers are those of the Python package bert_score 0.3.13 (Zhang et al., "BERTScore: Evaluating Text
//! Generation with BERT", ICLR 2020, arXiv:1904.09675) scored with a batch size of 1, which has no padding;
//! comments cite its lines as `bert_score/utils.py:…`. Intentional differences are documented on the item.
//!
//! | step | item |
//! |---|---|
//! | texts to scores | [`Scorer`], [`LayerScorer`] for several layers at once, [`PairGrid`] for every candidate against every reference |
//! | texts beyond the model's length | [`OnLongText`] |
//! | choice of model and layer | [`default_model`], [`default_layer`], [`layer_or_default`] |
//! | weight of a token | [`TokenWeights`], [`IdfBuilder`], [`IdfCounter`], [`SavedIdf`] |
//! | a pair's P, R, F1 | [`score_pair`] |
//! | a pair's tokens and their similarities | [`Explanation`] |
//! | the best of several references | [`best_of`] |
//! | rescaling | [`Baseline`], [`BaselineRow::rescale`] |
//! | a baseline of any model | [`UnrelatedTexts`], [`LayerScorer::baseline`] |
//! | the mean over pairs | [`RunningMean`] |
//! | token vectors on disk, for later runs | [`CacheFolder`] |
//! | settings of a score | [`Signature`] |

mod baselines;
mod cache;
mod chunk;
mod default_layers;
mod default_models;
mod explanation;
mod idf;
mod idf_counter;
mod idf_file;
mod layers;
mod long_texts;
mod matching;
mod mean;
mod model_names;
mod options;
mod pair;
mod pairwise;
mod parts;
mod progress;
mod references;
mod rounds;
mod scored;
mod scorer;
mod scores;
mod signature;
mod token_weights;

pub use baselines::{Baseline, BaselineRow, ComputedBaseline, UnrelatedPairs, UnrelatedTexts};
pub use cache::{CacheCounts, CacheFolder, CacheOptions, CacheReport, DamagedPack};
pub use default_layers::{default_layer, default_layers, layer_or_default};
pub use default_models::{MULTILINGUAL_MODEL, default_model, languages};
pub use explanation::{ExplainedToken, Explanation};
pub use idf::{IdfBuilder, IdfWeights};
pub use idf_counter::IdfCounter;
pub use idf_file::{IdfOrigin, SavedIdf};
pub use layers::{LayerScorer, LayerScores};
pub use long_texts::OnLongText;
pub use mean::{MeanScores, RunningMean};
pub use options::{RescaleWith, ScoreOptions, num_layers};
pub use pair::{MatchedTokens, score_pair};
pub use pairwise::{PairGrid, PairwiseBounds, PairwiseNotices, PairwiseProgress, ScoreBand};
pub use scored::{ScoreNotices, Scored};
pub use scorer::Scorer;
pub use scores::{Scores, best_of};
pub use signature::{REPRODUCED_VERSION, Rescaling, Signature};
pub use token_weights::TokenWeights;
