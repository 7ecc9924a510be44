//! Cases of families: folders with a tiny model and what transformers computes with it.
//!
//! A case has the model's files and `expected.safetensors` with `input_ids.N` `[tokens]` and
//! `hidden.N.layer.K` [tokens, hidden_dim] of input N (a layer may be left out), and, if a norm follows the last
//! layer, `cut.N.layer.K` with that norm; `task.NAME.N.layer.K` are the states with the adapters of a task. The first
//! inputs are the texts of `texts.json`, or of the field `texts` of `case.json`; others are token ids alone.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use nearsay::tokens::{TextTokenizer, TokenizerLimits};
use nearsay_models::{Encoder, EncoderOptions, HubOptions, Model, PackedBatch};
use serde_json::Value;

use crate::compare::farthest;

/// The largest difference of a case's hidden states.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Relative to the largest value of the expected tensor, or to 1 if that is less.
    pub relative: f32,
    /// The tensor's name.
    pub tensor: String,
}

/// A case's model and expected values.
pub struct Case {
    model: Model,
    encoder: Encoder,
    /// With the adapters of each task, by its name.
    tasks: Vec<(String, Encoder)>,
    texts: Vec<String>,
    expected: HashMap<String, Tensor>,
}

impl Case {
    /// Opens a folder, with all of the model's layers.
    ///
    /// # Panics
    /// If it is not a case, or its model cannot be loaded.
    pub fn open(folder: &Path) -> Self {
        let shown = folder.display();
        let model = Model::open(&folder.display().to_string(), &HubOptions::default());
        let model = model.unwrap_or_else(|error| panic!("{shown}: {error}"));
        let load = |task: Option<&str>| {
            let options = EncoderOptions { task: task.map(str::to_owned), ..EncoderOptions::default() };
            model.load_encoder(&options).unwrap_or_else(|error| panic!("{shown}: {error}"))
        };
        let encoder = load(None);
        let tasks = model.tasks().map(|task| (task.to_owned(), load(Some(task)))).collect();
        let expected = candle_core::safetensors::load(folder.join("expected.safetensors"), &Device::Cpu);
        let expected = expected.unwrap_or_else(|error| panic!("{shown}: {error}"));
        Self { model, encoder, tasks, texts: texts(folder), expected }
    }

    /// Checks that the tokenizer gives the expected ids for each text, if there are any.
    ///
    /// # Panics
    /// If it does not.
    pub fn check_tokenizer(&self) {
        if self.texts.is_empty() {
            return;
        }
        let recipe = self.model.recipe();
        let longest = (0..).map_while(|text| self.input_ids(text)).map(|ids| ids.len()).max().unwrap_or(0);
        let limits =
            TokenizerLimits { max_tokens: longest, vocab_size: recipe.vocab_size(), lower_case: false };
        let path = self.model.tokenizer().file().expect("a tokenizer");
        let tokenizer = TextTokenizer::open(&path, self.model.tokenizer().settings(), limits).expect("valid");
        for (number, text) in self.texts.iter().enumerate() {
            let got = tokenizer.encode(text).expect("token ids").ids;
            assert_eq!(Some(got), self.input_ids(number), "text {number}: {text:?}");
        }
    }

    /// Encodes all inputs in one batch, and each alone, and returns the largest difference to the expected
    /// states.
    ///
    /// # Panics
    /// If an input alone has other bits than in the batch, or there are no expected states.
    pub fn difference(&self) -> Difference {
        let inputs: Vec<Vec<u32>> = (0..).map_while(|number| self.input_ids(number)).collect();
        let all: Vec<&[u32]> = inputs.iter().map(Vec::as_slice).collect();
        let [raw, finished] = [false, true].map(|is_finished| self.states(&self.encoder, &all, is_finished));
        let of_tasks = self.tasks.iter().map(|(task, encoder)| (task, self.states(encoder, &all, true)));
        let of_tasks: Vec<_> = of_tasks.collect();
        let mut worst = Difference { relative: 0.0, tensor: String::new() };
        let mut compared = 0;
        let last = self.model.recipe().num_layers();
        for (number, ids) in inputs.iter().enumerate() {
            let alone = self.states(&self.encoder, &[ids], true);
            for layer in 0..=last {
                let got = &finished[layer][number];
                assert!(
                    bits(got) == bits(&alone[layer][0]),
                    "input {number}, layer {layer}: other bits alone"
                );
                // transformers has the last layer's states after the final norm.
                let hidden = if layer == last { got } else { &raw[layer][number] };
                let of_tasks =
                    of_tasks.iter().map(|(task, states)| (format!("task.{task}"), &states[layer][number]));
                let of_none = [("hidden".to_owned(), hidden), ("cut".to_owned(), got)];
                for (kind, got) in of_none.into_iter().chain(of_tasks) {
                    let tensor = format!("{kind}.{number}.layer.{layer}");
                    let Some(expected) = self.expected.get(&tensor) else { continue };
                    let relative = relative(got, &values(expected));
                    compared += 1;
                    if relative > worst.relative || relative.is_nan() {
                        worst = Difference { relative, tensor };
                    }
                }
            }
        }
        assert!(compared > 0, "the case has no hidden states");
        worst
    }

    fn input_ids(&self, input: usize) -> Option<Vec<u32>> {
        let ids = self.expected.get(&format!("input_ids.{input}"))?;
        let ids = ids.flatten_all().and_then(|ids| ids.to_dtype(DType::U32)?.to_vec1());
        Some(ids.expect("token ids"))
    }

    /// The values of every layer, then of every text; with the norm after the last layer if `is_finished`.
    fn states(&self, encoder: &Encoder, texts: &[&[u32]], is_finished: bool) -> Vec<Vec<Vec<f32>>> {
        let wanted: Vec<usize> = (0..=self.model.recipe().num_layers()).collect();
        let batch = PackedBatch::new(texts, self.model.recipe(), &Device::Cpu).expect("a batch");
        let states = match is_finished {
            true => encoder.forward(&batch, &wanted),
            false => encoder.forward_raw(&batch, &wanted),
        };
        let states = states.expect("states");
        let width = self.model.recipe().hidden_dim();
        let of_layer = |&layer: &usize| {
            let values = states.layer(layer).and_then(|states| states.to_vec()).expect("values");
            let texts = states.cu_seqlens().ranges();
            texts.map(|text| values[text.start * width..text.end * width].to_vec()).collect()
        };
        wanted.iter().map(of_layer).collect()
    }
}

pub(crate) fn texts(folder: &Path) -> Vec<String> {
    let read = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        serde_json::from_str::<Value>(&text).ok()
    };
    let listed = |value: Value| serde_json::from_value::<Vec<String>>(value).expect("texts");
    if let Some(texts) = read("texts.json") {
        return listed(texts);
    }
    // These were stripped before they were tokenized, as bert_score does.
    let case = read("case.json").expect("texts.json or case.json");
    listed(case["texts"].clone()).iter().map(|text| text.trim().to_owned()).collect()
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().and_then(|tensor| tensor.to_vec1()).expect("values")
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub(crate) fn relative(got: &[f32], expected: &[f32]) -> f32 {
    let largest = expected.iter().fold(1f32, |largest, value| largest.max(value.abs()));
    farthest(got, expected) / largest
}
