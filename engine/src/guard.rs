//! Panics of other crates on crafted files: a tokenizer.json inside tokenizers (huggingface/tokenizers#2151),
//! a Parquet file inside parquet. Such a panic is the file's fault, not ours: it is caught and turned into an
//! error.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` and turns a panic in it into its message.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    EXPECTED.set(true);
    // After a panic, nothing that `body` left half done is used: the caller drops it.
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    EXPECTED.set(false);
    result.map_err(|payload| message_of(&*payload))
}

/// The message of a panic that was caught.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panics".to_owned())
}

/// Keeps panics that this crate catches off stderr. For programs: it replaces the process's panic hook with
/// one that passes all other panics to the previous hook.
pub fn silence_expected_panics() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !EXPECTED.get() {
            previous(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        silence_expected_panics();
        assert_eq!(catch(|| 5), Ok(5));
        assert_eq!(
            catch(|| panic!("index {} out of range", 3)),
            Err::<(), _>("index 3 out of range".to_owned())
        );
        assert_eq!(catch(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
    }
}
