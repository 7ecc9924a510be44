//! numpy's array files, versions 1.0 to 3.0 (numpy.lib.format): a matrix of vectors, mapped.

use arrow_buffer::Buffer;

use super::matrix::Matrix;
use crate::vectors::NumberType;

const MAGIC: &[u8] = b"\x93NUMPY";

/// The matrix of a mapped file.
///
/// # Errors
/// The rule that the file breaks.
pub(super) fn matrix(file: &Buffer) -> Result<Matrix, String> {
    let (header, start) = header(file)?;
    let descr = text(value(header, "descr")?)?;
    let number_type = NumberType::ALL.into_iter().find(|number| number.npy() == descr).ok_or_else(|| {
        let types = NumberType::ALL.map(NumberType::npy).join(", ");
        format!("its numbers are {descr:?}; they must be one of {types}")
    })?;
    let shape = shape(value(header, "shape")?)?;
    let [rows, width] = shape[..] else {
        return Err(format!("its array has {} dimensions; vectors have 2, [rows, width]", shape.len()));
    };
    if value(header, "fortran_order")?.starts_with("True") {
        return Err("its array is in Fortran order; vectors are in C order, row after row".to_owned());
    }
    Matrix::new(file.slice(start), number_type, rows, width)
}

/// The header, a Python literal, and where the numbers start.
fn header(file: &[u8]) -> Result<(&str, usize), String> {
    let rest = file.strip_prefix(MAGIC).ok_or("is not a npy file: it does not start with \\x93NUMPY")?;
    let (major, rest) = match rest {
        [major @ 1..=3, 0, rest @ ..] => (*major, rest),
        [major, minor, ..] => return Err(format!("is of npy version {major}.{minor}; 1.0 to 3.0 are read")),
        _ => return Err("ends inside its header".to_owned()),
    };
    let cut = || "ends inside its header".to_owned();
    let (length, rest) = match major {
        1 => rest.split_first_chunk().map(|(length, rest)| (usize::from(u16::from_le_bytes(*length)), rest)),
        _ => rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest)),
    }
    .ok_or_else(cut)?;
    let header = rest.get(..length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "has a header that is not text".to_owned())?;
    Ok((header, file.len() - rest.len() + length))
}

/// The text after a key.
fn value<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let keys = [format!("'{key}':"), format!("\"{key}\":")];
    let found = keys.iter().find_map(|key| header.split_once(key.as_str()));
    Ok(found.ok_or_else(|| format!("has a header without `{key}`"))?.1.trim_start())
}

/// A Python string without escapes.
fn text(value: &str) -> Result<&str, String> {
    let inside = ['\'', '"'].into_iter().find_map(|quote| value.strip_prefix(quote)?.split_once(quote));
    Ok(inside.ok_or("has numbers of a structured type; vectors are numbers")?.0)
}

/// A tuple of whole numbers.
fn shape(value: &str) -> Result<Vec<u64>, String> {
    let inside = value.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (inside, _) = inside.ok_or("has a header whose shape is not a tuple")?;
    let sizes = inside.split(',').map(str::trim).filter(|size| !size.is_empty());
    let size = |size: &str| size.parse().map_err(|_| format!("has a header whose shape has {size:?}"));
    sizes.map(size).collect()
}
