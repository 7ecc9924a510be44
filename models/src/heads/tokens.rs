//! Late interaction: a vector of length 1 for every token (ColBERT).

use candle_core::{DType, Tensor};
use nearsay_kernels::device::synchronize;
use nearsay_kernels::{Activation, Linear, Placement, normalize};

use super::sentence::SHORTEST;
use super::{HeadKind, HeadStep, Residual};
use crate::sentence_transformers::{ARTIFACT, Colbert, Projection, TextPooling};
use crate::weights::Weights;
use crate::{Error, LayerStates, Model, Result};

/// Turns the hidden states of a text's tokens into their vectors. Cloning shares the weights.
#[derive(Debug, Clone)]
pub struct TokenHead {
    steps: Vec<HeadStep>,
    hidden_dim: usize,
    normalizes: bool,
}

/// The name of the projection of Stanford's ColBERT.
const OWN_PROJECTION: &str = "linear.weight";

/// bge-m3's file of the projection.
pub(crate) const PROJECTION_FILE: &str = "colbert_linear.pt";

impl TokenHead {
    /// Values per vector.
    pub fn output_dim(&self) -> usize {
        HeadStep::output_dim(&self.steps).unwrap_or(self.hidden_dim)
    }

    /// Whether vectors have length 1.
    pub fn is_normalized(&self) -> bool {
        self.normalizes
    }

    /// Overrides that they have.
    pub fn set_normalized(&mut self, normalized: bool) {
        self.normalizes = normalized;
    }

    /// A description: `colbert, dense 768 to 128`.
    pub fn description(&self) -> String {
        format!("colbert{}", HeadStep::descriptions(&self.steps))
    }

    /// One vector per token, [total_tokens, output_dim], in f32 on the encoder's device.
    ///
    /// # Errors
    /// If the hidden states' width is not the model's.
    pub fn forward(&self, states: LayerStates<'_>) -> Result<Tensor> {
        let mut vectors = states.hidden().to_dtype(DType::F32)?;
        for step in &self.steps {
            vectors = step.forward(&vectors, states.form())?;
        }
        match self.normalizes {
            true => Ok(normalize(&vectors, SHORTEST, states.form())?),
            // The states themselves must not be handed out.
            false => Ok(vectors.force_contiguous()?),
        }
    }
}

impl Model {
    /// How queries and documents are treated in late interaction.
    ///
    /// # Errors
    /// [`Error::NoHead`] if no file says so.
    pub fn colbert(&self) -> Result<Colbert> {
        if let Some(TextPooling::Colbert(colbert)) = self.sentence_transformer().map(|it| &it.pooling) {
            return Ok(colbert.as_ref().clone());
        }
        match self.folder().transformer_file(PROJECTION_FILE)? {
            Some(_) => Ok(Colbert::of_bge_m3()),
            None => Err(Error::NoHead {
                folder: self.folder().root().to_owned(),
                head: HeadKind::LateInteraction,
                reason: format!(
                    "modules.json has no PyLate module, and there is no file {ARTIFACT} or {PROJECTION_FILE}"
                ),
            }),
        }
    }

    /// Loads the head of late interaction, which multiplies in f32 on the encoder's device.
    ///
    /// # Errors
    /// As [`Model::colbert`]; if a weight is missing or of another shape than the files say.
    pub fn load_token_head(&self, encoder: &Placement) -> Result<TokenHead> {
        let colbert = self.colbert()?;
        let steps = match colbert.projection {
            Projection::Modules => self.load_steps(encoder)?,
            Projection::Linear => vec![self.own_projection(&colbert, encoder)?],
            Projection::File => vec![self.file_projection(encoder)?],
        };
        synchronize(encoder.device())?;
        Ok(TokenHead { steps, hidden_dim: self.recipe().hidden_dim(), normalizes: true })
    }

    /// Values of a token's vector after the projection next to the encoder, if there is one.
    pub(super) fn stated_projection(&self) -> Option<usize> {
        let parameters = self.parameters().ok()?;
        parameters.beside().shape(OWN_PROJECTION)?.first().copied()
    }

    /// `linear.weight` [dim, hidden_dim] next to the encoder. A dim that the settings state must be that of the weight.
    fn own_projection(&self, colbert: &Colbert, encoder: &Placement) -> Result<HeadStep> {
        let beside = self.parameters()?.beside();
        let Some(&[dim, _]) = beside.shape(OWN_PROJECTION) else {
            return Err(self.no_head(HeadKind::LateInteraction, OWN_PROJECTION.to_owned()));
        };
        if let Some(stated) = colbert.dim.filter(|&stated| stated != dim) {
            return Err(Error::Config {
                path: self.folder().root().join(colbert.stated_in),
                field: "dim".to_owned(),
                rule: format!("must be {dim}, the rows of {OWN_PROJECTION}, got {stated}"),
            });
        }
        let weight = beside.load(OWN_PROJECTION, &[dim, self.recipe().hidden_dim()])?;
        let linear = Linear::new(&weight, None, &encoder.in_f32())?;
        Ok(HeadStep::Dense(linear, Activation::Identity, Residual::None))
    }

    /// `weight` [dim, hidden_dim] and `bias` of bge-m3's file.
    fn file_projection(&self, encoder: &Placement) -> Result<HeadStep> {
        let linear = self.load_linear_file(PROJECTION_FILE, HeadKind::LateInteraction, encoder)?;
        Ok(HeadStep::Dense(linear, Activation::Identity, Residual::None))
    }

    /// A linear layer over hidden states in a file of its own, with the tensors `weight` and `bias`.
    pub(super) fn load_linear_file(
        &self,
        name: &'static str,
        head: HeadKind,
        encoder: &Placement,
    ) -> Result<Linear> {
        let Some(weights) = Weights::open_named(self.folder(), name)? else {
            let folder = self.folder().root().to_owned();
            return Err(Error::NoHead { folder, head, reason: format!("there is no file {name}") });
        };
        let dim = match weights.shape("weight") {
            Some(&[dim, _]) => dim,
            _ => return Err(weights.missing("weight")),
        };
        let weight = weights.load("weight", &[dim, self.recipe().hidden_dim()])?;
        let bias = weights.load("bias", &[dim])?;
        match weights.unused().into_iter().next() {
            None => Ok(Linear::new(&weight, Some(&bias), &encoder.in_f32())?),
            Some(name) => Err(Error::UnusedTensor {
                name,
                file: self.folder().root().join(weights.description()),
                config: "bge-m3's heads".to_owned(),
            }),
        }
    }
}
