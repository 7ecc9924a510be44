//! Warnings about scores that may not mean what they seem to.

use std::fmt;

use nearsay_metrics::lexical::MetricSpec;

use super::{MeasuredMetric, MeasuredSystems, System};
use crate::score::{ObservedTexts, PairSource, PairSurvey};
use crate::session::Occurrences;
use crate::{Error, Result};

/// Rows below which intervals and tests are unreliable.
const FEW_ROWS: u64 = 30;
/// The same for groups.
const FEW_GROUPS: u64 = 10;
/// Candidates ending in ` .` from which on a text looks tokenized, as in sacrebleu.
const MANY_DETACHED_STOPS: u64 = 100;

/// A warning about scores.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScoreWarning {
    /// ROUGE-Lsum of texts of one line each.
    NoLines {
        /// The metric.
        key: String,
    },
    /// ROUGE's own tokenizer drops more than a tenth of the letters.
    DroppedLetters {
        /// The metric.
        key: String,
        /// Percent that is dropped.
        percent: u64,
    },
    /// BLEU's 13a on Chinese or Japanese.
    UnsplitWords {
        /// The metric.
        key: String,
    },
    /// A system's outputs look tokenized.
    Tokenized {
        /// The system.
        system: String,
        /// Outputs that end in ` .`.
        count: u64,
    },
    /// Two systems have the same outputs.
    Identical {
        /// A system.
        a: String,
        /// Another one.
        b: String,
    },
    /// Too few rows or groups.
    FewUnits {
        /// Their number.
        units: u64,
        /// Whether they are groups.
        groups: bool,
    },
    /// A score is not defined.
    Undefined {
        /// The metric.
        key: String,
        /// The system.
        system: String,
    },
    /// Outputs or references that are empty.
    Empty {
        /// The system, or the file of references.
        system: String,
        /// `output` or `reference`.
        kind: &'static str,
        /// Their number.
        count: u64,
        /// The first of their rows, from 1.
        rows: Vec<u64>,
    },
}

impl fmt::Display for ScoreWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLines { key } => {
                write!(
                    formatter,
                    "{key} equals rougeL: no text has more than one line; put each sentence on its own line"
                )
            }
            Self::DroppedLetters { key, percent } => write!(
                formatter,
                "{key} ignores {percent} % of the letters, since its tokenizer keeps only a to z; use tok=unicode or tok=char for these texts"
            ),
            Self::UnsplitWords { key } => write!(
                formatter,
                "{key} does not split Chinese or Japanese text into words; use tok=zh or tok=char"
            ),
            Self::Tokenized { system, count } => write!(
                formatter,
                "{count} outputs of {system} end in ` .`: they look tokenized; scores of detokenized text are the ones to compare"
            ),
            Self::Identical { a, b } => write!(formatter, "{a} and {b} have the same outputs"),
            Self::FewUnits { units, groups } => {
                let name = if *groups { "groups" } else { "rows" };
                let least = if *groups { FEW_GROUPS } else { FEW_ROWS };
                write!(
                    formatter,
                    "intervals and tests need at least {least} {name} to be reliable, got {units}"
                )
            }
            Self::Undefined { key, system } => write!(formatter, "{key} of {system} is not defined"),
            Self::Empty { system, kind, count, rows } => {
                let listed: Vec<String> = rows.iter().map(u64::to_string).collect();
                let more = if *count > rows.len() as u64 { ", .." } else { "" };
                let (are, of_rows) = if *count == 1 { (" is", "row") } else { ("s are", "rows") };
                write!(
                    formatter,
                    "{system}: {count} {kind}{are} empty ({of_rows} {}{more})",
                    listed.join(", ")
                )
            }
        }
    }
}

impl ScoreWarning {
    /// The warning about intervals and tests over this many units, rows or groups, if these are too few.
    pub fn few_units(units: u64, groups: bool) -> Option<Self> {
        let least = if groups { FEW_GROUPS } else { FEW_ROWS };
        (units < least).then_some(Self::FewUnits { units, groups })
    }

    /// The key of the metric that the warning is about, if it is about one.
    pub fn metric(&self) -> Option<&str> {
        match self {
            Self::NoLines { key }
            | Self::DroppedLetters { key, .. }
            | Self::UnsplitWords { key }
            | Self::Undefined { key, .. } => Some(key),
            Self::Tokenized { .. } | Self::Identical { .. } | Self::FewUnits { .. } | Self::Empty { .. } => {
                None
            }
        }
    }
}

/// The warnings about these scores, in a fixed order. [`ScoreWarning::few_units`] is not among them, since units are
/// chosen when intervals are computed.
pub fn warnings(
    source: &PairSource,
    specs: &[(String, MetricSpec)],
    survey: &PairSurvey,
    measured: &MeasuredSystems,
) -> Vec<ScoreWarning> {
    let mut all = of_metrics(specs, survey);
    all.extend(of_texts(source, survey));
    all.extend(measured.metrics.iter().flat_map(|metric| undefined(&source.systems, metric)));
    all.extend(identical(&source.systems, survey));
    all
}

fn of_texts(source: &PairSource, survey: &PairSurvey) -> Vec<ScoreWarning> {
    let mut all = Vec::new();
    for (System { name, .. }, system) in source.systems.iter().zip(&survey.systems) {
        let count = system.observed.ending_in_detached_stop;
        if count >= MANY_DETACHED_STOPS {
            all.push(ScoreWarning::Tokenized { system: name.clone(), count });
        }
        all.extend(empty(name, "output", &system.empty));
    }
    let references = source.references.iter().zip(&survey.references);
    all.extend(references.filter_map(|(texts, found)| empty(texts.name(), "reference", &found.empty)));
    all
}

fn undefined(systems: &[System], metric: &MeasuredMetric) -> Vec<ScoreWarning> {
    let undefined = systems.iter().enumerate().filter(|(system, _)| metric.score(*system).is_nan());
    undefined
        .map(|(_, System { name, .. })| ScoreWarning::Undefined {
            key: metric.key.clone(),
            system: name.clone(),
        })
        .collect()
}

/// Each system that has the outputs of an earlier one.
fn identical(systems: &[System], survey: &PairSurvey) -> Vec<ScoreWarning> {
    let same = |at: usize| {
        let earlier = &survey.systems[..at];
        let same = earlier.iter().position(|other| other.sha256 == survey.systems[at].sha256)?;
        Some(ScoreWarning::Identical { a: systems[same].name.clone(), b: systems[at].name.clone() })
    };
    (0..survey.systems.len()).filter_map(same).collect()
}

fn empty(name: &str, kind: &'static str, texts: &Occurrences) -> Option<ScoreWarning> {
    let rows = texts.first.iter().map(|row| row + 1).collect();
    let warning = ScoreWarning::Empty { system: name.to_owned(), kind, count: texts.count, rows };
    (texts.count > 0).then_some(warning)
}

fn of_metrics(specs: &[(String, MetricSpec)], survey: &PairSurvey) -> Vec<ScoreWarning> {
    let inputs = survey.systems.iter().chain(&survey.references).map(|input| input.observed);
    let texts = inputs.fold(Default::default(), ObservedTexts::plus);
    let mut all = Vec::new();
    for (key, spec) in specs {
        let is_rouge = spec.name().starts_with("rouge");
        if spec.name() == "rougeLsum" && texts.with_lines == 0 {
            all.push(ScoreWarning::NoLines { key: key.clone() });
        }
        let is_default = matches!(spec.get("tok"), None | Some("rouge-score"));
        if is_rouge && is_default && 10 * texts.dropped_by_rouge > texts.letters {
            let percent = 100 * texts.dropped_by_rouge / texts.letters.max(1);
            all.push(ScoreWarning::DroppedLetters { key: key.clone(), percent });
        }
        let is_13a = matches!(spec.get("tok"), None | Some("13a" | "intl" | "none"));
        if spec.name() == "bleu" && is_13a && 10 * texts.cjk > texts.letters {
            all.push(ScoreWarning::UnsplitWords { key: key.clone() });
        }
    }
    all
}

/// The spec with the settings that a language needs: BLEU's tokenizer for Chinese.
///
/// # Errors
/// [`Error::Usage`] for BLEU of Japanese and Korean, which have no words between blanks, without a tokenizer.
pub fn check_language(spec: MetricSpec, language: Option<&str>) -> Result<MetricSpec> {
    match (spec.name(), language) {
        ("bleu", Some("zh")) => Ok(spec.or("tok", "zh")),
        ("bleu", Some(language @ ("ja" | "ko"))) if spec.get("tok").is_none() => Err(Error::usage_hint(
            format!(
                "BLEU of the language {language} needs a tokenizer that splits it into words or characters"
            ),
            "bleu(tok=char) takes each character for a word; bleu(tok=none) takes words between blanks, for text that \
             another program has split",
        )),
        _ => Ok(spec),
    }
}
