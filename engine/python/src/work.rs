//! Work without the GIL that signals, callbacks and other threads can end.
//!
//! A call that may take long does its work on a thread of its own. The caller waits for it and wakes up every
//! [`TICK`] to report progress and, in Python's main thread, to see whether a signal has come (Python runs signal handlers
//! in that thread only). If a handler or a callback raises, the work is cancelled, and the exception passes on once the work
//! has stopped: no work continues after the call returns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::error::{internal, to_exception};

/// How long a signal or a report of progress may wait.
const TICK: Duration = Duration::from_millis(40);

/// What can end a call from another thread.
#[pyclass(frozen, module = "nearsay._nearsay")]
#[derive(Default)]
pub(crate) struct Cancel(nearsay::Cancel);

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Ends the calls that it was given to.
    fn cancel(&self) {
        self.0.cancel();
    }
}

/// How far a call is, written by its work and read by its caller.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    done: AtomicU64,
    /// How much there is to do; 0 while that is not known.
    total: AtomicU64,
}

impl Done {
    pub(crate) fn set(&self, count: u64) {
        self.0.done.store(count, Ordering::Relaxed);
    }

    /// For work that finds out how much it has to do.
    pub(crate) fn set_total(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    fn total(&self) -> Option<u64> {
        Some(self.0.total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }
}

/// A call of the library.
#[derive(Default)]
pub(crate) struct Work<'a> {
    /// Called with `(done, total)`.
    pub(crate) progress: Option<&'a Bound<'a, PyAny>>,
    /// How much there is to do, if known.
    pub(crate) total: Option<u64>,
    /// What may end it besides signals.
    pub(crate) cancel: Option<&'a Cancel>,
    /// Whether it takes less than a tick: then nothing needs to be looked at.
    pub(crate) is_short: bool,
}

impl Work<'_> {
    /// Does `work` without the GIL. Its cancel token must be passed to the library, and it counts what is done.
    ///
    /// # Errors
    /// Those of `work`, of a signal handler, and of the callback; a panic is an internal error.
    pub(crate) fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&nearsay::Cancel, &Done) -> nearsay::Result<T> + Send,
    ) -> PyResult<T> {
        let token = self.cancel.map_or_else(nearsay::Cancel::new, |cancel| cancel.0.clone());
        let done = Done::default();
        let watches = self.progress.is_some() || !self.is_short && is_main_thread(py)?;
        if !watches {
            let result = py.detach(|| guarded(|| work(&token, &done)));
            return finish(py, result);
        }
        let mut raised = None;
        let result = thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(1);
            // For the closure below, which may not be tied to this thread.
            let receiver = Mutex::new(receiver);
            let (token, done) = (&token, &done);
            scope.spawn(move || {
                // Its only reader is below and waits.
                let _ = sender.send(guarded(|| work(token, done)));
            });
            loop {
                let wait = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK);
                match py.detach(wait) {
                    Ok(result) => return result,
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(Failure::Panic("a thread ended".to_owned()));
                    }
                    Err(RecvTimeoutError::Timeout) if raised.is_some() => {}
                    Err(RecvTimeoutError::Timeout) => {
                        if let Err(error) = py.check_signals().and_then(|()| self.report(done)) {
                            raised = Some(error);
                            token.cancel();
                        }
                    }
                }
            }
        });
        if let Some(raised) = raised {
            return Err(raised);
        }
        let value = finish(py, result)?;
        self.report(&done)?;
        Ok(value)
    }

    fn report(&self, done: &Done) -> PyResult<()> {
        match self.progress {
            Some(progress) => progress.call1((done.get(), self.total.or(done.total()))).map(drop),
            None => Ok(()),
        }
    }
}

enum Failure {
    Library(nearsay::Error),
    Panic(String),
}

fn guarded<T>(work: impl FnOnce() -> nearsay::Result<T>) -> Result<T, Failure> {
    // What a panic leaves half done is dropped with its call; what calls share holds complete values only.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::Library),
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            Err(Failure::Panic(text.unwrap_or_else(|| "a panic without a message".to_owned())))
        }
    }
}

fn finish<T>(py: Python<'_>, result: Result<T, Failure>) -> PyResult<T> {
    result.map_err(|failure| match failure {
        Failure::Library(error) => to_exception(py, &error),
        Failure::Panic(text) => internal(py, &text),
    })
}

/// Whether this is the thread in which Python runs signal handlers.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    static THREADING: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (get_ident, main_thread) = THREADING.get_or_try_init(py, || {
        let threading = py.import("threading")?;
        PyResult::Ok((threading.getattr("get_ident")?.unbind(), threading.getattr("main_thread")?.unbind()))
    })?;
    let main = main_thread.call0(py)?.getattr(py, "ident")?;
    get_ident.call0(py)?.bind(py).eq(main)
}
