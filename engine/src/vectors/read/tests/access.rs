//! Parts of a file are those of the whole.

use super::*;

#[test]
fn numbers_ids_and_single_rows_are_those_of_the_batches() {
    let desk = Desk::new();
    let values = |count: usize| (0..count).map(|value| value as f32).collect::<Vec<_>>();
    let names = StringArray::from_iter_values((0..3000).map(|row| format!("row {row}")));
    let field = Field::new(ID, DataType::Utf8, false);
    let named = batch(field, Arc::new(names), Arc::new(Float32Array::from(values(9000))), 3);
    for format in OutputFormat::ALL {
        let rows = [named.slice(0, 1000), named.slice(1000, 1), named.slice(1001, 1999)];
        let file = VectorFile::open(&desk.rows(format, &rows)).expect("opened");
        let batches: Vec<VectorBatch> = file.batches().expect("rows").map(Result::unwrap).collect();
        let (all, all_ids) = (floats(&batches), ids(&batches));
        // The second time they are known to be finite.
        for _ in 0..2 {
            let (mut found, mut row) = (Vec::new(), 0);
            for part in file.numbers().expect("numbers") {
                let part = part.expect("numbers");
                assert_eq!((part.first_row, found.len()), (row, row as usize * 3), "{format}");
                let NumberSlice::F32(numbers) = part.numbers() else { panic!("{format}") };
                found.extend_from_slice(numbers);
                row += part.rows as u64;
            }
            assert_eq!(found, all, "{format}");
        }
        for rows in [vec![], vec![0], vec![2999], vec![0, 999, 1000, 1001, 2500], (0..3000).collect()] {
            let mut found = Vec::new();
            for part in file.numbers_of(&rows).expect("numbers") {
                let NumberSlice::F32(numbers) = part.numbers() else { panic!("{format}") };
                found.extend_from_slice(numbers);
            }
            let expected = rows.iter().flat_map(|row| &all[3 * *row as usize..3 * *row as usize + 3]);
            assert_eq!(found, expected.copied().collect::<Vec<_>>(), "{format}");
            let expected: Vec<RecordId> = rows.iter().map(|row| all_ids[*row as usize].clone()).collect();
            assert_eq!(file.ids_of(&rows).expect("ids"), expected, "{format}");
        }
    }
}

#[test]
fn numbers_are_checked_where_they_are_read_alone() {
    let desk = Desk::new();
    let mut values = vec![0.5; 30];
    values[17] = f32::NAN;
    for format in [OutputFormat::Parquet, OutputFormat::Arrow, OutputFormat::Npy] {
        let file = VectorFile::open(&desk.rows(format, &[counted(0, values.clone(), 3)])).expect("opened");
        let error = file.numbers().expect("numbers").find_map(Result::err).expect("refused").to_string();
        assert!(error.ends_with("row 6: number 2 of its vector is not finite"), "{format}: {error}");
    }
}

#[test]
fn columns_are_those_besides_the_vectors() {
    let desk = Desk::new();
    for format in OutputFormat::ALL {
        let file = VectorFile::open(&desk.rows(format, &[counted(0, vec![0.0; 30], 3)])).expect("opened");
        let columns = file.columns().expect("columns");
        let names: Vec<&String> = columns.fields().iter().map(|field| field.name()).collect();
        let has_columns = matches!(format, OutputFormat::Parquet | OutputFormat::Arrow);
        assert_eq!(names, if has_columns { vec![ID] } else { vec![] }, "{format}");
        let selected = file.columns_of(&[3, 7], &[ID, "missing"]).expect("columns");
        assert_eq!(selected.map(|rows| rows.num_rows()), has_columns.then_some(2), "{format}");
        let all = file.columns_of_all(&[ID]).expect("columns").map(|rows| rows.expect("rows").num_rows());
        assert_eq!(all.sum::<usize>(), if has_columns { 10 } else { 0 }, "{format}");
    }
}
