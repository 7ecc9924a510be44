//! A session in a process that was forked from the one that opened it.

use std::mem;
use std::sync::{Arc, Mutex, TryLockError};

use super::encoder::EncodingResources;
use super::heads::LoadedHeads;
use super::{Opened, Session, Workers};
use crate::{Error, Result};

impl Session {
    /// The same model in a process that was forked from the one that opened it (`fork` without `exec`, as Python's
    /// multiprocessing does on Linux). Of the parent's threads none is there, so this one has threads of its own; the
    /// weights are the parent's, in the same memory. What a thread of the parent was about to load at that moment is
    /// loaded again. The parent's session is leaked: to drop it would wait for its threads.
    ///
    /// # Errors
    /// [`Error::Usage`] if the encoder is on a GPU, which a forked process cannot use.
    pub fn after_fork(&self) -> Result<Self> {
        let Opened { model, devices, batch_tokens, stop, tokenizer, replicas, digest, .. } = &*self.0;
        if devices.are_gpus() {
            return Err(Error::usage_hint(
                format!(
                    "a forked process cannot use {}, on which its parent opened the model",
                    devices.name()
                ),
                "start processes with the method spawn or forkserver, or open the model in each of them",
            ));
        }
        mem::forget(self.clone());
        let workers = Workers::new(Some(self.workers().number()));
        let resources = EncodingResources::new(devices, batch_tokens.map(std::num::NonZero::get), workers);
        Ok(Self(Arc::new(Opened {
            resources: Arc::new(resources),
            model: model.clone(),
            devices: devices.clone(),
            batch_tokens: *batch_tokens,
            stop: stop.clone(),
            tokenizer: inherited(tokenizer),
            replicas: inherited(replicas),
            heads: LoadedHeads::default(),
            digest: inherited(digest),
            warned_of_length: true.into(),
        })))
    }
}

/// The parent's value; the default if a thread of the parent held the lock, which nobody releases here.
fn inherited<T: Clone + Default>(mutex: &Mutex<T>) -> Mutex<T> {
    match mutex.try_lock() {
        Ok(value) => Mutex::new(value.clone()),
        // Values are stored only when they are complete.
        Err(TryLockError::Poisoned(value)) => Mutex::new(value.into_inner().clone()),
        Err(TryLockError::WouldBlock) => Mutex::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_is_not_waited_for() {
        let (free, held) = (Mutex::new(vec![1]), Mutex::new(vec![1]));
        let _guard = held.lock().unwrap();
        assert_eq!(*inherited(&free).lock().unwrap(), [1]);
        assert!(inherited(&held).lock().unwrap().is_empty());
    }
}
