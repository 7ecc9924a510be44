//! Weights by the names that an encoder's parts use, without the checkpoint's prefix.

use candle_core::Tensor;

use crate::weights::Weights;
use crate::{Error, Result};

/// The parts of prefixes that wrappers of a model add: PyTorch's DataParallel and FSDP, torch.compile,
/// Lightning, sentence-transformers, transformers' heads.
const WRAPPERS: [&str; 14] = [
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "0",
    "auto_model",
    "model",
    "base_model",
    "encoder",
    "backbone",
    "transformer",
    "bert",
    "roberta",
    "distilbert",
    "xlm-roberta",
];

/// A source of weights: files, or random values (see `random`).
pub(crate) trait WeightSource {
    /// The name of this source in errors.
    fn description(&self) -> &str;

    /// The names of all weights that end with `landmark` after a dot, without both. Empty if any name exists.
    fn prefixes(&self, landmark: &str) -> Vec<&str>;

    /// The error for a weight that is missing.
    fn missing(&self, name: &str) -> Error;

    fn contains(&self, name: &str) -> bool;

    /// A tensor of `shape`: f32, contiguous, on the CPU, all of its values finite.
    fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor>;
}

impl WeightSource for Weights {
    fn description(&self) -> &str {
        self.description()
    }

    fn prefixes(&self, landmark: &str) -> Vec<&str> {
        self.names().filter_map(|name| name.strip_suffix(landmark)?.strip_suffix('.')).collect()
    }

    fn missing(&self, name: &str) -> Error {
        self.missing(name)
    }

    fn contains(&self, name: &str) -> bool {
        self.contains(name)
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.load(name, shape)
    }
}

/// Weights below one prefix.
#[derive(Clone)]
pub(crate) struct Parameters<'a> {
    weights: &'a dyn WeightSource,
    prefix: String,
}

/// Weight [out_dim, in_dim] and bias `[out_dim]` of a linear layer.
pub(crate) struct LinearParameters {
    weight: Tensor,
    bias: Tensor,
}

impl LinearParameters {
    pub(crate) fn parts(&self) -> (&Tensor, Option<&Tensor>) {
        (&self.weight, Some(&self.bias))
    }

    pub(crate) fn into_parts(self) -> (Tensor, Tensor) {
        (self.weight, self.bias)
    }
}

impl<'a> Parameters<'a> {
    /// Finds the prefix in `prefixes` (each with its dot, or empty) under which `landmark` exists. A file
    /// that has `landmark` under exactly one other name is read there: wrappers add prefixes (`module.` of
    /// PyTorch's DataParallel, `_orig_mod.` of torch.compile, `0.auto_model.` of sentence-transformers).
    ///
    /// # Errors
    /// If there is no such weight, or several.
    pub(crate) fn find(weights: &'a dyn WeightSource, prefixes: &[&str], landmark: &str) -> Result<Self> {
        let known = prefixes.iter().find(|prefix| weights.contains(&format!("{prefix}{landmark}")));
        if let Some(prefix) = known {
            return Ok(Self { weights, prefix: (*prefix).to_owned() });
        }
        match weights.prefixes(landmark).as_slice() {
            [] => Err(weights.missing(landmark)),
            [only] => {
                let is_wrapper = only.split('.').all(|part| WRAPPERS.contains(&part));
                if is_wrapper {
                    tracing::info!("the weights are named below {only}");
                } else {
                    tracing::warn!("the weights are those named below {only}, the only encoder in the file");
                }
                Ok(Self { weights, prefix: format!("{only}.") })
            }
            several => {
                let prefixes = several.iter().map(|prefix| (*prefix).to_owned()).collect();
                Err(Error::SeveralEncoders { file: weights.description().to_owned(), prefixes })
            }
        }
    }

    /// The weights below `name`.
    pub(crate) fn inside(&self, name: &str) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), ..self.clone() }
    }

    /// A weight on the CPU. The part that uses it moves it to its device.
    pub(crate) fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.weights.load(&format!("{}{name}", self.prefix), shape)
    }

    /// Weight and bias of the LayerNorm `name`, under today's names or TensorFlow's (`gamma`, `beta`).
    pub(crate) fn norm(&self, name: &str, width: usize) -> Result<(Tensor, Tensor)> {
        let old = self.weights.contains(&format!("{}{name}.gamma", self.prefix));
        let [weight, bias] = if old { ["gamma", "beta"] } else { ["weight", "bias"] };
        Ok((
            self.load(&format!("{name}.{weight}"), &[width])?,
            self.load(&format!("{name}.{bias}"), &[width])?,
        ))
    }

    /// Weight and bias of the linear layer `name`, of shape [out_dim, in_dim].
    pub(crate) fn linear(&self, name: &str, shape: [usize; 2]) -> Result<LinearParameters> {
        let weight = self.load(&format!("{name}.weight"), &shape)?;
        let bias = self.load(&format!("{name}.bias"), &shape[..1])?;
        Ok(LinearParameters { weight, bias })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::test_files::{model_folder, safetensors};

    const LANDMARK: &str = "embeddings.word_embeddings.weight";

    fn prefix_of(names: &[&str]) -> Result<String> {
        let tensors: Vec<(&str, &[usize], &[f32])> =
            names.iter().map(|name| (*name, &[1][..], &[1.0][..])).collect();
        let (_directory, folder) = model_folder(&[("model.safetensors", &safetensors(&tensors))]);
        let weights = Weights::open(&folder).unwrap();
        Parameters::find(&weights, &["", "bert."], LANDMARK).map(|found| found.prefix)
    }

    #[test]
    fn one_encoder_is_found_under_any_name() {
        for prefix in [
            "",
            "bert.",
            "module.",
            "_orig_mod.",
            "module._orig_mod.bert.",
            "0.auto_model.",
            "model.module.bert.",
            "question_encoder.bert_model.",
            "student.",
        ] {
            let name = format!("{prefix}{LANDMARK}");
            assert_eq!(prefix_of(&[&name, "cls.bias"]).unwrap(), prefix);
        }
        // The family's own name goes before another one.
        let both = [format!("bert.{LANDMARK}"), format!("teacher.{LANDMARK}")];
        assert_eq!(prefix_of(&[&both[0], &both[1]]).unwrap(), "bert.");
    }

    #[test]
    fn of_several_encoders_none_is_guessed() {
        let names =
            [format!("question_encoder.bert_model.{LANDMARK}"), format!("ctx_encoder.bert_model.{LANDMARK}")];
        let error = prefix_of(&[&names[0], &names[1]]).unwrap_err();
        assert!(matches!(&error, Error::SeveralEncoders { prefixes, .. } if prefixes.len() == 2), "{error}");
        assert!(error.to_string().contains("ctx_encoder.bert_model, question_encoder.bert_model"), "{error}");
    }

    #[test]
    fn without_an_encoder_the_error_names_tensors_of_the_file() {
        for (names, shown) in [
            (["deberta.embeddings.word_embeddings_weight", "x"], "deberta.embeddings"),
            (["xembeddings.word_embeddings.weight", "x"], "it has xembeddings.word_embeddings.weight, x"),
            (["wte.weight", "h.0.attn.weight"], "wte.weight"),
        ] {
            let error = prefix_of(&names).unwrap_err();
            assert!(matches!(error, Error::MissingTensor { .. }) && error.hint().is_none(), "{error}");
            assert!(error.to_string().contains(shown), "{error}");
        }
    }
}
