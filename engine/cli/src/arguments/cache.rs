//! `--cache` and its settings.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use nearsay::score::bertscore::CacheOptions;

use super::named;

/// A folder of encoded texts.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cache")]
pub(crate) struct CacheArguments {
    /// Keep the texts' token vectors for BERTScore in a folder, so that later runs need not encode them again
    #[arg(long, value_name = "DIR", conflicts_with_all = ["all_layers", "pairwise"], value_parser = OsStringValueParser::new().try_map(named::<PathBuf>))]
    pub(crate) cache: Option<PathBuf>,
    /// The most that the cache may have on disk; what was used least recently goes first
    #[arg(long, value_name = "SIZE", requires = "cache", default_value = "10GB")]
    pub(crate) cache_size: ByteSize,
    /// Fail if the cache cannot be written, instead of going on without it
    #[arg(long, requires = "cache")]
    pub(crate) require_cache: bool,
}

impl CacheArguments {
    pub(crate) fn options(&self) -> CacheOptions {
        let options = CacheOptions::default().bytes(self.cache_size.0);
        if self.require_cache { options.required() } else { options }
    }
}

/// A number of bytes: `500MB`, `1.5GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(pub(crate) u64);

const UNITS: [(&str, u64); 8] = [
    ("KB", 1000),
    ("MB", 1000_u64.pow(2)),
    ("GB", 1000_u64.pow(3)),
    ("TB", 1000_u64.pow(4)),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || "must be a number and a unit, such as 500MB, 10GB or 1.5TiB".to_owned();
        let split = text.find(|character: char| character.is_ascii_alphabetic()).ok_or_else(rule)?;
        let (number, unit) = (text[..split].trim_end(), &text[split..]);
        let unit = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(rule)?.1;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number: f64 = number.parse().ok().filter(|_| is_plain).ok_or_else(rule)?;
        let bytes = number * unit as f64;
        let least = CacheOptions::LEAST_BYTES;
        if bytes < least as f64 {
            return Err(format!("must be at least {} MB", least / UNITS[1].1));
        }
        // A number too large for u64 becomes the largest u64, which no disk reaches.
        Ok(Self(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let bytes = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        assert_eq!(bytes("10GB"), Ok(10_000_000_000));
        assert_eq!(bytes("10GB"), Ok(CacheOptions::default().bytes));
        assert_eq!(bytes("1.5 gib"), Ok(3 << 29));
        assert_eq!(bytes("1MB"), Ok(1_000_000));
        assert_eq!(bytes("1000KB"), Ok(1_000_000));
        for text in ["", "10", "GB", "-1GB", "1e3GB", "10GBs", "1,5GB", "infGB", "1..5GB"] {
            assert!(bytes(text).is_err_and(|error| error.starts_with("must be a number")), "{text}");
        }
        assert_eq!(bytes("999KB"), Err("must be at least 1 MB".to_owned()));
    }
}
