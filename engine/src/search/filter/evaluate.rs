//! The truth of a filter for each row of a batch, in three values.

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, Scalar, StringArray};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType, FieldRef};
use arrow_string::like::like;

use super::compare::{column_with_column, column_with_literal, literals, string_column};
use super::expression::{Comparison, Expression, Operand};
use super::no_such_column;
use crate::{Error, Result};

/// For each row whether something is true and whether it is false; a row for which it is null has neither.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    is_true: BooleanBuffer,
    is_false: BooleanBuffer,
}

impl Truth {
    /// The same for all of `rows`; `None` is null.
    pub(super) fn constant(value: Option<bool>, rows: usize) -> Self {
        let bits = |bit| if bit { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
        Self { is_true: bits(value == Some(true)), is_false: bits(value == Some(false)) }
    }

    /// `value` for each row in which `column` is not null.
    pub(super) fn where_known(value: bool, column: &ArrayRef) -> Self {
        let known = match column.logical_nulls() {
            Some(nulls) => nulls.into_inner(),
            None => BooleanBuffer::new_set(column.len()),
        };
        let none = BooleanBuffer::new_unset(column.len());
        match value {
            true => Self { is_true: known, is_false: none },
            false => Self { is_true: none, is_false: known },
        }
    }

    fn and(&self, other: &Self) -> Self {
        Self { is_true: &self.is_true & &other.is_true, is_false: &self.is_false | &other.is_false }
    }

    fn or(&self, other: &Self) -> Self {
        Self { is_true: &self.is_true | &other.is_true, is_false: &self.is_false & &other.is_false }
    }

    fn negated(self) -> Self {
        Self { is_true: self.is_false, is_false: self.is_true }
    }

    /// Whether it is true for a row.
    pub(super) fn is_true(&self, row: usize) -> bool {
        self.is_true.value(row)
    }

    /// Calls `visit` with each row for which it is true.
    pub(super) fn for_each_true(&self, visit: impl FnMut(usize)) {
        self.is_true.set_indices().for_each(visit);
    }
}

impl From<&BooleanArray> for Truth {
    fn from(array: &BooleanArray) -> Self {
        let values = array.values();
        match array.nulls() {
            None => Self { is_true: values.clone(), is_false: !values },
            Some(nulls) => Self { is_true: values & nulls.inner(), is_false: &!values & nulls.inner() },
        }
    }
}

/// Evaluates a filter for the rows of a batch, which has its columns.
pub(super) fn evaluate(expression: &Expression, rows: &RecordBatch) -> Result<Truth> {
    match expression {
        Expression::All(parts) => {
            let all = Truth::constant(Some(true), rows.num_rows());
            parts.iter().try_fold(all, |all, part| Ok(all.and(&evaluate(part, rows)?)))
        }
        Expression::Any(parts) => {
            let none = Truth::constant(Some(false), rows.num_rows());
            parts.iter().try_fold(none, |any, part| Ok(any.or(&evaluate(part, rows)?)))
        }
        Expression::Not(inner) => Ok(evaluate(inner, rows)?.negated()),
        Expression::Compare(comparison, left, right) => compare(*comparison, left, right, rows),
        Expression::In(operand, values) => {
            let mut any = Truth::constant(Some(false), rows.num_rows());
            for value in values {
                any = any.or(&compare(Comparison::Equal, operand, value, rows)?);
            }
            Ok(any)
        }
        Expression::Like(operand, pattern) => matches(operand, pattern, rows),
        Expression::IsNull(operand) => is_null(operand, rows),
        Expression::Is(operand) => is(operand, rows),
    }
}

fn column<'a>(name: &str, rows: &'a RecordBatch) -> Result<(FieldRef, &'a ArrayRef)> {
    let place = rows.schema_ref().index_of(name).map_err(|_| no_such_column(name, rows.schema_ref()))?;
    Ok((rows.schema_ref().fields()[place].clone(), rows.column(place)))
}

fn compare(comparison: Comparison, left: &Operand, right: &Operand, rows: &RecordBatch) -> Result<Truth> {
    match (left, right) {
        (Operand::Null, other) | (other, Operand::Null) => {
            // A column that does not exist was refused before.
            if let Operand::Column(name) = other {
                column(name, rows)?;
            }
            Ok(Truth::constant(None, rows.num_rows()))
        }
        (Operand::Column(left), Operand::Column(right)) => {
            column_with_column(comparison, column(left, rows)?, column(right, rows)?)
        }
        (Operand::Column(name), literal) => column_with_literal(comparison, column(name, rows)?, literal),
        (literal, Operand::Column(name)) => {
            column_with_literal(comparison.mirrored(), column(name, rows)?, literal)
        }
        (left, right) => Ok(Truth::constant(Some(comparison.holds(literals(left, right)?)), rows.num_rows())),
    }
}

fn matches(operand: &Operand, pattern: &Operand, rows: &RecordBatch) -> Result<Truth> {
    let (Operand::Column(name), Operand::String(pattern)) = (operand, pattern) else {
        return Err(Error::usage("the filter's `like` must compare a column with a 'pattern'"));
    };
    let (field, values) = column(name, rows)?;
    let Some(values) = string_column(&field, values)? else {
        let data_type = field.data_type();
        return Err(Error::usage(format!("column `{name}` is of type {data_type}; `like` is for strings")));
    };
    let pattern = Scalar::new(StringArray::from_iter_values([pattern]));
    Ok((&like(&values, &pattern)?).into())
}

fn is_null(operand: &Operand, rows: &RecordBatch) -> Result<Truth> {
    let Operand::Column(name) = operand else {
        return Ok(Truth::constant(Some(*operand == Operand::Null), rows.num_rows()));
    };
    let (_, values) = column(name, rows)?;
    let known = Truth::where_known(true, values).is_true;
    Ok(Truth { is_true: !&known, is_false: known })
}

fn is(operand: &Operand, rows: &RecordBatch) -> Result<Truth> {
    let name = match operand {
        Operand::Column(name) => name,
        Operand::Boolean(value) => return Ok(Truth::constant(Some(*value), rows.num_rows())),
        Operand::Null => return Ok(Truth::constant(None, rows.num_rows())),
        Operand::Number(text) | Operand::String(text) => {
            let message =
                format!("the filter's {text:?} is neither true nor false: compare it with something");
            return Err(Error::usage(message));
        }
    };
    let (field, values) = column(name, rows)?;
    match values.as_any().downcast_ref::<BooleanArray>() {
        Some(values) => Ok(values.into()),
        None if field.data_type() == &DataType::Null => Ok(Truth::constant(None, rows.num_rows())),
        None => Err(Error::usage(format!(
            "column `{name}` is of type {}, which is neither true nor false: compare it with something",
            field.data_type()
        ))),
    }
}
