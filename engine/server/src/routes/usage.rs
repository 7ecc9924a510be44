//! `usage` of OpenAI's and vLLM's answers.

use serde::Serialize;
use utoipa::ToSchema;

use crate::work::Counts;

/// Tokens of a request. Counts of unusual texts are left out if they are 0.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Tokens that were encoded, special tokens included.
    prompt_tokens: u64,
    total_tokens: u64,
    /// Texts that were longer than the model allows.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    truncated_texts: u64,
    /// Texts without a token of their own.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    empty_texts: u64,
}

impl Usage {
    pub(crate) fn of(counts: &Counts) -> Self {
        Self {
            prompt_tokens: counts.tokens,
            total_tokens: counts.tokens,
            truncated_texts: counts.truncated,
            empty_texts: counts.empty,
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
