//! The folder of a run: everything that later commands need of scores, without reading a text or loading a model
//! again.
//!
//! | file | contents |
//! |---|---|
//! | `run.json` | settings, inputs with SHA-256, signatures, scores, warnings, the digests of the other files and its own |
//! | `segments.parquet` | the score of each row by each metric |
//! | `statistics.parquet` | the statistics that are resampled |
//! | `texts.parquet` | outputs and references, unless they were not wanted |
//!
//! The same inputs and settings make the same bytes: no time, number of threads or path of the output is recorded.
//! docs/formats.md describes the format.

mod document;
mod read;
mod tables;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

pub use document::{InputDocument, MetricDocument, Pairing, RowWeightsDocument, WarningDocument};
pub use read::Run;
pub use write::{RunContents, RunWriter, run_folder};

/// Whether a folder has a run.
pub fn is_run(path: &Path) -> bool {
    path.join(document::RUN_JSON).is_file()
}
