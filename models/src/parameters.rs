//! Weights by the names that an encoder's parts use, without the checkpoint's prefix.

use std::sync::Arc;

use candle_core::Tensor;

use crate::adapters::Adapter;
use crate::weights::Weights;
use crate::{Error, Result};

/// The parts of prefixes that wrappers of a model add: PyTorch's DataParallel and FSDP, torch.compile,
/// Lightning, sentence-transformers, transformers' heads.
const WRAPPERS: [&str; 17] = [
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
    "electra",
    "albert",
    "mpnet",
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

    /// A weight's shape, if it exists and the source knows it.
    fn shape(&self, name: &str) -> Option<&[usize]>;

    /// A tensor of `shape`: f32, contiguous, on the CPU, all of its values finite.
    fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor>;

    /// One row of a matrix of `shape`, as [`WeightSource::load`] returns tensors.
    fn load_row(&self, name: &str, shape: [usize; 2], row: usize) -> Result<Tensor> {
        Ok(self.load(name, &shape)?.get(row)?)
    }
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

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.shape(name)
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.load(name, shape)
    }

    fn load_row(&self, name: &str, shape: [usize; 2], row: usize) -> Result<Tensor> {
        self.load_row(name, shape, row)
    }
}

/// Weights below one prefix.
#[derive(Clone)]
pub(crate) struct Parameters<'a> {
    weights: &'a dyn WeightSource,
    prefix: String,
    /// Merged into the weights that have one.
    adapter: Option<Arc<Adapter>>,
}

impl<'a> Parameters<'a> {
    /// Finds the prefix in `prefixes` (each with its dot, or empty) under which one of `landmarks` exists. A file
    /// that has the first of them under exactly one other name is read there: wrappers add prefixes (`module.` of
    /// PyTorch's DataParallel, `_orig_mod.` of torch.compile, `0.auto_model.` of sentence-transformers).
    ///
    /// # Errors
    /// If there is no such weight, or several.
    pub(crate) fn find(weights: &'a dyn WeightSource, prefixes: &[&str], landmarks: &[&str]) -> Result<Self> {
        let is_there =
            |prefix: &&&str| landmarks.iter().any(|name| weights.contains(&format!("{prefix}{name}")));
        if let Some(prefix) = prefixes.iter().find(is_there) {
            return Ok(Self { weights, prefix: (*prefix).to_owned(), adapter: None });
        }
        let landmark = landmarks.first().copied().unwrap_or_default();
        match weights.prefixes(landmark).as_slice() {
            [] => Err(weights.missing(landmark)),
            [only] => {
                let is_wrapper = only.split('.').all(|part| WRAPPERS.contains(&part));
                if is_wrapper {
                    tracing::info!("the weights are named below {only}");
                } else {
                    tracing::warn!("the weights are those named below {only}, the only encoder in the file");
                }
                Ok(Self { weights, prefix: format!("{only}."), adapter: None })
            }
            several => {
                let prefixes = several.iter().map(|prefix| (*prefix).to_owned()).collect();
                Err(Error::SeveralEncoders { file: weights.description().to_owned(), prefixes })
            }
        }
    }

    /// The weights below `name`. A `*` in it stands for the first part of a weight's own name: inside `*.3`,
    /// `attentions.out_lin.bias` is `attentions.3.out_lin.bias`.
    pub(crate) fn inside(&self, name: &str) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), ..self.clone() }
    }

    /// The same weights with adapters.
    pub(crate) fn with_adapter(self, adapter: Adapter) -> Self {
        Self { adapter: Some(Arc::new(adapter)), ..self }
    }

    /// A weight on the CPU. The part that uses it moves it to its device.
    pub(crate) fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let full = self.whole_name(name);
        match (&self.adapter, self.adapted(name)) {
            (Some(adapter), Some(stored)) => adapter.load(self.weights, name, &stored, shape),
            _ => self.weights.load(&full, shape),
        }
    }

    /// One row of a matrix, on the CPU.
    pub(crate) fn load_row(&self, name: &str, shape: [usize; 2], row: usize) -> Result<Tensor> {
        match self.adapted(name) {
            Some(_) => Ok(self.load(name, &shape)?.get(row)?),
            None => self.weights.load_row(&self.whole_name(name), shape, row),
        }
    }

    /// The name that a weight with adapters is stored under, if this one is.
    fn adapted(&self, name: &str) -> Option<String> {
        self.adapter.as_ref()?;
        let stored = Adapter::stored(&self.whole_name(name))?;
        self.weights.contains(&stored).then_some(stored)
    }

    /// A name with the prefix.
    fn whole_name(&self, name: &str) -> String {
        match (self.prefix.split_once('*'), name.split_once('.')) {
            (Some((before, after)), Some((first, rest))) => format!("{before}{first}{after}{rest}"),
            _ => format!("{}{name}", self.prefix),
        }
    }

    /// The weights next to the encoder: if its own are below `bert.`, those of a head are not.
    pub(crate) fn beside(&self) -> Self {
        let outer = self.prefix.trim_end_matches('.').rsplit_once('.');
        let prefix = outer.map_or_else(String::new, |(outer, _)| format!("{outer}."));
        Self { prefix, ..self.clone() }
    }

    /// A weight's shape, if it exists.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.weights.shape(&format!("{}{name}", self.prefix))
    }

    /// The error for a weight that is missing.
    pub(crate) fn missing(&self, name: &str) -> Error {
        self.weights.missing(&self.whole_name(name))
    }

    /// Whether there is a weight of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.weights.contains(&self.whole_name(name)) || self.adapted(name).is_some()
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
        Parameters::find(&weights, &["", "bert."], &[LANDMARK]).map(|found| found.prefix)
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
    fn a_layer_may_be_named_by_its_parts() {
        let (_directory, folder) = model_folder(&[(
            "model.safetensors",
            &safetensors(&[
                ("transformer.norm.3.weight", &[1], &[2.0]),
                ("transformer.norm.1.weight", &[1], &[3.0]),
            ]),
        )]);
        let weights = Weights::open(&folder).unwrap();
        let found = Parameters::find(&weights, &["transformer."], &["norm.3.weight"]).unwrap();
        let value =
            |layer: &str| found.inside(layer).load("norm.weight", &[1]).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!([value("*.3"), value("*.1")], [[2.0], [3.0]]);
        assert!(!found.inside("*.2").contains("norm.weight"));
        let error = found.inside("*.2").load("norm.weight", &[1]).unwrap_err().to_string();
        assert!(error.contains("transformer.norm.2.weight"), "{error}");
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
