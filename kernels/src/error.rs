//! Errors in a kernel's arguments.

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A rule that an argument of a kernel breaks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor does not have the shape that the operation needs.
    #[error("{operation}: {argument} must have shape {expected}, got {actual:?}")]
    Shape {
        /// The operation.
        operation: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// The shape that the operation needs, in words.
        expected: String,
        /// The shape that was given.
        actual: Vec<usize>,
    },
    /// An argument breaks a rule other than one about its shape.
    #[error("{operation}: {rule}")]
    Argument {
        /// The operation.
        operation: &'static str,
        /// The rule, with both values.
        rule: String,
    },
    /// A device has no kernels for a precision.
    #[error("{device} does not multiply in {precision}")]
    NoSuchPrecision {
        /// The kind of device.
        device: &'static str,
        /// The precision.
        precision: &'static str,
    },
    /// candle refused an operation.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
