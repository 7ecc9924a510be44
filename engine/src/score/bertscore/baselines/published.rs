//! The 72 baselines that bert_score publishes (MIT, `data/LICENSE-bert_score`).
//!
//! Data: `data/baselines.csv`, one line for each language, model and layer, made by `scripts/pack-baselines`
//! from the folder `rescale_baseline` of bert_score 0.3.13. A lookup reads its 1,300 lines once; nothing
//! parsed is kept.

use std::collections::BTreeSet;

use super::{Baseline, parse};
use crate::error::phrase;
use crate::score::bertscore::model_names::{is_loadable, published_name};
use crate::{Error, Result, Setting};

const TABLE: &str = include_str!("../data/baselines.csv");

/// One line of the table.
struct Line {
    language: &'static str,
    model: &'static str,
    /// `LAYER,P,R,F`
    row: &'static str,
    /// Line number in the file, from 1.
    number: u64,
}

fn lines() -> impl Iterator<Item = Line> {
    TABLE.lines().zip(1u64..).skip(1).filter_map(|(line, number)| {
        let (language, rest) = line.split_once(',')?;
        let (model, row) = rest.split_once(',')?;
        Some(Line { language, model, row, number })
    })
}

/// See [`Baseline::find`].
pub(super) fn find(language: Option<&str>, model: &str) -> Result<Baseline> {
    let name = published_name(model);
    let language = language.ok_or_else(|| no_language(model, name))?.to_lowercase();
    let mut rows = lines().filter(|line| line.language == language && line.model == name).peekable();
    if rows.peek().is_none() {
        return Err(not_published(&language, model, name));
    }
    // A row that does not parse is named by its line in the packed file; a test reads them all.
    let rows = parse::rows("baselines.csv", rows.map(|line| (line.row, line.number)))?;
    Ok(Baseline { name: format!("{language}/{name}"), rows, sha256: None })
}

/// The languages that have a baseline for `model`, sorted.
fn languages_for(model: &str) -> BTreeSet<&'static str> {
    lines().filter(|line| line.model == model).map(|line| line.language).collect()
}

/// The models that have a baseline for `language` and can be loaded, sorted.
fn models_for(language: &str) -> BTreeSet<&'static str> {
    let is_choice = |line: &Line| line.language == language && is_loadable(line.model);
    lines().filter(is_choice).map(|line| line.model).collect()
}

fn no_language(model: &str, name: &str) -> Error {
    let hint = match join(languages_for(name)) {
        None => {
            let missing = format!("no published baseline for {model}; `nearsay baseline` computes one for ");
            phrase![missing, Setting::BaselinePath]
        }
        Some(languages) => {
            phrase!["give ", Setting::Lang, format!("; {model} has a baseline for {languages}")]
        }
    };
    Error::usage_hint("rescaling needs the language of the texts", hint)
}

fn not_published(language: &str, model: &str, name: &str) -> Error {
    let languages = all_languages();
    let for_language = match join(models_for(language)) {
        Some(models) => format!("the models with baselines for {language} are {models}"),
        None if languages.contains(language) => {
            format!("no model that can be loaded has a baseline for {language}")
        }
        None => format!("the languages with baselines are {}", join(languages).unwrap_or_default()),
    };
    let for_model = match join(languages_for(name)) {
        None => String::new(),
        Some(languages) => format!("; {model} has a baseline for {languages}"),
    };
    Error::usage_hint(
        format!("no published baseline for the model {model} and the language {language}"),
        phrase![for_language, for_model, "; `nearsay baseline` computes one for ", Setting::BaselinePath],
    )
}

fn all_languages() -> BTreeSet<&'static str> {
    lines().map(|line| line.language).collect()
}

/// A list for a message; `None` if it is empty.
fn join(names: BTreeSet<&'static str>) -> Option<String> {
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::bertscore::BaselineRow;

    fn published() -> BTreeSet<(&'static str, &'static str)> {
        lines().map(|line| (line.language, line.model)).collect()
    }

    #[test]
    fn all_72_are_there_and_parse() -> Result<()> {
        assert_eq!(published().len(), 72);
        for (language, model) in published() {
            // Parsing checks that layers count up from 0 and that values are finite and between -1 and 1.
            let baseline = Baseline::find(Some(language), model)?;
            assert!(
                (6..=48).contains(&baseline.last_layer()),
                "{language}/{model} {}",
                baseline.last_layer()
            );
            for row in &baseline.rows {
                let values = [row.precision, row.recall, row.f1];
                assert!(
                    values.iter().all(|value| value.is_finite() && value.abs() < 1.0),
                    "{language}/{model}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn no_line_is_lost() -> Result<()> {
        let mut rows = 0;
        for (language, model) in published() {
            rows += Baseline::find(Some(language), model)?.rows.len();
        }
        assert_eq!(rows + 1, TABLE.lines().count());
        assert_eq!(TABLE.lines().next(), Some("LANGUAGE,MODEL,LAYER,P,R,F"));
        Ok(())
    }

    #[test]
    fn values_are_those_of_the_published_files() -> Result<()> {
        // rescale_baseline/en/roberta-large.tsv, row 17, as f32 by pandas and torch.
        let row = BaselineRow { precision: 0.83150584, recall: 0.8314941, f1: 0.83122575 };
        assert_eq!(Baseline::find(Some("en"), "roberta-large")?.row(17)?, row);
        // rescale_baseline/en/bert-base-uncased.tsv, row 0.
        let row = BaselineRow { precision: 0.3231512, recall: 0.32322776, f1: 0.31853873 };
        assert_eq!(Baseline::find(Some("en"), "bert-base-uncased")?.row(0)?, row);
        Ok(())
    }

    #[test]
    fn case_of_the_language_and_the_organisation_do_not_matter() -> Result<()> {
        let plain = Baseline::find(Some("en"), "roberta-large")?;
        assert_eq!(Baseline::find(Some("EN"), "FacebookAI/roberta-large")?, plain);
        assert!(Baseline::find(Some("en"), "microsoft/deberta-xlarge-mnli").is_ok());
        Ok(())
    }

    #[test]
    fn a_missing_one_names_what_there_is() {
        let error = find(Some("de"), "roberta-large").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        assert!(error.to_string().contains("roberta-large") && error.to_string().contains("de"));
        let hint = error.hint().unwrap_or_default().to_string();
        assert!(
            hint.contains("are bert-base-multilingual-cased, xlm-roberta-base, xlm-roberta-large"),
            "{hint}"
        );
        assert!(hint.contains("roberta-large has a baseline for en"), "{hint}");
        assert!(hint.contains("`baseline_path`"), "{hint}");
    }

    #[test]
    fn hints_name_models_that_can_be_loaded_only() {
        let languages = all_languages();
        for language in &languages {
            let hint = find(Some(language), "mine").unwrap_err().hint().unwrap_or_default().to_string();
            for other in ["xlm-mlm", "scibert"] {
                assert!(!hint.contains(other), "{language}: {hint}");
            }
        }
        let hint = find(Some("en"), "mine").unwrap_err().hint().unwrap_or_default().to_string();
        for model in
            ["albert-xxlarge-v1", "microsoft/deberta-xlarge-mnli", "roberta-large, roberta-large-mnli"]
        {
            assert!(hint.contains(model), "{model}: {hint}");
        }
        let hint = find(Some("en-sci"), "mine").unwrap_err().hint().unwrap_or_default().to_string();
        assert!(hint.starts_with("no model that can be loaded has a baseline for en-sci"), "{hint}");
        // A baseline is used even so: a folder's own files may have a tokenizer.
        assert!(find(Some("en-sci"), "allenai/scibert_scivocab_uncased").is_ok());
    }

    #[test]
    fn an_unknown_language_names_the_languages() {
        let error = find(Some("xx"), "mine").unwrap_err();
        assert!(
            error.hint().is_some_and(|hint| hint.to_string().contains("cs, de, en, en-sci, es")),
            "{:?}",
            error.hint()
        );
        // Empty fields must not match the header or a prefix of a line.
        assert!(find(Some(""), "").is_err());
        assert!(find(Some("LANGUAGE"), "MODEL").is_err());
    }

    #[test]
    fn a_language_is_needed() {
        let error = find(None, "bert-base-multilingual-cased").unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        let hint = error.hint().unwrap_or_default().to_string();
        assert!(hint.contains("`lang`") && hint.contains("cs, de, en"), "{hint}");
        let error = find(None, "mine").unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.settings().eq([Setting::BaselinePath])));
    }
}
