//! Models of an encoder of width 4, written by these tests.

mod cross_encoders;
mod dense;
mod files;
mod heads;
mod modules;
mod pooling;

use nearsay_kernels::{Activation, Pooling};

use super::*;
use crate::testing::tiny_config;
use crate::weights::test_files::{model_folder, safetensors};

const DENSE: &str = "sentence_transformers.models.Dense";
const TRANSFORMER: &str = "sentence_transformers.models.Transformer";
const POOLING: &str = "sentence_transformers.models.Pooling";
const MEAN: &str = r#"{"word_embedding_dimension": 4, "pooling_mode_mean_tokens": true}"#;

/// A modules.json of these classes; module n is in the folder `n_Class`, the first one in the model's folder.
fn modules(classes: &[&str]) -> String {
    let entry = |(number, class): (usize, &&str)| {
        let last = class.rsplit('.').next().unwrap();
        let path = if number == 0 { String::new() } else { format!("{number}_{last}") };
        format!(r#"{{"idx": {number}, "name": "{number}", "path": "{path}", "type": "{class}"}}"#)
    };
    format!("[{}]", classes.iter().enumerate().map(entry).collect::<Vec<_>>().join(","))
}

/// An encoder of width 4 with a vocabulary of 9 tokens.
fn encoder() -> Recipe {
    let mut config = tiny_config();
    config["hidden_size"] = 4.into();
    config["vocab_size"] = 9.into();
    config["max_position_embeddings"] = 64.into();
    Recipe::read(&config).unwrap()
}

fn read(classes: &[&str], files: &[(&str, &str)]) -> Result<Option<SentenceTransformer>> {
    let modules = modules(classes);
    let mut all: Vec<(&str, &[u8])> = vec![("modules.json", modules.as_bytes())];
    all.extend(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    let (directory, folder) = model_folder(&all);
    let tokenizer = TokenizerSettings::read(&folder, "bert", None)?;
    let read = SentenceTransformer::read(&folder, &encoder(), &tokenizer);
    drop(directory);
    read
}

fn pooling(config: &str) -> Result<PoolingConfig> {
    let model = read(&[TRANSFORMER, POOLING], &[("1_Pooling/config.json", config)])?.unwrap();
    let TextPooling::Modes(pooling) = model.pooling else { panic!("{:?}", model.pooling) };
    Ok(pooling)
}

fn with_dense(config: &str) -> Result<SentenceTransformer> {
    let classes = [TRANSFORMER, POOLING, DENSE];
    let files = [("1_Pooling/config.json", MEAN), ("2_Dense/config.json", config)];
    read(&classes, &files).map(Option::unwrap)
}

fn with_file(name: &str, text: &str) -> Result<SentenceTransformer> {
    read(&[TRANSFORMER, POOLING], &[("1_Pooling/config.json", MEAN), (name, text)]).map(Option::unwrap)
}
