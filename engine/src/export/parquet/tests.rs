//! The columns of the file for each database.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int8Type, Int64Type};
use arrow_array::{
    Array, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int8Array,
    ListArray, NullArray, StructArray, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::FieldRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::export::test_corpus::{self, column};
use crate::export::{ExportOptions, ExportSummary, export};
use crate::vectors::Metadata;
use crate::vectors::schema::{ID, json_field};
use crate::vectors::write::Output;

const DATABASES: [Database; 5] =
    [Database::Qdrant, Database::Lance, Database::Duckdb, Database::Milvus, Database::Chroma];

/// A corpus with these columns and vectors.
fn corpus(folder: &Path, columns: Vec<(Field, ArrayRef)>, vectors: ArrayRef, width: i32) -> Corpus {
    test_corpus::corpus(folder, columns, vectors, width, &Metadata::new())
}

/// Exports a corpus; the summary, the file's fields and its rows.
fn exported(corpus: &Corpus, folder: &Path, database: Database) -> Result<(ExportSummary, RecordBatch)> {
    let output = folder.join("out");
    let mut options = ExportOptions::new(database);
    options.overwrite = true;
    let summary = export(corpus, &Output::Folder(output.clone()), &options)?;
    let file = File::open(output.join(FILE)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    Ok((summary, arrow_select::concat::concat_batches(&schema, &batches).unwrap()))
}

fn floats(values: &[f32]) -> ArrayRef {
    Arc::new(Float32Array::from(values.to_vec()))
}

fn field<'a>(rows: &'a RecordBatch, name: &str) -> &'a FieldRef {
    let schema = rows.schema_ref();
    &schema.fields()[schema.index_of(name).unwrap()]
}

fn strings(rows: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let values = rows.column_by_name(name).unwrap().as_string::<i32>();
    values.iter().map(|value| value.map(str::to_owned)).collect()
}

fn texts(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

#[test]
fn rows_have_numbers_keys_columns_and_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let columns = vec![
        column(ID, Int64Array::from(vec![7, -1])),
        column("year", Int64Array::from(vec![Some(1820), None])),
    ];
    let corpus = corpus(folder.path(), columns, floats(&[1.0, -0.5, 0.0, -0.0]), 2);
    for database in DATABASES {
        let (summary, rows) = exported(&corpus, folder.path(), database).unwrap();
        assert_eq!(summary.files, [FILE]);
        assert_eq!((summary.rows, summary.dimensions, summary.vector_type.as_str()), (2, 2, "f32(2)"));
        assert_eq!(summary.counts.zero_vectors, 1);
        let names: Vec<&String> = rows.schema_ref().fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, [ROW, KEY, ID, "year", EMBEDDING]);
        assert_eq!(rows[ROW].as_primitive::<Int64Type>().values(), &[0, 1]);
        assert_eq!(strings(&rows, KEY), texts(&["7", "-1"]));
        assert_eq!(rows["year"].as_primitive::<Int64Type>(), &Int64Array::from(vec![Some(1820), None]));
        assert_eq!(field(&rows, EMBEDDING).data_type(), &fixed_list(DataType::Float32, 2));
        let values = rows[EMBEDDING].as_fixed_size_list().values().as_primitive::<Float32Type>();
        let bits: Vec<u32> = values.values().iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits, [1.0f32, -0.5, 0.0, -0.0].map(f32::to_bits));
    }
}

#[test]
fn no_rows_are_a_file_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let corpus =
        corpus(folder.path(), vec![column(ID, StringArray::from(Vec::<&str>::new()))], floats(&[]), 3);
    for database in DATABASES {
        let (summary, rows) = exported(&corpus, folder.path(), database).unwrap();
        assert_eq!((summary.rows, rows.num_rows(), rows.num_columns()), (0, 0, 4));
    }
}

#[test]
fn columns_without_a_type_in_json_become_text() {
    let folder = tempfile::tempdir().unwrap();
    let dictionary: DictionaryArray<Int8Type> = [Some("a\"\n\u{1f642}"), None].into_iter().collect();
    let structs = StructArray::from(vec![(
        Arc::new(Field::new("a", DataType::Int64, true)),
        Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef,
    )]);
    let prices = Decimal128Array::from(vec![Some(-12_340), None]).with_precision_and_scale(9, 3).unwrap();
    let columns = vec![
        column("flag", BooleanArray::from(vec![Some(true), None])),
        column("category", dictionary),
        column("huge", UInt64Array::from(vec![Some(u64::MAX), None])),
        column("float", Float64Array::from(vec![Some(f64::NAN), Some(0.1)])),
        column("half", Float16Array::from(vec![f16::from_f32(1.5), f16::INFINITY])),
        column("bytes", BinaryArray::from(vec![Some(&b"\0\xff"[..]), None])),
        column("date", Date32Array::from(vec![Some(1), None])),
        column("zoned", TimestampMicrosecondArray::from(vec![Some(0), None]).with_timezone("+02:00")),
        column("price", prices),
        column("tags", ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1), None]), None])),
        column("struct", structs),
        (json_field("json"), Arc::new(StringArray::from(vec![Some("\"1\""), None])) as ArrayRef),
        column("nothing", NullArray::new(2)),
        column("null", StringArray::from(vec![None::<&str>, None])),
    ];
    let stored: Vec<Field> = columns.iter().map(|(field, _)| field.clone()).collect();
    let corpus = corpus(folder.path(), columns, floats(&[1.0, 2.0]), 1);
    for database in [Database::Lance, Database::Duckdb] {
        let (_, rows) = exported(&corpus, folder.path(), database).unwrap();
        for expected in &stored {
            assert_eq!(field(&rows, expected.name()).data_type(), expected.data_type(), "{database:?}");
        }
    }
    for database in [Database::Qdrant, Database::Milvus, Database::Chroma] {
        let (_, rows) = exported(&corpus, folder.path(), database).unwrap();
        for (name, expected) in [
            ("category", "a\"\n\u{1f642}"),
            ("huge", "18446744073709551615"),
            ("bytes", "00ff"),
            ("date", "1970-01-02"),
            ("zoned", "1970-01-01T00:00:00Z"),
            ("price", "-12.340"),
            ("json", "\"1\""),
        ] {
            assert_eq!(strings(&rows, name), [Some(expected.to_owned()), None], "{database:?} {name}");
        }
        assert_eq!(strings(&rows, "struct"), texts(&["{\"a\":1}", "{\"a\":2}"]));
        assert_eq!(rows["flag"].as_boolean(), &BooleanArray::from(vec![Some(true), None]));
        assert_eq!(rows["half"].as_primitive::<Float32Type>(), &Float32Array::from(vec![Some(1.5), None]));
        assert!(rows["float"].is_null(0) && !rows["float"].is_null(1), "{database:?}");
        assert_eq!((rows["nothing"].logical_null_count(), rows["null"].null_count()), (2, 2));
        if database == Database::Chroma {
            assert_eq!(strings(&rows, "tags"), [Some("[1,null]".to_owned()), None]);
        } else {
            assert_eq!(rows["tags"].as_list::<i32>().value(0).null_count(), 1);
        }
    }
}

#[test]
fn halves_are_kept_or_widened() {
    let folder = tempfile::tempdir().unwrap();
    let halves = [0.1, -65_504.0, 6e-8].map(f16::from_f32);
    let corpus = corpus(folder.path(), Vec::new(), Arc::new(Float16Array::from(halves.to_vec())), 3);
    for database in DATABASES {
        let (summary, rows) = exported(&corpus, folder.path(), database).unwrap();
        let values = rows[EMBEDDING].as_fixed_size_list().values().clone();
        if [Database::Lance, Database::Duckdb].contains(&database) {
            assert_eq!(summary.vector_type, "f16(3)");
            assert_eq!(values.as_primitive(), &Float16Array::from(halves.to_vec()));
        } else {
            assert_eq!(summary.vector_type, "f32(3)");
            assert_eq!(values.as_primitive(), &Float32Array::from(halves.map(f16::to_f32).to_vec()));
        }
        assert_eq!(strings(&rows, KEY), texts(&["0"]));
    }
}

/// The provenance of bits, which a file without ranges needs to be read as such.
fn provenance(output_type: &str) -> Metadata {
    let entries = [
        ("version", "0.1.0"),
        ("model", "m"),
        ("revision", ""),
        ("precision", "f32"),
        ("precision_arithmetic", "f32"),
        ("device", "cpu"),
        ("instruction_set", "avx2"),
        ("level", "sentence"),
        ("layer", "2"),
        ("pooling", "mean"),
        ("normalized", "true"),
        ("dimensions", "16"),
        ("prompt", ""),
        ("max_length", "8"),
        ("on_long", "truncate"),
        ("output_type", output_type),
    ];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn bits_are_lists_or_binary_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = vec![0b1000_0000, 0xff, 0, 1];
    let signed: Vec<i8> = bytes.iter().map(|byte| (i16::from(*byte) - 128) as i8).collect();
    let types: [(&str, ArrayRef); 2] = [
        ("ubinary", Arc::new(UInt8Array::from(bytes.clone()))),
        ("binary", Arc::new(Int8Array::from(signed))),
    ];
    for (output_type, values) in types {
        let corpus = test_corpus::corpus(folder.path(), Vec::new(), values, 2, &provenance(output_type));
        let (summary, rows) = exported(&corpus, folder.path(), Database::Lance).unwrap();
        assert_eq!(summary.vector_type, "bit(16)");
        let lists = rows[EMBEDDING].as_fixed_size_list();
        assert_eq!(lists.values().as_primitive(), &UInt8Array::from(bytes.clone()));
        let (_, rows) = exported(&corpus, folder.path(), Database::Duckdb).unwrap();
        let binary = rows[EMBEDDING].as_fixed_size_binary();
        assert_eq!([binary.value(0), binary.value(1)], [&bytes[..2], &bytes[2..]]);
        for (database, name) in
            [(Database::Qdrant, "Qdrant"), (Database::Milvus, "Milvus"), (Database::Chroma, "Chroma")]
        {
            let error = exported(&corpus, folder.path(), database).unwrap_err().to_string();
            assert!(error.contains(&format!("an export to {name} has floats")), "{error}");
        }
    }
}

#[test]
fn keys_of_both_kinds_are_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["1", "\"1\""]));
    let corpus = corpus(folder.path(), vec![(json_field(ID), ids)], floats(&[1.0, 2.0]), 1);
    for database in DATABASES {
        let (_, rows) = exported(&corpus, folder.path(), database).unwrap();
        assert_eq!(strings(&rows, KEY), texts(&["1", "\"1\""]), "{database:?}");
    }
}

#[test]
fn chunks_without_ids_of_their_own_are_numbered() {
    let folder = tempfile::tempdir().unwrap();
    let ids = || column(ID, StringArray::from(vec!["a", "a", "b"]));
    let chunks = column("chunk", UInt32Array::from(vec![0, 1, 0]));
    let own = column("chunk_id", StringArray::from(vec!["x", "y", "z"]));
    for (columns, keys) in [
        (vec![ids(), chunks.clone()], ["a#0", "a#1", "b#0"]),
        (vec![ids(), chunks.clone(), own], ["x", "y", "z"]),
        (vec![chunks], ["0", "1", "2"]),
    ] {
        let corpus = corpus(folder.path(), columns, floats(&[1.0, 2.0, 3.0]), 1);
        let (_, rows) = exported(&corpus, folder.path(), Database::Chroma).unwrap();
        assert_eq!(strings(&rows, KEY), texts(&keys));
    }
}

#[test]
fn keys_that_occur_twice_are_refused_if_rows_are_named_by_them() {
    let folder = tempfile::tempdir().unwrap();
    for (ids, rule) in [
        (["a", "b", "a"], "row 3: id \"a\" occurs twice; it is first in "),
        (["a", "", "b"], "row 2: the id is empty; Chroma needs one"),
    ] {
        let ids = column(ID, StringArray::from(ids.to_vec()));
        let corpus = corpus(folder.path(), vec![ids], floats(&[1.0, 2.0, 3.0]), 1);
        for database in DATABASES {
            let result = exported(&corpus, folder.path(), database);
            if database == Database::Chroma {
                let error = result.unwrap_err().to_string();
                assert!(error.contains(rule), "{error}");
            } else {
                assert_eq!(result.unwrap().0.rows, 3);
            }
        }
    }
}
