//! The contents of a PyTorch pickle: tensors by name.
//!
//! Source: `_rebuild_tensor_v2` in torch/_utils.py and `persistent_id` in torch/serialization.py.

use std::collections::BTreeMap;
use std::path::Path;

use super::Dtype;
use super::pickle::{Machine, PickleError, PickleResult, Value, storage_type};
use crate::{Error, Result};

/// A tensor as the pickle describes it, not yet checked against the archive.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PickledTensor {
    pub(super) dtype: Dtype,
    /// The storage's name: the member `data/<key>`.
    pub(super) key: String,
    /// The first element in the storage.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// One per dimension of the shape, in elements.
    pub(super) strides: Vec<usize>,
}

/// The tensors that a pickle describes.
pub(super) fn state_dict(path: &Path, pickle: &[u8]) -> Result<BTreeMap<String, PickledTensor>> {
    read(pickle).map_err(|error| match error {
        PickleError::Refused(found) => Error::RefusedPickle { path: path.to_owned(), found },
        PickleError::Malformed(what) => Error::bad_weights(path, format!("its pickle is damaged: {what}")),
    })
}

fn read(pickle: &[u8]) -> PickleResult<BTreeMap<String, PickledTensor>> {
    let mut machine = Machine::new(pickle);
    let number = match machine.run()? {
        Value::Dict(number) => number,
        other => {
            return Err(PickleError::Refused(format!("{other} where a dictionary of tensors should be")));
        }
    };
    let mut tensors = BTreeMap::new();
    for (key, value) in machine.dict(number) {
        let (Value::Text(name), Value::Tensor(arguments)) = (key, value) else {
            return Err(PickleError::Refused(format!("an entry that is not a tensor: {value} under {key}")));
        };
        let tensor = tensor(&machine, machine.tuple(*arguments));
        let tensor = tensor
            .ok_or_else(|| PickleError::Malformed(format!("tensor {name:?} is not described as one")))?;
        if tensors.insert((*name).to_owned(), tensor).is_some() {
            return Err(PickleError::Malformed(format!("tensor {name:?} appears in it twice")));
        }
    }
    Ok(tensors)
}

/// The tensor of these arguments: storage, offset, shape, strides, and values about gradients.
fn tensor(machine: &Machine<'_>, arguments: &[Value<'_>]) -> Option<PickledTensor> {
    let [Value::Persistent(storage), Value::Int(offset), Value::Tuple(shape), Value::Tuple(strides), ..] =
        arguments
    else {
        return None;
    };
    let (dtype, key) = storage_of(machine.tuple(*storage))?;
    let offset = usize::try_from(*offset).ok()?;
    let (shape, strides) = (sizes(machine.tuple(*shape))?, sizes(machine.tuple(*strides))?);
    (shape.len() == strides.len()).then_some(PickledTensor { dtype, key, offset, shape, strides })
}

/// A storage: the word `storage`, its class, its key, its device, its number of elements.
fn storage_of(description: &[Value<'_>]) -> Option<(Dtype, String)> {
    match description {
        [
            Value::Text("storage"),
            Value::Global(module, name),
            Value::Text(key),
            Value::Text(_),
            Value::Int(_),
            ..,
        ] => Some((storage_type(module, name)?, (*key).to_owned())),
        _ => None,
    }
}

fn sizes(values: &[Value<'_>]) -> Option<Vec<usize>> {
    let size =
        |value: &Value<'_>| if let Value::Int(size) = value { usize::try_from(*size).ok() } else { None };
    values.iter().map(size).collect()
}
