//! What a run did.

use serde::Serialize;

/// Figures of an embedding run; `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct EmbedSummary {
    /// Texts embedded.
    pub texts: u64,
    /// Rows written: one a text, or one a chunk.
    pub rows: u64,
    /// Tokens encoded, special tokens included; those of repeated texts once.
    pub tokens: u64,
    /// Texts that were cut to the longest length.
    pub truncated: u64,
    /// Texts without tokens of their own.
    pub empty: u64,
    /// Texts that were encoded already when they came again.
    pub repeated: u64,
    /// The share of the work that padding would have been, in batches of 32 texts in the order of the input.
    pub padding_avoided: f64,
    /// Wall-clock times.
    #[serde(flatten)]
    pub seconds: Seconds,
    /// `tokens` over `seconds_encode`.
    pub tokens_per_second: f64,
    /// The model as the user named it.
    pub model: String,
    /// The encoder's number format.
    pub precision: &'static str,
    /// Where the encoder ran.
    pub device: String,
    /// How the text's vector is made of its tokens'.
    pub pooling: String,
    /// Why that way.
    pub pooling_reason: String,
    /// Whether vectors have length 1.
    pub normalized: bool,
    /// Values in a vector.
    pub dimensions: usize,
    /// The numbers of the output.
    pub output_type: &'static str,
    /// The longest text in tokens.
    pub max_length: usize,
    /// The layer whose hidden states were taken.
    pub layer: usize,
    /// What stood before each text; empty for nothing.
    pub prompt: String,
    /// Threads that worked.
    pub threads: usize,
    /// Of a job: shards that were there already, and those that were made now.
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    pub shards: Option<Shards>,
}

/// The shards of a job.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Shards {
    /// Those that were there already.
    pub shards_before: u64,
    /// Those that were made now.
    pub shards_now: u64,
}

/// Wall-clock times of a run, in seconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Seconds {
    /// From the program's start to its end.
    #[serde(rename = "seconds_total")]
    pub total: f64,
    /// Finding and loading model and tokenizer.
    #[serde(rename = "seconds_load")]
    pub load: f64,
    /// Tokenizing.
    #[serde(rename = "seconds_tokenize")]
    pub tokenize: f64,
    /// Encoding and pooling.
    #[serde(rename = "seconds_encode")]
    pub encode: f64,
}
