//! The settings of a score in one line, for papers.

use std::fmt;

/// Keys and values of the settings that a score depends on, in a fixed order: `nrefs:1|case:mixed|..`, the form
/// of sacrebleu. The last key is `version`: the implementation that the numbers are equal to, and after `+` the
/// program that computed them.
///
/// BERTScore's has the form of bert_score, `MODEL_L17_no-idf_version=0.3.13(..)`, which is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pairs: Vec<(String, String)>,
    verbatim: Option<String>,
}

/// Why a text is not a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureError {
    part: String,
}

impl fmt::Display for SignatureError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a signature is key:value joined by |, or that of bert_score; got `{}`", self.part)
    }
}

impl std::error::Error for SignatureError {}

impl Signature {
    /// The start of a signature.
    pub fn new(key: &str, value: impl fmt::Display) -> Self {
        Self { pairs: Vec::new(), verbatim: None }.with(key, value)
    }

    /// A signature in another program's form.
    pub fn verbatim(signature: &str) -> Self {
        Self { pairs: Vec::new(), verbatim: Some(signature.to_owned()) }
    }

    /// Reads a signature of this program, of sacrebleu or of bert_score.
    ///
    /// # Errors
    /// If it has none of their forms.
    pub fn parse(signature: &str) -> Result<Self, SignatureError> {
        let error = |part: &str| SignatureError { part: part.to_owned() };
        if is_of_bert_score(signature) {
            return Ok(Self::verbatim(signature));
        }
        let mut parsed = Self { pairs: Vec::new(), verbatim: None };
        for part in signature.split('|') {
            let (key, value) = part.split_once(':').ok_or_else(|| error(part))?;
            if key.is_empty() || value.is_empty() || parsed.get(key).is_some() {
                return Err(error(part));
            }
            parsed = parsed.with(key, value);
        }
        Ok(parsed)
    }

    /// The same with one more setting at its end.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.pairs.push((key.to_owned(), value.to_string()));
        self
    }

    /// The same with `version` at its end: the `reproduced` implementation's and this crate's.
    #[must_use]
    pub fn version(self, reproduced: &str) -> Self {
        self.with("version", format_args!("{reproduced}+nearsay.{}", env!("CARGO_PKG_VERSION")))
    }

    /// The same with the rows' weights, directly after the number of references; unchanged if the form is another
    /// program's.
    #[must_use]
    pub fn with_row_weights(self, name: &str) -> Self {
        self.with_resampling(&[("row_weights", name.to_owned())])
    }

    /// The same with these settings directly after the number of references, where sacrebleu has those of
    /// resampling; unchanged if the form is another program's.
    #[must_use]
    pub fn with_resampling(mut self, settings: &[(&str, String)]) -> Self {
        let after = usize::from(self.pairs.first().is_some_and(|(key, _)| key == "nrefs"));
        if self.verbatim.is_none() {
            let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
            self.pairs.splice(after..after, settings);
        }
        self
    }

    /// The same without this program's part of `version`: the signature that the reproduced implementation prints.
    #[must_use]
    pub fn reproduced(mut self) -> Self {
        for (_, value) in self.pairs.iter_mut().filter(|(key, _)| key == "version") {
            let end = value.find("+nearsay").unwrap_or(value.len());
            value.truncate(end);
        }
        self
    }

    /// The same with `version` at its end, for a metric that reproduces no other program.
    #[must_use]
    pub fn own_version(self) -> Self {
        self.with("version", format_args!("nearsay.{}", env!("CARGO_PKG_VERSION")))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(verbatim) = &self.verbatim {
            return formatter.write_str(verbatim);
        }
        let pairs: Vec<String> = self.pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        formatter.write_str(&pairs.join("|"))
    }
}

/// `MODEL_L17_no-idf_version=0.3.12(hug_trans=4.57.3)..`
fn is_of_bert_score(signature: &str) -> bool {
    let Some((model, rest)) = signature.split_once("_version=") else { return false };
    let has_idf = model.ends_with("_no-idf") || model.ends_with("_idf");
    has_idf && model.contains("_L") && rest.contains('(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_their_order() {
        let signature = Signature::new("nrefs", 1).with("case", "mixed").version("2.6.0");
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(signature.to_string(), format!("nrefs:1|case:mixed|version:2.6.0+nearsay.{version}"));
        assert_eq!((signature.get("case"), signature.get("eff")), (Some("mixed"), None));
    }

    #[test]
    fn signatures_of_other_programs_are_read() {
        for signature in [
            // sacrebleu 2.6.0
            "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
            "nrefs:1|bs:1000|seed:12345|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
            // bert_score 0.3.13
            "roberta-large_L17_no-idf_version=0.3.12(hug_trans=4.57.3)-rescaled",
        ] {
            assert_eq!(Signature::parse(signature).unwrap().to_string(), signature);
        }
        for signature in ["", "bleu", "nrefs:1|", "nrefs:1|case", "a:1|a:2", "|a:1"] {
            assert!(Signature::parse(signature).is_err(), "{signature}");
        }
    }

    #[test]
    fn settings_of_resampling_follow_the_references() {
        let signature = Signature::new("nrefs", 1).with("case", "mixed").version("2.6.0");
        let resampled = signature.with_resampling(&[("bs", "1000".to_owned()), ("seed", "12345".to_owned())]);
        assert_eq!(resampled.reproduced().to_string(), "nrefs:1|bs:1000|seed:12345|case:mixed|version:2.6.0");
        let weighted = Signature::new("nrefs", 1).with("stem", "no").with_row_weights("field:w");
        assert_eq!(weighted.to_string(), "nrefs:1|row_weights:field:w|stem:no");
        assert_eq!(Signature::parse(&weighted.to_string()).as_ref(), Ok(&weighted));
        let other = Signature::verbatim("x_L1_idf_version=1(y)");
        assert_eq!(other.clone().with_resampling(&[("bs", "1".to_owned())]), other);
    }
}
