//! Evaluation of retrieval, of similarity, and of answers from retrieved contexts.
//!
//! | part | contents |
//! |---|---|
//! | [`TaskFiles`], [`Corpus`], [`Queries`], [`Judgements`] | a retrieval task in a BEIR folder |
//! | [`Retriever`] | embeds queries and corpus, and searches: a [`Run`] |
//! | [`StoredRetriever`] | embeds queries, and searches an index, a job's folder or a file of vectors |
//! | [`RetrievalScores`], [`RetrievalReport`] | measures of a run, as trec_eval computes them; intervals, comparison with a baseline |
//! | [`evaluate_sts`] | correlations of cosines with people's scores |
//! | [`evaluate_rag`] | contexts and responses of systems that retrieve |
//!
//! The measures themselves are in nearsay-metrics.

mod beir;
mod corpus;
mod judgements;
mod rag;
mod report;
mod retrieval;
mod retrieve;
mod run;
mod stored;
mod sts;

pub use beir::{Queries, TaskFiles};
pub use corpus::Corpus;
pub use judgements::{JudgedQuery, Judgements};
pub use nearsay_metrics::ranking::{CUTOFFS, Measure};
pub use nearsay_metrics::statistics::Interval;
pub use rag::{
    BertScoreSummary, MeanOf, RagOptions, RagSummary, Relevance, SampleScores, Support, SupportSummary,
    Weakest, evaluate_rag,
};
pub use report::{LeftOut, RetrievalReport, RetrievalSubject};
pub use retrieval::{Comparison, NUM_VALUES, RetrievalScores, Values, measures};
pub use retrieve::{RetrievalOptions, Retrieved, Retriever};
pub use run::Run;
pub use stored::StoredRetriever;
pub use sts::{StsColumns, StsScores, evaluate_sts};
