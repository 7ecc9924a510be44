//! Files of other programs.

use arrow_array::types::Float32Type;
use arrow_array::{LargeListArray, ListArray};
use arrow_ipc::writer::FileWriter;
use parquet_crate::arrow::ArrowWriter;

use super::*;
use ::parquet as parquet_crate;

fn columns(desk: &Desk, columns: Vec<(&str, ArrayRef)>) -> [PathBuf; 2] {
    let rows = RecordBatch::try_from_iter(columns).expect("rows");
    let [arrow, parquet] = [desk.path("a.arrow"), desk.path("a.parquet")];
    let mut writer = FileWriter::try_new(File::create(&arrow).unwrap(), &rows.schema()).unwrap();
    writer.write(&rows).unwrap();
    writer.finish().unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&parquet).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    [arrow, parquet]
}

fn lists(rows: &[Option<&[Option<f32>]>]) -> ArrayRef {
    let rows = rows.iter().map(|row| row.map(|row| row.to_vec()));
    Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows))
}

#[test]
fn lists_of_one_length_are_vectors() {
    let desk = Desk::new();
    let large = vec![Some(vec![Some(1.0f32), Some(2.0)]), Some(vec![Some(3.0), Some(4.0)])];
    let large = Arc::new(LargeListArray::from_iter_primitive::<Float32Type, _, _>(large));
    let small = lists(&[Some(&[Some(1.0), Some(2.0)]), Some(&[Some(3.0), Some(4.0)])]);
    for column in [large as ArrayRef, small.clone()] {
        for path in columns(&desk, vec![("embedding", column.clone())]) {
            let file = VectorFile::open(&path).expect("opened");
            assert_eq!((file.rows(), file.width()), (Some(2), Some(2)));
            let batches = read(&path).expect("read");
            assert_eq!(floats(&batches), [1.0, 2.0, 3.0, 4.0]);
            assert_eq!(ids(&batches), [RecordId::Row(0), RecordId::Row(1)]);
        }
    }
    for path in
        columns(&desk, vec![("title", Arc::new(StringArray::from(vec!["a", "b"]))), ("embedding", small)])
    {
        assert_eq!(read(&path).expect("read").len(), 1);
    }
}

#[test]
fn columns_that_are_no_vectors_are_refused() {
    let desk = Desk::new();
    let (one, two) = ([Some(1.0)], [Some(1.0), Some(2.0)]);
    let doubles: ArrayRef = {
        let rows = [Some(vec![Some(1.0f64)])];
        Arc::new(ListArray::from_iter_primitive::<arrow_array::types::Float64Type, _, _>(rows))
    };
    let numbers: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let good = lists(&[Some(&one)]);
    for (name, columns_of, rule) in [
        ("lengths", vec![("embedding", lists(&[Some(&two), Some(&one)]))], "vectors have 2 and 1 numbers"),
        ("null", vec![("embedding", lists(&[Some(&one), None]))], "a vector is null"),
        ("null inside", vec![("embedding", lists(&[Some(&[None])]))], "a number of a vector is null"),
        ("nothing", vec![("embedding", lists(&[Some(&[])]))], "its vectors have 0 numbers"),
        (
            "doubles",
            vec![("embedding", doubles)],
            "lists of Float64; they must be of one of f32, f16, i8, u8",
        ),
        ("numbers", vec![("embedding", numbers)], "is of type Float32; it must be lists of numbers"),
        ("name", vec![("vector", good.clone())], "no column `embedding`; its columns are `vector`"),
        ("tokens", vec![("embeddings", good.clone())], "has vectors of tokens"),
        (
            "id",
            vec![("embedding", good), ("id", Arc::new(StringArray::from(vec![None::<&str>])))],
            "an id is null",
        ),
    ] {
        for path in columns(&desk, columns_of) {
            let error = refusal(&path);
            assert_eq!(error.kind(), crate::ErrorKind::BadData, "{name}: {error}");
            assert!(error.to_string().contains(rule), "{name}: {error}");
        }
    }
}

#[test]
fn lines_may_be_compressed_and_need_no_ids() {
    let desk = Desk::new();
    let lines = "{\"embedding\": [1, 2.5], \"more\": [{}]}\n{\"embedding\": [-1e3, 0]}\n\n";
    let path = desk.write("plain.jsonl", lines);
    let batches = read(&path).expect("read");
    assert_eq!(floats(&batches), [1.0, 2.5, -1000.0, 0.0]);
    assert_eq!(ids(&batches), [RecordId::Row(0), RecordId::Row(1)]);
    let compressed = desk.write("packed.jsonl.zst", zstd::encode_all(lines.as_bytes(), 0).expect("packed"));
    assert_eq!(floats(&read(&compressed).expect("read")), floats(&batches));
}

#[test]
fn numpys_own_headers_are_read() {
    let desk = Desk::new();
    let file = |version: &[u8], header: &str| {
        let length = header.len();
        let length = if version[0] == 1 {
            (length as u16).to_le_bytes().to_vec()
        } else {
            (length as u32).to_le_bytes().to_vec()
        };
        let numbers: Vec<u8> = [1.0f32, 2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        desk.write("a.npy", [b"\x93NUMPY", version, &length, header.as_bytes(), &numbers].concat())
    };
    for (version, header) in [
        ([1, 0], "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n"),
        ([2, 0], "{'shape':(1,2),\"descr\":\"<f4\", 'fortran_order':False}"),
        ([3, 0], "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)}   \n"),
    ] {
        assert_eq!(floats(&read(&file(&version, header)).expect("read")), [1.0, 2.0], "{header}");
    }
    for (header, rule) in [
        ("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }", "its numbers are \">f4\""),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", "its numbers are \"<f8\""),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "a structured type"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", "in Fortran order"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "has 1 dimensions"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "has 0 dimensions"),
        ("{'descr': '<f4', 'fortran_order': False}", "without `shape`"),
        ("", "without `descr`"),
    ] {
        let error = refusal(&file(&[1, 0], header));
        assert!(error.to_string().contains(rule), "{error}");
    }
    let error = refusal(&file(&[4, 1], ""));
    assert!(error.to_string().contains("npy version 4.1"), "{error}");
}
