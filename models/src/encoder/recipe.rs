//! An encoder described as data: its parts, their sizes and the names of their weights. A family of models is
//! a function from config.json to a [`Recipe`] (see `families`); loading, cost and limits follow from it.

use nearsay_kernels::{Activation, DistanceBuckets};
use serde_json::Value;

use super::block::BlockRecipe;
use super::convolution::ConvolutionRecipe;
use super::distance::{DistanceBiasRecipe, DistanceEmbeddingsRecipe};
use super::embeddings::EmbeddingsRecipe;
use super::norm::NormRecipe;
use super::rotary::RotaryRecipe;
use crate::adapters::AdaptersRecipe;
use crate::weights::Weights;
use crate::{Error, Result, families};

/// The longest text of a model that has neither positions nor a field that says.
const DEFAULT_TOKENS: usize = 512;

/// The parts of an encoder. Whoever has one can rely on its sizes: families check them.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    pub(crate) embeddings: EmbeddingsRecipe,
    /// Biases by distance, which blocks share.
    pub(crate) biases: Vec<DistanceBiasRecipe>,
    /// For vectors by distance: which row a distance has.
    pub(crate) distances: Option<DistanceBuckets>,
    /// Embeddings of distances, which layers project into their vectors.
    pub(crate) distance_embeddings: Option<DistanceEmbeddingsRecipe>,
    /// Added to the output of the first layer.
    pub(crate) convolution: Option<ConvolutionRecipe>,
    /// Rotary embeddings, which blocks share.
    pub(crate) rotary: Vec<RotaryRecipe>,
    /// After the last layer; pre-norm encoders have one.
    pub(crate) final_norm: Option<NormRecipe>,
    /// Each is loaded once, however many layers use it.
    pub(crate) blocks: Vec<BlockRecipe>,
    /// The number of the block that each step runs. Blocks are numbered in the order of their first use.
    pub(crate) steps: Vec<usize>,
    /// How many steps make a layer.
    pub(crate) steps_per_layer: usize,
    /// The longest text, in tokens; `None`: any.
    pub(crate) max_tokens: Option<usize>,
    /// The longest text, in tokens, that config.json names where positions allow any.
    pub(crate) stated_tokens: Option<usize>,
    /// Whether texts can be filled up with tokens that the others do not attend to: see [`Recipe::takes_fill`].
    pub(crate) takes_fill: bool,
    /// Additions to weights for tasks.
    pub(crate) adapters: Option<AdaptersRecipe>,
    /// Ends of names of tensors that the encoder has no use for.
    pub(crate) unread: &'static [&'static str],
    /// Encoders with the same config.json, which their tensors tell apart.
    pub(crate) alternatives: Vec<Alternative>,
}

/// An encoder, and the tensor that only its checkpoints have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alternative {
    /// The end of its name.
    pub(crate) tensor: &'static str,
    /// Its number of rows, if that tells them apart.
    pub(crate) rows: Option<usize>,
    pub(crate) recipe: Recipe,
}

impl Alternative {
    fn is_in(&self, weights: &Weights) -> bool {
        let has_name = |name: &&str| {
            let start = name.strip_suffix(self.tensor);
            start.is_some_and(|start| start.is_empty() || start.ends_with('.'))
        };
        let rows = |name: &str| weights.shape(name).and_then(|shape| shape.first().copied());
        weights.names().filter(has_name).any(|name| self.rows.is_none() || self.rows == rows(name))
    }
}

impl Recipe {
    /// An encoder whose layers have a block each.
    pub(crate) fn new(embeddings: EmbeddingsRecipe, blocks: Vec<BlockRecipe>) -> Self {
        let max_tokens = embeddings.tokens_with_positions();
        Self {
            embeddings,
            biases: Vec::new(),
            distances: None,
            distance_embeddings: None,
            convolution: None,
            rotary: Vec::new(),
            final_norm: None,
            steps: (0..blocks.len()).collect(),
            blocks,
            steps_per_layer: 1,
            max_tokens,
            stated_tokens: None,
            takes_fill: false,
            adapters: None,
            unread: &[],
            alternatives: Vec::new(),
        }
    }

    /// The same encoder, whose texts can be filled.
    pub(crate) fn with_fill(self) -> Self {
        Self { takes_fill: true, ..self }
    }

    /// Whether texts can be filled up with tokens that attend to the others, and that the others do not attend to
    /// (ColBERT's queries): tokens must affect each other in attention alone, and the published code must compute the
    /// states of masked tokens like those of others. DeBERTa, XLM and Longformer set these to zero.
    pub fn takes_fill(&self) -> bool {
        self.takes_fill
    }

    /// The encoder whose tensors `weights` has.
    pub(crate) fn for_weights(mut self, weights: &Weights) -> Self {
        let alternatives = std::mem::take(&mut self.alternatives);
        let found = alternatives.into_iter().find(|alternative| alternative.is_in(weights));
        found.map_or(self, |alternative| alternative.recipe)
    }

    /// The encoder that the content of a config.json describes.
    ///
    /// # Errors
    /// If the family is not supported, or a field breaks a rule.
    pub fn read(config: &Value) -> Result<Self> {
        (families::find(config)?.recipe)(config)
    }

    /// Rows of the word embedding table.
    pub fn vocab_size(&self) -> usize {
        self.embeddings.word.rows
    }

    /// Width of a hidden state.
    pub fn hidden_dim(&self) -> usize {
        self.embeddings.hidden_dim()
    }

    /// Encoder layers.
    pub fn num_layers(&self) -> usize {
        self.steps.len() / self.steps_per_layer
    }

    /// Attention heads of the first layer.
    pub fn num_heads(&self) -> usize {
        self.blocks.first().map_or(0, |block| block.attention.num_heads)
    }

    /// Width between the two linear layers of the first layer's feed-forward part.
    pub fn intermediate_dim(&self) -> usize {
        self.blocks.first().map_or(0, |block| block.feed_forward.inner_dim())
    }

    /// The activation between the two linear layers of the first layer's feed-forward part.
    pub fn activation(&self) -> Activation {
        self.blocks.first().map_or(Activation::Identity, |block| block.feed_forward.activation())
    }

    /// Rows of the position table, if there is one.
    pub fn max_positions(&self) -> Option<usize> {
        Some(self.embeddings.position.as_ref()?.rows)
    }

    /// The longest text, in tokens, that the model can take; `None`: any.
    pub fn max_tokens(&self) -> Option<usize> {
        self.max_tokens
    }

    /// Whether [`Recipe::max_tokens`] is the room of the position table. Models with rotary or relative positions have
    /// none, and something else may limit their texts.
    pub fn is_limited_by_positions(&self) -> bool {
        self.max_tokens.is_some() && self.max_tokens == self.embeddings.tokens_with_positions()
    }

    /// The longest text, in tokens, unless more is asked for: [`Recipe::max_tokens`], or the length in config.json
    /// where nothing limits a text, or 512 if there is none.
    pub fn usual_tokens(&self) -> usize {
        self.stated_tokens.into_iter().chain(self.max_tokens).min().unwrap_or(DEFAULT_TOKENS)
    }

    /// Whether the model states [`Recipe::usual_tokens`].
    pub fn states_length(&self) -> bool {
        self.stated_tokens.is_some() || self.max_tokens.is_some()
    }

    /// Refuses texts of more tokens than this.
    pub(crate) fn limit_tokens(&mut self, most: usize) {
        self.max_tokens = Some(self.max_tokens.map_or(most, |tokens| tokens.min(most)));
    }

    /// Whether a norm follows the last layer. It is then applied to the states of any layer that is asked for, as
    /// in bert_score, which removes the layers after that one.
    pub fn has_final_norm(&self) -> bool {
        self.final_norm.is_some()
    }

    /// The tokens on each side that a query attends to in the layer with the smallest window; `None`: all.
    pub fn smallest_window(&self) -> Option<usize> {
        self.blocks.iter().filter_map(|block| block.attention.window).min()
    }

    /// Width of a head of the first layer.
    pub(crate) fn head_dim(&self) -> usize {
        self.hidden_dim() / self.num_heads().max(1)
    }

    /// Refuses a layer that the model does not have; 0 is the embeddings.
    ///
    /// # Errors
    /// [`Error::NoSuchLayer`].
    pub fn check_layer(&self, layer: usize) -> Result<()> {
        let num_layers = self.num_layers();
        if layer <= num_layers { Ok(()) } else { Err(Error::NoSuchLayer { layer, num_layers }) }
    }

    /// Parameters of the embeddings and of the first `layers` layers.
    pub fn parameters(&self, layers: usize) -> usize {
        let blocks = self.blocks[..self.blocks_of(layers)].iter().map(BlockRecipe::parameters);
        let biases = self.biases.iter().map(DistanceBiasRecipe::parameters);
        let distances = self.distance_embeddings.iter().map(DistanceEmbeddingsRecipe::parameters);
        let convolution = self.convolution.iter().map(ConvolutionRecipe::parameters);
        let norm = self.final_norm.iter().map(NormRecipe::parameters);
        let shared = biases.chain(distances).chain(convolution).chain(norm).sum::<usize>();
        self.embeddings.parameters() + shared + blocks.sum::<usize>()
    }

    /// Operations of the first `layers` layers for a text of `length` tokens; a multiply-add counts as two.
    ///
    /// Linear layers, and products with keys and values, are counted; embeddings, norms, softmax, activations
    /// and pooling are not.
    pub fn flops(&self, layers: usize, length: usize) -> f64 {
        let blocks = self.steps_of(layers).iter().map(|&block| &self.blocks[block]);
        let convolution = self.convolution.iter().filter(|_| layers > 0).map(ConvolutionRecipe::flops);
        length as f64 * blocks.map(|block| block.flops(length)).chain(convolution).sum::<f64>()
    }

    /// The blocks that the first `layers` layers run, in order.
    pub(crate) fn steps_of(&self, layers: usize) -> &[usize] {
        &self.steps[..layers * self.steps_per_layer]
    }

    /// The number of blocks that the first `layers` layers need.
    pub(crate) fn blocks_of(&self, layers: usize) -> usize {
        self.steps_of(layers).iter().max().map_or(0, |last| last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;

    fn recipe(name: &str) -> Recipe {
        Shape::find(name).unwrap().recipe().unwrap()
    }

    #[test]
    fn a_token_takes_what_its_layers_multiply() {
        let linear = 2.0 * f64::from(4 * 384 * 384 + 2 * 384 * 1536);
        let attention = f64::from(2 * 128 * 384 * 2);
        assert_eq!(recipe("minilm-l6").flops(6, 128), 128.0 * 6.0 * (linear + attention));
        // 22.4 million a token, as others count them; bert-base 174.6 million; roberta-large to layer 17 436.7
        // million.
        for (name, layers, millions) in
            [("minilm-l6", 6, 22.4), ("bert-base", 12, 174.6), ("roberta-large", 17, 436.7)]
        {
            assert_eq!((recipe(name).flops(layers, 128) / 128.0 / 1e5).round() / 10.0, millions, "{name}");
        }
    }

    #[test]
    fn attention_grows_with_the_square_of_a_length() {
        let bert = recipe("bert-base");
        let attention = 12.0 * 4.0 * 768.0;
        let twice = 2.0 * bert.flops(12, 10);
        assert_eq!(bert.flops(12, 20) - twice, attention * (20.0 * 20.0 - 2.0 * 10.0 * 10.0));
        assert_eq!((bert.flops(12, 0), bert.flops(0, 5)), (0.0, 0.0));
    }
}
