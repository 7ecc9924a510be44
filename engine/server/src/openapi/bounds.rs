//! What requests are bounded by on a server with these models.

use std::collections::BTreeSet;
use std::sync::Arc;

use nearsay::vectors::Level;

use crate::config::Config;
use crate::models::{Model, Task};

/// Bounds of the values in requests; `None`: the models are not known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bounds {
    /// Texts of a request.
    pub(crate) inputs: Option<usize>,
    /// Of vectors.
    pub(crate) dimensions: Option<usize>,
    /// The fewest and the most that a longest text can have, in tokens.
    pub(crate) tokens: Option<[usize; 2]>,
    /// Ids of tokens.
    pub(crate) vocabulary: Option<usize>,
    /// Whether ids may be in the place of texts.
    pub(crate) takes_ids: bool,
    /// Layers of an encoder.
    pub(crate) layers: Option<usize>,
    /// Names of prompts.
    pub(crate) prompts: Option<Vec<String>>,
    /// What `/` takes.
    pub(crate) root: Option<RootBody>,
}

/// What `/` takes, by what the first model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RootBody {
    /// A model that makes one dense vector per text.
    Vectors,
    /// A model that makes sparse vectors.
    SparseVectors,
    /// A model that scores pairs.
    Pairs,
    /// A model with several labels.
    Labels,
}

impl RootBody {
    fn of(task: &Task) -> Option<Self> {
        match task {
            Task::Vectors(Level::Text) => Some(Self::Vectors),
            Task::Vectors(Level::Sparse) => Some(Self::SparseVectors),
            Task::Vectors(_) => None,
            Task::Labels(labels) if labels.names.len() == 1 => Some(Self::Pairs),
            Task::Labels(_) => Some(Self::Labels),
        }
    }
}

impl Bounds {
    /// The bounds for these models, the default first; without models, those that all models share.
    pub(crate) fn of(models: &[Arc<Model>], config: &Config) -> Self {
        let vectors = |model: &&Arc<Model>| matches!(model.task, Task::Vectors(Level::Text));
        let session = |model: &Arc<Model>| model.embedder.session().clone();
        let prompts = models.iter().flat_map(|model| session(model).model().prompts().into_keys());
        let named = prompts.chain(["document", "query"].map(str::to_owned)).collect::<BTreeSet<String>>();
        Self {
            inputs: Some(config.limits.inputs),
            takes_ids: config.takes_token_ids,
            dimensions: models.iter().filter(vectors).map(|model| model.embedder.whole_dimensions()).max(),
            tokens: models.iter().map(|model| [model.shortest_limit, model.embedder.max_tokens()]).next(),
            vocabulary: models.first().map(|model| session(model).recipe().vocab_size()),
            layers: models.iter().map(|model| session(model).recipe().num_layers()).max(),
            prompts: models.first().map(|_| named.into_iter().collect()),
            root: models.first().and_then(|model| RootBody::of(&model.task)),
        }
    }
}
