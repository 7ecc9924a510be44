//! Named tensors: the matrix, mapped, and ids if there are any.

use arrow_buffer::Buffer;
use safetensors::tensor::{Metadata as Header, TensorInfo};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::matrix::Matrix;
use super::other_level::refuse;
use crate::text::{Fault, RecordId, list_names};
use crate::vectors::schema::EMBEDDINGS;
use crate::vectors::{Level, Metadata, NumberType};

/// A file's contents.
#[derive(Debug)]
pub(super) struct Tensors {
    pub(super) matrix: Matrix,
    /// A JSON array.
    pub(super) ids: Option<Buffer>,
    pub(super) metadata: Metadata,
}

/// The tensors of a mapped file.
///
/// # Errors
/// The rule that the file breaks.
pub(super) fn tensors(file: &Buffer) -> Result<Tensors, Fault> {
    let (length, header) = SafeTensors::read_metadata(file)
        .map_err(|error| format!("is not a valid safetensors file: {error}"))?;
    let data = file.slice(size_of::<u64>() + length);
    let bytes = |tensor: &TensorInfo| {
        let (start, end) = tensor.data_offsets;
        data.slice_with_length(start, end - start)
    };
    refuse(Level::Token, header.info("cu_seqlens").is_some())?;
    let embeddings = header.info(EMBEDDINGS).ok_or_else(|| missing(&header))?;
    let number_type = number_type(embeddings.dtype).ok_or_else(|| {
        let types = NumberType::ALL.map(NumberType::safetensors).join(", ");
        format!("`{EMBEDDINGS}` has numbers of type {}; they must be of one of {types}", embeddings.dtype)
    })?;
    let [rows, width] = embeddings.shape[..] else {
        let dimensions = embeddings.shape.len();
        let rule = format!("`{EMBEDDINGS}` has {dimensions} dimensions; vectors have 2, [rows, width]");
        return Err(rule.into());
    };
    let ids = header.info("ids_json").map(|tensor| match tensor.dtype {
        Dtype::U8 => Ok(bytes(tensor)),
        other => Err(format!("`ids_json` is of type {other}; it must be U8")),
    });
    Ok(Tensors {
        matrix: Matrix::new(bytes(embeddings), number_type, rows as u64, width as u64)?,
        ids: ids.transpose()?,
        metadata: header
            .metadata()
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    })
}

fn number_type(dtype: Dtype) -> Option<NumberType> {
    Some(match dtype {
        Dtype::F32 => NumberType::F32,
        Dtype::F16 => NumberType::F16,
        Dtype::I8 => NumberType::I8,
        Dtype::U8 => NumberType::U8,
        _ => return None,
    })
}

fn missing(header: &Header) -> String {
    let mut names: Vec<String> = header.tensors().into_keys().collect();
    names.sort();
    let names = list_names(names.iter().map(String::as_str));
    format!("the file has no tensor `{EMBEDDINGS}`; its tensors are {names}")
}

/// The elements of a JSON array of ids, one after the other.
#[derive(Debug)]
pub(super) struct JsonIds {
    json: Buffer,
    position: usize,
}

impl JsonIds {
    pub(super) fn new(json: Buffer) -> Self {
        Self { json, position: 0 }
    }

    /// The next `count` ids.
    ///
    /// # Errors
    /// If there are fewer, or it is not an array of ids.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<RecordId>, String> {
        (0..count).map(|_| self.next()).collect()
    }

    /// Checks that there are no more.
    pub(super) fn expect_end(&mut self) -> Result<(), String> {
        let open = if self.position == 0 { &b"["[..] } else { b"" };
        let rest = self.rest().trim_ascii();
        let rest = rest.strip_prefix(open).unwrap_or(rest).trim_ascii_start();
        if rest == b"]" { Ok(()) } else { Err("`ids_json` has more ids than there are vectors".to_owned()) }
    }

    /// Passes over `count` ids.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn skip(&mut self, count: u64) -> Result<(), String> {
        (0..count).try_for_each(|_| self.next().map(drop))
    }

    fn rest(&self) -> &[u8] {
        &self.json[self.position..]
    }

    /// The next id.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn next(&mut self) -> Result<RecordId, String> {
        let before = if self.position == 0 { b'[' } else { b',' };
        let rest = self.rest().trim_ascii_start();
        let Some(rest) = rest.strip_prefix(&[before]) else {
            return Err("`ids_json` has fewer ids than there are vectors".to_owned());
        };
        let start = self.json.len() - rest.len();
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(format!("`ids_json` is not a JSON array: {error}")),
            None => return Err("`ids_json` is not a JSON array: it ends early".to_owned()),
        };
        self.position = start + values.byte_offset();
        RecordId::from_json(&value).ok_or_else(|| {
            "`ids_json` has an id that is neither a string nor a whole number of 64 bits".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(json: &str) -> JsonIds {
        JsonIds::new(Buffer::from(json.as_bytes()))
    }

    #[test]
    fn ids_come_one_after_the_other() {
        let mut listed = ids(r#" [1, "a,]" ,18446744073709551615,""] "#);
        let first = [RecordId::Number(1.into()), RecordId::String("a,]".to_owned())];
        assert_eq!(listed.take(2).expect("two"), first);
        assert!(listed.expect_end().is_err());
        let rest = [RecordId::Number(u64::MAX.into()), RecordId::String(String::new())];
        assert_eq!(listed.take(2).expect("two"), rest);
        assert!(listed.expect_end().is_ok());
        assert!(listed.take(1).expect_err("no more").contains("fewer ids"));
        assert!(ids("[]").expect_end().is_ok());
    }

    #[test]
    fn what_is_no_array_of_ids_is_refused() {
        for (json, rule) in [
            ("", "fewer"),
            ("{}", "fewer"),
            ("[", "ends early"),
            ("[]", "not a JSON array"),
            ("[1.5]", "neither"),
            ("[null]", "neither"),
            ("[[1]]", "neither"),
            ("[nul", "not a JSON array"),
        ] {
            let error = ids(json).take(1).expect_err(json);
            assert!(error.contains(rule), "{json}: {error}");
        }
    }
}
