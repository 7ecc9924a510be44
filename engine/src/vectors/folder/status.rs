//! The progress of the process that writes to a job's folder.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::failed;
use crate::{Error, Result};

/// The file's name. It is there only while a job is not complete.
pub(crate) const STATUS: &str = ".nearsay-status.json";

/// The progress of the last run of a job that is not complete, as that run recorded it. Counts are those of
/// this machine's part, from earlier runs too; speeds are this run's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RunStatus {
    /// The process's number.
    pub process: u32,
    /// The machine's name; empty if unknown.
    pub host: String,
    /// When the run started, in seconds since 1970.
    pub started: u64,
    /// When this was written.
    pub updated: u64,
    /// Texts done.
    pub texts: u64,
    /// All texts: counted, or estimated from the part of the input that was read.
    pub texts_total: Option<u64>,
    /// Whether all texts were counted.
    pub total_is_exact: bool,
    /// Tokens encoded.
    pub tokens: u64,
    /// Texts per second.
    pub texts_per_second: Option<f64>,
    /// Tokens per second.
    pub tokens_per_second: Option<f64>,
    /// Seconds left, by the texts and tokens done.
    pub seconds_left: Option<f64>,
    /// The error that ended the run, if one did.
    pub error: Option<String>,
}

impl RunStatus {
    /// Whether the run was cancelled, as by a signal.
    pub fn was_cancelled(&self) -> bool {
        self.error.as_ref().is_some_and(|error| *error == Error::Cancelled.to_string())
    }

    /// The status in a job's folder; `None` if there is none, or none that this version can read.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the file cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(STATUS);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("reading", &path, error)),
        }
    }
}
