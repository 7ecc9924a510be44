//! The command `nearsay`, which the wheel brings along.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line in `arguments`, the first of which is the program's name; returns its exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| nearsay_cli::main(arguments))
}
