//! Several inputs, some of them Parquet.

use arrow_array::Int32Array;
use arrow_schema::{DataType, Field};

use super::*;
use crate::text::RecordStream;

fn open(inputs: &[Input], options: &TextOptions) -> Result<RecordStream> {
    RecordStream::open(inputs, options)
}

fn lines(files: &Files) -> Input {
    std::fs::write(files.path("c.jsonl"), "{\"text\":\"three\",\"year\":3}\n").expect("written");
    Input::File(files.path("c.jsonl"))
}

#[test]
fn kept_types_are_those_of_all_files() {
    let files = Files::new();
    let columns = |year| [("year", numbers(&[year])), ("text", strings(&["one"]))];
    let inputs = [files.write("a.parquet", &columns(1)), files.write("b.parquet", &columns(2))];
    let stream = open(&inputs, &keeping(&["text", "year"])).expect("opened");
    let types = [("text", DataType::Utf8), ("year", DataType::Int64)];
    let types = types.map(|(name, data_type)| Field::new(name, data_type, true));
    assert_eq!(stream.kept_types(), Some(types.as_slice()));
    assert_eq!(
        stream.map(|record| record.expect("a record").id).collect::<Vec<_>>(),
        [0, 1].map(RecordId::Row)
    );
    assert_eq!(open(&inputs, &options()).expect("opened").kept_types(), Some([].as_slice()));
    assert_eq!(open(&[lines(&files)], &keeping(&["year"])).expect("opened").kept_types(), None);
    assert_eq!(open(&[], &options()).expect("opened").kept_types(), None);
}

#[test]
fn types_that_differ_are_found_at_once() {
    let files = Files::new();
    let text = || ("text", strings(&["one"]));
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let a = files.write("a.parquet", &[("year", numbers(&[1])), text()]);
    let b = files.write("b.parquet", &[("year", narrow), text()]);
    let error = open(&[a.clone(), b.clone()], &keeping(&["year"])).map(|_| ()).expect_err("differ");
    let rule = format!("the column `year` to keep is of type Int32; in {a} it is of type Int64");
    assert_eq!((error.to_string(), error.kind()), (format!("{b}: {rule}"), crate::ErrorKind::BadData));
    assert!(open(&[a.clone(), b], &options()).is_ok());
    let c = files.write("c.parquet", &[text()]);
    assert_eq!(
        open(&[a, c], &keeping(&["year"])).map(|_| ()).expect_err("missing").kind(),
        crate::ErrorKind::BadData
    );
}

#[test]
fn fields_are_kept_of_one_kind_of_input() {
    let files = Files::new();
    let parquet = files.write("a.parquet", &[("year", numbers(&[1])), ("text", strings(&["one"]))]);
    let inputs = [parquet.clone(), lines(&files)];
    let error = open(&inputs, &keeping(&["year"])).map(|_| ()).expect_err("a mixture");
    let rule = format!("its type is that of a column in {parquet}, and {} has none", inputs[1]);
    assert_eq!(
        (error.to_string(), error.kind()),
        (format!("the field `year` cannot be kept: {rule}"), crate::ErrorKind::Usage)
    );
    let stream = open(&inputs, &options()).expect("opened");
    assert_eq!(stream.kept_types(), None);
    assert_eq!(stream.count(), 2);
}

#[test]
fn bytes_are_read_in_proportion_of_rows() {
    let files = Files::new();
    let input = files.write("a.parquet", &[("text", strings(&["a"; 1500]))]);
    let mut stream = open(&[input], &options()).expect("opened");
    let total = stream.bytes_total().expect("a file");
    let half = stream.by_ref().take(750).count();
    assert_eq!((half, stream.bytes_read()), (750, total / 2));
    assert_eq!((stream.by_ref().count(), stream.bytes_read()), (750, total));
}

#[test]
fn file_without_rows_has_none() {
    let files = Files::new();
    let input = files.write("a.parquet", &[("text", strings(&[]))]);
    let mut stream = open(&[input], &options()).expect("opened");
    assert!(stream.next().is_none());
    assert_eq!(Some(stream.bytes_read()), stream.bytes_total());
}
