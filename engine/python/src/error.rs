//! Errors as exceptions: the classes of `nearsay/errors.py`, with the library's message and hint.

use nearsay::{Error, ErrorKind, Phrase, Setting};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// The exception for a failure of the library.
pub(crate) fn to_exception(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error.kind() {
        ErrorKind::Usage | ErrorKind::BadData => "InputError",
        ErrorKind::NoInput => "InputNotFoundError",
        ErrorKind::Unavailable if is_memory(error) => "DeviceMemoryError",
        ErrorKind::Unavailable => "DeviceError",
        ErrorKind::CannotCreate | ErrorKind::Io => "OutputError",
        ErrorKind::TryAgain if is_memory(error) => "HostMemoryError",
        ErrorKind::TryAgain => "BusyError",
        ErrorKind::Model if is_absent(error) => "ModelNotFoundError",
        ErrorKind::Model => "ModelError",
        ErrorKind::Cancelled => "CancelledError",
        ErrorKind::DeadlineExceeded => "DeadlineError",
        _ => "InternalError",
    };
    let hint = error.hint().as_ref().and_then(|hint| hint.among(is_argument)).map(words);
    exception(py, class, &words(&error.message()), hint.as_deref())
}

/// The exception for a panic.
pub(crate) fn internal(py: Python<'_>, message: &str) -> PyErr {
    let hint = "this is a bug of nearsay: please report it, with the texts if you can";
    exception(py, "InternalError", message, Some(hint))
}

/// A value that is not allowed.
pub(crate) fn value_error(py: Python<'_>, message: &str, hint: Option<&str>) -> PyErr {
    exception(py, "InputError", message, hint)
}

/// A value of a type that is not allowed.
pub(crate) fn type_error(py: Python<'_>, message: &str, hint: Option<&str>) -> PyErr {
    exception(py, "InputTypeError", message, hint)
}

fn exception(py: Python<'_>, class: &str, message: &str, hint: Option<&str>) -> PyErr {
    let make = || {
        let class = py.import("nearsay.errors")?.getattr(class)?;
        class.call1((message, hint.map(|hint| PyString::new(py, hint))))
    };
    make().map_or_else(|error| error, PyErr::from_value)
}

fn is_memory(error: &Error) -> bool {
    match error {
        Error::Hinted { error, .. } => is_memory(error),
        error => {
            matches!(error, Error::DeviceMemory { .. } | Error::NoMemory { .. } | Error::NoRoomForText { .. })
        }
    }
}

/// Whether a model does not exist where it was looked for.
fn is_absent(error: &Error) -> bool {
    match error {
        Error::Hinted { error, .. } => is_absent(error),
        Error::Model(nearsay::models::Error::ModelNotFound { .. }) => true,
        _ => false,
    }
}

/// A message with its settings as arguments.
pub(crate) fn words(phrase: &Phrase) -> String {
    phrase.render(|setting, value| match value {
        None => setting.name().to_owned(),
        Some(value) if value.parse::<f64>().is_ok() => format!("{}={value}", setting.name()),
        Some(value) => format!("{}={value:?}", setting.name()),
    })
}

/// Whether a call of the package has an argument for the setting.
fn is_argument(setting: Setting) -> bool {
    use Setting::{
        BaselinePath, Device, Dimensions, Idf, Lang, Layer, MaxLength, Model, Normalize, Offline, OnLong,
        OutputType, Pooling, Precision, Task, UseFastTokenizer,
    };
    matches!(
        setting,
        BaselinePath
            | Device
            | Dimensions
            | Idf
            | Lang
            | Layer
            | MaxLength
            | Model
            | Normalize
            | Offline
            | OnLong
            | OutputType
            | Pooling
            | Precision
            | Task
            | UseFastTokenizer
    )
}
