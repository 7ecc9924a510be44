//! The names of models in bert_score's tables.

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

#[cfg(test)]
mod tests {
    use super::*;

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
