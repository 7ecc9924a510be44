//! Duplicates are found, wherever the two rows are; a table of everything is the oracle.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn number(value: u64) -> RecordId {
    RecordId::Number(value.into())
}

fn string(value: &str) -> RecordId {
    RecordId::String(value.to_owned())
}

fn inputs() -> [Input; 2] {
    ["a.jsonl", "b.jsonl"].map(|name| Input::File(name.into()))
}

/// Rows 1, 2, 3 .. of the first input, to the end.
fn run(limit: usize, ids: &[RecordId]) -> Result<()> {
    let mut seen = SeenIds::with_limit(limit);
    for (id, row) in ids.iter().zip(1..) {
        seen.insert(id, 0, row, &inputs())?;
    }
    seen.finish(&inputs())
}

#[test]
fn same_id_twice_names_both_rows() {
    let mut seen = SeenIds::default();
    seen.insert(&number(1), 0, 4, &inputs()).expect("new");
    seen.insert(&string("1"), 0, 5, &inputs()).expect("new");
    let error = seen.insert(&number(1), 1, 2, &inputs()).expect_err("twice");
    assert_eq!(error.to_string(), "b.jsonl, row 2: id 1 occurs twice; it is first in a.jsonl, row 4");
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
}

#[test]
fn counted_rows_and_numbers_do_not_meet() {
    let mut seen = SeenIds::default();
    for id in [RecordId::Row(0), RecordId::Row(1), number(7), RecordId::Row(3)] {
        seen.insert(&id, 0, 1, &inputs()).expect("new");
    }
    seen.insert(&number(2), 0, 9, &inputs()).expect("new");
    let error = seen.insert(&number(3), 0, 9, &inputs()).expect_err("counted");
    let rule =
        "id 3 occurs twice; an earlier row has no id, and its row number, used as its id, is 3 (from 0)";
    assert_eq!(error.to_string(), format!("a.jsonl, row 9: {rule}"));
    let error = seen.insert(&RecordId::Row(7), 0, 9, &inputs()).expect_err("taken");
    let rule =
        "the row has no id, and its row number, used as its id, is 7 (from 0); that id is in a.jsonl, row 1";
    assert_eq!(error.to_string(), format!("a.jsonl, row 9: {rule}"));
}

#[test]
fn duplicate_on_disk_names_both_rows() {
    let mut ids: Vec<RecordId> = (0..100).map(|value| string(&format!("id{value}"))).collect();
    assert!(run(4, &ids).is_ok());
    ids[70] = ids[30].clone();
    let error = run(4, &ids).expect_err("twice");
    assert_eq!(error.to_string(), "a.jsonl, row 71: its id occurs twice; it is first in a.jsonl, row 31");
    let mut ids: Vec<RecordId> = (0..100).map(number).collect();
    ids[99] = number(0);
    let error = run(4, &ids).expect_err("twice");
    assert_eq!(error.to_string(), "a.jsonl, row 100: id 0 occurs twice; it is first in a.jsonl, row 1");
}

#[test]
fn number_on_disk_and_counted_row_are_found_in_the_end() {
    let mut ids: Vec<RecordId> = (0..8).map(|value| number(100 + value)).collect();
    ids.extend((8..120).map(RecordId::Row));
    let error = run(4, &ids).expect_err("met");
    let rule =
        "id 100 occurs twice; another row has no id, and its row number, used as its id, is 100 (from 0)";
    assert_eq!(error.to_string(), format!("a.jsonl, row 1: {rule}"));
    assert!(run(4, &ids[..100]).is_ok());
}

#[test]
fn counted_rows_alone_take_one_range() {
    let ids: Vec<RecordId> = (0..1000).map(RecordId::Row).collect();
    assert!(run(4, &ids).is_ok());
}

/// Whether any two ids are the same, with a counted row's position as its id.
fn has_twice(ids: &[RecordId]) -> bool {
    let mut seen = HashMap::new();
    let key = |id: &RecordId| match id {
        RecordId::Row(position) => number(*position),
        other => other.clone(),
    };
    ids.iter().any(|id| seen.insert(key(id), ()).is_some())
}

fn id(span: u64) -> impl Strategy<Value = Option<RecordId>> {
    prop_oneof![
        2 => Just(None),
        2 => (0..span).prop_map(|value| Some(number(value))),
        1 => (0..span).prop_map(|value| Some(RecordId::Number((-(value as i64)).into()))),
        2 => (0..span).prop_map(|value| Some(string(&value.to_string()))),
    ]
}

fn stream() -> impl Strategy<Value = Vec<RecordId>> {
    let ids = prop_oneof![Just(50), Just(1000), Just(1_000_000)]
        .prop_flat_map(|span| prop::collection::vec(id(span), 0..300));
    ids.prop_map(|ids| {
        let counted =
            |(position, id): (usize, Option<RecordId>)| id.unwrap_or(RecordId::Row(position as u64));
        ids.into_iter().enumerate().map(counted).collect()
    })
}

proptest! {
    #[test]
    fn every_duplicate_is_found_and_nothing_else(ids in stream(), limit in prop_oneof![Just(1usize), 2..9usize, Just(1000)]) {
        prop_assert_eq!(run(limit, &ids).is_err(), has_twice(&ids));
    }
}
