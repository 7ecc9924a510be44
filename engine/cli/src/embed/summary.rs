//! The figures of an embedding run that `--json` prints. Their names are a contract.

use serde::Serialize;

/// Figures of an embedding run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EmbedSummary {
    /// Texts embedded.
    pub(crate) texts: u64,
    /// Rows written: one a text, or one a chunk.
    pub(crate) rows: u64,
    /// Tokens encoded, special tokens included; those of repeated texts once.
    pub(crate) tokens: u64,
    /// Texts that were cut to the longest length.
    pub(crate) truncated: u64,
    /// Texts without tokens of their own.
    pub(crate) empty: u64,
    /// Texts that were encoded already when they came again.
    pub(crate) repeated: u64,
    /// The share of the work that padding would have been, in batches of 32 texts in the order of the input.
    pub(crate) padding_avoided: f64,
    /// Wall-clock times.
    #[serde(flatten)]
    pub(crate) seconds: Seconds,
    /// `tokens` over `seconds_encode`.
    pub(crate) tokens_per_second: f64,
    /// The model as the user named it.
    pub(crate) model: String,
    /// The encoder's number format.
    pub(crate) precision: &'static str,
    /// Where the encoder ran.
    pub(crate) device: String,
    /// How the text's tokens became its vector.
    pub(crate) pooling: String,
    /// Why that way.
    pub(crate) pooling_reason: String,
    /// Whether vectors have length 1.
    pub(crate) normalized: bool,
    /// Values in a vector.
    pub(crate) dimensions: usize,
    /// The numbers of the output.
    pub(crate) output_type: &'static str,
    /// The longest text in tokens.
    pub(crate) max_length: usize,
    /// The layer whose hidden states were taken.
    pub(crate) layer: usize,
    /// What stood before each text; empty for nothing.
    pub(crate) prompt: String,
    /// Threads that worked.
    pub(crate) threads: usize,
    /// Of a job: shards that were there already, and those that were made now.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    pub(crate) shards: Option<ShardCounts>,
}

/// The shards of a job.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ShardCounts {
    /// Those that were there already.
    pub(crate) shards_before: u64,
    /// Those that were made now.
    pub(crate) shards_now: u64,
}

/// Wall-clock times of a run, in seconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Seconds {
    /// From the program's start to its end.
    #[serde(rename = "seconds_total")]
    pub(crate) total: f64,
    /// Finding and loading model and tokenizer.
    #[serde(rename = "seconds_load")]
    pub(crate) load: f64,
    /// Tokenizing.
    #[serde(rename = "seconds_tokenize")]
    pub(crate) tokenize: f64,
    /// Encoding and pooling.
    #[serde(rename = "seconds_encode")]
    pub(crate) encode: f64,
}
