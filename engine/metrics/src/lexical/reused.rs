//! Values whose buffers are kept from row to row.

use std::ops::{Deref, DerefMut};

/// The values of this row. those of longer rows before are kept after them, for their memory.
#[derive(Debug, Default)]
pub(crate) struct Reused<T> {
    all: Vec<T>,
    len: usize,
}

impl<T: Default> Reused<T> {
    /// Makes `len` values of them, which are as earlier rows left them, and returns them to be written over.
    pub(crate) fn start_row(&mut self, len: usize) -> &mut [T] {
        self.len = len;
        self.all.resize_with(self.all.len().max(len), T::default);
        self
    }
}

impl<T> Deref for Reused<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all[..self.len]
    }
}

impl<T> DerefMut for Reused<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.all[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_own_values_and_the_buffers_of_earlier_ones() {
        let mut texts = Reused::<String>::default();
        texts.start_row(3).iter_mut().for_each(|text| text.push_str("abc"));
        texts.start_row(1)[0].clear();
        assert_eq!(*texts, [""]);
        assert_eq!(*texts.start_row(4), ["", "abc", "abc", ""]);
    }
}
