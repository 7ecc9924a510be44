//! Measures of results, and what can be concluded from them. Text and numbers only: this crate knows no
//! model, no file and no tensor.
//!
//! | module | contents |
//! |---|---|
//! | [`ranking`] | nDCG, MAP, recall, precision, MRR and hit rate of a ranking, as trec_eval computes them |
//! | [`statistics`] | intervals, paired tests and correlations, with the random numbers that NumPy draws |
//!
//! Everything is computed in f64, in the order of the input, on one thread: the same input gives the same bits.

pub mod ranking;
pub mod statistics;
