//! Heads on a session's devices, loaded on first use.

use std::sync::{Arc, Mutex};

use nearsay_kernels::{Placement, Pooling};
use nearsay_models::{Classifier, SentenceHead, SparseHead, StaticHead, TokenHead};

use super::{Opened, Session, no_room_for_model, once};
use crate::Result;

/// Those that have been asked for, on each device.
#[derive(Debug, Default)]
pub(super) struct LoadedHeads {
    /// As the model's files state.
    pooled: Mutex<Option<Arc<[SentenceHead]>>>,
    /// For sparse vectors from the logits of the vocabulary.
    splade: Mutex<Option<Arc<[SparseHead]>>>,
    /// For sparse vectors from weights of tokens.
    lexical: Mutex<Option<Arc<[SparseHead]>>>,
    /// For sparse vectors of queries, without the encoder.
    static_head: Mutex<Option<Arc<StaticHead>>>,
    /// For a vector per token.
    tokens: Mutex<Option<Arc<[TokenHead]>>>,
}

impl Session {
    /// The head that turns a text's hidden states into its vector, on each device: `pooling`, or as the
    /// model's files state.
    ///
    /// # Errors
    /// If a Dense layer's weights are missing or have another shape than its config says;
    /// [`Error::DeviceMemory`](crate::Error::DeviceMemory) if a device has no room for them.
    pub(crate) fn heads(&self, pooling: Option<Pooling>) -> Result<Arc<[SentenceHead]>> {
        let Opened { model, devices, .. } = &*self.0;
        if let Some(mode) = pooling {
            return Ok(vec![model.pooled_head(mode); devices.count()].into());
        }
        let load = |placement: &Placement| {
            model.load_head(placement).map_err(|error| no_room_for_model(error, placement))
        };
        once(&self.0.heads.pooled, || devices.placements().iter().map(load).collect())
    }

    /// The head that turns a text's hidden states into a sparse vector, on each device.
    ///
    /// # Errors
    /// If the model has none, a file breaks a rule, or a device has no room for it.
    pub(crate) fn splade_heads(&self) -> Result<Arc<[SparseHead]>> {
        let Opened { model, devices, .. } = &*self.0;
        let load = |placement: &Placement| {
            let head = model.load_splade_head(model.splade_pooling(), placement);
            head.map_err(|error| no_room_for_model(error, placement))
        };
        once(&self.0.heads.splade, || devices.placements().iter().map(load).collect())
    }

    /// The head that turns a text's tokens, except those of the ids `special`, into a sparse vector, on each device.
    ///
    /// # Errors
    /// As [`Session::splade_heads`].
    pub(crate) fn lexical_heads(&self, special: &[u32]) -> Result<Arc<[SparseHead]>> {
        let Opened { model, devices, .. } = &*self.0;
        let load = |placement: &Placement| {
            let head = model.load_lexical_head(special.to_vec(), placement);
            head.map_err(|error| no_room_for_model(error, placement))
        };
        once(&self.0.heads.lexical, || devices.placements().iter().map(load).collect())
    }

    /// The table that turns a query's tokens into a sparse vector; `id_of` finds a token of their tokenizer.
    ///
    /// # Errors
    /// If the model has none, or a file breaks a rule.
    pub(crate) fn static_head(&self, id_of: impl Fn(&str) -> Option<u32>) -> Result<Arc<StaticHead>> {
        once(&self.0.heads.static_head, || Ok(Arc::new(self.0.model.load_static_head(id_of)?)))
    }

    /// The head of late interaction, on each device.
    ///
    /// # Errors
    /// As [`Session::splade_heads`].
    pub(crate) fn token_heads(&self) -> Result<Arc<[TokenHead]>> {
        let Opened { model, devices, .. } = &*self.0;
        let load = |placement: &Placement| {
            model.load_token_head(placement).map_err(|error| no_room_for_model(error, placement))
        };
        once(&self.0.heads.tokens, || devices.placements().iter().map(load).collect())
    }

    /// The classification head, on each device.
    ///
    /// # Errors
    /// If the model has none, or a device has no room for it.
    pub(crate) fn classifiers(&self) -> Result<Arc<[Classifier]>> {
        let Opened { model, devices, .. } = &*self.0;
        let load = |placement: &Placement| {
            model.load_classifier(placement).map_err(|error| no_room_for_model(error, placement))
        };
        devices.placements().iter().map(load).collect()
    }
}
