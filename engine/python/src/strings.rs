//! The items of a Python container, copied, read and released in parts: to do so for a long list at once takes tens of
//! milliseconds, in which another thread that needs the GIL would wait.

use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::error::value_error;

/// Texts that are looked at before another thread may take the GIL: far less than a millisecond's worth.
const TURN: usize = 2048;
/// Texts that are copied from a container, or released, at once.
pub(crate) const PART: usize = 8192;
/// Far less time than it takes to encode [`TURN`] texts.
const PAUSE: Duration = Duration::from_micros(50);

/// A copy of a container, which may change while its items are at work: tuples of `size` items, the last of which may have
/// fewer.
pub(crate) struct Strings {
    parts: Vec<Py<PyTuple>>,
    size: usize,
}

impl Strings {
    /// The items of a container; `None` if it has no iterator.
    ///
    /// # Errors
    /// The iterator's own exception, or if a list changes its length meanwhile.
    pub(crate) fn of(container: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Ok(tuple) = container.cast::<PyTuple>() {
            return Ok(Some(Self { parts: vec![tuple.clone().unbind()], size: tuple.len().max(1) }));
        }
        if let Ok(list) = container.cast_exact::<PyList>() {
            return Self::of_list(list).map(Some);
        }
        if !container.hasattr("__iter__")? && !container.hasattr("__getitem__")? {
            return Ok(None);
        }
        let py = container.py();
        let (mut parts, mut part) = (Vec::new(), Vec::with_capacity(PART));
        // The iterator's own exception passes through.
        for item in container.try_iter()? {
            part.push(item?);
            if part.len() == PART {
                parts.push(PyTuple::new(py, part.drain(..))?.unbind());
                give_way(py);
            }
        }
        parts.push(PyTuple::new(py, part)?.unbind());
        Ok(Some(Self { parts, size: PART }))
    }

    fn of_list(list: &Bound<'_, PyList>) -> PyResult<Self> {
        let (py, len) = (list.py(), list.len());
        let mut parts = Vec::with_capacity(len.div_ceil(PART));
        for start in (0..len).step_by(PART) {
            let end = (start + PART).min(len);
            let part = list.get_slice(start, end);
            if part.len() != end - start {
                let message = format!("the list of texts had {len} texts, and has {} now", list.len());
                let hint = "another thread changes it: give a copy";
                return Err(value_error(py, &message, Some(hint)));
            }
            parts.push(part.to_tuple().unbind());
            if end < len {
                give_way(py);
            }
        }
        Ok(Self { parts, size: PART })
    }

    /// The items.
    pub(crate) fn iter<'py>(&self, py: Python<'py>) -> impl Iterator<Item = Bound<'py, PyAny>> {
        self.parts.iter().flat_map(move |part| part.bind(py).iter())
    }

    /// An item.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn get<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Bound<'py, PyAny>> {
        self.parts[at / self.size].bind(py).get_item(at % self.size)
    }
}

impl Drop for Strings {
    fn drop(&mut self) {
        release(&mut self.parts, 1);
    }
}

/// Drops references to objects, some at a time: another thread that waits for the GIL may take it between them.
pub(crate) fn release<T>(references: &mut Vec<T>, at_once: usize) {
    if references.len() <= at_once {
        return;
    }
    // Without an interpreter, there is nothing to wait for.
    let _ = Python::try_attach(|py| {
        while !references.is_empty() {
            references.truncate(references.len().saturating_sub(at_once));
            give_way(py);
        }
    });
}

/// Lets another thread that waits for the GIL take it, now and then.
pub(crate) fn take_turns(py: Python<'_>, at: usize) {
    if at % TURN == TURN - 1 {
        give_way(py);
    }
}

/// Lets another thread take the GIL. One that waits wakes up within [`PAUSE`]; without it, it would get its turn only after
/// Python's switch interval, 5 ms, each time that it needs the GIL.
fn give_way(py: Python<'_>) {
    py.detach(|| thread::sleep(PAUSE));
}
