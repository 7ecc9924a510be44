//! Reports that were written to files.

use std::path::Path;

use super::Report;
use crate::text::read_small;
use crate::{Error, Result};

/// The longest file of a report. One of all precisions and lengths has 10 KiB.
const FILE_LIMIT: u64 = 4 << 20;

impl Report {
    /// Reads a report from the JSON in a file. Keys that were added later may be missing.
    ///
    /// # Errors
    /// [`Error::NoInput`] if the file cannot be read, [`Error::BadInput`] if it has no such report.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_small(path, "a result of a benchmark", FILE_LIMIT)?;
        let refuse = |rule: String| Error::BadInput { input: path.display().to_string(), rule };
        let report: Self = serde_json::from_str(&text)
            .map_err(|error| refuse(format!("it is not a result of a benchmark: {error}")))?;
        match report.wrong_number() {
            None => Ok(report),
            Some((name, value)) => {
                Err(refuse(format!("{name} must be greater than 0 in a result of a benchmark, got {value}")))
            }
        }
    }

    /// The first measured number that is not a positive one.
    fn wrong_number(&self) -> Option<(&'static str, f64)> {
        let speeds = self.throughput.iter().map(|row| ("tokens_per_second", row.tokens_per_second));
        let times = self.latency.iter().map(|row| ("p50_ms", row.p50_ms));
        speeds.chain(times).find(|(_, value)| !(value.is_finite() && *value > 0.0))
    }
}
