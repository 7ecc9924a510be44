//! Texts of any container: lists, tuples, iterables, numpy, pandas, polars, Arrow.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyList, PySet, PyString, PyTuple};

use crate::arrow;
use crate::error::{type_error, value_error};
use crate::strings::{PART, Strings, release, take_turns};

/// What to do about a missing text.
const LEAVE_OUT: &str = "leave it out; encode and encode_arrow make it a null row with nulls=\"keep\"";
/// The texts of a call. Those of Arrow arrays are read where they lie, and Python's by their UTF-8.
#[pyclass(frozen, module = "nearsay._nearsay")]
pub(crate) struct Texts {
    source: Source,
    len: usize,
    keeps_nulls: bool,
    /// The index of the first text, for messages: a call may get a part of its texts at a time.
    first: usize,
}

enum Source {
    Strings(Strings),
    Arrow(Vec<ArrayRef>),
}

/// Some of the texts, which need no GIL.
pub(crate) enum TextWindow {
    Strings(Vec<Option<PyBackedStr>>),
    Arrow { arrays: Vec<ArrayRef>, start: usize, end: usize },
}

#[pymethods]
impl Texts {
    /// The texts of `container`, which messages count from `first`. A missing one (None, NaN, null) is an error unless
    /// `keep_nulls`.
    #[new]
    #[pyo3(signature = (container, keep_nulls=false, first=0))]
    fn new(container: &Bound<'_, PyAny>, keep_nulls: bool, first: usize) -> PyResult<Self> {
        let py = container.py();
        if let Some(reason) = not_a_container(container) {
            let hint =
                "texts are a list of str, or any iterable, numpy, pandas, polars or Arrow array of them";
            return Err(type_error(py, &reason, Some(hint)));
        }
        let is_plain = container.is_instance_of::<PyList>() || container.is_instance_of::<PyTuple>();
        // pandas would copy the texts of objects, and guess a type if one is not a text.
        let arrays = if is_plain || has_objects(container) { None } else { arrow::import(container)? };
        let texts = match arrays {
            Some(arrays) => of_arrays(py, arrays, keep_nulls, first)?,
            None => of_strings(container, keep_nulls, first)?,
        };
        Ok(texts)
    }

    pub(crate) fn __len__(&self) -> usize {
        self.len
    }

    /// The indices of missing texts.
    pub(crate) fn nulls(&self, py: Python<'_>) -> PyResult<Vec<usize>> {
        let mut nulls = Vec::new();
        match &self.source {
            Source::Strings(texts) => {
                for (at, text) in texts.iter(py).enumerate() {
                    take_turns(py, at);
                    if !text.is_instance_of::<PyString>() {
                        nulls.push(at);
                    }
                }
            }
            Source::Arrow(arrays) => {
                let mut start = 0;
                for array in arrays {
                    if let Some(of_array) = array.logical_nulls() {
                        let missing = (0..array.len()).filter(|at| of_array.is_null(*at));
                        nulls.extend(missing.map(|at| start + at));
                    }
                    start += array.len();
                }
            }
        }
        Ok(nulls)
    }
}

impl Texts {
    /// The texts from `start` to `end`.
    ///
    /// # Errors
    /// If one has a lone surrogate, which UTF-8 does not have.
    pub(crate) fn window(&self, py: Python<'_>, start: usize, end: usize) -> PyResult<TextWindow> {
        let end = end.min(self.len);
        match &self.source {
            Source::Arrow(arrays) => Ok(TextWindow::Arrow { arrays: arrays.clone(), start, end }),
            Source::Strings(texts) => {
                let text = |at: usize| -> PyResult<Option<PyBackedStr>> {
                    take_turns(py, at);
                    let item = texts.get(py, at)?;
                    let Ok(string) = item.cast_into::<PyString>() else { return Ok(None) };
                    PyBackedStr::try_from(string).map(Some).map_err(|_| lone_surrogate(py, self.first + at))
                };
                let mut found = Vec::with_capacity(end.saturating_sub(start));
                for at in start..end {
                    found.push(text(at)?);
                }
                Ok(TextWindow::Strings(found))
            }
        }
    }

    pub(crate) fn all(&self, py: Python<'_>) -> PyResult<TextWindow> {
        self.window(py, 0, self.len)
    }

    /// The index of the first text, for messages.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    pub(crate) fn keeps_nulls(&self) -> bool {
        self.keeps_nulls
    }
}

impl TextWindow {
    /// A copy of the texts; a missing one is empty.
    pub(crate) fn owned(&self) -> Vec<String> {
        self.texts().into_iter().map(str::to_owned).collect()
    }

    /// The texts; a missing one is empty.
    pub(crate) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Strings(texts) => texts.iter().map(|text| text.as_deref().unwrap_or_default()).collect(),
            Self::Arrow { arrays, start, end } => {
                let mut texts = Vec::with_capacity(end - start);
                let mut first = 0;
                for array in arrays {
                    let from = start.saturating_sub(first).min(array.len());
                    let to = end.saturating_sub(first).min(array.len());
                    add_texts(array, from, to, &mut texts);
                    first += array.len();
                }
                texts
            }
        }
    }
}

/// Why an object that could be iterated has no texts.
fn not_a_container(object: &Bound<'_, PyAny>) -> Option<String> {
    let what = match () {
        () if object.is_none() => "None".to_owned(),
        () if object.is_instance_of::<PyString>() => "one str".to_owned(),
        () if object.is_instance_of::<PyBytes>() => "bytes".to_owned(),
        () if object.is_instance_of::<PyDict>() => "a dict".to_owned(),
        () if number(object, "ndim") == Some(0) => "an array without dimensions".to_owned(),
        // Vectors are in the order of their texts.
        () if object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() => {
            "a set, which has no order".to_owned()
        }
        () => return None,
    };
    Some(format!("texts must be a container of str, got {what}"))
}

/// An attribute that is a number.
fn number(object: &Bound<'_, PyAny>, name: &str) -> Option<usize> {
    object.getattr(name).ok()?.extract().ok()
}

/// Whether this is an array of numpy, or a column of pandas, of Python objects.
fn has_objects(container: &Bound<'_, PyAny>) -> bool {
    let name = container.getattr("dtype").and_then(|dtype| dtype.str());
    name.is_ok_and(|name| name.to_string_lossy() == "object")
}

fn of_strings(container: &Bound<'_, PyAny>, keeps_nulls: bool, first: usize) -> PyResult<Texts> {
    let py = container.py();
    let Some(strings) = Strings::of(container)? else { return Err(not_iterable(container)) };
    let mut len = 0;
    for (at, item) in strings.iter(py).enumerate() {
        take_turns(py, at);
        len = at + 1;
        if item.is_instance_of::<PyString>() {
            continue;
        }
        let is_missing = is_missing(&item);
        if is_missing && keeps_nulls {
            continue;
        }
        return Err(not_a_text(&item, first + at, is_missing));
    }
    Ok(Texts { len, source: Source::Strings(strings), keeps_nulls, first })
}

impl Drop for TextWindow {
    fn drop(&mut self) {
        if let Self::Strings(texts) = self {
            release(texts, PART);
        }
    }
}

/// None, NaN, or pandas' NA and NaT.
fn is_missing(item: &Bound<'_, PyAny>) -> bool {
    item.is_none()
        || item.extract::<f64>().is_ok_and(f64::is_nan)
        || matches!(type_name(item).as_str(), "NAType" | "NaTType")
}

fn not_iterable(object: &Bound<'_, PyAny>) -> PyErr {
    let message = format!("texts must be a container of str, got {}", type_name(object));
    type_error(object.py(), &message, None)
}

fn not_a_text(item: &Bound<'_, PyAny>, at: usize, is_missing: bool) -> PyErr {
    let (py, name) = (item.py(), type_name(item));
    if is_missing {
        let what = match name.as_str() {
            "NoneType" => "None",
            "NAType" | "NaTType" => "pandas.NA",
            _ => "NaN",
        };
        return value_error(py, &format!("text {at} is missing: it is {what}"), Some(LEAVE_OUT));
    }
    let hint = match name.as_str() {
        "bytes" => Some("decode it first"),
        "tuple" | "list" => {
            Some("only nearsay.SentenceTransformer and nearsay.CrossEncoder read pairs of texts")
        }
        _ => None,
    };
    type_error(py, &format!("text {at} must be a str, got {name}"), hint)
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

fn lone_surrogate(py: Python<'_>, at: usize) -> PyErr {
    let message = format!("text {at} has a lone surrogate, which is not a character");
    let hint = "replace it: text.encode(\"utf-16\", \"surrogatepass\").decode(\"utf-16\", \"replace\")";
    value_error(py, &message, Some(hint))
}

fn of_arrays(py: Python<'_>, arrays: Vec<ArrayRef>, keeps_nulls: bool, first: usize) -> PyResult<Texts> {
    let mut len = 0;
    for array in &arrays {
        let kind = array.data_type();
        let values = match kind {
            DataType::Dictionary(_, values) => values.as_ref(),
            kind => kind,
        };
        let is_texts = matches!(values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        // An empty array, or one of nulls alone, may have the type null, or categories of it.
        let is_null = *values == DataType::Null;
        if !is_texts && !is_null {
            let message = format!("an Arrow array of texts must have strings, its type is {kind}");
            let hint = matches!(kind, DataType::Struct(_)).then_some("choose one column: table[\"text\"]");
            return Err(type_error(py, &message, hint));
        }
        if !keeps_nulls && (array.logical_null_count() > 0 || is_null && !array.is_empty()) {
            let nulls = array.logical_nulls();
            let at = nulls.and_then(|nulls| (0..nulls.len()).find(|at| nulls.is_null(*at))).unwrap_or(0);
            let message = format!("text {} is missing: it is null", first + len + at);
            return Err(value_error(py, &message, Some(LEAVE_OUT)));
        }
        len += array.len();
    }
    Ok(Texts { source: Source::Arrow(arrays), len, keeps_nulls, first })
}

/// Adds some texts of an array of strings.
fn add_texts<'a>(array: &'a ArrayRef, from: usize, to: usize, texts: &mut Vec<&'a str>) {
    let range = from..to;
    if let Some(array) = array.as_string_opt::<i32>() {
        texts.extend(range.map(|at| if array.is_null(at) { "" } else { array.value(at) }));
    } else if let Some(array) = array.as_string_opt::<i64>() {
        texts.extend(range.map(|at| if array.is_null(at) { "" } else { array.value(at) }));
    } else if let Some(array) = array.as_string_view_opt() {
        texts.extend(range.map(|at| if array.is_null(at) { "" } else { array.value(at) }));
    } else if let Some(dictionary) = array.as_any_dictionary_opt() {
        let mut values = Vec::with_capacity(dictionary.values().len());
        add_texts(dictionary.values(), 0, dictionary.values().len(), &mut values);
        // Keys of nulls are whatever they are.
        let keys = if values.is_empty() { vec![0; array.len()] } else { dictionary.normalized_keys() };
        texts.extend(range.map(|at| {
            let is_null = array.is_null(at) || dictionary.values().is_null(keys[at]);
            if is_null { "" } else { values[keys[at]] }
        }));
    } else {
        texts.extend(range.map(|_| ""));
    }
}
