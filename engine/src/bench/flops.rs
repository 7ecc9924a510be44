//! Operations of an encoder; a multiply-add counts as two.
//!
//! In a text of L tokens, each token needs in every layer with hidden size h and intermediate size i:
//!
//! - linear layers: 2 (4 h^2 + 2 h i), for query, key, value and output, and both feed-forward layers;
//! - attention: 4 L h, for the products with every key and value.
//!
//! Embeddings, norms, softmax, activations and pooling are not counted.

use nearsay_models::EncoderConfig;

/// Operations of `layers` layers for texts of these lengths.
pub(super) fn flops(config: &EncoderConfig, layers: usize, lengths: impl Iterator<Item = usize>) -> f64 {
    lengths.map(|length| length as f64 * token_flops(config, layers, length)).sum()
}

fn token_flops(config: &EncoderConfig, layers: usize, length: usize) -> f64 {
    let (hidden, inner) = (config.hidden_dim as f64, config.intermediate_dim as f64);
    let linear = 2.0 * (4.0 * hidden * hidden + 2.0 * hidden * inner);
    let attention = 4.0 * length as f64 * hidden;
    layers as f64 * (linear + attention)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_models::Shape;

    fn config(name: &str) -> EncoderConfig {
        Shape::find(name).unwrap().config
    }

    #[test]
    fn a_token_takes_what_its_layers_multiply() {
        let linear = 2 * (4 * 384 * 384 + 2 * 384 * 1536);
        let attention = 2 * 128 * 384 * 2;
        assert_eq!(token_flops(&config("minilm-l6"), 6, 128), (6 * (linear + attention)) as f64);
        // 22.4 million, as others count them; bert-base 174.6 million; roberta-large to layer 17 436.7
        // million.
        assert_eq!((token_flops(&config("minilm-l6"), 6, 128) / 1e5).round(), 224.0);
        assert_eq!((token_flops(&config("bert-base"), 12, 128) / 1e5).round(), 1746.0);
        assert_eq!((token_flops(&config("roberta-large"), 17, 128) / 1e5).round(), 4367.0);
    }

    #[test]
    fn attention_grows_with_the_square_of_a_length() {
        let total = |lengths: &[usize]| flops(&config("bert-base"), 12, lengths.iter().copied());
        let attention = 12.0 * 4.0 * 768.0;
        assert_eq!(total(&[20]) - 2.0 * total(&[10]), attention * (20.0 * 20.0 - 2.0 * 10.0 * 10.0));
        assert_eq!(total(&[]), 0.0);
        assert_eq!(flops(&config("bert-base"), 0, [5].into_iter()), 0.0);
    }
}
