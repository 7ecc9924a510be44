//! Standard streams that are closed.
//!
//! Rust opens /dev/null in place of a closed standard stream before `main` runs, so that nothing else gets its
//! number. What is written there is lost without an error. So this is found out before that, when the program
//! is loaded.

use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use nearsay::Error;

static STDIN_IS_CLOSED: AtomicBool = AtomicBool::new(false);
static STDOUT_IS_CLOSED: AtomicBool = AtomicBool::new(false);

#[ctor::ctor]
fn look() {
    let is_closed = |stream: &dyn AsFd| stream.as_fd().try_clone_to_owned().is_err();
    STDIN_IS_CLOSED.store(is_closed(&io::stdin()), Ordering::Relaxed);
    STDOUT_IS_CLOSED.store(is_closed(&io::stdout()), Ordering::Relaxed);
}

/// Refuses to print results to a standard output that is closed.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn check_stdout() -> nearsay::Result<()> {
    if !STDOUT_IS_CLOSED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let (action, target) = ("writing", "standard output".to_owned());
    Err(Error::Io { action, target, source: io::Error::other("it is closed") })
}

/// Refuses to read a standard input that is closed.
///
/// # Errors
/// [`Error::NoInput`].
pub(crate) fn check_stdin() -> nearsay::Result<()> {
    if !STDIN_IS_CLOSED.load(Ordering::Relaxed) {
        return Ok(());
    }
    Err(Error::NoInput { path: PathBuf::from("standard input"), source: io::Error::other("it is closed") })
}
