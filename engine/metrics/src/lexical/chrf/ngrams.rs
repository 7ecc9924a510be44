//! The n-grams of all orders of a sequence, sorted.
//!
//! The windows of N symbols at every position of a sequence, sorted, are the n-grams of order N in order, and their
//! first n symbols those of order n. So one sort serves all orders, and the n-grams that two sequences share are
//! found by walking along both. N symbols are packed into 64 bits, first symbol first, if the row has few enough
//! different ones: with N = 6, up to 1,022 characters. Otherwise windows are positions, compared symbol by symbol.
//!
//! Compared with a hash map of counts, this reads and writes memory in order; it is exact as well.

use std::cmp::Ordering;

/// Follows the symbols of a reference, so that the windows at its end are complete.
const AFTER_REFERENCE: u32 = 0;

/// How windows are sorted, the same for a candidate and its references.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    max_order: usize,
    /// The bits of a symbol if windows are packed.
    bits: Option<u32>,
    /// Replaces the symbols that no reference has and follows a candidate's symbols: it never matches.
    foreign: u32,
}

impl Layout {
    /// For references whose symbols are 1 to `greatest`.
    pub(super) fn new(max_order: usize, greatest: u32) -> Self {
        let foreign = greatest.saturating_add(1);
        let bits = u32::BITS - foreign.leading_zeros();
        let fits = max_order as u32 * bits <= u64::BITS;
        Self { max_order, bits: fits.then_some(bits), foreign }
    }

    /// The symbol that replaces symbols that no reference has.
    pub(super) fn foreign(self) -> u32 {
        self.foreign
    }
}

/// The windows of a sequence of symbols.
#[derive(Debug, Default)]
pub(super) struct Windows {
    symbols: Vec<u32>,
    length: usize,
    /// If the layout packs them.
    packed: Vec<u64>,
    /// If it does not.
    positions: Vec<u32>,
}

impl Windows {
    /// The symbols, to be filled before [`sort`](Self::sort).
    pub(super) fn start(&mut self) -> &mut Vec<u32> {
        self.symbols.clear();
        &mut self.symbols
    }

    /// Sorts the windows of a reference.
    pub(super) fn sort_reference(&mut self, layout: Layout) {
        self.sort(layout, AFTER_REFERENCE);
    }

    /// Sorts the windows of a candidate.
    pub(super) fn sort_candidate(&mut self, layout: Layout) {
        self.sort(layout, layout.foreign);
    }

    fn sort(&mut self, layout: Layout, after: u32) {
        let order = layout.max_order;
        self.length = self.symbols.len();
        self.symbols.resize(self.length + order.saturating_sub(1), after);
        let Self { symbols, packed, positions, .. } = self;
        packed.clear();
        positions.clear();
        if order == 0 || self.length == 0 {
            return;
        }
        if let Some(bits) = layout.bits {
            pack(symbols, order, bits, packed);
            packed.sort_unstable();
        } else {
            positions.extend(0..self.length as u32);
            let window = |position: u32| &symbols[position as usize..][..order];
            positions.sort_unstable_by(|left, right| window(*left).cmp(window(*right)));
        }
    }

    /// The number of n-grams of an order.
    pub(super) fn count(&self, order: usize) -> usize {
        (self.length + 1).saturating_sub(order)
    }

    /// How many n-grams of an order a candidate and a reference share, each as often as both have it.
    pub(super) fn matches(&self, reference: &Self, layout: Layout, order: usize) -> usize {
        if let Some(bits) = layout.bits {
            let shift = bits * (layout.max_order - order) as u32;
            let of = |windows: &[u64], at: usize| windows[at] >> shift;
            let compare = |left, right| of(&self.packed, left).cmp(&of(&reference.packed, right));
            shared(self.packed.len(), reference.packed.len(), compare)
        } else {
            let of = |windows: &'_ Self, at: usize| windows.positions[at] as usize;
            let compare = |left, right| {
                let left = &self.symbols[of(self, left)..][..order];
                left.cmp(&reference.symbols[of(reference, right)..][..order])
            };
            shared(self.positions.len(), reference.positions.len(), compare)
        }
    }
}

/// Packs the windows at all positions of which there is a complete one.
fn pack(symbols: &[u32], order: usize, bits: u32, packed: &mut Vec<u64>) {
    let mask = u64::MAX >> (u64::BITS - bits * order as u32);
    let push = |window: u64, symbol: &u32| (window.unbounded_shl(bits) | u64::from(*symbol)) & mask;
    let (before, last) = symbols.split_at(order - 1);
    let mut window = before.iter().fold(0, push);
    packed.extend(last.iter().map(|symbol| {
        window = push(window, symbol);
        window
    }));
}

/// How many elements two sorted sequences share.
fn shared(left_length: usize, right_length: usize, compare: impl Fn(usize, usize) -> Ordering) -> usize {
    let (mut left, mut right, mut shared) = (0, 0, 0);
    while left < left_length && right < right_length {
        let order = compare(left, right);
        left += usize::from(order.is_le());
        right += usize::from(order.is_ge());
        shared += usize::from(order.is_eq());
    }
    shared
}
