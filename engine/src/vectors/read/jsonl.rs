//! One JSON object per line, with a vector under `embedding` and optionally an id under `id`. Numbers are
//! rounded to the nearest f32.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::batch::StoredNumbers;
use super::other_level::refuse;
use super::source::{Head, RowBlock, RowBlocks, VectorSource, rows_at_once};
use crate::Result;
use crate::text::{Fault, LineReader, RecordId, describe_json, is_blank};
use crate::vectors::{Level, NumberType};

/// A file of lines.
#[derive(Debug)]
pub(super) struct JsonlFile {
    path: PathBuf,
    width: Option<usize>,
}

impl JsonlFile {
    /// Opens a file and reads its first row.
    ///
    /// # Errors
    /// If it cannot be read or that row breaks a rule.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut rows = JsonlRows { lines: LineReader::of_file(path)?, width: None, have_ids: None };
        let first = rows.next_row()?;
        Ok(Self { path: path.to_owned(), width: first.map(|(_, vector)| vector.len()) })
    }
}

impl VectorSource for JsonlFile {
    fn head(&self) -> Head {
        Head { width: self.width, number_type: Some(NumberType::F32), ..Head::default() }
    }

    fn pieces(&self) -> Result<RowBlocks<'_>> {
        let lines = LineReader::of_file(&self.path)?;
        let mut rows = JsonlRows { lines, width: self.width, have_ids: None };
        Ok(Box::new(std::iter::from_fn(move || rows.next_piece().transpose())))
    }
}

struct JsonlRows {
    lines: LineReader,
    /// Numbers in every vector.
    width: Option<usize>,
    /// Whether rows have ids.
    have_ids: Option<bool>,
}

/// The fields that are read from a row.
#[derive(Deserialize)]
struct Row {
    id: Option<Value>,
    embedding: Option<Vec<f32>>,
    embeddings: Option<IgnoredAny>,
    // Of a sparse vector.
    indices: Option<IgnoredAny>,
    values: Option<IgnoredAny>,
}

impl JsonlRows {
    fn next_piece(&mut self) -> Result<Option<RowBlock>> {
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        let mut rows = 0;
        while rows < rows_at_once(self.width.unwrap_or(1) * size_of::<f32>()) {
            let Some((id, mut vector)) = self.next_row()? else { break };
            ids.extend(id);
            values.append(&mut vector);
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let ids = (!ids.is_empty()).then_some(ids);
        Ok(Some(RowBlock { rows, ids, numbers: StoredNumbers::F32(values.into()) }))
    }

    fn next_row(&mut self) -> Result<Option<(Option<RecordId>, Vec<f32>)>> {
        let Some(line) = self.lines.next_row()? else { return Ok(None) };
        if is_blank(&line) {
            return self.lines.expect_end().map(|()| None);
        }
        self.parse(&line).map(Some).map_err(|rule| self.lines.bad_row(rule))
    }

    fn parse(&mut self, line: &str) -> Result<(Option<RecordId>, Vec<f32>), Fault> {
        let row: Row = serde_json::from_str(line).map_err(|error| describe_json(&error))?;
        refuse(Level::Token, row.embeddings.is_some())?;
        let has_sparse = row.indices.is_some() && row.values.is_some();
        refuse(Level::Sparse, has_sparse && row.embedding.is_none())?;
        let vector = row.embedding.ok_or("no field `embedding`")?;
        let width = *self.width.get_or_insert(vector.len());
        if vector.is_empty() {
            return Err("its vector has 0 numbers; it must have at least 1".into());
        }
        if vector.len() != width {
            let rule = format!("its vector has {} numbers; those before it have {width}", vector.len());
            return Err(rule.into());
        }
        let id = |value: &Value| {
            let id = RecordId::from_json(value);
            id.ok_or_else(|| "field `id` must be a string or a whole number of 64 bits".to_owned())
        };
        let id = row.id.as_ref().map(id).transpose()?;
        match (*self.have_ids.get_or_insert(id.is_some()), &id) {
            (true, None) => Err("has no id, and the rows before it have".into()),
            (false, Some(id)) => Err(format!("has the id {id}, and the rows before it have none").into()),
            _ => Ok((id, vector)),
        }
    }
}
