//! What a corpus is, for people and programs that are about to search it.

use serde::Serialize;
use serde_json::Value;

use super::corpus::Corpus;
use crate::Result;
use crate::vectors::write::append_value;

/// Examples of a column's values.
const EXAMPLES: u64 = 3;
/// Longest example, in characters.
const EXAMPLE_CHARACTERS: usize = 80;

/// What a corpus is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// Number of rows.
    pub rows: u64,
    /// Values in a vector.
    pub dimensions: usize,
    /// How rows are compared with queries.
    pub metric: super::Metric,
    /// The model's name, if it is recorded.
    pub model: Option<String>,
    /// The SHA-256 of its files, if it is recorded.
    pub model_sha256: Option<String>,
    /// The columns that filters and hits can have.
    pub columns: Vec<ColumnDescription>,
    /// Whether all rows of the input are here.
    pub complete: bool,
    /// Inputs that have changed since they were embedded.
    pub stale: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Its type in arrow's words.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Its first values; long strings are cut.
    pub examples: Vec<Value>,
}

impl Corpus {
    /// Describes it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn describe(&self) -> Result<Description> {
        let provenance = self.provenance();
        Ok(Description {
            rows: self.rows,
            dimensions: self.dimensions(),
            metric: self.metric,
            model: provenance.map(|provenance| provenance.model.clone()),
            model_sha256: provenance.and_then(|provenance| provenance.model_sha256.clone()),
            columns: self.column_descriptions()?,
            complete: self.is_complete(),
            stale: self.source.stale().to_vec(),
        })
    }

    fn column_descriptions(&self) -> Result<Vec<ColumnDescription>> {
        let schema = self.source.columns()?;
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let rows: Vec<u64> = (0..self.rows.min(EXAMPLES)).collect();
        let values = self.source.columns_of(&rows, &names)?;
        let mut columns = Vec::new();
        for field in schema.fields() {
            let mut examples = Vec::new();
            if let Some((values, index)) = values
                .as_ref()
                .and_then(|values| Some((values, values.schema_ref().index_of(field.name()).ok()?)))
            {
                for row in 0..values.num_rows() {
                    let mut json = Vec::new();
                    append_value(&mut json, field, values.column(index), row)?;
                    examples.push(short(serde_json::from_slice(&json).unwrap_or(Value::Null)));
                }
            }
            let data_type = field.data_type().to_string();
            columns.push(ColumnDescription { name: field.name().clone(), data_type, examples });
        }
        Ok(columns)
    }
}

fn short(value: Value) -> Value {
    match value {
        Value::String(text) => match text.char_indices().nth(EXAMPLE_CHARACTERS) {
            Some((end, _)) => format!("{}...", &text[..end]).into(),
            None => text.into(),
        },
        other => other,
    }
}
