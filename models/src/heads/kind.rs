//! The kinds of heads whose weights a model may lack.

/// A kind of head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadKind {
    /// Logits of a text or a pair.
    Classification,
    /// Logits of the vocabulary.
    MaskedLanguage,
    /// Logits of the next token.
    NextToken,
    /// A vector for each token.
    LateInteraction,
    /// A weight for each token.
    Lexical,
}

impl HeadKind {
    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::MaskedLanguage => "masked-language",
            Self::NextToken => "next-token",
            Self::LateInteraction => "late-interaction",
            Self::Lexical => "lexical",
        }
    }

    /// Models that have one.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Classification => {
                "use a cross-encoder, such as cross-encoder/ms-marco-MiniLM-L6-v2 or BAAI/bge-reranker-v2-m3"
            }
            Self::MaskedLanguage => {
                "use a sparse encoder, such as naver/splade-v3 or prithivida/Splade_PP_en_v2"
            }
            Self::NextToken => "use a reranker that is a language model, such as Qwen/Qwen3-Reranker-0.6B",
            Self::LateInteraction => {
                "use a ColBERT, such as colbert-ir/colbertv2.0 or lightonai/GTE-ModernColBERT-v1, or BAAI/bge-m3"
            }
            Self::Lexical => "use BAAI/bge-m3",
        }
    }
}
