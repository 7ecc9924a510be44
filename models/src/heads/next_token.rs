//! The head of causal language models: a logit for each entry of the vocabulary that may follow a text. A reranker needs
//! those of one or two entries only. Sources: the `ForCausalLM` classes of transformers, and LogitScore of
//! sentence-transformers.

use nearsay_kernels::{Activation, Linear, Placement, Pooling};

use super::{HeadKind, HeadStep, Residual};
use crate::sentence_transformers::LogitScore;
use crate::{Model, Result};

/// Names of a head: decoder(last token).
#[derive(Debug, Clone, Copy)]
pub(crate) struct NextTokenRecipe {
    /// The name of its weight; `None`: the word embeddings are in its place.
    pub(crate) decoder: Option<&'static str>,
}

impl Model {
    /// The pooling and the step that make a text's score. A difference of logits is one product with the difference of
    /// their rows.
    pub(super) fn load_next_token(
        &self,
        score: LogitScore,
        encoder: &Placement,
    ) -> Result<(Vec<Pooling>, Vec<HeadStep>)> {
        let recipe = self.of_config(HeadKind::NextToken, self.family().next_token)?;
        let inside = self.parameters()?;
        let beside = inside.beside();
        let embeddings = &self.recipe().embeddings;
        let (place, name) = match recipe.decoder {
            None => (&inside, embeddings.word_in(&inside).name),
            Some(own) => (&beside, own),
        };
        if !place.contains(name) {
            return Err(self.no_head(HeadKind::NextToken, name.to_owned()));
        }
        let width = self.recipe().hidden_dim();
        let shape = [self.recipe().vocab_size(), width];
        let mut row = place.load_row(name, shape, score.true_token as usize)?;
        if let Some(token) = score.false_token {
            row = (row - place.load_row(name, shape, token as usize)?)?;
        }
        let linear = Linear::new(&row.reshape((1, width))?, None, &encoder.in_f32())?;
        let step = HeadStep::Dense(linear, Activation::Identity, Residual::None);
        Ok((vec![Pooling::LastToken], vec![step]))
    }
}
