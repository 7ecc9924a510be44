//! Bounds the memory of the bodies of all requests together.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in units of this.
const UNIT: usize = 1 << 10;

/// The memory that the bodies of requests may have.
#[derive(Debug, Clone)]
pub(crate) struct BodyMemory {
    free: Arc<Semaphore>,
    units: usize,
}

/// The share of a request's body in it, until its answer is ready; nothing until it is read.
#[derive(Debug, Clone)]
pub(crate) struct BodyShare {
    memory: BodyMemory,
    taken: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl BodyMemory {
    /// For `bytes` of bodies.
    pub(crate) fn new(bytes: usize) -> Self {
        let most_units = Semaphore::MAX_PERMITS.min(u32::MAX as usize);
        let units = bytes.div_ceil(UNIT).clamp(1, most_units);
        Self { free: Arc::new(Semaphore::new(units)), units }
    }

    /// The share of a request.
    pub(crate) fn share(&self) -> BodyShare {
        BodyShare { memory: self.clone(), taken: Arc::default() }
    }

    /// The units of a body.
    fn units(&self, bytes: usize) -> u32 {
        // There are at most as many.
        u32::try_from(bytes.div_ceil(UNIT).min(self.units)).unwrap_or(u32::MAX)
    }
}

impl BodyShare {
    /// Waits until there is room for a body of `bytes`.
    pub(crate) async fn take(&self, bytes: usize) {
        let taken = self.memory.free.clone().acquire_many_owned(self.memory.units(bytes)).await;
        // The semaphore is never closed.
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken.ok();
    }

    /// The body has `bytes`: the rest of its share is free.
    pub(crate) fn shrink(&self, bytes: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(permit) = taken.as_mut() else { return };
        let excess = permit.num_permits().saturating_sub(self.memory.units(bytes) as usize);
        drop(permit.split(excess));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_wait_for_room_and_give_it_back() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let memory = BodyMemory::new(10 << 10);
            let (first, second, third) = (memory.share(), memory.share(), memory.share());
            first.take(4 << 10).await;
            second.take(4 << 10).await;
            assert_eq!(memory.free.available_permits(), 2);
            // The body was shorter than it could have been.
            first.shrink(100);
            assert_eq!(memory.free.available_permits(), 5);
            third.take(5 << 10).await;
            assert_eq!(memory.free.available_permits(), 0);
            let fourth = memory.share();
            let waits = tokio::spawn(async move { fourth.take(2 << 10).await });
            tokio::task::yield_now().await;
            assert!(!waits.is_finished());
            drop(second);
            waits.await.unwrap();
            drop((first, third));
            assert_eq!(memory.free.available_permits(), 10);
            // A body that is longer than all room waits for all of it.
            memory.share().take(1 << 30).await;
        });
        assert_eq!(BodyMemory::new(usize::MAX).units, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
    }
}
