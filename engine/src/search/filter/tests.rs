use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    StringArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};

use super::*;
use crate::vectors::schema::json_field;

/// Four rows: the last is null in every column but the first.
fn rows() -> RecordBatch {
    let json = StringArray::from(vec![Some("1"), Some("\"1\""), Some("\"a\""), None]);
    let columns: Vec<(Field, ArrayRef)> = vec![
        field("n", Int32Array::from(vec![1, 2, 3, 4])),
        field("big", UInt64Array::from(vec![Some(u64::MAX), Some(0), Some(1 << 63), None])),
        field("x", Float64Array::from(vec![Some(0.5), Some(-1.0), Some(2.0), None])),
        field("zero", Float64Array::from(vec![Some(-0.0), Some(0.0), Some(1.0), None])),
        field("small", Float32Array::from(vec![Some(0.1), Some(0.2), Some(0.3), None])),
        field("lang", StringArray::from(vec![Some("en"), Some("de"), Some("en_x%"), None])),
        field("flag", BooleanArray::from(vec![Some(true), Some(false), Some(true), None])),
        field("day", Date32Array::from(vec![Some(0), Some(365), Some(18_262), None])),
        field(
            "price",
            Decimal128Array::from(vec![Some(150), Some(99), Some(1000), None])
                .with_precision_and_scale(10, 2)
                .unwrap(),
        ),
        field("select", Int32Array::from(vec![Some(5), Some(6), Some(7), None])),
        field("a.b", Int32Array::from(vec![Some(0), Some(1), Some(2), None])),
        (json_field("key"), Arc::new(json)),
    ];
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn field(name: &str, values: impl arrow_array::Array + 'static) -> (Field, ArrayRef) {
    (Field::new(name, values.data_type().clone(), true), Arc::new(values))
}

/// The rows that pass, as digits.
#[track_caller]
fn passing(filter: &str) -> String {
    let rows = rows();
    let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    parsed.check(&rows.schema()).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let truth = parsed.truth(&rows).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let mut found = String::new();
    truth.for_each_true(|row| found.push_str(&row.to_string()));
    found
}

#[track_caller]
fn refused(filter: &str) -> String {
    let refused = Filter::parse(filter).and_then(|parsed| parsed.check(&rows().schema()));
    let error = refused.expect_err(filter);
    assert_eq!(error.kind(), crate::ErrorKind::Usage, "{filter}: {error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error.to_string()
}

#[test]
fn numbers_compare_as_numbers() {
    for (filter, expected) in [
        ("n = 2", "1"),
        ("n <> 2", "023"),
        ("n != 2", "023"),
        ("n < 2", "0"),
        ("n <= 2", "01"),
        ("n > 2", "23"),
        ("2 >= n", "01"),
        ("n > 1.5", "123"),
        ("n = 2.0", "1"),
        ("n = -1", ""),
        ("n > -99999999999999999999", "0123"),
        ("n < 99999999999999999999", "0123"),
        ("n between 2 and 3", "12"),
        ("n not between 2 and 3", "03"),
        ("n in (1, 3, 17)", "02"),
        ("n not in (1, 3)", "13"),
        ("big > 9223372036854775807", "02"),
        ("big = 18446744073709551615", "0"),
        ("big > 18446744073709551616", ""),
        ("big >= -1", "012"),
        ("x > 0", "02"),
        ("x = -1", "1"),
        ("x < 1e0", "01"),
        ("small = 0.1", "0"),
        ("small > 0.1", "12"),
        ("n > x", "012"),
        ("big = n", ""),
        ("\"select\" > 5", "12"),
        ("zero = 0", "01"),
        ("zero = -0.0", "01"),
        ("zero >= 0", "012"),
        ("zero < 0", ""),
        ("price > 1.25", "02"),
        ("price = 1.509", ""),
        ("price <> 1.509", "012"),
        ("price > 1.499", "02"),
        ("price >= 1.501", "2"),
        ("price < 1.501", "01"),
        ("price <= 1.4999", "1"),
        ("price > -0.001", "012"),
        ("price < -0.001", ""),
        ("price = 1.5000", "0"),
        ("price = '0.99'", "1"),
    ] {
        assert_eq!(passing(filter), expected, "{filter}");
    }
}

#[test]
fn strings_dates_and_booleans_compare_with_their_own() {
    for (filter, expected) in [
        ("lang = 'en'", "0"),
        ("lang <> 'en'", "12"),
        ("lang > 'en'", "2"),
        ("lang in ('de', 'fr')", "1"),
        ("lang like 'en%'", "02"),
        ("lang not like 'en%'", "1"),
        ("lang like '_e'", "1"),
        ("lang like 'en\\_x\\%'", "2"),
        ("lang like '%'", "012"),
        ("flag", "02"),
        ("not flag", "1"),
        ("flag = false", "1"),
        ("day >= '1971-01-01'", "12"),
        ("day = '2020-01-01'", "2"),
        ("day between '1970-01-01' and '1970-12-31'", "0"),
        ("key = 1", "0"),
        ("key = '1'", "1"),
        ("key in ('a', 1)", "02"),
        ("\"a.b\" = 1", "1"),
        ("lang = 'it''s'", ""),
    ] {
        assert_eq!(passing(filter), expected, "{filter}");
    }
}

#[test]
fn null_compares_to_nothing_and_logic_has_three_values() {
    for (filter, expected) in [
        ("x is null", "3"),
        ("x is not null", "012"),
        ("not (x is null)", "012"),
        ("x = null", ""),
        ("x <> null", ""),
        ("null", ""),
        ("not (x = null)", ""),
        ("x > 0 or n = 4", "023"),
        ("x > 0 and n < 3", "0"),
        ("not (x > 0)", "1"),
        ("x > 0 or not (x > 0)", "012"),
        ("x > 0 or true", "0123"),
        ("x > 0 and false", ""),
        ("not (x > 0 and false)", "0123"),
        ("n in (1, null)", "0"),
        ("n not in (1, null)", ""),
        ("n = 1 or n = 2 and flag", "0"),
        ("(n = 1 or n = 2) and flag", "0"),
        ("1 = 1", "0123"),
        ("1 = 2", ""),
        ("'a' < 'b' and 2 > 1.5", "0123"),
        ("1 is null", ""),
        ("true", "0123"),
    ] {
        assert_eq!(passing(filter), expected, "{filter}");
    }
}

#[test]
fn what_a_filter_has_not_is_refused_with_its_place() {
    for (filter, part) in [
        ("", "cannot be used"),
        ("n =", "cannot be used"),
        ("n = 1 n", "at character 7: `n` is after its end"),
        ("n + 1 = 2", "at character 1: `n + 1`"),
        ("lower(lang) = 'en'", "`lower(lang)`"),
        ("n = (select 1)", "(SELECT 1)"),
        ("lang = 'en", "at character 8"),
        ("lang ilike 'x'", "ILIKE"),
        ("a.b = 1", "double quotes: \"a.b\""),
        ("n is true", "IS TRUE"),
        ("n in (select 1)", "SELECT"),
        ("missing = 1", "no column `missing`"),
        ("lang = \"en\"", "no column `en`"),
        ("lang = 5", "column `lang` is of type Utf8 and cannot be compared with the number 5"),
        ("n = 'one'", "column `n` is of type Int32 and cannot be compared with the string 'one'"),
        ("day = 'yesterday'", "yesterday"),
        ("flag > 'x'", "column `flag`"),
        ("n", "neither true nor false"),
        ("key < 5", "whether they are equal"),
        ("n = 1 or 'x'", "neither true nor false"),
        ("n like '1%'", "`like` is for strings"),
        ("lang like lang", "'pattern'"),
        ("lang = n", "cannot be compared so"),
        ("1 = 'a'", "different types"),
        ("x = 1e999", "finite"),
        ("; drop table t", "cannot be used"),
    ] {
        let message = refused(filter);
        assert!(message.contains(part), "{filter}: {message}");
    }
}

#[test]
fn deep_and_long_filters_are_refused_or_right() {
    let long = |count: usize| vec!["n = 1"; count].join(" or ");
    assert_eq!(passing(&long(500)), "0");
    assert!(refused(&long(10_000)).contains("more than 2000 words and signs"));
    assert!(refused(&vec!["1=1"; 10_000].join(" or ")).contains("more than 2000 words and signs"));
    let nested = |depth: usize| format!("{}n = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(passing(&nested(5)), "0");
    assert!(refused(&nested(400)).contains("without `and` or `or`"));
    let nested_by_or = |depth: usize| format!("{}true{}", "(n = 1 or ".repeat(depth), ")".repeat(depth));
    assert_eq!(passing(&nested_by_or(5)), "0123");
    assert!(refused(&nested_by_or(300)).contains("without `and` or `or`"));
    assert!(refused(&format!("{} flag", "not ".repeat(900))).contains("cannot be used"));
    assert!(refused(&vec!["1"; 900].join(" = ")).contains("without `and` or `or`"));
    assert_eq!(passing(&format!("n = 1{}", " and flag or n = 2".repeat(300))), "01");
    let values = (0..20_000).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(passing(&format!("n in ({values})")), "0123");
}

#[test]
fn columns_without_values_are_unknown() {
    let schema = Arc::new(Schema::new(vec![Field::new("nothing", DataType::Null, true)]));
    let rows = RecordBatch::try_new(schema, vec![Arc::new(arrow_array::NullArray::new(3))]).unwrap();
    let count = |filter: &str| {
        let mut count = 0;
        Filter::parse(filter).unwrap().truth(&rows).unwrap().for_each_true(|_| count += 1);
        count
    };
    assert_eq!(
        (count("nothing = 1"), count("not nothing = 'a'"), count("nothing is null"), count("nothing")),
        (0, 0, 3, 0)
    );
}
