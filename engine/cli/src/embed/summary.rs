//! The figures of an embedding run that `--json` prints. Their names are a contract.

use serde::Serialize;

/// Figures of an embedding run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EmbedSummary {
    /// Texts embedded.
    pub(crate) texts: u64,
    /// Rows written: one per text, or one per chunk.
    pub(crate) rows: u64,
    /// Tokens encoded, special tokens included; repeated texts count once.
    pub(crate) tokens: u64,
    /// Texts that were truncated to the longest length.
    pub(crate) truncated: u64,
    /// Texts without tokens except special tokens and the prompt.
    pub(crate) empty: u64,
    /// Repeated texts that were not encoded again.
    pub(crate) repeated: u64,
    /// Rows without text that were left out.
    pub(crate) skipped: u64,
    /// The share of a padding engine's work that would be padding, in batches of 32 texts in input order.
    pub(crate) padding_avoided: f64,
    /// Wall-clock times.
    #[serde(flatten)]
    pub(crate) seconds: Seconds,
    /// `tokens` over `seconds_encode`.
    pub(crate) tokens_per_second: f64,
    /// The model as named by the user.
    pub(crate) model: String,
    /// The encoder's number format.
    pub(crate) precision: &'static str,
    /// Where the encoder ran.
    pub(crate) device: String,
    /// How a text's tokens were pooled into its vector.
    pub(crate) pooling: String,
    /// The reason for that pooling.
    pub(crate) pooling_reason: String,
    /// Whether vectors have length 1.
    pub(crate) normalized: bool,
    /// Values in a vector.
    pub(crate) dimensions: usize,
    /// The number type of the output.
    pub(crate) output_type: &'static str,
    /// The longest text in tokens.
    pub(crate) max_length: usize,
    /// The layer whose hidden states were used.
    pub(crate) layer: usize,
    /// The prompt before each text; empty if none.
    pub(crate) prompt: String,
    /// The task whose adapters were used.
    pub(crate) task: Option<String>,
    /// Number of threads.
    pub(crate) threads: usize,
    /// The shards, if the run is a job.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    pub(crate) shards: Option<ShardSummary>,
}

/// The shards of a job.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ShardSummary {
    /// Shards that were there already.
    pub(crate) shards_before: u64,
    /// Shards made in this run.
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
