//! Rotary position embeddings as a part: a table of angles that layers share.

use std::sync::{Arc, Mutex, PoisonError};

use nearsay_kernels::{Placement, RotaryTable};

use crate::Result;

/// The angles of a table: position times theta^(-2i / width), for pairs i, before it is scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RotaryRecipe {
    pub(crate) theta: f64,
    /// The values of a head that turn, an even number; the others stay.
    pub(crate) width: usize,
    pub(crate) scaling: RotaryScaling,
}

/// How the angles of longer texts than a model was first trained for are made smaller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RotaryScaling {
    None,
    /// All are divided by a factor.
    Linear {
        factor: f64,
    },
    /// Theta is multiplied by the factor, and all are divided by factor^(2 / width): those of the last pair by the
    /// factor, those of the first by little (gte).
    Ntk {
        factor: f64,
    },
    /// Those of pair i are divided by exp(a (i + 1)^exponent), with a = ln(factor) / (width / 2)^exponent (gte).
    Mixed {
        factor: f64,
        exponent: f64,
    },
}

impl RotaryRecipe {
    /// Without scaling.
    pub(crate) fn new(theta: f64, width: usize) -> Self {
        Self { theta, width, scaling: RotaryScaling::None }
    }

    /// The angles of position 1, rounded to f32 after every step, as in the references.
    fn frequencies(&self) -> Vec<f32> {
        let Self { theta, width, scaling } = *self;
        let plain = RotaryTable::inverse_frequencies(theta, width);
        match scaling {
            RotaryScaling::None => plain,
            RotaryScaling::Linear { factor } => divided(plain, factor as f32),
            RotaryScaling::Ntk { factor } => {
                let wider = RotaryTable::inverse_frequencies(theta * factor, width);
                divided(wider, factor.powf(2.0 / width as f64) as f32)
            }
            RotaryScaling::Mixed { factor, exponent } => {
                let power = |base: f32| f64::from(base).powf(exponent) as f32;
                let slope = (factor as f32).ln() / power(width as f32 / 2.0);
                let pairs = plain.into_iter().enumerate();
                pairs.map(|(pair, angle)| angle / (slope * power(pair as f32 + 1.0)).exp()).collect()
            }
        }
    }
}

fn divided(frequencies: Vec<f32>, divisor: f32) -> Vec<f32> {
    frequencies.into_iter().map(|frequency| frequency / divisor).collect()
}

/// A table for as many positions as were needed so far. It is made again for a longer text; the rows that it had
/// keep their bits.
#[derive(Debug)]
pub(crate) struct RotaryTables {
    recipe: RotaryRecipe,
    placement: Placement,
    table: Mutex<Option<Arc<RotaryTable>>>,
}

/// The fewest positions of a table.
const FIRST_POSITIONS: usize = 512;

impl RotaryTables {
    pub(crate) fn new(recipe: RotaryRecipe, placement: &Placement) -> Self {
        Self { recipe, placement: placement.clone(), table: Mutex::default() }
    }

    /// A table for texts of up to `longest` tokens.
    pub(crate) fn of(&self, longest: usize) -> Result<Arc<RotaryTable>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = table.as_ref().filter(|table| table.positions() >= longest) {
            return Ok(table.clone());
        }
        let positions = longest.next_power_of_two().max(FIRST_POSITIONS);
        let made = RotaryTable::new(&self.recipe.frequencies(), 1.0, positions, &self.placement)?;
        let made = Arc::new(made);
        Ok(table.insert(made).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequencies(scaling: RotaryScaling) -> Vec<f32> {
        RotaryRecipe { theta: 10_000.0, width: 8, scaling }.frequencies()
    }

    #[test]
    fn scalings_are_their_formulas() {
        let plain = frequencies(RotaryScaling::None);
        assert_eq!(plain, [1.0, 0.1, 0.01, 0.001]);
        assert_eq!(frequencies(RotaryScaling::Linear { factor: 4.0 }), [0.25, 0.025, 0.0025, 0.00025]);
        // The first pair of NTK is divided by 16^(1/4), the last one by the whole factor.
        let ntk = frequencies(RotaryScaling::Ntk { factor: 16.0 });
        let expected = [0, 1, 2, 3].map(|pair| 160_000f64.powf(-f64::from(pair) / 4.0) / 2.0);
        for (got, expected) in ntk.iter().zip(expected) {
            assert!((f64::from(*got) / expected - 1.0).abs() < 1e-6, "{ntk:?}");
        }
        assert!((ntk[3] * 16.0 / plain[3] - 1.0).abs() < 1e-6, "{ntk:?}");
        // With the exponent 1, pair i is divided by factor^((i + 1) / 4).
        let mixed = frequencies(RotaryScaling::Mixed { factor: 16.0, exponent: 1.0 });
        for (pair, (got, plain)) in mixed.iter().zip(&plain).enumerate() {
            assert!((plain / got / 2f32.powi(pair as i32 + 1) - 1.0).abs() < 1e-6, "{mixed:?}");
        }
    }
}
