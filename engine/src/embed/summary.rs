//! What a run did.

use serde::Serialize;

/// Figures of an embedding run; `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct EmbedSummary {
    /// Texts embedded.
    pub texts: u64,
    /// Tokens encoded, special tokens included.
    pub tokens: u64,
    /// Texts that were cut to the longest length.
    pub truncated: u64,
    /// Texts without tokens of their own.
    pub empty: u64,
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
    /// The longest text in tokens.
    pub max_length: usize,
    /// The layer whose hidden states were taken.
    pub layer: usize,
    /// What stood before each text; empty for nothing.
    pub prompt: String,
    /// Threads that worked.
    pub threads: usize,
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
