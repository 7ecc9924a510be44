//! Logits of a text or a pair. Sequence classification: logits from a text's first token or the mean of its tokens, as in
//! cross-encoders (rerankers) and in models of natural language inference. Sources: the `ForSequenceClassification` classes of transformers, and CrossEncoder
//! of sentence-transformers for the function that follows.

use candle_core::Tensor;
use nearsay_kernels::device::synchronize;
use nearsay_kernels::{Activation, Placement, Pooling};
use serde_json::Value;

use super::{HeadKind, HeadStep, Residual, SentenceHead};
use crate::encoder::linear::LinearRecipe;
use crate::encoder::norm::NormRecipe;
use crate::files::CONFIG_LIMIT;
use crate::sentence_transformers::{SETTINGS, TextPooling, activation};
use crate::{LayerStates, Model, Result};

/// Names of a head: output(norm(activation(dense(pooled)))). `output` has a bias.
#[derive(Debug, Clone)]
pub(crate) struct ClassifierRecipe {
    pub(crate) pooling: Pooling,
    pub(crate) dense: &'static str,
    pub(crate) has_dense_bias: bool,
    /// Whether `dense` is one of the encoder's own tensors, a pooler.
    pub(crate) is_pooler: bool,
    pub(crate) activation: Activation,
    pub(crate) norm: Option<NormRecipe>,
    pub(crate) output: &'static str,
}

impl ClassifierRecipe {
    /// output(activation(dense(first token))), both linear layers with biases and next to the encoder.
    pub(crate) const fn of_first_token(
        dense: &'static str,
        activation: Activation,
        output: &'static str,
    ) -> Self {
        let pooling = Pooling::Cls;
        Self { pooling, dense, has_dense_bias: true, is_pooler: false, activation, norm: None, output }
    }
}

/// A loaded head. Cloning shares the weights.
#[derive(Debug, Clone)]
pub struct Classifier(SentenceHead);

impl Classifier {
    /// Values per text.
    pub fn num_labels(&self) -> usize {
        self.0.output_dim()
    }

    /// Logits of every text, [num_sequences, num_labels], in f32 on the encoder's device. `states` are those of
    /// the last layer.
    ///
    /// # Errors
    /// If the hidden states' width is not the model's.
    pub fn forward(&self, states: LayerStates<'_>) -> Result<Tensor> {
        self.0.forward(states)
    }
}

impl Model {
    /// Loads the head that scores a pair, which multiplies in f32 on the encoder's device: what modules.json has for it
    /// (Dense layers, or logits of the next token), else the head for sequence classification.
    ///
    /// # Errors
    /// [`Error::NoHead`](crate::Error::NoHead) if the weights have none; if one is missing or of another shape than config.json
    /// says.
    pub fn load_classifier(&self, encoder: &Placement) -> Result<Classifier> {
        let stated = self.sentence_transformer().map(|sentence| &sentence.pooling);
        let (pooling, steps) = match stated {
            Some(TextPooling::Scores(pooling)) => (pooling.modes.clone(), self.load_steps(encoder)?),
            Some(TextPooling::NextToken(score, _)) => self.load_next_token(*score, encoder)?,
            _ => self.load_classification(encoder)?,
        };
        synchronize(encoder.device())?;
        Ok(Classifier(SentenceHead::new(pooling, steps, self.recipe().hidden_dim(), true)))
    }

    /// The pooling and the steps of the head next to the encoder.
    fn load_classification(&self, encoder: &Placement) -> Result<(Vec<Pooling>, Vec<HeadStep>)> {
        let recipe = self.of_config(HeadKind::Classification, self.family().classifier)?;
        let inside = self.parameters()?;
        let beside = inside.beside();
        let hidden = self.recipe().hidden_dim();
        let labels = beside.shape(&format!("{}.weight", recipe.output));
        let Some(&[num_labels, _]) = labels else {
            return Err(self.no_head(HeadKind::Classification, format!("{}.weight", recipe.output)));
        };
        let placement = encoder.in_f32();
        let step = |linear: LinearRecipe, place: &_, activation| -> Result<HeadStep> {
            Ok(HeadStep::Dense(linear.load(place, &placement)?, activation, Residual::None))
        };
        let dense_place = if recipe.is_pooler { &inside } else { &beside };
        let dense = LinearRecipe::with_bias(recipe.dense, [hidden, hidden], recipe.has_dense_bias);
        let mut steps = vec![step(dense, dense_place, recipe.activation)?];
        if let Some(norm) = &recipe.norm {
            steps.push(HeadStep::Norm(norm.load(&beside, &placement)?));
        }
        let output = LinearRecipe::new(recipe.output, [hidden, num_labels]);
        steps.push(step(output, &beside, Activation::Identity)?);
        Ok((vec![recipe.pooling], steps))
    }

    /// The names of a head's labels, as `id2label` in config.json has them; `LABEL_0` and so on for those that it leaves out.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn label_names(&self, num_labels: usize) -> Result<Vec<String>> {
        let config: Value = self.folder().read_transformer_json("config.json")?.unwrap_or_default();
        let stated =
            |label: usize| config.get("id2label")?.get(label.to_string())?.as_str().map(str::to_owned);
        let name = |label: usize| stated(label).unwrap_or_else(|| format!("LABEL_{label}"));
        Ok((0..num_labels).map(name).collect())
    }

    /// The function that a cross-encoder's files apply to its logits; by default the sigmoid of one logit, and
    /// several as they are. With modules.json, the settings of sentence-transformers come before config.json.
    ///
    /// # Errors
    /// If the files name a function that is not supported.
    pub fn stated_score_activation(&self, num_labels: usize) -> Result<Activation> {
        let config: Value = self.folder().read_transformer_json("config.json")?.unwrap_or_default();
        let settings: Value = self.folder().read_json(SETTINGS, CONFIG_LIMIT)?.unwrap_or_default();
        let mut stated = [
            ("config.json", config.pointer("/sentence_transformers/activation_fn")),
            ("config.json", config.get("sbert_ce_default_activation_function")),
            (SETTINGS, settings.get("activation_fn")),
        ];
        if self.has_modules() {
            stated.rotate_right(1);
        }
        for (file, name) in stated {
            if let Some(name) = name.and_then(Value::as_str) {
                return activation(&self.folder().root().join(file), Some(name));
            }
        }
        Ok(if num_labels == 1 { Activation::Sigmoid } else { Activation::Identity })
    }
}
