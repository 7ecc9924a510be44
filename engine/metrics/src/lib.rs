//! Measures of results, and what can be concluded from them. Text and numbers only: this crate knows no
//! model, no file and no tensor.
//!
//! | module | contents |
//! |---|---|
//! | [`lexical`] | BLEU, chrF, TER, ROUGE and others of candidate texts against references |
//! | [`ranking`] | nDCG, MAP, recall, precision, MRR and hit rate of a ranking, as trec_eval computes them |
//! | [`comparison`] | systems compared by metrics: intervals, tests, ranks |
//! | [`statistics`] | intervals, paired tests and correlations, with the random numbers that NumPy draws |
//!
//! Everything is computed in f64, in an order that depends on the input alone: the same input gives the same bits.

pub mod comparison;
pub mod lexical;
pub mod ranking;
mod signature;
pub mod statistics;

pub use signature::{Signature, SignatureError};
