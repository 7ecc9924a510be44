//! Errors of other crates, for this library's own use.

use super::Error;

/// For our own arrays, which always fit together.
impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Bug(error.to_string())
    }
}

impl From<nearsay_kernels::Error> for Error {
    fn from(error: nearsay_kernels::Error) -> Self {
        Self::Model(error.into())
    }
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
