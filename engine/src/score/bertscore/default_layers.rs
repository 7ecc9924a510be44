//! The layer to score with, for the 140 models that bert_score tuned on WMT16.
//!
//! Data: `data/default_layers.tsv`, the table `model2layers` of `bert_score/utils.py:40`, made by
//! `scripts/pack-baselines`.

use super::model_names::published_name;
use crate::error::phrase;
use crate::{Error, Result, Setting};

const TABLE: &str = include_str!("data/default_layers.tsv");

/// The layer that bert_score uses for `model`, a name on the hub; `None` if its table does not have it.
///
/// A revision (`NAME@REVISION`) is not part of the name. A folder has no layer: nothing is guessed from a
/// path.
pub fn default_layer(model: &str) -> Option<usize> {
    let name = published_name(model);
    default_layers().find(|(known, _)| *known == name).map(|(_, layer)| layer)
}

/// Every model of bert_score's table, with its layer.
pub fn default_layers() -> impl Iterator<Item = (&'static str, usize)> {
    let row = |line: &'static str| {
        let (model, layer) = line.split_once('\t')?;
        Some((model, layer.parse().ok()?))
    };
    TABLE.lines().skip(1).filter_map(row)
}

/// `layer` if given, else the default of `model`; an error if there is neither.
pub fn layer_or_default(model: &str, layer: Option<usize>) -> Result<usize> {
    layer.or_else(|| default_layer(model)).ok_or_else(|| unknown_layer(model, None))
}

/// The error for a model that bert_score's table does not have; `num_layers` is the model's highest layer, if
/// known.
pub(super) fn unknown_layer(model: &str, num_layers: Option<usize>) -> Error {
    let range = match num_layers {
        None => String::new(),
        Some(0) => "; it has only layer 0, the embeddings".to_owned(),
        Some(highest) => format!("; it has layers 0 (the embeddings) to {highest}"),
    };
    let message = format!(
        "no layer is known for the model {model}: bert_score's table of tuned layers does not have it{range}"
    );
    let hint = match num_layers.map(usual_layer) {
        None => phrase!["give the layer with ", Setting::Layer],
        Some(usual) => phrase![
            "give the layer with ",
            Setting::Layer,
            "; usual is about three quarters of the way up, here ",
            (Setting::Layer, usual)
        ],
    };
    Error::usage_hint(message, hint)
}

/// Three quarters of the way up, rounded: 9 of 12 and 18 of 24 layers, as bert_score's table has them for
/// BERT.
fn usual_layer(num_layers: usize) -> usize {
    (3 * num_layers + 2) / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_those_of_bert_score() {
        // bert_score/utils.py:41, :47 (under its old and its new name) and :121.
        assert_eq!(default_layer("bert-base-uncased"), Some(9));
        assert_eq!(default_layer("roberta-large"), Some(17));
        assert_eq!(default_layer("FacebookAI/roberta-large"), Some(17));
        assert_eq!(default_layer("microsoft/deberta-xlarge-mnli"), Some(40));
    }

    #[test]
    fn the_table_is_whole_and_every_row_reads() {
        let models: Vec<_> = TABLE.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(models.len(), 140);
        for model in models {
            assert!(default_layer(model).is_some_and(|layer| (0..=48).contains(&layer)), "{model}");
        }
    }

    #[test]
    fn a_layer_that_was_given_wins() -> Result<()> {
        assert_eq!(layer_or_default("roberta-large", Some(3))?, 3);
        assert_eq!(layer_or_default("roberta-large", None)?, 17);
        assert_eq!(layer_or_default("mine", Some(0))?, 0);
        Ok(())
    }

    #[test]
    fn the_usual_layer_is_near_the_tables() {
        for (model, num_layers) in [
            ("bert-base-uncased", 12),
            ("bert-large-uncased", 24),
            ("bert-base-multilingual-cased", 12),
            ("roberta-base", 12),
            ("roberta-large", 24),
            ("xlm-roberta-base", 12),
            ("xlm-roberta-large", 24),
            ("distilbert-base-uncased", 6),
            ("distilroberta-base", 6),
        ] {
            let tuned = default_layer(model).unwrap();
            assert!(tuned.abs_diff(usual_layer(num_layers)) <= num_layers / 12 + 1, "{model}: {tuned}");
        }
        assert_eq!([0, 1, 2, 3, 6].map(usual_layer), [0, 1, 2, 2, 5]);
    }

    #[test]
    fn an_unknown_layer_names_the_range_and_what_is_usual() {
        let error = unknown_layer("mine", Some(12));
        assert!(error.to_string().contains("layers 0 (the embeddings) to 12"), "{error}");
        assert!(error.hint().unwrap().to_string().contains("three quarters of the way up, here `layer` 9"));
        assert!(unknown_layer("mine", Some(0)).to_string().contains("only layer 0"));
    }

    #[test]
    fn an_unknown_model_needs_a_layer() {
        for model in ["mine", "", "MODEL", "roberta-large ", "./roberta-large"] {
            let error = layer_or_default(model, None).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage, "{model}");
            assert!(error.to_string().contains(model), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.settings().eq([Setting::Layer])));
        }
    }
}
