//! Allowed column types, and how their values are read.

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::{Array, BinaryArray};
use arrow_array::{
    DictionaryArray, Float64Array, Int8Array, LargeStringArray, StringViewArray, UInt64Array,
    types::Int32Type,
};

use super::*;

#[test]
fn rows_and_ids_come_in_order() {
    let files = Files::new();
    let input = files.write("a.parquet", &[("id", numbers(&[7, -7])), ("text", strings(&["one", ""]))]);
    let rows = records(&input, &options()).expect("readable");
    let rows: Vec<_> = rows.iter().map(|it| (it.id.to_string(), it.row, it.text.as_str())).collect();
    assert_eq!(rows, [("7".to_owned(), 1, "one"), ("-7".to_owned(), 2, "")]);
    let input = files.write("b.parquet", &[("text", strings(&["one", "two"]))]);
    let ids: Vec<_> = records(&input, &options()).expect("readable").into_iter().map(|it| it.id).collect();
    assert_eq!(ids, [RecordId::Row(0), RecordId::Row(1)]);
}

#[test]
fn texts_and_ids_may_be_of_any_type_of_string() {
    let words = ["one", "two", "one"];
    let dictionary: DictionaryArray<Int32Type> = words.into_iter().collect();
    let arrays: [ArrayRef; 4] = [
        strings(&words),
        Arc::new(LargeStringArray::from(words.to_vec())),
        Arc::new(StringViewArray::from(words.to_vec())),
        Arc::new(dictionary),
    ];
    let files = Files::new();
    for array in arrays {
        let input = files.write("a.parquet", &[("key", array.clone()), ("text", array.clone())]);
        let options = TextOptions { id_field: Some("key".to_owned()), ..keeping(&["text"]) };
        let rows = records(&input, &options).expect("readable");
        assert_eq!(rows.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), words);
        assert_eq!(rows.iter().map(|it| it.id.clone()).collect::<Vec<_>>(), words.map(string));
        let Kept::Row { columns, index: 2 } = &rows[2].kept else { panic!("{:?}", rows[2].kept) };
        assert_eq!(columns[0].data_type(), array.data_type());
    }
}

#[test]
fn whole_numbers_keep_every_digit() {
    let files = Files::new();
    let largest: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let small: ArrayRef = Arc::new(Int8Array::from(vec![-128]));
    for (array, id) in
        [(largest, u64::MAX.into()), (small, (-128).into()), (numbers(&[i64::MIN]), i64::MIN.into())]
    {
        let input = files.write("a.parquet", &[("id", array), ("text", strings(&["one"]))]);
        assert_eq!(records(&input, &options()).expect("readable")[0].id, RecordId::Number(id));
    }
}

#[test]
fn other_types_are_refused_by_name() {
    let files = Files::new();
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.5]));
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![b"one".as_slice()]));
    assert_eq!(
        files.refused(&[("id", floats), ("text", strings(&["one"]))], &options()),
        "a.parquet: the column `id` is of type Float64; it must be a string or a whole number"
    );
    assert_eq!(
        files.refused(&[("text", bytes)], &options()),
        "a.parquet: the column `text` is of type Binary; it must be a string"
    );
    assert_eq!(
        files.refused(&[("text", numbers(&[1]))], &options()),
        "a.parquet: the column `text` is of type Int64; it must be a string"
    );
}

#[test]
fn missing_column_lists_those_there_are() {
    let files = Files::new();
    let columns = [("id", numbers(&[1])), ("body", strings(&["one"]))];
    let rule = "the file has no column `text`; its columns are `id`, `body`";
    assert_eq!(files.refused(&columns, &options()), format!("a.parquet: {rule}"));
    let body = |options: TextOptions| TextOptions { text_fields: vec!["body".to_owned()], ..options };
    let rule = "the file has no column `year`; its columns are `id`, `body`";
    assert_eq!(files.refused(&columns, &body(keeping(&["year"]))), format!("a.parquet: {rule}"));
    let rule = "the file has no column `key`; its columns are `id`, `body`";
    assert_eq!(files.refused(&columns, &body(id_options("key"))), format!("a.parquet: {rule}"));
}

#[test]
fn null_names_its_row() {
    let files = Files::new();
    let mut texts: Vec<Option<&str>> = vec![Some("a"); 1500];
    texts[1200] = None;
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    assert_eq!(
        files.refused(&[("text", texts)], &options()),
        "a.parquet, row 1201: the column `text` is null; it must be a string"
    );
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    assert_eq!(
        files.refused(&[("id", ids), ("text", strings(&["a", "b"]))], &options()),
        "a.parquet, row 2: the column `id` is null; it must be a string or a whole number"
    );
}

#[test]
fn text_fields_are_joined_up_to_the_limit() {
    let files = Files::new();
    let columns = [("b", strings(&["two", "three"])), ("a", strings(&["one", "one"]))];
    let options = |max_row_bytes| TextOptions {
        text_fields: vec!["a".to_owned(), "b".to_owned()],
        join: ", ".to_owned(),
        max_row_bytes,
        ..options()
    };
    let rows = records(&files.write("a.parquet", &columns), &options(10)).expect("they fit");
    assert_eq!(rows.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), ["one, two", "one, three"]);
    assert_eq!(
        files.refused(&columns, &options(9)),
        "a.parquet, row 2: the text is longer than the limit of 9 bytes"
    );
}

#[test]
fn kept_columns_are_those_of_the_file() {
    let files = Files::new();
    let rows = 0..1500;
    let mut lists = ListBuilder::new(Int32Builder::new());
    for row in rows.clone() {
        lists.values().append_value(row);
        lists.append(row % 3 > 0);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    let years = numbers(&rows.clone().map(i64::from).collect::<Vec<_>>());
    let texts: Vec<String> = rows.map(|row| format!("text {row}")).collect();
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    let columns =
        [("year", years.clone()), ("more", texts.clone()), ("text", texts), ("tags", lists.clone())];
    let input = files.write("a.parquet", &columns);
    let records = records(&input, &keeping(&["tags", "year"])).expect("readable");
    assert_eq!(records.len(), 1500);
    for (row, record) in records.iter().enumerate() {
        assert_eq!(record.text, format!("text {row}"));
        let expected = Kept::Row { columns: Arc::new([lists.clone(), years.clone()]), index: row };
        assert_eq!(record.kept, expected);
    }
}
