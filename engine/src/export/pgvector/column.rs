//! A column's type in PostgreSQL, and its values in COPY's binary form.
//!
//! Each value is the bytes that PostgreSQL's `*_recv` function of its type reads: big-endian numbers, days and
//! microseconds since 2000-01-01, texts as they are.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, FieldRef, TimeUnit};

use super::numeric;
use crate::vectors::schema::is_json;
use crate::vectors::write::append_value;
use crate::{Error, Result};

/// Days from 1970-01-01 to 2000-01-01.
const DAYS_TO_2000: i64 = 10_957;
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
/// Days since 2000-01-01 that a `date` can be, from 4714 BC on (PostgreSQL's src/include/datatype/timestamp.h).
const DATES: std::ops::Range<i64> = -2_451_545..2_145_031_949;
/// Microseconds since 2000-01-01 that a `timestamp` can be, likewise.
const TIMESTAMPS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;

/// A type of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SqlType {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    Numeric,
    Real,
    Double,
    Text,
    Json,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampWithZone,
}

impl SqlType {
    /// The type for a column. What PostgreSQL has no type for is stored as text, lists and structs as JSON.
    pub(super) fn of(field: &FieldRef) -> Self {
        match plain(field.data_type()) {
            _ if is_json(field) => Self::Json,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 | DataType::Int16 | DataType::UInt8 => Self::SmallInt,
            DataType::Int32 | DataType::UInt16 => Self::Integer,
            DataType::Int64 | DataType::UInt32 => Self::BigInt,
            DataType::UInt64
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Self::Numeric,
            DataType::Float16 | DataType::Float32 => Self::Real,
            DataType::Float64 => Self::Double,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::TimestampWithZone,
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::Struct(_) => Self::Json,
            _ => Self::Text,
        }
    }

    /// Its name in SQL.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::SmallInt => "smallint",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Numeric => "numeric",
            Self::Real => "real",
            Self::Double => "double precision",
            Self::Text => "text",
            Self::Json => "json",
            Self::Bytes => "bytea",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::TimestampWithZone => "timestamptz",
        }
    }

    /// The arrow type from which values are written, if it is one type.
    fn arrow(self) -> Option<DataType> {
        Some(match self {
            Self::Boolean => DataType::Boolean,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Real => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            _ => return None,
        })
    }
}

/// A dictionary's values, or the type itself.
fn plain(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => values,
        other => other,
    }
}

/// Values of one column, ready to be written.
pub(super) struct SqlColumn {
    field: FieldRef,
    sql_type: SqlType,
    values: ArrayRef,
    unit: TimeUnit,
}

/// What was written for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The value.
    Whole,
    /// A time without its digits below a microsecond.
    Shortened,
}

impl SqlColumn {
    /// Converts a column to the type from which its values are written.
    ///
    /// # Errors
    /// If arrow cannot convert it.
    pub(super) fn new(field: FieldRef, column: &ArrayRef) -> Result<Self> {
        let sql_type = SqlType::of(&field);
        let mut values = match column.data_type() {
            DataType::Dictionary(_, values) => cast(column, values)?,
            _ => column.clone(),
        };
        let mut unit = TimeUnit::Microsecond;
        if let Some(data_type) = sql_type.arrow() {
            values = cast(&values, &data_type)?;
        }
        match values.data_type() {
            // Whole numbers of the unit.
            DataType::Time32(of_values) => {
                unit = *of_values;
                values = cast(&cast(&values, &DataType::Int32)?, &DataType::Int64)?;
            }
            DataType::Time64(of_values) | DataType::Timestamp(of_values, _) => {
                unit = *of_values;
                values = cast(&values, &DataType::Int64)?;
            }
            DataType::Utf8View | DataType::LargeUtf8 => values = cast(&values, &DataType::Utf8)?,
            _ => {}
        }
        Ok(Self { field, sql_type, values, unit })
    }

    /// The type in PostgreSQL.
    pub(super) fn sql_type(&self) -> SqlType {
        self.sql_type
    }

    /// Whether a row's value is null.
    pub(super) fn is_null(&self, row: usize) -> bool {
        self.values.data_type() == &DataType::Null || self.values.is_null(row)
    }

    /// Appends the bytes of a row's value, which is not null.
    ///
    /// # Errors
    /// [`Error::Bug`] if arrow cannot display it; the inner one is a rule that the value breaks.
    pub(super) fn append(&self, row: usize, out: &mut Vec<u8>) -> Result<Result<Written, String>> {
        let values = &self.values;
        match self.sql_type {
            SqlType::Boolean => out.push(u8::from(values.as_boolean().value(row))),
            SqlType::SmallInt => out.extend_from_slice(&value::<Int16Type>(values, row).to_be_bytes()),
            SqlType::Integer => out.extend_from_slice(&value::<Int32Type>(values, row).to_be_bytes()),
            SqlType::BigInt => out.extend_from_slice(&value::<Int64Type>(values, row).to_be_bytes()),
            SqlType::Real => out.extend_from_slice(&value::<Float32Type>(values, row).to_be_bytes()),
            SqlType::Double => out.extend_from_slice(&value::<Float64Type>(values, row).to_be_bytes()),
            SqlType::Bytes => out.extend_from_slice(values.as_binary::<i32>().value(row)),
            SqlType::Numeric => {
                let number = self.displayed(row)?;
                if numeric::append(&number, out).is_none() {
                    return Ok(Err(format!("{number} is not a decimal number")));
                }
            }
            SqlType::Text => match values.as_string_opt::<i32>() {
                Some(texts) => out.extend_from_slice(texts.value(row).as_bytes()),
                None => out.extend_from_slice(self.displayed(row)?.as_bytes()),
            },
            SqlType::Json => append_value(out, &self.field, values, row)?,
            SqlType::Date => {
                let days = i64::from(value::<Date32Type>(values, row)) - DAYS_TO_2000;
                match i32::try_from(days) {
                    Ok(stored) if DATES.contains(&days) => out.extend_from_slice(&stored.to_be_bytes()),
                    _ => return Ok(Err("its date is outside of PostgreSQL's range".to_owned())),
                }
            }
            SqlType::Time | SqlType::Timestamp | SqlType::TimestampWithZone => {
                return Ok(self.append_time(row, out));
            }
        }
        Ok(Ok(Written::Whole))
    }

    fn append_time(&self, row: usize, out: &mut Vec<u8>) -> Result<Written, String> {
        let time = value::<Int64Type>(&self.values, row);
        let (microseconds, is_whole) = match self.unit {
            TimeUnit::Second => (time.checked_mul(1_000_000), true),
            TimeUnit::Millisecond => (time.checked_mul(1_000), true),
            TimeUnit::Microsecond => (Some(time), true),
            TimeUnit::Nanosecond => (Some(time.div_euclid(1_000)), time.rem_euclid(1_000) == 0),
        };
        let (start, range) = match self.sql_type {
            SqlType::Time => (0, 0..MICROSECONDS_PER_DAY + 1),
            _ => (DAYS_TO_2000 * MICROSECONDS_PER_DAY, TIMESTAMPS),
        };
        let stored = microseconds.and_then(|microseconds| microseconds.checked_sub(start));
        let stored = stored.filter(|stored| range.contains(stored));
        let stored = stored.ok_or_else(|| "its time is outside of PostgreSQL's range".to_owned())?;
        out.extend_from_slice(&stored.to_be_bytes());
        Ok(if is_whole { Written::Whole } else { Written::Shortened })
    }

    fn displayed(&self, row: usize) -> Result<String> {
        array_value_to_string(&self.values, row).map_err(|error| Error::Bug(format!("a kept value: {error}")))
    }
}

fn value<T: ArrowPrimitiveType>(column: &ArrayRef, row: usize) -> T::Native {
    column.as_primitive::<T>().value(row)
}
