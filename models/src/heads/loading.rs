//! Loading the head that turns hidden states into vectors.

use nearsay_kernels::device::synchronize;
use nearsay_kernels::{Linear, Placement, Pooling};
use serde_json::Value;

use super::{HeadKind, HeadStep, Residual, SentenceHead};
use crate::families::no_such_head;
use crate::sentence_transformers::{Dense, Module, SentenceTransformer, TextPooling};
use crate::{Error, Model, Result};

impl Model {
    /// Turns a text's hidden states into its vector: as modules.json says, or their mean without one. Dense
    /// layers multiply in f32, on the encoder's device.
    ///
    /// # Errors
    /// If a Dense layer's weights are missing or differ in shape from its config; [`Error::NoVectors`] for a
    /// cross-encoder.
    pub fn load_head(&self, encoder: &Placement) -> Result<SentenceHead> {
        let Some(sentence) = self.sentence_transformer() else { return Ok(self.pooled_head(Pooling::Mean)) };
        if sentence.is_cross_encoder() {
            return Err(Error::NoVectors { folder: self.folder().root().to_owned() });
        }
        let steps = self.load_steps(encoder)?;
        // Wait for the weights, so that any thread can use the head.
        synchronize(encoder.device())?;
        let TextPooling::Modes(pooling) = &sentence.pooling else {
            return Ok(self.pooled_head(Pooling::Mean));
        };
        Ok(SentenceHead::new(
            pooling.modes.clone(),
            steps,
            self.recipe().hidden_dim(),
            pooling.include_prompt,
        ))
    }

    /// Loads the head that the model's files state, to check its files.
    ///
    /// # Errors
    /// As [`Model::load_head`], [`Model::load_splade_head`], [`Model::load_token_head`] and
    /// [`Model::load_classifier`].
    pub fn check_head(&self, encoder: &Placement) -> Result<()> {
        match self.sentence_transformer().map(|sentence| &sentence.pooling) {
            None | Some(TextPooling::Modes(_)) => self.load_head(encoder).map(drop),
            Some(TextPooling::Splade(pooling)) => self.load_splade_head(*pooling, encoder).map(drop),
            Some(TextPooling::Colbert(_)) => self.load_token_head(encoder).map(drop),
            Some(TextPooling::Logits | TextPooling::Scores(_) | TextPooling::NextToken(..)) => {
                self.load_classifier(encoder).map(drop)
            }
        }
    }

    /// A head's recipe by config.json, if the family has a function to read it.
    pub(super) fn of_config<T>(&self, head: HeadKind, read: Option<fn(&Value) -> Result<T>>) -> Result<T> {
        let config: Value = self.folder().read_transformer_json("config.json")?.unwrap_or_default();
        let path = self.folder().root().join(self.folder().transformer_prefix()).join("config.json");
        let read = read.map_or_else(|| Err(no_such_head(&config, head)), |read| read(&config));
        read.map_err(|error| error.in_config(&path))
    }

    /// The error for a head that the weights lack.
    pub(super) fn no_head(&self, head: HeadKind, tensor: String) -> Error {
        let folder = self.folder().root().to_owned();
        let reason = format!("{} has no tensor {tensor}", self.weights().description());
        Error::NoHead { folder, head, reason }
    }

    /// A head with this pooling instead of the model's pooling and Dense layers; the rest is as modules.json
    /// says. It has no weights to load.
    pub fn pooled_head(&self, mode: Pooling) -> SentenceHead {
        let sentence = self.sentence_transformer();
        let normalizes = sentence.is_some_and(SentenceTransformer::normalizes);
        let steps = if normalizes { vec![HeadStep::Normalize] } else { Vec::new() };
        let includes_prompt = sentence.is_none_or(SentenceTransformer::includes_prompt);
        SentenceHead::new(vec![mode], steps, self.recipe().hidden_dim(), includes_prompt)
    }

    /// The modules after pooling or, if there is none, after the encoder.
    pub(super) fn load_steps(&self, encoder: &Placement) -> Result<Vec<HeadStep>> {
        let modules = self.sentence_transformer().map_or(&[][..], |sentence| &sentence.steps);
        modules.iter().map(|module| self.load_step(module, encoder)).collect()
    }

    fn load_step(&self, module: &Module, encoder: &Placement) -> Result<HeadStep> {
        let Module::Dense(dense) = module else { return Ok(HeadStep::Normalize) };
        let weights = dense.open(self.folder())?;
        let weight = weights.load(Dense::WEIGHT, &[dense.out_features, dense.in_features])?;
        let bias = if dense.bias { Some(weights.load(Dense::BIAS, &[dense.out_features])?) } else { None };
        let placement = encoder.in_f32();
        let residual = match (dense.use_residual, dense.projects_residual()) {
            (false, _) => Residual::None,
            (true, false) => Residual::Input,
            (true, true) => {
                let weight = weights.load(Dense::RESIDUAL, &[dense.out_features, dense.in_features])?;
                Residual::Projection(Linear::new(&weight, None, &placement)?)
            }
        };
        let linear = Linear::new(&weight, bias.as_ref(), &placement)?;
        Ok(HeadStep::Dense(linear, dense.activation, residual))
    }
}
