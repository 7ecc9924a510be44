//! One head's vectors by distance, as right factors of products.
//!
//! Position keys are columns in the order of δ = key - query, position queries in that of -δ: then consecutive
//! keys of a query, and consecutive queries of a key, are consecutive columns. Distance 0 is the last column of a
//! panel, so that blocks of whole panels of queries and keys start with a panel of distances.

use crate::cpu::product::Panels;
use crate::cpu::simd::{Kernel, Simd};
use crate::ops::attention::distances::VectorTables;

#[derive(Default)]
pub(super) struct Positions {
    /// Without columns if there are none.
    pub(super) keys: Panels,
    /// Without columns if there are none.
    pub(super) queries: Panels,
    /// The column of distance 0.
    pub(super) zero: usize,
    /// Vectors in the order of the columns.
    rows: Vec<f32>,
}

impl Positions {
    #[inline(always)]
    fn pack<S: Simd>(&mut self, simd: S, tables: VectorTables<'_>, head: usize) {
        self.zero = tables.longest().next_multiple_of(2 * S::LANES) - 1;
        let Self { keys, queries, zero, rows } = self;
        let columns = *zero + tables.longest();
        let parts = [(keys, tables.position_keys, 1), (queries, tables.position_queries, -1)];
        for (panels, table, sign) in parts {
            rows.clear();
            let columns = if table.is_empty() { 0 } else { columns };
            for column in 0..columns {
                // The first columns are before all distances: nothing reads their products.
                let order = (column as isize - *zero as isize).max(1 - tables.longest() as isize);
                rows.extend_from_slice(tables.vector(table, head, sign * order));
            }
            let head_dim = rows.len() / columns.max(1);
            panels.pack_transposed(simd, bytemuck::cast_slice(rows), head_dim, [columns, head_dim]);
        }
    }
}

/// Packs the vectors of one head.
pub(super) struct PackPositions<'a> {
    pub(super) positions: &'a mut Positions,
    pub(super) tables: VectorTables<'a>,
    pub(super) head: usize,
}

impl Kernel for PackPositions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.positions.pack(simd, self.tables, self.head);
    }
}
