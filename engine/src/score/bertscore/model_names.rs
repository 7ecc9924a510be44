//! The names that models have in bert_score's tables.

/// Organisations under which the hub put, in December 2023, the models that had none. The old names redirect
/// to them.
const ORGANISATIONS: [&str; 7] =
    ["FacebookAI", "albert", "distilbert", "google-bert", "google-t5", "openai-community", "xlnet"];

/// The name that bert_score's tables know `model` by: `roberta-large` for `FacebookAI/roberta-large`, else
/// `model` itself.
///
/// bert_score 0.3.13 is older than the move and knows the bare names only; the weights are the same.
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
