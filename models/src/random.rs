//! Random weights, for measuring the speed of encoders of a known shape.

use candle_core::{Device, Tensor};

use crate::parameters::WeightSource;
use crate::{Error, Result};

/// Random weights of any shape.
///
/// Matrices [rows, width] are uniform with variance 1 / width, so that values neither vanish nor grow from
/// layer to layer; biases are 0 and the weights of norms 1. A tensor depends on the seed and its name, not on
/// earlier loads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RandomWeights {
    pub(crate) seed: u64,
}

impl WeightSource for RandomWeights {
    fn description(&self) -> &str {
        "random weights"
    }

    fn prefixes(&self, _landmark: &str) -> Vec<&str> {
        Vec::new()
    }

    fn missing(&self, name: &str) -> Error {
        Error::MissingTensor { name: name.to_owned(), file: self.description().to_owned(), has: Vec::new() }
    }

    fn contains(&self, name: &str) -> bool {
        // TensorFlow's names for `weight` and `bias`.
        !name.ends_with(".gamma") && !name.ends_with(".beta")
    }

    fn shape(&self, _name: &str) -> Option<&[usize]> {
        None
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let count = shape.iter().product();
        let values = match shape {
            [_, width] => uniform(self.seed ^ hash(name), (3.0 / *width as f32).sqrt(), count),
            _ => vec![f32::from(u8::from(name.ends_with(".weight"))); count],
        };
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }
}

/// `count` values between `-limit` and `limit`, two from each step of the generator.
fn uniform(seed: u64, limit: f32, count: usize) -> Vec<f32> {
    let mut generator = SplitMix64::new(seed);
    // Maps a 32-bit integer to -1..=1.
    let unit = limit / (1u32 << 31) as f32;
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let bits = generator.next_u64();
        values.extend([bits as i32, (bits >> 32) as i32].map(|integer| integer as f32 * unit));
    }
    values.truncate(count);
    values
}

/// A generator of random bits: splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The same seed returns the same bits on every machine, and always will.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// FNV-1a (Fowler, Noll and Vo): the standard library's hash may change from one release to the next.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{tiny, tiny_config};
    use crate::{Encoder, EncoderOptions};

    fn hidden(seed: u64, layer: usize) -> Vec<f32> {
        let options = EncoderOptions { num_layers: Some(layer), ..EncoderOptions::default() };
        let encoder = Encoder::random(tiny(), &options, seed).unwrap();
        let batch = encoder.pack(&[&[1, 2, 3], &[4]]).unwrap();
        let states = encoder.forward(&batch, &[layer]).unwrap();
        states.layer(layer).unwrap().to_vec().unwrap()
    }

    #[test]
    fn a_seed_gives_the_same_bits_and_another_one_others() {
        assert_eq!(hidden(1, 2), hidden(1, 2));
        assert_ne!(hidden(1, 2), hidden(2, 2));
    }

    #[test]
    fn states_are_finite_and_normalised_in_every_layer() {
        for layer in 0..=2 {
            for row in hidden(7, layer).chunks_exact(tiny().hidden_dim()) {
                let squares = row.iter().map(|x| x * x).sum::<f32>() / row.len() as f32;
                assert!((squares - 1.0).abs() < 1e-3, "layer {layer}: {row:?}");
            }
        }
    }

    #[test]
    fn values_have_the_variance_that_they_should() {
        let values = uniform(3, 3f32.sqrt(), 100_001);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|x| x * x).sum::<f32>() / values.len() as f32;
        assert_eq!(values.len(), 100_001);
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        assert!(values.iter().all(|x| x.abs() <= 3f32.sqrt()));
    }

    #[test]
    fn a_shape_that_makes_no_model_is_refused() {
        let mut config = tiny_config();
        config["num_attention_heads"] = 3.into();
        let error = crate::Recipe::read(&config).unwrap_err().to_string();
        assert!(error.contains("hidden_size") && error.contains("num_attention_heads (3)"), "{error}");
    }
}
