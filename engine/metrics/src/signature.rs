//! The settings of a score in one line, for papers.

use std::fmt;

/// Keys and values of the settings that a score depends on, in a fixed order: `nrefs:1|case:mixed|..`, the form
/// of sacrebleu. The last key is `version`: the implementation that the numbers are equal to, and after `+` the
/// program that computed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pairs: Vec<(String, String)>,
}

impl Signature {
    /// The start of a signature.
    pub fn new(key: &str, value: impl fmt::Display) -> Self {
        Self { pairs: Vec::new() }.with(key, value)
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
        let pairs: Vec<String> = self.pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        formatter.write_str(&pairs.join("|"))
    }
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
}
