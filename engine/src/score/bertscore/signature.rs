//! The signature of a score: the settings it was computed with, in one line for papers.
//!
//! The form follows bert_score (`bert_score/utils.py:665-684`):
//! `{model}_L{n}_{no-idf|idf}_version={v}(hug_trans={t})[-rescaled|-custom-rescaled][_fast-tokenizer]`. Ours:
//! `{model}_L{n}_{no-idf|idf}_version={v}(nearsay={w},precision={p},max_length={m}[,on_long=windows][,idf={i}][,baseline={b}][,row_weights={r}])[-rescaled|-custom-rescaled][_fast-tokenizer]`.
//!
//! `version=` is the release of bert_score whose numbers we reproduce, so that signatures can be compared
//! across the two tools. (bert_score 0.3.13 itself prints 0.3.12: its `__version__` was not raised for that
//! release.) The parentheses have our version instead of transformers', the two settings that change
//! numbers, whether longer texts were scored in windows, the first digits of the SHA-256 of a file of document frequencies and of a baseline's file, and the name of
//! the rows' weights in the means. `_fast-tokenizer` is there if the caller asked for it ([`ScoreOptions::use_fast_tokenizer`]).
//!
//! [`ScoreOptions::use_fast_tokenizer`]: super::ScoreOptions::use_fast_tokenizer

use std::fmt;

/// The release of bert_score whose numbers we reproduce.
pub const REPRODUCED_VERSION: &str = "0.3.13";

/// The baseline used for rescaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rescaling {
    /// None: the scores are raw.
    #[default]
    None,
    /// A published one.
    Published,
    /// A file from the user.
    Custom,
}

/// Everything that a score depends on except the texts. [`fmt::Display`] writes the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// The model's name or folder, as given by the user or the language.
    pub model: String,
    /// The layer whose hidden states were compared; 0 is the embeddings.
    pub layer: usize,
    /// Whether tokens were weighted by idf.
    pub idf: bool,
    /// The SHA-256 of the document frequencies, if they are from a file.
    pub saved_idf: Option<String>,
    /// Whether and how the scores were rescaled.
    pub rescaling: Rescaling,
    /// The number format of the encoder's arithmetic: `f32`.
    pub precision: String,
    /// Longest text in tokens, special tokens included.
    pub max_length: usize,
    /// Whether longer texts were scored in windows of that length.
    pub windows: bool,
    /// The SHA-256 of the baseline's file, if it is the user's.
    pub baseline: Option<String>,
    /// The name of the rows' weights in the means, if they have any.
    pub row_weights: Option<String>,
    /// Whether bert_score's `use_fast_tokenizer` was asked for.
    pub use_fast_tokenizer: bool,
}

/// Digits of a file's SHA-256 in a signature.
const DIGEST_DIGITS: usize = 12;

impl Signature {
    /// The signature of scores at every layer from `lowest` to `highest`, which it has as `L0-12`; that of one layer if
    /// they are the same.
    pub fn of_layers(&self, lowest: usize, highest: usize) -> String {
        match lowest == highest {
            true => self.with_layers(&lowest.to_string()),
            false => self.with_layers(&format!("{lowest}-{highest}")),
        }
    }

    fn with_layers(&self, layers: &str) -> String {
        let Self { model, precision, max_length, .. } = self;
        let idf = if self.idf { "idf" } else { "no-idf" };
        let version = env!("CARGO_PKG_VERSION");
        let file = |name: &str, digest: &Option<String>| match digest {
            Some(digest) => format!(",{name}={digest:.DIGEST_DIGITS$}"),
            None => String::new(),
        };
        let on_long = if self.windows { ",on_long=windows" } else { "" };
        let files = file("idf", &self.saved_idf) + &file("baseline", &self.baseline);
        let row_weights =
            self.row_weights.as_ref().map(|name| format!(",row_weights={name}")).unwrap_or_default();
        let rescaled = match self.rescaling {
            Rescaling::None => "",
            Rescaling::Published => "-rescaled",
            Rescaling::Custom => "-custom-rescaled",
        };
        let fast = if self.use_fast_tokenizer { "_fast-tokenizer" } else { "" };
        format!(
            "{model}_L{layers}_{idf}_version={REPRODUCED_VERSION}(nearsay={version},precision={precision},\
             max_length={max_length}{on_long}{files}{row_weights}){rescaled}{fast}"
        )
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.with_layers(&self.layer.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(idf: bool, rescaling: Rescaling) -> String {
        Signature { idf, rescaling, ..plain("roberta-large", 17) }.to_string()
    }

    /// The signature of raw scores without idf.
    fn plain(model: &str, layer: usize) -> Signature {
        Signature {
            model: model.to_owned(),
            layer,
            idf: false,
            saved_idf: None,
            rescaling: Rescaling::None,
            precision: "f32".to_owned(),
            max_length: 512,
            windows: false,
            baseline: None,
            row_weights: None,
            use_fast_tokenizer: true,
        }
    }

    #[test]
    fn saved_frequencies_are_named_by_their_digest() {
        let saved_idf = Some("0123456789abcdef".to_owned());
        let signature = Signature { idf: true, saved_idf, max_length: 9, ..plain("m", 1) };
        assert!(signature.to_string().contains("max_length=9,idf=0123456789ab)_"), "{signature}");
    }

    /// Replaces the parentheses and the version in our signature with bert_score's.
    fn as_bert_score_writes_it(ours: &str) -> String {
        let brackets = format!("(nearsay={},precision=f32,max_length=512)", env!("CARGO_PKG_VERSION"));
        ours.replace(&brackets, "(hug_trans=4.57.3)").replace("0.3.13", "0.3.12")
    }

    #[test]
    fn the_form_is_that_of_bert_score() {
        // get_hash("roberta-large", 17, idf, rescale, custom, True) of bert_score 0.3.13 with transformers
        // 4.57.3.
        let expected = [
            (false, Rescaling::None, "no-idf_version=0.3.12(hug_trans=4.57.3)_fast-tokenizer"),
            (true, Rescaling::Published, "idf_version=0.3.12(hug_trans=4.57.3)-rescaled_fast-tokenizer"),
            (true, Rescaling::Custom, "idf_version=0.3.12(hug_trans=4.57.3)-custom-rescaled_fast-tokenizer"),
        ];
        for (idf, rescaling, theirs) in expected {
            let ours = signature(idf, rescaling);
            assert_eq!(as_bert_score_writes_it(&ours), format!("roberta-large_L17_{theirs}"));
        }
    }

    #[test]
    fn all_layers_and_a_baseline_are_named() {
        let baseline = Some("0123456789abcdef".repeat(4));
        let signature = Signature { rescaling: Rescaling::Custom, baseline, ..plain("m", 3) };
        assert!(signature.to_string().contains(",max_length=512,baseline=0123456789ab)-custom-rescaled_"));
        let windows = Signature { windows: true, ..signature.clone() };
        assert!(windows.to_string().contains("max_length=512,on_long=windows,baseline=0123456789ab)-"));
        let weighted = Signature { row_weights: Some("field:w".to_owned()), ..signature.clone() };
        assert!(weighted.to_string().contains("baseline=0123456789ab,row_weights=field:w)-custom-rescaled_"));
        assert_eq!(signature.of_layers(3, 3), signature.to_string());
        assert_eq!(signature.of_layers(0, 12), signature.to_string().replace("m_L3_", "m_L0-12_"));
    }

    #[test]
    fn the_tokenizer_is_named_only_if_it_is_the_fast_one() {
        let fast = plain("m", 1).to_string();
        let slow = Signature { use_fast_tokenizer: false, ..plain("m", 1) }.to_string();
        assert_eq!(Some(slow.as_str()), fast.strip_suffix("_fast-tokenizer"));
    }

    #[test]
    fn what_changes_numbers_stands_in_the_brackets() {
        let signature = signature(false, Rescaling::None);
        let expected = format!(
            "roberta-large_L17_no-idf_version=0.3.13(nearsay={},precision=f32,max_length=512)_fast-tokenizer",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(signature, expected);
    }
}
