//! COPY's bytes, value by value.

use std::fs;
use std::sync::Arc;

use arrow_array::types::{Int8Type, Int64Type};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float16Array,
    Float32Array, Float64Array, Int8Array, Int32Array, ListArray, NullArray, StringArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::Field;
use half::f16;

use crate::export::test_corpus::{self, column};
use crate::export::{Database, ExportOptions, ExportSummary, export};
use crate::search::Corpus;
use crate::vectors::Metadata;
use crate::vectors::schema::json_field;
use crate::vectors::write::Output;
use crate::{Result, Setting};

use super::*;

/// A file of vectors with these columns.
fn corpus(
    folder: &std::path::Path,
    columns: Vec<(Field, ArrayRef)>,
    vectors: ArrayRef,
    width: i32,
) -> Corpus {
    test_corpus::corpus(folder, columns, vectors, width, &Metadata::new())
}

fn exported(
    corpus: &Corpus,
    folder: &std::path::Path,
    replace_nul: bool,
) -> Result<(ExportSummary, Vec<u8>, String)> {
    let output = folder.join("out");
    let mut options = ExportOptions::new(Database::Pgvector);
    (options.replace_nul, options.overwrite) = (replace_nul, true);
    let summary = export(corpus, &Output::Folder(output.clone()), &options)?;
    let read = |name: &str| fs::read(output.join(name)).unwrap();
    Ok((summary, read(ROWS_FILE), String::from_utf8(read(SCHEMA_FILE)).unwrap()))
}

/// The values of each row of a file of COPY; `None` is null.
fn values(bytes: &[u8]) -> Vec<Vec<Option<Vec<u8>>>> {
    let mut rest = bytes.strip_prefix(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0").expect("the head");
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken.to_vec()
    };
    let mut rows = Vec::new();
    loop {
        let count = i16::from_be_bytes(take(2).try_into().unwrap());
        if count == -1 {
            assert!(rest.is_empty(), "{} bytes after the end", rest.len());
            return rows;
        }
        let value = |_| match i32::from_be_bytes(take(4).try_into().unwrap()) {
            -1 => None,
            length => Some(take(length as usize)),
        };
        rows.push((0..count).map(value).collect());
    }
}

#[test]
fn every_type_has_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let dictionary: DictionaryArray<Int8Type> = ["a\"\n\u{1f642}"].into_iter().collect();
    let columns = vec![
        column("boolean", BooleanArray::from(vec![true])),
        column("byte", Int8Array::from(vec![-2])),
        column("int", Int32Array::from(vec![-3])),
        column("big", UInt64Array::from(vec![u64::MAX])),
        column("double", Float64Array::from(vec![0.1])),
        column("half", Float16Array::from(vec![f16::from_f32(1.5)])),
        column("category", dictionary),
        column("bytes", BinaryArray::from(vec![&b"\0\xff"[..]])),
        column("date", Date32Array::from(vec![10_958])),
        column("moment", TimestampNanosecondArray::from(vec![-1])),
        column("zoned", TimestampMicrosecondArray::from(vec![946_684_800_000_001]).with_timezone("+02:00")),
        column("price", Decimal128Array::from(vec![-12_340]).with_precision_and_scale(9, 3).unwrap()),
        column("list", ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None])])),
        (json_field("json"), Arc::new(StringArray::from(vec!["{\"a\":\"\\u0000\"}"]))),
        column("nothing", NullArray::new(1)),
        column("null", StringArray::from(vec![None::<&str>])),
    ];
    let names: Vec<String> = columns.iter().map(|(field, _)| field.name().clone()).collect();
    let corpus = corpus(folder.path(), columns, Arc::new(Float32Array::from(vec![1.0, -0.5])), 2);
    let (summary, bytes, schema) = exported(&corpus, folder.path(), false).unwrap();
    assert_eq!((summary.rows, summary.dimensions, summary.counts.shortened_times), (1, 2, 1));
    let row = values(&bytes).remove(0);
    let moment = -946_684_800_000_001_i64;
    let expected: Vec<Option<Vec<u8>>> = vec![
        Some(vec![0; 8]),
        Some(vec![1]),
        Some((-2i16).to_be_bytes().to_vec()),
        Some((-3i32).to_be_bytes().to_vec()),
        Some([5i16, 4, 0, 0, 1844, 6744, 737, 955, 1615].iter().flat_map(|it| it.to_be_bytes()).collect()),
        Some(0.1f64.to_be_bytes().to_vec()),
        Some(1.5f32.to_be_bytes().to_vec()),
        Some("a\"\n\u{1f642}".as_bytes().to_vec()),
        Some(vec![0, 255]),
        Some(1i32.to_be_bytes().to_vec()),
        Some(moment.to_be_bytes().to_vec()),
        Some(1i64.to_be_bytes().to_vec()),
        Some([2i16, 0, 0x4000, 3, 12, 3400].iter().flat_map(|it| it.to_be_bytes()).collect()),
        Some(b"[1,null]".to_vec()),
        Some(b"{\"a\":\"\\u0000\"}".to_vec()),
        None,
        None,
        Some([&[0, 2, 0, 0][..], &1f32.to_be_bytes(), &(-0.5f32).to_be_bytes()].concat()),
    ];
    let names = ["row".to_owned()].into_iter().chain(names).chain(["vector".to_owned()]);
    for ((name, found), expected) in names.zip(&row).zip(&expected) {
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(row.len(), expected.len());
    for part in ["\"big\" numeric,", "\"zoned\" timestamptz,", "\"embedding\" vector(2) NOT NULL"] {
        assert!(schema.contains(part), "{schema}");
    }
}

#[test]
fn halves_and_bits_have_their_own_types() {
    let folder = tempfile::tempdir().unwrap();
    let halves: Vec<f16> = [0.5, -2.0, 0.0, 0.0].map(f16::from_f32).to_vec();
    let corpus = corpus(folder.path(), Vec::new(), Arc::new(Float16Array::from(halves)), 2);
    let (summary, bytes, schema) = exported(&corpus, folder.path(), false).unwrap();
    assert!(schema.contains("halfvec(2)") && summary.counts.zero_vectors == 1, "{schema}");
    let rows = values(&bytes);
    assert_eq!(rows[0][1].as_deref(), Some(&[0, 2, 0, 0, 0x38, 0, 0xc0, 0][..]));
    assert_eq!(rows[1], [Some(1u64.to_be_bytes().to_vec()), Some(vec![0, 2, 0, 0, 0, 0, 0, 0])]);
    let mut bytes = Vec::new();
    append_vector(&mut bytes, NumberSlice::U8(&[0xf0, 0x01]));
    assert_eq!(bytes, [0, 0, 0, 6, 0, 0, 0, 16, 0xf0, 0x01]);
    // `binary` is `ubinary` less 128.
    bytes.clear();
    append_vector(&mut bytes, NumberSlice::I8(&[0x70, -127]));
    assert_eq!(bytes, [0, 0, 0, 6, 0, 0, 0, 16, 0xf0, 0x01]);
}

#[test]
fn a_nul_is_refused_by_row_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let columns = vec![column("id", StringArray::from(vec!["a", "\0b\0"]))];
    let corpus = corpus(folder.path(), columns, Arc::new(Float32Array::from(vec![1.0, 2.0])), 1);
    let error = exported(&corpus, folder.path(), false).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("row 2: column `id`: the text has a NUL character, which PostgreSQL does not store"),
        "{error}"
    );
    assert!(error.hint().unwrap().settings().eq([Setting::ReplaceNul]));
    assert!(!folder.path().join("out").exists());
    let (summary, bytes, _) = exported(&corpus, folder.path(), true).unwrap();
    assert_eq!(summary.counts.replaced_nul, 1);
    assert_eq!(values(&bytes)[1][1].as_deref(), Some("\u{fffd}b\u{fffd}".as_bytes()));
}

#[test]
fn a_table_has_an_identifier() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus(folder.path(), Vec::new(), Arc::new(Float32Array::from(vec![1.0])), 1);
    let mut options = ExportOptions::new(Database::Pgvector);
    options.table = "a; drop table b".to_owned();
    let error = export(&corpus, &Output::Folder(folder.path().join("out")), &options).unwrap_err();
    assert!(error.to_string().contains("must be an SQL identifier"), "{error}");
}
