//! The names of models in bert_score's tables.

use nearsay_models::FAMILIES;

/// Organisations to which the hub moved models without one in December 2023. The old names redirect to them.
const ORGANISATIONS: [&str; 7] =
    ["FacebookAI", "albert", "distilbert", "google-bert", "google-t5", "openai-community", "xlnet"];

/// The name of `model` in bert_score's tables: `roberta-large` for `FacebookAI/roberta-large`, else `model`.
///
/// bert_score 0.3.13 predates the move and has only the bare names; the weights are the same.
pub(super) fn published_name(model: &str) -> &str {
    match model.split_once('/') {
        Some((organisation, name)) if ORGANISATIONS.contains(&organisation) => name,
        _ => model,
    }
}

/// The `model_type` of published models, by the start of the name; the first that fits counts.
const MODEL_TYPES: [(&str, &str); 10] = [
    ("albert-", "albert"),
    ("bert-", "bert"),
    ("distilbert-", "distilbert"),
    ("distilroberta-", "roberta"),
    ("microsoft/deberta-", "deberta"),
    ("roberta-", "roberta"),
    // Of type xlm, but its tokenizer is Python code alone.
    ("xlm-mlm-", ""),
    ("xlm-roberta-", "xlm-roberta"),
    ("xlnet-", "xlnet"),
    // Of type bert, but its repository has no tokenizer.json, and its vocab.txt has not been tried yet.
    ("allenai/scibert_", ""),
];

/// Whether a model of the published baselines belongs to a supported family and has the files that are
/// needed.
pub(super) fn is_loadable(published: &str) -> bool {
    let is_supported =
        |model_type: &str| FAMILIES.iter().any(|family| family.model_types.contains(&model_type));
    model_type(published).is_some_and(is_supported)
}

fn model_type(published: &str) -> Option<&'static str> {
    MODEL_TYPES.iter().find(|(start, _)| published.starts_with(start)).map(|(_, model_type)| *model_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_with_a_baseline_has_a_type() {
        let table = include_str!("data/baselines.csv");
        for model in table.lines().skip(1).filter_map(|line| line.split(',').nth(1)) {
            assert!(model_type(model).is_some(), "{model}");
        }
        assert!(is_loadable("roberta-large") && is_loadable("xlnet-base-cased"));
        assert!(!is_loadable("xlm-mlm-100-1280") && !is_loadable("allenai/scibert_scivocab_cased"));
    }

    #[test]
    fn an_organisation_of_the_move_is_dropped() {
        assert_eq!(published_name("FacebookAI/roberta-large"), "roberta-large");
        assert_eq!(published_name("google-bert/bert-base-chinese"), "bert-base-chinese");
    }

    #[test]
    fn every_other_name_is_itself() {
        for name in ["roberta-large", "microsoft/deberta-base", "facebook/bart-base", "./albert/mine", ""] {
            assert_eq!(published_name(name), name);
        }
    }
}
