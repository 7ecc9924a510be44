//! Our own files.

use super::*;

/// Every kind of finite f32, the same each time.
fn values(count: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f32::from_bits(state)
    };
    std::iter::repeat_with(&mut next).filter(|value| value.is_finite()).take(count).collect()
}

#[test]
fn bits_come_back_from_every_format_in_batches_of_bounded_size() {
    let desk = Desk::new();
    let (first, second) = (values(9000 * 3), values(3));
    for format in OutputFormat::ALL {
        let rows = [counted(0, first.clone(), 3), counted(9000, second.clone(), 3)];
        let file = VectorFile::open(&desk.rows(format, &rows)).expect("opened");
        let is_counted = format != OutputFormat::Jsonl;
        assert_eq!(file.rows(), is_counted.then_some(9001), "{format}");
        assert_eq!((file.width(), file.number_type()), (Some(3), Some(NumberType::F32)), "{format}");
        assert!(file.provenance().is_none() && file.is_complete());
        for _ in 0..2 {
            let batches: Vec<VectorBatch> = file.batches().expect("rows").map(Result::unwrap).collect();
            assert!(batches.iter().all(|batch| batch.len() <= source::BATCH_ROWS && batch.len() > 0));
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(floats(&batches)), bits([&first[..], &second].concat()), "{format}");
            let mut row = 0;
            for batch in &batches {
                assert_eq!((batch.first_row(), batch.width()), (row, 3), "{format}");
                row += batch.len() as u64;
            }
            let id = |row: u64| match format {
                OutputFormat::Npy | OutputFormat::Safetensors => RecordId::Row(row),
                _ => RecordId::Number(row.into()),
            };
            assert_eq!(ids(&batches), (0..9001).map(id).collect::<Vec<_>>(), "{format}");
        }
    }
}

#[test]
fn every_type_of_numbers_comes_back() {
    let desk = Desk::new();
    let columns: [(ArrayRef, NumberSlice<'_>); 3] = [
        (
            Arc::new(Float16Array::from(vec![f16::MAX, f16::from_f32(-0.1)])),
            NumberSlice::F16(&[f16::MAX, f16::from_f32(-0.1)]),
        ),
        (Arc::new(Int8Array::from(vec![-128, 127])), NumberSlice::I8(&[-128, 127])),
        (Arc::new(UInt8Array::from(vec![0, 255])), NumberSlice::U8(&[0, 255])),
    ];
    for (numbers, expected) in columns {
        for format in OutputFormat::ALL {
            let id = Field::new(ID, DataType::Utf8, false);
            let rows = batch(id, Arc::new(StringArray::from(vec!["a"])), numbers.clone(), 2);
            let batches = read(&desk.rows(format, &[rows])).expect("read");
            let [batch] = batches.as_slice() else { panic!("{} batches", batches.len()) };
            match (format, batch.numbers(), expected) {
                (OutputFormat::Jsonl, NumberSlice::F32(got), expected) => {
                    let as_f32: Vec<f32> = match expected {
                        NumberSlice::F16(values) => values.iter().map(|value| value.to_f32()).collect(),
                        NumberSlice::I8(values) => values.iter().map(|&value| value.into()).collect(),
                        NumberSlice::U8(values) => values.iter().map(|&value| value.into()).collect(),
                        NumberSlice::F32(values) => values.to_vec(),
                    };
                    assert_eq!(got, as_f32);
                }
                (_, got, expected) => assert_eq!(got, expected, "{format}"),
            }
            let is_float = !matches!(batch.numbers(), NumberSlice::I8(_) | NumberSlice::U8(_));
            assert_eq!(batch.vectors().is_ok(), is_float);
        }
    }
}

#[test]
fn numbers_and_strings_stay_apart_in_ids() {
    let desk = Desk::new();
    let json = ["1", "\"1\"", "18446744073709551615", "\"a\\nb\"", "\"\""];
    let expected = json.map(|json| RecordId::from_json(&serde_json::from_str(json).unwrap()).unwrap());
    for format in OutputFormat::ALL.into_iter().filter(|format| *format != OutputFormat::Npy) {
        let values: Vec<f32> = (0..5).map(|value| value as f32).collect();
        let id = json_field(ID).with_nullable(false);
        let rows =
            batch(id, Arc::new(StringArray::from(json.to_vec())), Arc::new(Float32Array::from(values)), 1);
        assert_eq!(ids(&read(&desk.rows(format, &[rows])).expect("read")), expected, "{format}");
    }
}

#[test]
fn files_without_rows_have_their_width() {
    let desk = Desk::new();
    for format in OutputFormat::ALL {
        let file = VectorFile::open(&desk.rows(format, &[counted(0, Vec::new(), 7)])).expect("opened");
        let width = (format != OutputFormat::Jsonl).then_some(7);
        assert_eq!((file.width(), file.batches().expect("rows").count()), (width, 0), "{format}");
    }
}

#[test]
fn mapped_numbers_are_not_copied() {
    let desk = Desk::new();
    for format in [OutputFormat::Npy, OutputFormat::Safetensors, OutputFormat::Arrow] {
        let file = VectorFile::open(&desk.rows(format, &[counted(0, values(8), 2)])).expect("opened");
        let address = || match file.batches().unwrap().next().unwrap().unwrap().numbers() {
            NumberSlice::F32(values) => values.as_ptr(),
            other => panic!("{other:?}"),
        };
        assert_eq!(address(), address(), "{format}");
    }
}

#[test]
fn one_file_is_read_by_several_threads() {
    let desk = Desk::new();
    for format in OutputFormat::ALL {
        let expected = values(3000);
        let file = VectorFile::open(&desk.rows(format, &[counted(0, expected.clone(), 2)])).expect("opened");
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let batches: Vec<VectorBatch> = file.batches().unwrap().map(Result::unwrap).collect();
                    assert_eq!(floats(&batches), expected, "{format}");
                });
            }
        });
    }
}
