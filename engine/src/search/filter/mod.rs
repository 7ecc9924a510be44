//! Filters: which rows of a corpus may be hits, by an SQL expression over its columns.
//!
//! An expression has columns, literals (numbers, `'strings'`, `true`, `false`, `null`), `= <> < <= > >=`, `in`,
//! `between`, `like`, `is null`, `and`, `or`, `not` and parentheses. sqlparser parses it, and arrow's kernels compare
//! whole columns. Logic is SQL's, with three values: null compares to nothing, and a row passes only if the expression
//! is true for it.
//!
//! Numbers compare as numbers, exactly between integers; a float column compares in its own type. A string compares
//! with strings by bytes, and with dates, times and decimals as what it spells.

mod compare;
mod evaluate;
mod expression;
mod parse;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};

use super::row_set::RowSet;
use super::source::RowSource;
use crate::text::{RecordId, list_names};
use crate::vectors::schema::{ID, is_json};
use crate::{Error, Result};
use evaluate::Truth;
use expression::{Comparison, Expression, Operand};

/// A filter that was parsed.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    expression: Expression,
    /// The columns that it names, each once.
    columns: Vec<String>,
}

impl Filter {
    /// Parses an expression.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the place, if it is not an expression or has parts that filters do not have.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let expression = parse::parse(text)?;
        let mut columns = Vec::new();
        expression.for_each_column(&mut |name| {
            if !columns.iter().any(|known| known == name) {
                columns.push(name.to_owned());
            }
        });
        Ok(Self { expression, columns })
    }

    /// The rows with this id; `None` if the column of ids cannot have it.
    pub(crate) fn of_id(id: &RecordId, schema: &Schema) -> Option<Self> {
        let field = schema.field_with_name(ID).ok()?;
        let literal = match id {
            RecordId::Row(_) => return None,
            RecordId::Number(number) if field.data_type().is_integer() || is_json(field) => {
                Operand::Number(number.to_string())
            }
            RecordId::String(text) if !field.data_type().is_integer() => Operand::String(text.clone()),
            _ => return None,
        };
        let expression = Expression::Compare(Comparison::Equal, Operand::Column(ID.to_owned()), literal);
        Some(Self { expression, columns: vec![ID.to_owned()] })
    }

    /// The rows of a corpus that pass.
    ///
    /// # Errors
    /// [`Error::Usage`] if a column does not exist or cannot be compared so; if the corpus cannot be read.
    pub(crate) fn rows(&self, corpus: &dyn RowSource) -> Result<RowSet> {
        let schema = corpus.columns()?;
        self.check(&schema)?;
        let mut rows = RowSet::none(corpus.rows()?);
        if self.columns.is_empty() {
            let truth = self.truth(&rows_without_columns(1)?)?;
            return Ok(if truth.is_true(0) { RowSet::all(corpus.rows()?) } else { rows });
        }
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let mut first = 0;
        for batch in corpus.columns_of_all(&names)? {
            let batch = batch?;
            self.truth(&batch)?.for_each_true(|row| rows.insert(first + row as u64));
            first += batch.num_rows() as u64;
        }
        Ok(rows)
    }

    /// Refuses columns that do not exist, and comparisons that their types do not have, before rows are read.
    fn check(&self, schema: &SchemaRef) -> Result<()> {
        let is_missing = |name: &&String| schema.index_of(name).is_err();
        if let Some(name) = self.columns.iter().find(is_missing) {
            return Err(no_such_column(name, schema));
        }
        let used = |name: &String| schema.index_of(name).ok();
        let used: Vec<usize> = self.columns.iter().filter_map(used).collect();
        let empty = RecordBatch::new_empty(SchemaRef::new(schema.project(&used)?));
        self.truth(&empty).map(drop)
    }

    fn truth(&self, rows: &RecordBatch) -> Result<Truth> {
        evaluate::evaluate(&self.expression, rows)
    }
}

/// Refuses a column that does not exist.
pub(super) fn no_such_column(name: &str, schema: &Schema) -> Error {
    let known = list_names(schema.fields().iter().map(|field| field.name().as_str()));
    let message = format!("the corpus has no column `{}`", crate::error::shorten(name));
    match schema.fields().is_empty() {
        true => Error::usage_hint(
            message,
            "this corpus has no columns at all; .parquet and .arrow files have them",
        ),
        false => Error::usage_hint(
            message,
            format!("its columns are {known}; a string is written in single quotes, as in lang = 'en'"),
        ),
    }
}

fn rows_without_columns(count: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    Ok(RecordBatch::try_new_with_options(SchemaRef::new(Schema::empty()), Vec::new(), &options)?)
}

#[cfg(test)]
mod tests;
