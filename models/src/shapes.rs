//! Shapes of well-known encoders: their sizes without their weights, for measuring their cost.
//!
//! Sizes are those of each model's config.json, vocabulary included. See [`crate::Encoder::random`].

use nearsay_kernels::Activation;

use crate::{EncoderConfig, Positions};

/// A known encoder's sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The name for `--shape`.
    pub name: &'static str,
    /// Its sizes.
    pub config: EncoderConfig,
}

/// Every known shape, by family and size.
pub const SHAPES: [Shape; 9] = [
    bert("minilm-l6", 6, SMALL),
    bert("minilm-l12", 12, SMALL),
    distilbert(),
    bert("bert-base", 12, BASE),
    bert("bert-large", 24, LARGE),
    roberta("roberta-base", ROBERTA_WORDS, 12, BASE),
    roberta("roberta-large", ROBERTA_WORDS, 24, LARGE),
    roberta("xlm-roberta-base", XLM_ROBERTA_WORDS, 12, BASE),
    roberta("xlm-roberta-large", XLM_ROBERTA_WORDS, 24, LARGE),
];

impl Shape {
    /// The shape with this name, if known.
    pub fn find(name: &str) -> Option<Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }
}

/// A layer's sizes.
#[derive(Clone, Copy)]
struct Widths {
    hidden_dim: usize,
    num_heads: usize,
}

const SMALL: Widths = Widths { hidden_dim: 384, num_heads: 12 };
const BASE: Widths = Widths { hidden_dim: 768, num_heads: 12 };
const LARGE: Widths = Widths { hidden_dim: 1024, num_heads: 16 };

const BERT_WORDS: usize = 30_522;
const ROBERTA_WORDS: usize = 50_265;
/// Also the vocabulary size of multilingual-e5 and bge-m3.
const XLM_ROBERTA_WORDS: usize = 250_002;

const fn bert(name: &'static str, num_layers: usize, widths: Widths) -> Shape {
    let config = EncoderConfig {
        vocab_size: BERT_WORDS,
        hidden_dim: widths.hidden_dim,
        num_layers,
        num_heads: widths.num_heads,
        intermediate_dim: 4 * widths.hidden_dim,
        max_positions: 512,
        type_vocab_size: 2,
        layer_norm_epsilon: 1e-12,
        activation: Activation::Gelu,
        positions: Positions::FromZero,
    };
    Shape { name, config }
}

const fn distilbert() -> Shape {
    let shape = bert("distilbert", 6, BASE);
    Shape { config: EncoderConfig { type_vocab_size: 0, ..shape.config }, ..shape }
}

const fn roberta(name: &'static str, vocab_size: usize, num_layers: usize, widths: Widths) -> Shape {
    let config = EncoderConfig {
        vocab_size,
        max_positions: 514,
        type_vocab_size: 1,
        layer_norm_epsilon: 1e-5,
        positions: Positions::AfterPadding { pad_token_id: 1 },
        ..bert(name, num_layers, widths).config
    };
    Shape { name, config }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for shape in SHAPES {
            assert_eq!(Shape::find(shape.name), Some(shape));
        }
        assert_eq!(Shape::find("bert"), None);
    }

    /// Parameters of the published checkpoints, without pooler and heads.
    #[test]
    fn sizes_are_those_of_the_published_models() {
        for (name, parameters, tokens) in [
            ("minilm-l6", 22_565_376, 512),
            ("minilm-l12", 33_212_160, 512),
            ("distilbert", 66_362_880, 512),
            ("bert-base", 108_891_648, 512),
            ("bert-large", 334_092_288, 512),
            ("roberta-base", 124_055_040, 512),
            ("roberta-large", 354_310_144, 512),
            ("xlm-roberta-base", 277_453_056, 512),
            ("xlm-roberta-large", 558_840_832, 512),
        ] {
            let config = Shape::find(name).unwrap().config;
            assert_eq!(
                (config.parameters(config.num_layers), config.max_tokens()),
                (parameters, tokens),
                "{name}"
            );
        }
    }
}
