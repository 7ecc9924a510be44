//! Progress of downloads.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// The state of a download.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DownloadProgress {
    /// The repository and its revision: `organisation/name@main`.
    pub model: String,
    /// The folder of the cache that the files go to.
    pub cache: PathBuf,
    /// The file that is downloaded now; empty before the first one.
    pub file: String,
    /// Bytes of this file that are here, including those of an earlier, interrupted download.
    pub bytes: u64,
    /// The file's size in bytes; 0 while it is not known.
    pub total: u64,
}

/// Is called often while files are downloaded, at least every 200 ms; [`ControlFlow::Break`] stops the
/// download. Complete files and the part of an incomplete one stay in the cache, and the next download
/// continues from there.
#[derive(Clone)]
pub struct ProgressListener(Arc<Listener>);

type Listener = dyn Fn(&DownloadProgress) -> ControlFlow<()> + Send + Sync;

impl ProgressListener {
    /// A listener that calls `listener`.
    pub fn new(listener: impl Fn(&DownloadProgress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    pub(super) fn call(&self, progress: &DownloadProgress) -> ControlFlow<()> {
        (self.0)(progress)
    }
}

impl fmt::Debug for ProgressListener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProgressListener(..)")
    }
}
