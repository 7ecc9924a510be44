//! The compiled half of the Python package `nearsay`: its module `_nearsay`.
//!
//! It converts arguments and results, runs the library without the GIL, and turns its errors into exceptions. What users
//! see (signatures, defaults, docstrings) is in `nearsay/*.py`.
//!
//! | file | |
//! |---|---|
//! | `texts.rs`, `strings.rs`, `arrow.rs` | texts of any Python or Arrow container, read where they lie |
//! | `arrays.rs` | results as numpy arrays, without a copy |
//! | `work.rs` | work without the GIL that Ctrl-C, callbacks and panics can end |
//! | `opened.rs` | an opened model, by process |
//! | `embedder.rs`, `scorer.rs`, `cross_encoder.rs`, `idf.rs`, `metrics.rs` | the classes |
//! | `nearest.rs` | the best rows of a corpus for queries |
//! | `pairs.rs`, `pair_vectors.rs` | calls that score pairs, and that make vectors of them |
//! | `job.rs` | files to files |
//! | `call.rs`, `report.rs`, `token_vectors.rs` | an embedding call, and what it returns besides an array |
//! | `settings.rs` | arguments as the library's options |
//! | `error.rs`, `logging.rs` | errors and log lines, as Python has them |

mod arrays;
mod arrow;
mod call;
mod command;
mod cross_encoder;
mod embedder;
mod error;
mod idf;
mod job;
mod logging;
mod metrics;
mod nearest;
mod opened;
mod pair_vectors;
mod pairs;
mod report;
mod scorer;
mod settings;
mod strings;
mod texts;
mod token_vectors;
mod work;

/// The compiled half of `nearsay`.
#[pyo3::pymodule(gil_used = false)]
mod _nearsay {
    #[pymodule_export]
    use super::arrow::VectorArray;
    #[pymodule_export]
    use super::command::main;
    #[pymodule_export]
    use super::cross_encoder::CrossEncoder;
    #[pymodule_export]
    use super::embedder::Embedder;
    #[pymodule_export]
    use super::idf::Idf;
    #[pymodule_export]
    use super::logging::start_log;
    #[pymodule_export]
    use super::metrics::{RowStatistics, TextMetric, mean_intervals};
    #[pymodule_export]
    use super::nearest::Nearest;
    #[pymodule_export]
    use super::pair_vectors::{encode_pair_tokens, encode_pairs, tokenize_pairs};
    #[pymodule_export]
    use super::report::EmbedReport;
    #[pymodule_export]
    use super::scorer::{Scorer, default_layers, default_model, languages};
    #[pymodule_export]
    use super::texts::Texts;
    #[pymodule_export]
    use super::token_vectors::TokenVectors;
    #[pymodule_export]
    use super::work::Cancel;

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    const REPRODUCED_VERSION: &str = nearsay::score::bertscore::REPRODUCED_VERSION;
}
