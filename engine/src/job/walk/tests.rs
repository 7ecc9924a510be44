//! Inputs compared with the record of a job.

use super::*;
use crate::text::{Kept, RecordId};
use crate::vectors::folder::RowCounts;
use crate::vectors::write::Digest;

const ROWS_PER_SHARD: u64 = 3;

fn records(texts: &str) -> Vec<Result<Record>> {
    let record = |(row, text): (usize, char)| {
        Ok(Record {
            id: RecordId::Row(row as u64),
            row: row as u64 + 1,
            text: text.to_string(),
            has_text: true,
            kept: Kept::Nothing,
        })
    };
    texts.chars().enumerate().map(record).collect()
}

/// Collects the record of an input.
#[derive(Default)]
struct Recorder(Vec<ShardRecord>, Vec<InputEnd>);

impl<I: Iterator<Item = Result<Record>>> ShardVisitor<I> for Recorder {
    fn shard(&mut self, shard: u64, rows: &mut ShardRows<'_, I>) -> Result<()> {
        let first_row = self.0.iter().map(|record| record.counts.texts).sum();
        let texts = rows.by_ref().count() as u64;
        let counts = RowCounts { texts, ..RowCounts::default() };
        let file = Digest { bytes: 0, sha256: String::new() };
        self.0.push(ShardRecord::new(shard, first_row, counts, file, rows.digest()));
        Ok(())
    }

    fn goes_on_after(&mut self, end: InputEnd) -> Result<()> {
        self.1.push(end);
        Ok(())
    }

    fn rest(&mut self, _records: &mut Peekable<I>) -> Option<u64> {
        None
    }
}

fn job(shards: Vec<ShardRecord>, ends: &[InputEnd], part: &str) -> RecordedShards {
    let rows_per_shard = std::num::NonZero::new(ROWS_PER_SHARD).unwrap();
    let part: super::super::Part = part.parse().unwrap();
    RecordedShards {
        path: PathBuf::from("out"),
        plan: ShardPlan { rows_per_shard, part },
        layout: ShardLayout::new(rows_per_shard, ends, &shards),
        shards: shards.into_iter().filter(|it| part.has(it.shard)).map(|it| (it.shard, it)).collect(),
        appends: false,
    }
}

/// The record of a job over the inputs, each of which has the one before at its start.
fn recorded(inputs: &[&str], part: &str) -> RecordedShards {
    let (mut shards, mut ends) = (Vec::new(), Vec::new());
    for input in inputs {
        let mut recorder = Recorder::default();
        let mut before = job(shards, &ends, "0/1");
        before.appends = true;
        ends.push(before.walk(&mut records(input).into_iter().peekable(), &mut recorder).unwrap());
        shards = recorder.0;
    }
    job(shards, &ends, part)
}

fn compare(job: &RecordedShards, input: &str) -> Result<InputEnd> {
    job.walk(&mut records(input).into_iter().peekable(), &mut Comparison)
}

#[test]
fn only_the_same_input_is_accepted() {
    let all = ["", "a", "ab", "abc", "abcd", "abcdef", "abcdefg", "abcdeg", "abdcef", "bacdef", "abcdefgh"];
    for recorded_input in all {
        let job = recorded(&[recorded_input], "0/1");
        for input in all {
            let found = compare(&job, input);
            assert_eq!(
                found.is_ok(),
                input == recorded_input,
                "{recorded_input:?}, now {input:?}: {found:?}"
            );
            let is_grown = matches!(found, Err(Error::GrownInput { .. }));
            let has_grown = input.len() > recorded_input.len() && input.starts_with(recorded_input);
            assert_eq!(is_grown, has_grown, "{recorded_input:?}, now {input:?}: {found:?}");
        }
    }
}

#[test]
fn an_input_that_grew_is_reported_with_its_rows() {
    let error = compare(&recorded(&["abcd"], "0/1"), "abcdefg").unwrap_err();
    let message = "the input has changed since the job in out was started: it has 7 rows; it had 4";
    assert_eq!(error.to_string(), message);
}

#[test]
fn an_input_that_grew_is_accepted_if_rows_are_appended() {
    for first in ["", "a", "abc", "abcd"] {
        let mut job = recorded(&[first], "0/1");
        job.appends = true;
        for input in [first, "abcde", "abcdefg"] {
            assert_eq!(compare(&job, input).unwrap().input_rows, input.len() as u64, "{first:?}, {input:?}");
        }
        for input in ["x", "xbcdefg", ""] {
            assert_eq!(compare(&job, input).is_ok(), input.starts_with(first), "{first:?}, now {input:?}");
        }
    }
}

#[test]
fn an_input_that_grew_twice_has_both_ends() {
    let job = recorded(&["ab", "abcdefg", "abcdefghi"], "0/1");
    let shards: Vec<(u64, u64)> =
        job.shards.values().map(|record| (record.first_row, record.counts.texts)).collect();
    assert_eq!(shards, [(0, 2), (2, 3), (5, 2), (7, 2)]);
    assert!(compare(&job, "abcdefghi").is_ok());
    for input in ["ab", "abcdefg", "abcdefghij", "xbcdefghi", "abxdefghi", "abcdefghx"] {
        assert!(compare(&job, input).is_err(), "{input:?}");
    }
}

#[test]
fn if_shards_are_full_an_input_that_grew_has_the_shards_of_one_run() {
    let (grown, whole) = (recorded(&["abc", "abcdefgh"], "0/1"), recorded(&["abcdefgh"], "0/1"));
    assert_eq!(grown.shards, whole.shards);
    assert_eq!(grown.layout.ends().last(), whole.layout.ends().last());
}

#[test]
fn rows_of_other_machines_are_compared_too() {
    let job = recorded(&["abcdefg"], "1/2");
    assert_eq!(job.shards.len(), 1);
    assert!(compare(&job, "abcdefg").is_ok());
    for input in ["xbcdefg", "abcxefg", "abcdefx", "abcdef", "abcdefgh"] {
        assert!(compare(&job, input).is_err(), "{input:?}");
    }
}

#[test]
fn rows_after_the_end_may_be_recorded_already() {
    // A run that appended was killed after its first shard.
    let whole = recorded(&["ab", "abcdefghi"], "0/1");
    let first_end = whole.layout.ends()[0].clone();
    let shards: Vec<ShardRecord> = whole.shards.into_values().take(2).collect();
    let job = job(shards, &[first_end], "0/1");
    for input in ["abcdefghi", "abcdefghij", "abcde"] {
        assert!(compare(&job, input).is_ok(), "{input:?}");
    }
    for input in ["ab", "abcd", "abxdefghi"] {
        assert!(matches!(compare(&job, input), Err(Error::OtherInput { .. })), "{input:?}");
    }
}
