//! Rotary position embeddings as a part: a table of angles that layers share.

use std::sync::{Arc, Mutex, PoisonError};

use nearsay_kernels::{Placement, RotaryTable};

use crate::Result;

/// The angles of a table: position times theta^(-2i / head_dim), for pairs i.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RotaryRecipe {
    pub(crate) theta: f64,
    pub(crate) head_dim: usize,
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
        let inverse = RotaryTable::inverse_frequencies(self.recipe.theta, self.recipe.head_dim);
        let made = Arc::new(RotaryTable::new(&inverse, 1.0, positions, &self.placement)?);
        Ok(table.insert(made).clone())
    }
}
