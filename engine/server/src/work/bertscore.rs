//! BERTScore of a request.

use std::time::Instant;

use nearsay::score::bertscore::{RunningMean, ScoreNotices, Scores, Signature};
use nearsay::score::{PairSource, PairTexts, TextSource};
use nearsay::{Embedder, Scorer};

use super::job::{Counts, Done, Failure, Measured};
use super::{CancelOnDrop, Work};
use crate::models::{Model, Settings};

/// Pairs to score, and how.
#[derive(Debug)]
pub(crate) struct ScoreJob {
    pub(crate) scorer: Scorer,
    pub(crate) pairs: Vec<PairTexts>,
    pub(crate) idf: Idf,
    pub(crate) deadline: Instant,
}

/// How tokens are weighted.
#[derive(Debug)]
pub(crate) enum Idf {
    /// All alike.
    Off,
    /// By inverse document frequency over the references of the pairs.
    OfReferences,
    /// Over these texts.
    Of(Vec<String>),
}

/// Scores of pairs.
#[derive(Debug)]
pub(crate) struct BertScores {
    pub(crate) signature: Signature,
    pub(crate) mean: RunningMean,
    pub(crate) scores: Vec<Scores>,
    pub(crate) notices: ScoreNotices,
}

impl Work {
    /// The scores of pairs, with the bits of `nearsay score`. Its tokens count as waiting until it is done.
    pub(crate) async fn bertscore(&self, model: &Model, job: ScoreJob) -> Result<Done<BertScores>, Failure> {
        let ScoreJob { scorer, pairs, idf, deadline } = job;
        let guard = CancelOnDrop::default();
        // Its tokenizer has the length of the tokenizer's files, not that of the model's vectors.
        let longest = Settings { max_length: Some(scorer.max_tokens()), ..Settings::default() };
        let embedder = model.prepared(&longest)?.embedder().with_cancel(&guard.0);
        let tokenized = Instant::now();
        let count = move || Ok((count(&embedder, &pairs)?, pairs));
        let ((texts, tokens), pairs) = self.in_turn(&self.tokenizing, deadline, count).await?;
        let tokenize = tokenized.elapsed();
        if tokens > self.max_tokens_per_request {
            let limit = self.max_tokens_per_request;
            return Err(nearsay::Error::RequestTooLarge { tokens, limit, holder: "a request" }.into());
        }
        let permit = self.admit(tokens)?;
        let scorer = scorer.with_cancel(&guard.0).with_deadline(deadline);
        let queued = Instant::now();
        let score = move || {
            let _permit = permit;
            let started = Instant::now();
            Ok((scored(&scorer, &pairs, idf)?, started))
        };
        let (value, started) = self.in_turn(&self.scoring, deadline, score).await?;
        let counts =
            Counts { texts, tokens, truncated: value.notices.truncated, empty: value.notices.empty.count };
        let queue = started.saturating_duration_since(queued);
        Ok(Done { value, measured: Measured { counts, tokenize, queue, encode: started.elapsed() } })
    }
}

/// The texts of pairs, and their tokens. A text counts for each pair that it is in.
fn count(embedder: &Embedder, pairs: &[PairTexts]) -> nearsay::Result<(u64, u64)> {
    let texts: Vec<&String> =
        pairs.iter().flat_map(|pair| std::iter::once(&pair.candidate).chain(&pair.references)).collect();
    let tokens = embedder.tokenize(&texts)?.iter().map(|text| text.ids.len() as u64).sum();
    Ok((texts.len() as u64, tokens))
}

fn scored(scorer: &Scorer, pairs: &[PairTexts], idf: Idf) -> nearsay::Result<BertScores> {
    let of_texts = |texts: Vec<String>| {
        let references = TextSource::of_texts("references", texts);
        // Only references are counted.
        scorer.weighted_by_idf(&PairSource::new(references.clone(), vec![references]))
    };
    let scorer = match idf {
        Idf::Off => scorer.clone(),
        Idf::OfReferences => of_texts(pairs.iter().flat_map(|pair| pair.references.clone()).collect())?,
        Idf::Of(texts) => of_texts(texts)?,
    };
    let scored = scorer.score(pairs)?;
    let mut mean = RunningMean::new();
    scored.scores.iter().for_each(|scores| mean.add(scores));
    Ok(BertScores { signature: scorer.signature(), mean, scores: scored.scores, notices: scored.notices })
}
