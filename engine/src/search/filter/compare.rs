//! Comparisons of columns with literals and with each other, in a type that holds both exactly where there is one.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Datum, Float64Array, Int64Array, Scalar, StringArray, UInt64Array,
};
use arrow_cast::{CastOptions, cast, cast_with_options};
use arrow_ord::cmp;
use arrow_schema::{DataType, FieldRef};

use super::evaluate::Truth;
use super::expression::{Comparison, Operand};
use crate::error::shorten;
use crate::vectors::schema::is_json;
use crate::{Error, Result};

/// A column by its name and type, and its values.
type Column<'a> = (FieldRef, &'a ArrayRef);

/// Compares each value of a column with a literal, which is not null.
pub(super) fn column_with_literal(
    comparison: Comparison,
    (field, values): Column<'_>,
    literal: &Operand,
) -> Result<Truth> {
    let data_type = values.data_type();
    match literal {
        _ if data_type == &DataType::Null => Ok(Truth::constant(None, values.len())),
        _ if is_json(&field) => json_text(comparison, &field, values, literal),
        Operand::Number(digits) if data_type.is_integer() => {
            integers_with_number(comparison, values, digits, &field)
        }
        Operand::Number(digits) if is_float(data_type) => {
            let number = float(digits)?;
            // A column of f32 that was given 0.1 has the f32 nearest to it.
            let is_wide = data_type == &DataType::Float64;
            let number = if is_wide { number } else { f64::from(number as f32) };
            let number = Float64Array::from(vec![number]);
            compare(comparison, &without_negative_zero(values)?, &Scalar::new(number))
        }
        Operand::Boolean(value) if data_type == &DataType::Boolean => {
            compare(comparison, values, &Scalar::new(BooleanArray::from(vec![*value])))
        }
        Operand::String(text) if is_string(data_type) => {
            let values = cast(values, &DataType::Utf8)?;
            compare(comparison, &values, &Scalar::new(StringArray::from_iter_values([text])))
        }
        Operand::String(text) | Operand::Number(text) if is_spelled(data_type, literal) => {
            spelled(comparison, &field, values, text)
        }
        _ => Err(misfit(&field, literal)),
    }
}

/// Compares two columns row by row.
pub(super) fn column_with_column(
    comparison: Comparison,
    (left_field, left): Column<'_>,
    (right_field, right): Column<'_>,
) -> Result<Truth> {
    let [a, b] = [left.data_type(), right.data_type()];
    if [a, b].contains(&&DataType::Null) {
        return Ok(Truth::constant(None, left.len()));
    }
    let is_number = |data_type: &DataType| data_type.is_integer() || is_float(data_type);
    let common = match (a, b) {
        _ if is_json(&left_field) != is_json(&right_field) => None,
        _ if is_json(&left_field) && !comparison.is_of_equality() => None,
        (DataType::UInt64, DataType::UInt64) => Some(DataType::UInt64),
        // Holds every integer of 64 bits, with and without a sign.
        _ if a.is_integer() && b.is_integer() => Some(DataType::Decimal128(20, 0)),
        _ if is_number(a) && is_number(b) => Some(DataType::Float64),
        _ if is_string(a) && is_string(b) => Some(DataType::Utf8),
        _ if a == b && (a.is_temporal() || matches!(a, DataType::Boolean | DataType::Decimal128(..))) => {
            Some(a.clone())
        }
        _ => None,
    };
    let Some(common) = common else {
        let [left, right] = [&left_field, &right_field].map(|field| shorten(field.name()).into_owned());
        return Err(Error::usage(format!(
            "columns `{left}` and `{right}` are of types {a} and {b}, which cannot be compared so"
        )));
    };
    match common {
        DataType::Float64 => {
            compare(comparison, &without_negative_zero(left)?, &without_negative_zero(right)?)
        }
        common => compare(comparison, &cast(left, &common)?, &cast(right, &common)?),
    }
}

/// The order of two literals.
pub(super) fn literals(left: &Operand, right: &Operand) -> Result<Ordering> {
    match (left, right) {
        (Operand::String(left), Operand::String(right)) => Ok(left.cmp(right)),
        (Operand::Boolean(left), Operand::Boolean(right)) => Ok(left.cmp(right)),
        (Operand::Number(left), Operand::Number(right)) => match (left.parse::<i128>(), right.parse()) {
            (Ok(left), Ok(right)) => Ok(left.cmp(&right)),
            _ => Ok(float(left)?.total_cmp(&float(right)?)),
        },
        _ => Err(Error::usage("the filter compares two literals of different types")),
    }
}

/// A column's values as strings; `None` if they are not.
pub(super) fn string_column(field: &FieldRef, values: &ArrayRef) -> Result<Option<ArrayRef>> {
    match is_string(values.data_type()) && !is_json(field) {
        true => Ok(Some(cast(values, &DataType::Utf8)?)),
        false => Ok(None),
    }
}

fn compare(comparison: Comparison, left: &dyn Datum, right: &dyn Datum) -> Result<Truth> {
    let kernel = match comparison {
        Comparison::Equal => cmp::eq,
        Comparison::NotEqual => cmp::neq,
        Comparison::Less => cmp::lt,
        Comparison::LessOrEqual => cmp::lt_eq,
        Comparison::Greater => cmp::gt,
        Comparison::GreaterOrEqual => cmp::gt_eq,
    };
    Ok((&kernel(left, right)?).into())
}

fn integers_with_number(
    comparison: Comparison,
    values: &ArrayRef,
    digits: &str,
    field: &FieldRef,
) -> Result<Truth> {
    let Ok(number) = digits.parse::<i128>() else {
        let number = Float64Array::from(vec![float(digits)?]);
        return compare(comparison, &cast(values, &DataType::Float64)?, &Scalar::new(number));
    };
    let is_unsigned = values.data_type() == &DataType::UInt64;
    let (smallest, largest) = match is_unsigned {
        true => (0, i128::from(u64::MAX)),
        false => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    // Every value of the column is on one side of a number that the type does not hold.
    if !(smallest..=largest).contains(&number) {
        let order = if number < smallest { Ordering::Greater } else { Ordering::Less };
        return Ok(Truth::where_known(comparison.holds(order), values));
    }
    match (is_unsigned, u64::try_from(number), i64::try_from(number)) {
        (true, Ok(number), _) => compare(comparison, values, &Scalar::new(UInt64Array::from(vec![number]))),
        (false, _, Ok(number)) => {
            let values = cast(values, &DataType::Int64)?;
            compare(comparison, &values, &Scalar::new(Int64Array::from(vec![number])))
        }
        _ => Err(misfit(field, &Operand::Number(digits.to_owned()))),
    }
}

/// A column of JSON text has numbers and strings, which are equal if their text is.
fn json_text(
    comparison: Comparison,
    field: &FieldRef,
    values: &ArrayRef,
    literal: &Operand,
) -> Result<Truth> {
    let text = match literal {
        Operand::String(text) => serde_json::Value::from(text.as_str()).to_string(),
        Operand::Number(digits) => digits.clone(),
        Operand::Boolean(value) => value.to_string(),
        Operand::Column(_) | Operand::Null => return Err(misfit(field, literal)),
    };
    if !comparison.is_of_equality() {
        let name = shorten(field.name());
        return Err(Error::usage(format!(
            "column `{name}` has values of several types; a filter can only ask whether they are equal"
        )));
    }
    compare(comparison, values, &Scalar::new(StringArray::from_iter_values([text])))
}

/// Whether a literal is read as a value of this type: dates and times from strings, decimals from both.
fn is_spelled(data_type: &DataType, literal: &Operand) -> bool {
    match data_type {
        DataType::Decimal128(..) | DataType::Decimal256(..) => true,
        _ => data_type.is_temporal() && matches!(literal, Operand::String(_)),
    }
}

fn spelled(comparison: Comparison, field: &FieldRef, values: &ArrayRef, text: &str) -> Result<Truth> {
    if let DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) = values.data_type()
        && let Some(kept) = cut_decimal(text, *scale)
    {
        return between_decimals(comparison, field, values, kept);
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let literal: ArrayRef = Arc::new(StringArray::from_iter_values([text]));
    let literal = cast_with_options(&literal, values.data_type(), &strict);
    let literal = literal.map_err(|_| misfit(field, &Operand::String(text.to_owned())))?;
    compare(comparison, values, &Scalar::new(literal))
}

/// A number as it is written, without the digits that a decimal of this scale does not hold; `None` if it holds all.
fn cut_decimal(text: &str, scale: i8) -> Option<&str> {
    let (whole, fraction) = text.split_once('.')?;
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let held = usize::try_from(scale).unwrap_or(0);
    let is_cut = fraction.trim_end_matches('0').len() > held;
    (are_digits(unsigned) && are_digits(fraction) && is_cut).then(|| &text[..whole.len() + 1 + held])
}

/// Compares with a number between two values that the column can hold: `kept` is the one nearer to zero.
fn between_decimals(
    comparison: Comparison,
    field: &FieldRef,
    values: &ArrayRef,
    kept: &str,
) -> Result<Truth> {
    let is_below_zero = kept.starts_with('-');
    let comparison = match comparison {
        Comparison::Equal => return Ok(Truth::where_known(false, values)),
        Comparison::NotEqual => return Ok(Truth::where_known(true, values)),
        Comparison::Less | Comparison::LessOrEqual if is_below_zero => Comparison::Less,
        Comparison::Less | Comparison::LessOrEqual => Comparison::LessOrEqual,
        Comparison::Greater | Comparison::GreaterOrEqual if is_below_zero => Comparison::GreaterOrEqual,
        Comparison::Greater | Comparison::GreaterOrEqual => Comparison::Greater,
    };
    spelled(comparison, field, values, kept.trim_end_matches('.'))
}

/// Numbers as f64, with 0.0 in place of -0.0: arrow's comparisons tell the two apart, SQL's do not.
fn without_negative_zero(values: &ArrayRef) -> Result<ArrayRef> {
    let values = cast(values, &DataType::Float64)?;
    let values = values.as_primitive::<Float64Type>();
    Ok(Arc::new(values.unary::<_, Float64Type>(|value| value + 0.0)))
}

fn float(digits: &str) -> Result<f64> {
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
    let number = number.map(|number| number + 0.0);
    number.ok_or_else(|| Error::usage(format!("the filter's {} is not a finite number", shorten(digits))))
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

fn is_string(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_string(values),
        _ => false,
    }
}

fn misfit(field: &FieldRef, literal: &Operand) -> Error {
    let (name, data_type) = (shorten(field.name()), field.data_type());
    let literal = match literal {
        Operand::String(text) => format!("the string '{}'", shorten(text)),
        Operand::Number(digits) => format!("the number {}", shorten(digits)),
        Operand::Boolean(value) => value.to_string(),
        Operand::Column(name) => format!("column `{}`", shorten(name)),
        Operand::Null => "null".to_owned(),
    };
    let message = format!("column `{name}` is of type {data_type} and cannot be compared with {literal}");
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Error::usage_hint(message, "a string is written in single quotes, as in lang = 'en'")
        }
        _ => Error::usage(message),
    }
}
