//! Reuses the memory of finished activations: fresh pages cost more than small layers do.
//!
//! Every thread keeps the buffers returned to it, up to a limit, and an operation allocates its output from
//! them. Fresh memory is zero and reused memory has old values; an operation writes all of it either way.

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};

/// Vectors kept per thread; an encoder layer has fewer at a time.
const MOST: usize = 16;

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// `count` values of any content, to be overwritten.
pub(crate) fn take(count: usize) -> Vec<f32> {
    let reused = FREE.with_borrow_mut(|free| {
        let fitting = free.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= count);
        let smallest = fitting.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
        if smallest.is_none() {
            // The new buffer replaces the largest that is too small; otherwise texts of growing length would
            // leave buffers of all sizes.
            let largest = free.iter().enumerate().max_by_key(|(_, buffer)| buffer.capacity());
            largest.map(|(index, _)| index).map(|index| free.swap_remove(index));
        }
        smallest.map(|index| free.swap_remove(index))
    });
    let Some(mut buffer) = reused else { return vec![0.0; count] };
    // Fills only the part after the previous values: nothing if batches are alike.
    buffer.resize(count, 0.0);
    buffer
}

/// Keeps `buffer` for a later [`take`] on this thread.
pub(crate) fn give(buffer: Vec<f32>) {
    FREE.with_borrow_mut(|free| {
        free.push(buffer);
        if free.len() > MOST {
            let smallest = free.iter().enumerate().min_by_key(|(_, buffer)| buffer.capacity());
            if let Some((index, _)) = smallest {
                free.swap_remove(index);
            }
        }
    });
}

/// Returns the memory of a finished activation for this thread's next operations.
///
/// `tensor` must be its storage's only owner, as the result of an operation of this crate is: others would
/// find it empty and fail. On devices other than the CPU it is simply dropped.
pub fn recycle(tensor: Tensor) {
    // A tensor whose storage cannot be taken out (another device, a view of something else) is dropped, which
    // is also correct.
    let _ = tensor.inplace_op1(&Recycle);
}

struct Recycle;

impl InplaceOp1 for Recycle {
    fn name(&self) -> &'static str {
        "recycle"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        if let CpuStorage::F32(values) = storage {
            give(std::mem::take(values));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn what_is_given_back_is_taken_again() {
        let tensor = Tensor::from_vec(vec![7.0f32; 1000], (10, 100), &Device::Cpu).unwrap();
        let address = {
            let (storage, _) = tensor.storage_and_layout();
            let candle_core::Storage::Cpu(storage) = &*storage else { unreachable!() };
            storage.as_slice::<f32>().unwrap().as_ptr()
        };
        recycle(tensor);
        give(vec![0.0; 5000]);
        let buffer = take(900);
        assert_eq!((buffer.as_ptr(), buffer.len()), (address, 900));
        assert_eq!(take(6000).len(), 6000);
        give(buffer);
        let buffer = take(1000);
        assert_eq!((buffer.as_ptr(), buffer.len()), (address, 1000), "its whole length is there again");
    }

    #[test]
    fn sizes_that_grow_do_not_pile_up() {
        for size in 1..100 {
            give(take(size));
            FREE.with_borrow(|free| assert_eq!(free.len(), 1));
        }
    }

    #[test]
    fn a_thread_keeps_a_limited_number() {
        for size in 1..100 {
            give(vec![0.0; size]);
        }
        FREE.with_borrow(|free| {
            assert_eq!(free.len(), MOST);
            assert!(free.iter().all(|buffer| buffer.capacity() >= 100 - MOST));
        });
    }
}
