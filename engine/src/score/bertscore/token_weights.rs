//! The weight of each token in the means of a pair.

use super::IdfWeights;

/// The weight of a token, by its id.
#[derive(Debug, Clone)]
pub enum TokenWeights {
    /// Every token weighs 1, except those ids, which weigh 0.
    Uniform {
        /// The ids that start (`[CLS]`, `<s>`) and end (`[SEP]`, `</s>`) a text; empty if the tokenizer has
        /// neither.
        zero: Vec<u32>,
    },
    /// Inverse document frequencies over the references.
    Idf(IdfWeights),
}

impl TokenWeights {
    /// Uniform weights for a tokenizer with this `cls_token` and `sep_token`, if any.
    ///
    /// Only these two weigh 0 (`bert_score/score.py:104-107`): any other special token, such as a language
    /// code, weighs 1, as in bert_score.
    pub fn uniform(cls_token: Option<u32>, sep_token: Option<u32>) -> Self {
        Self::Uniform { zero: cls_token.into_iter().chain(sep_token).collect() }
    }

    /// The weight of `token_id`. Finite and not negative.
    pub fn weight(&self, token_id: u32) -> f64 {
        match self {
            Self::Uniform { zero } if zero.contains(&token_id) => 0.0,
            Self::Uniform { .. } => 1.0,
            Self::Idf(weights) => weights.weight(token_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cls_and_sep_weigh_nothing() {
        let weights = TokenWeights::uniform(Some(101), Some(102));
        assert_eq!([100, 101, 102, 103].map(|id| weights.weight(id)), [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_tokenizer_without_them_has_no_zeros() {
        let weights = TokenWeights::uniform(None, None);
        assert_eq!([0, 50256].map(|id| weights.weight(id)), [1.0, 1.0]);
    }
}
