//! Cosines and sines of rotary embeddings.

use candle_core::{Device, Tensor};

use crate::{Error, Placement, Result};

/// The angles of positions: position times the inverse frequency of each pair. Cloning shares them.
#[derive(Debug, Clone)]
pub struct RotaryTable {
    /// [positions, pairs] f32
    pub(super) cos: Tensor,
    /// [positions, pairs] f32
    pub(super) sin: Tensor,
}

impl RotaryTable {
    /// theta^(-2 i / dim) for the pairs i of `dim` values, rounded where torch rounds: the exponent, the power and
    /// its inverse are f32, the power is computed in f64.
    pub fn inverse_frequencies(theta: f64, dim: usize) -> Vec<f32> {
        let exponents = (0..dim / 2).map(|pair| (2 * pair) as f32 / dim as f32);
        exponents.map(|exponent| 1.0 / theta.powf(f64::from(exponent)) as f32).collect()
    }

    /// The angles of the first `positions` positions, f32 products as in the references: with exact angles,
    /// vectors would differ from theirs by 4e-5 at position 511 and ten times that at 8191. `scale` multiplies
    /// cosines and sines; it is 1 but for some long-context scalings.
    ///
    /// # Errors
    /// If there are no frequencies or positions, or the device lacks the memory.
    pub fn new(
        inverse_frequencies: &[f32],
        scale: f32,
        positions: usize,
        placement: &Placement,
    ) -> Result<Self> {
        let pairs = inverse_frequencies.len();
        if pairs == 0 || positions == 0 {
            let rule = format!("must have pairs and positions, got {pairs} and {positions}");
            return Err(Error::Argument { operation: "rotary_table", rule });
        }
        let angles = (0..positions).flat_map(|position| {
            inverse_frequencies.iter().map(move |frequency| f64::from(position as f32 * frequency))
        });
        let (cos, sin): (Vec<f32>, Vec<f32>) =
            angles.map(|angle| (angle.cos() as f32 * scale, angle.sin() as f32 * scale)).unzip();
        let place = |values: Vec<f32>| {
            Tensor::from_vec(values, (positions, pairs), &Device::Cpu)?.to_device(placement.device())
        };
        Ok(Self { cos: place(cos)?, sin: place(sin)? })
    }

    /// The number of positions.
    pub fn positions(&self) -> usize {
        self.cos.dims()[0]
    }

    /// The number of pairs that are rotated in each head.
    pub fn pairs(&self) -> usize {
        self.cos.dims()[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exponents -2 i / dim; three roundings of half a unit each.
    #[test]
    fn frequencies_are_powers_of_theta() {
        assert_eq!(RotaryTable::inverse_frequencies(10_000.0, 4), [1.0, 0.01]);
        let frequencies = RotaryTable::inverse_frequencies(160_000.0, 64);
        assert_eq!((frequencies.len(), frequencies[0]), (32, 1.0));
        for (pair, frequency) in frequencies.iter().enumerate() {
            let exact = 160_000f64.powf(-(pair as f64) / 32.0);
            assert!((f64::from(*frequency) / exact - 1.0).abs() < 1e-6, "{pair}");
        }
    }

    #[test]
    fn angles_are_products_in_f32() {
        let frequency = 0.1f32;
        let table = RotaryTable::new(&[1.0, frequency], 2.0, 4000, &Placement::CPU).unwrap();
        assert_eq!((table.positions(), table.pairs()), (4000, 2));
        let angle = 3999f32 * frequency;
        let cos = table.cos.to_vec2::<f32>().unwrap()[3999][1];
        let sin = table.sin.to_vec2::<f32>().unwrap()[3999][1];
        assert_eq!([cos, sin], [f64::from(angle).cos() as f32 * 2.0, f64::from(angle).sin() as f32 * 2.0]);
        let error = RotaryTable::new(&[], 1.0, 5, &Placement::CPU).unwrap_err().to_string();
        assert_eq!(error, "rotary_table: must have pairs and positions, got 0 and 5");
    }
}
