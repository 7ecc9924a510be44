//! Shapes of well-known encoders: their sizes without their weights, for measuring their cost.
//!
//! Sizes are those of each model's config.json, vocabulary included. See [`crate::Encoder::random`].

mod line;

use serde_json::Value;

use crate::{Recipe, Result};
use line::Line;

/// A known encoder's sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The name for `--shape`.
    pub name: &'static str,
    line: Line,
    vocab_size: usize,
    num_layers: usize,
    widths: Widths,
}

/// Every known shape, by family and size.
pub const SHAPES: [Shape; 30] = [
    bert("minilm-l6", 6, SMALL),
    bert("minilm-l12", 12, SMALL),
    Shape { line: Line::DistilBert, ..bert("distilbert", 6, BASE) },
    bert("bert-base", 12, BASE),
    bert("bert-large", 24, LARGE),
    roberta("roberta-base", ROBERTA_WORDS, 12, BASE),
    roberta("roberta-large", ROBERTA_WORDS, 24, LARGE),
    roberta("xlm-roberta-base", XLM_ROBERTA_WORDS, 12, BASE),
    roberta("xlm-roberta-large", XLM_ROBERTA_WORDS, 24, LARGE),
    of("albert-base", Line::Albert, 30_000, 12, BASE),
    of("mpnet-base", Line::Mpnet, 30_527, 12, BASE),
    of("deberta-base", Line::Deberta, ROBERTA_WORDS, 12, BASE),
    of("deberta-xlarge", Line::Deberta, ROBERTA_WORDS, 48, LARGE),
    of("deberta-v3-base", Line::DebertaV3, 128_100, 12, BASE),
    of("modernbert-base", Line::ModernBert, 50_368, 22, BASE),
    of("gte-base", Line::Gte, 30_528, 12, BASE),
    of("nomic-embed", Line::Nomic, 30_528, 12, BASE),
    of("jina-v2-base", Line::Jina, 30_528, 12, BASE),
    of("nomic-embed-v2-moe", Line::NomicExperts, 250_048, 12, BASE),
    of("jina-v3", Line::JinaV3, XLM_ROBERTA_WORDS, 24, LARGE),
    of("bart-base", Line::Bart, ROBERTA_WORDS, 6, BASE),
    of("t5-base", Line::T5, 32_128, 12, BASE),
    of("longformer-base", Line::Longformer, ROBERTA_WORDS, 12, BASE),
    of("convbert-base", Line::ConvBert, BERT_WORDS, 12, BASE),
    of("squeezebert", Line::SqueezeBert, 30_528, 12, BASE),
    of("xlnet-base", Line::XlNet, 32_000, 12, BASE),
    of("eurobert-210m", Line::EuroBert, 128_256, 12, BASE),
    of("neobert", Line::NeoBert, BERT_WORDS, 28, BASE),
    of("qwen3-embedding-0.6b", Line::Qwen3, 151_669, 28, LARGE),
    of("embedding-gemma-300m", Line::Gemma3, 262_144, 24, Widths { hidden_dim: 768, num_heads: 3 }),
];

/// A layer's sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    of(name, Line::Bert, BERT_WORDS, num_layers, widths)
}

const fn roberta(name: &'static str, vocab_size: usize, num_layers: usize, widths: Widths) -> Shape {
    of(name, Line::Roberta, vocab_size, num_layers, widths)
}

const fn of(name: &'static str, line: Line, vocab_size: usize, num_layers: usize, widths: Widths) -> Shape {
    Shape { name, line, vocab_size, num_layers, widths }
}

impl Shape {
    /// The shape with this name, if known.
    pub fn find(name: &str) -> Option<Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }

    /// Its parts.
    ///
    /// # Errors
    /// None: known shapes are possible ones.
    pub fn recipe(&self) -> Result<Recipe> {
        Recipe::read(&self.config())
    }

    /// The fields of its config.json that matter.
    pub fn config(&self) -> Value {
        self.line.config(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for shape in SHAPES {
            assert!(shape.recipe().is_ok(), "{}: {:?}", shape.name, shape.recipe());
            assert_eq!(Shape::find(shape.name), Some(shape));
        }
        assert_eq!(Shape::find("bert"), None);
    }

    /// Parameters of the published checkpoints, without pooler and heads.
    #[test]
    fn sizes_are_those_of_the_published_models() {
        for (name, parameters, tokens) in [
            ("qwen3-embedding-0.6b", 595_776_512, None),
            ("embedding-gemma-300m", 302_863_104, None),
            ("minilm-l6", 22_565_376, Some(512)),
            ("minilm-l12", 33_212_160, Some(512)),
            ("distilbert", 66_362_880, Some(512)),
            ("bert-base", 108_891_648, Some(512)),
            ("bert-large", 334_092_288, Some(512)),
            ("roberta-base", 124_055_040, Some(512)),
            ("roberta-large", 354_310_144, Some(512)),
            ("xlm-roberta-base", 277_453_056, Some(512)),
            ("xlm-roberta-large", 558_840_832, Some(512)),
            ("bart-base", 81_920_256, Some(1024)),
        ] {
            let recipe = Shape::find(name).unwrap().recipe().unwrap();
            assert_eq!(
                (recipe.parameters(recipe.num_layers()), recipe.max_tokens()),
                (parameters, tokens),
                "{name}"
            );
        }
    }
}
