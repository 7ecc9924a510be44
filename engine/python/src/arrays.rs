//! Results as numpy arrays: the library's buffers become numpy's, or are written into the caller's array.

use half::f16;
use nearsay::vectors::{Numbers, OutputType};
use numpy::ndarray::{Array1, Array2, Array3};
use numpy::{
    Element, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadwriteArray2, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::error::{internal, value_error};

/// A matrix, whose values become numpy's.
pub(crate) fn matrix<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: [usize; 2],
) -> PyResult<Bound<'py, PyAny>> {
    let array = Array2::from_shape_vec(shape, values).map_err(|error| internal(py, &error.to_string()))?;
    Ok(PyArray2::from_owned_array(py, array).into_any())
}

/// An array of three dimensions, whose values become numpy's.
pub(crate) fn cube<'py, T: Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: [usize; 3],
) -> PyResult<Bound<'py, PyAny>> {
    let array = Array3::from_shape_vec(shape, values).map_err(|error| internal(py, &error.to_string()))?;
    Ok(PyArray3::from_owned_array(py, array).into_any())
}

/// A vector, whose values become numpy's.
pub(crate) fn vector<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyAny> {
    PyArray1::from_owned_array(py, Array1::from_vec(values)).into_any()
}

/// Vectors in any number type.
pub(crate) fn numbers(py: Python<'_>, numbers: Numbers, shape: [usize; 2]) -> PyResult<Bound<'_, PyAny>> {
    match numbers {
        Numbers::F32(values) => matrix(py, values, shape),
        Numbers::F16(values) => matrix(py, values, shape),
        Numbers::I8(values) => matrix(py, values, shape),
        Numbers::U8(values) => matrix(py, values, shape),
    }
}

/// The caller's array, which is written to.
pub(crate) enum Out<'py> {
    F32(PyReadwriteArray2<'py, f32>),
    F16(PyReadwriteArray2<'py, f16>),
    I8(PyReadwriteArray2<'py, i8>),
    U8(PyReadwriteArray2<'py, u8>),
}

/// Its values, row by row.
pub(crate) enum OutValues<'a> {
    F32(&'a mut [f32]),
    F16(&'a mut [f16]),
    I8(&'a mut [i8]),
    U8(&'a mut [u8]),
}

impl<'py> Out<'py> {
    /// Borrows an array, which must have this shape and the numbers of the type, in C order.
    ///
    /// # Errors
    /// If it is another, is read-only, or is in use.
    pub(crate) fn borrow(array: &Bound<'py, PyAny>, shape: [usize; 2], kind: OutputType) -> PyResult<Self> {
        let py = array.py();
        let refuse = |message: String| Err(value_error(py, &message, None));
        let Ok(untyped) = array.cast::<PyUntypedArray>() else {
            return refuse("out must be a numpy array".to_owned());
        };
        if untyped.shape() != shape {
            return refuse(format!("out must have the shape {shape:?}, got {:?}", untyped.shape()));
        }
        if !untyped.is_c_contiguous() {
            return refuse("out must be in C order and without gaps".to_owned());
        }
        let (dtype, name) = (untyped.dtype().to_string(), kind.number_type().name());
        let borrowed = match kind.number_type().name() {
            "f32" => typed::<f32>(array)?.map(Self::F32),
            "f16" => typed::<f16>(array)?.map(Self::F16),
            "i8" => typed::<i8>(array)?.map(Self::I8),
            _ => typed::<u8>(array)?.map(Self::U8),
        };
        match borrowed {
            Some(out) => Ok(out),
            None => refuse(format!("out must have the dtype of output_type={name:?}, got {dtype}")),
        }
    }

    /// The values of the rows.
    ///
    /// # Errors
    /// If it is not aligned.
    pub(crate) fn values(&mut self, py: Python<'_>) -> PyResult<OutValues<'_>> {
        fn slice<'a, T: Element>(
            py: Python<'_>,
            array: &'a mut PyReadwriteArray2<'_, T>,
        ) -> PyResult<&'a mut [T]> {
            array
                .as_slice_mut()
                .map_err(|_| value_error(py, "out must be in C order, aligned and without gaps", None))
        }
        Ok(match self {
            Self::F32(array) => OutValues::F32(slice(py, array)?),
            Self::F16(array) => OutValues::F16(slice(py, array)?),
            Self::I8(array) => OutValues::I8(slice(py, array)?),
            Self::U8(array) => OutValues::U8(slice(py, array)?),
        })
    }
}

/// The array, if it has these numbers.
fn typed<'py, T: Element>(array: &Bound<'py, PyAny>) -> PyResult<Option<PyReadwriteArray2<'py, T>>> {
    let Ok(typed) = array.cast::<PyArray2<T>>() else { return Ok(None) };
    let refuse =
        |error: numpy::BorrowError| value_error(array.py(), &format!("out cannot be written: {error}"), None);
    typed.try_readwrite().map(Some).map_err(refuse)
}

impl OutValues<'_> {
    /// Writes numbers of the same type, as many as fit.
    pub(crate) fn write(&mut self, numbers: &Numbers) -> nearsay::Result<()> {
        match (self, numbers) {
            (Self::F32(out), Numbers::F32(values)) => out.copy_from_slice(values),
            (Self::F16(out), Numbers::F16(values)) => out.copy_from_slice(values),
            (Self::I8(out), Numbers::I8(values)) => out.copy_from_slice(values),
            (Self::U8(out), Numbers::U8(values)) => out.copy_from_slice(values),
            _ => return Err(nearsay::Error::Bug("numbers of another type than the output's".to_owned())),
        }
        Ok(())
    }
}
