//! The model to score a language with.
//!
//! Data: `data/multilingual_languages.tsv`, the 104 languages of multilingual BERT (cased) from the list in
//! `multilingual.md` of google-research/bert, each with its ISO 639-1 code, or ISO 639-3 if there is no
//! shorter one.

use crate::error::phrase;
use crate::{Error, Result, Setting};

const TABLE: &str = include_str!("data/multilingual_languages.tsv");

/// The model for languages without their own model.
pub const MULTILINGUAL_MODEL: &str = "bert-base-multilingual-cased";

/// Languages with their own model (`bert_score/utils.py:29-37`). `en-sci` is the English of scientific
/// papers.
const OWN_MODELS: [(&str, &str); 4] = [
    ("en", "roberta-large"),
    ("en-sci", "allenai/scibert_scivocab_uncased"),
    ("tr", "dbmdz/bert-base-turkish-cased"),
    ("zh", "bert-base-chinese"),
];

/// Bokmål and Nynorsk are both listed; most corpora use their shared ISO 639-1 code.
const NORWEGIAN: &str = "no";

/// The model that bert_score uses for `language`, a code in upper or lower case.
///
/// bert_score uses multilingual BERT for **any** other code, so `eng`, `zh-cn` or a typo yields scores from
/// an unintended model. We use it only for the languages that it was trained on; any other code is an error.
pub fn default_model(language: &str) -> Result<&'static str> {
    let code = language.to_lowercase();
    let own = OWN_MODELS.iter().find(|(known, _)| *known == code).map(|(_, model)| *model);
    let shared = || known_codes().any(|known| known == code).then_some(MULTILINGUAL_MODEL);
    own.or_else(shared).ok_or_else(|| unknown_language(language, &code))
}

/// The codes of the languages that have a model, in order.
pub fn languages() -> Vec<&'static str> {
    let mut codes: Vec<_> = known_codes().collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Every code that has a model, in no particular order; codes may occur twice.
fn known_codes() -> impl Iterator<Item = &'static str> {
    let multilingual = TABLE.lines().skip(1).filter_map(|line| line.split('\t').nth(1));
    OWN_MODELS.iter().map(|(code, _)| *code).chain([NORWEGIAN]).chain(multilingual)
}

fn unknown_language(language: &str, code: &str) -> Error {
    let nearby = nearby_codes(code);
    let suggestion = match nearby.as_slice() {
        [] => "give an ISO 639-1 code".to_owned(),
        codes => format!("known codes that start with it are {}", codes.join(", ")),
    };
    Error::usage_hint(
        format!("no model is known for the language {language:?}"),
        phrase![suggestion, "; or name a model, such as ", (Setting::Model, MULTILINGUAL_MODEL)],
    )
}

/// Known codes that are a prefix of `code` (`zh-cn` -> `zh`), else those with its first letter; sorted.
fn nearby_codes(code: &str) -> Vec<&'static str> {
    let mut codes = languages();
    let prefixes: Vec<_> = codes.iter().copied().filter(|known| code.starts_with(known)).collect();
    if !prefixes.is_empty() {
        return prefixes;
    }
    codes.retain(|known| known.chars().next() == code.chars().next());
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::bertscore::default_layer;

    #[test]
    fn models_are_those_of_bert_score() -> Result<()> {
        assert_eq!(default_model("en")?, "roberta-large");
        assert_eq!(default_model("ZH")?, "bert-base-chinese");
        assert_eq!(default_model("tr")?, "dbmdz/bert-base-turkish-cased");
        assert_eq!(default_model("en-sci")?, "allenai/scibert_scivocab_uncased");
        for language in ["de", "cs", "no", "nb", "war"] {
            assert_eq!(default_model(language)?, MULTILINGUAL_MODEL, "{language}");
        }
        Ok(())
    }

    #[test]
    fn every_known_language_has_a_model_with_a_tuned_layer() -> Result<()> {
        for code in known_codes() {
            assert!(default_layer(default_model(code)?).is_some(), "{code}");
        }
        Ok(())
    }

    #[test]
    fn the_list_has_the_104_languages() {
        let rows: Vec<Vec<_>> = TABLE.lines().skip(1).map(|line| line.split('\t').collect()).collect();
        assert_eq!(rows.len(), 104);
        for row in &rows {
            assert!(row.len() == 2 && (2..=3).contains(&row[1].len()), "{row:?}");
        }
        // Chinese is listed twice, once per script.
        let codes: std::collections::HashSet<_> = rows.iter().map(|row| row[1]).collect();
        assert_eq!(codes.len(), 103);
    }

    #[test]
    fn an_unknown_language_is_an_error_with_nearby_codes() {
        for (language, nearby) in
            [("zh-cn", "zh"), ("ENG", "en"), ("xx", "ISO 639-1"), ("dd", "da, de"), ("", "ISO")]
        {
            let error = default_model(language).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(
                error.hint().is_some_and(|hint| hint.to_string().contains(nearby)),
                "{language}: {:?}",
                error.hint()
            );
        }
    }
}
