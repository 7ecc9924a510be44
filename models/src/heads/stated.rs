//! A model's head as its files describe it, without weights.

use nearsay_kernels::Pooling;

use crate::Model;
use crate::sentence_transformers::{Module, TextPooling};

/// How a text's hidden states become its vector, according to the model's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedHead {
    /// The pooling and the Dense layers: `mean`, `mean + max, dense 768 to 256`.
    pub description: String,
    /// Values per vector.
    pub dimensions: usize,
    /// Whether vectors have length 1.
    pub is_normalized: bool,
}

impl Model {
    /// The head that [`Model::load_head`] would load.
    pub fn stated_head(&self) -> StatedHead {
        let hidden_dim = self.recipe().hidden_dim();
        let Some(sentence) = self.sentence_transformer() else {
            let description = Pooling::Mean.name().to_owned();
            return StatedHead { description, dimensions: hidden_dim, is_normalized: false };
        };
        let (mut description, mut dimensions) = match &sentence.pooling {
            TextPooling::Modes(pooling) | TextPooling::Scores(pooling) => {
                let modes: Vec<&str> = pooling.modes.iter().map(|mode| mode.name()).collect();
                (modes.join(" + "), modes.len() * hidden_dim)
            }
            TextPooling::Splade(pooling) => (pooling.description(), self.recipe().vocab_size()),
            TextPooling::Colbert(_) => ("colbert".to_owned(), self.stated_projection().unwrap_or(hidden_dim)),
            TextPooling::Logits => ("classification".to_owned(), hidden_dim),
            TextPooling::NextToken(..) => ("next token".to_owned(), hidden_dim),
        };
        for step in &sentence.steps {
            if let Module::Dense(dense) = step {
                description += &format!(", dense {} to {}", dense.in_features, dense.out_features);
                dimensions = dense.out_features;
            }
        }
        let is_normalized = sentence.normalizes() || self.is_late_interaction();
        StatedHead { description, dimensions, is_normalized }
    }
}
