//! Arrow's C data interface: arrays that other libraries hand over in capsules, and ours for them.
//!
//! The only unsafe code of this crate: a capsule has a pointer, and the protocol says what it points to.
//! Source: the Arrow PyCapsule interface, <https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow_array::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{
    Array, ArrayReader, ArrayRef, FixedSizeListArray, Float32Array, ListArray, StructArray, make_array,
};
use arrow_schema::{ArrowError, DataType, Field};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::error::{type_error, value_error};

const ARRAY: &CStr = c"arrow_array";
const SCHEMA: &CStr = c"arrow_schema";
const STREAM: &CStr = c"arrow_array_stream";

/// The arrays of an object with `__arrow_c_stream__` or `__arrow_c_array__`; `None` if it has neither.
///
/// # Errors
/// If what it hands over is not as the protocol says.
pub(crate) fn import(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<ArrayRef>>> {
    // arrow panics at some of what breaks the protocol, such as a schema that was taken before.
    let imported = catch_unwind(AssertUnwindSafe(|| import_arrays(object)));
    imported.unwrap_or_else(|_| {
        let message = "the Arrow data cannot be read: its producer breaks the protocol";
        Err(value_error(object.py(), message, None))
    })
}

fn import_arrays(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<ArrayRef>>> {
    let py = object.py();
    let broken =
        |error: ArrowError| value_error(py, &format!("the Arrow data cannot be read: {error}"), None);
    let arrays = if object.hasattr("__arrow_c_stream__")? {
        // A producer that cannot, such as pandas without pyarrow or with a column of several types, can be iterated.
        let Ok(capsule) = object.call_method0("__arrow_c_stream__") else { return Ok(None) };
        let capsule = capsule.cast_into::<PyCapsule>()?;
        let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
        // SAFETY: a capsule of this name points to a stream, which is ours once it has been moved out of there; the
        // capsule's destructor then finds it released.
        let reader = unsafe { ArrayStreamReader::from_raw(stream.as_ptr()) }.map_err(broken)?;
        let is_null = *reader.field().data_type() == DataType::Null;
        let arrays = reader.collect::<Result<Vec<_>, _>>();
        // polars gives arrays of nulls a buffer that the format does not have. They can be iterated.
        if is_null && arrays.is_err() {
            return Ok(None);
        }
        arrays.map_err(broken)?
    } else if object.hasattr("__arrow_c_array__")? {
        let Ok(capsules) = object.call_method0("__arrow_c_array__") else { return Ok(None) };
        let capsules = capsules.cast_into::<PyTuple>()?;
        let [schema, array] = [0, 1].map(|at| capsules.get_item(at));
        let (schema, array) = (schema?.cast_into::<PyCapsule>()?, array?.cast_into::<PyCapsule>()?);
        let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
        let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
        // SAFETY: capsules of these names point to a schema and an array of it; both are moved out, which releases
        // them for the capsules' destructors.
        let data = unsafe {
            let schema = FFI_ArrowSchema::from_raw(schema.as_ptr());
            from_ffi(FFI_ArrowArray::from_raw(array.as_ptr()), &schema)
        };
        vec![make_array(data.map_err(broken)?)]
    } else {
        return Ok(None);
    };
    for array in &arrays {
        // Buffers of others: offsets in bounds, text that is UTF-8.
        array.to_data().validate_full().map_err(broken)?;
    }
    Ok(Some(arrays))
}

/// Vectors or scores for other libraries: an object with `__arrow_c_array__`.
#[pyclass(frozen, module = "nearsay._nearsay", name = "Array")]
pub(crate) struct VectorArray(ArrayRef);

impl VectorArray {
    /// Vectors of `width` values, of which those of `nulls` are null; plain lists if `is_list`.
    pub(crate) fn new(
        values: Vec<f32>,
        width: usize,
        nulls: &[usize],
        is_list: bool,
    ) -> Result<Self, ArrowError> {
        let rows = values.len().checked_div(width).unwrap_or(0);
        let mut valid = BooleanBufferBuilder::new(rows);
        valid.append_n(rows, true);
        nulls.iter().for_each(|row| valid.set_bit(*row, false));
        let valid = (!nulls.is_empty()).then(|| valid.finish().into());
        let values: ArrayRef = Arc::new(Float32Array::from(values));
        let item = Arc::new(Field::new("item", DataType::Float32, true));
        let fixed = FixedSizeListArray::try_new(item, width as i32, values, valid)?;
        let array: ArrayRef = if is_list { Arc::new(ListArray::from(fixed)) } else { Arc::new(fixed) };
        Ok(Self(array))
    }

    /// Structs of float32, one per row of these fields.
    pub(crate) fn of_fields<const N: usize>(fields: [(&str, Vec<f32>); N]) -> Self {
        let field = |(name, values)| {
            let field = Field::new(name, DataType::Float32, false);
            (Arc::new(field), Arc::new(Float32Array::from(values)) as ArrayRef)
        };
        let fields: Vec<(Arc<Field>, ArrayRef)> = fields.into_iter().map(field).collect();
        Self(Arc::new(StructArray::from(fields)))
    }
}

#[pymethods]
impl VectorArray {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// The capsules of the schema and the array. The schema that is asked for is not looked at.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _ = requested_schema;
        let failed = |error: ArrowError| type_error(py, &error.to_string(), None);
        let (array, schema) = to_ffi(&self.0.to_data()).map_err(failed)?;
        Ok((PyCapsule::new_with_value(py, schema, SCHEMA)?, PyCapsule::new_with_value(py, array, ARRAY)?))
    }
}
