//! The input of a job, shard by shard, compared with the job's record.
//!
//! A job that has a record is walked through twice if its input can be read again: first to compare
//! everything, then to make shards. So an input that must be refused changes nothing.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::path::PathBuf;

use super::ShardPlan;
use super::digest::InputDigest;
use super::layout::ShardLayout;
use crate::text::Record;
use crate::vectors::folder::{InputChain, InputEnd, ShardRecord};
use crate::{Error, Result};

/// The record of a job's shards, with which its input is compared.
pub(super) struct RecordedShards {
    /// The job's folder, for messages.
    pub(super) path: PathBuf,
    pub(super) plan: ShardPlan,
    pub(super) layout: ShardLayout,
    /// Finished shards, by number.
    pub(super) shards: BTreeMap<u64, ShardRecord>,
    /// Whether rows after the last end are embedded, and not refused.
    pub(super) appends: bool,
}

/// Called for each shard of an input, in order.
pub(super) trait ShardVisitor<I: Iterator<Item = Result<Record>>> {
    /// Must take all `rows` of shard number `shard`.
    fn shard(&mut self, shard: u64, rows: &mut ShardRows<'_, I>) -> Result<()>;

    /// Called at a known end after which there are more rows.
    fn goes_on_after(&mut self, end: InputEnd) -> Result<()>;

    /// How many rows are left, for a message; `None` if they must not be read.
    fn rest(&mut self, records: &mut Peekable<I>) -> Option<u64>;
}

/// How far a walk is.
#[derive(Default)]
struct Position {
    shards: u64,
    rows: u64,
    chain: InputChain,
}

impl Position {
    /// The end of an input that ends here.
    fn end(&self) -> InputEnd {
        InputEnd { input_rows: self.rows, shards: self.shards, input_sha256: Some(self.chain.digest()) }
    }
}

impl RecordedShards {
    /// Walks through the whole input, and returns its end.
    ///
    /// # Errors
    /// [`Error::OtherInput`] at the first difference between `records` and the record,
    /// [`Error::GrownInput`] if there are only more rows; any error of `records` or `visitor`.
    pub(super) fn walk<I: Iterator<Item = Result<Record>>>(
        &self,
        records: &mut Peekable<I>,
        visitor: &mut impl ShardVisitor<I>,
    ) -> Result<InputEnd> {
        let mut at = Position::default();
        loop {
            let end = self.layout.ends().iter().find(|end| end.shards == at.shards);
            end.map_or(Ok(()), |end| self.check_end(end, &at))?;
            // Without rows there is one empty shard, which has the columns.
            if at.shards > 0 && records.peek().is_none() {
                break;
            }
            if let Some(end) = end {
                self.check_growth(end, records, visitor)?;
                visitor.goes_on_after(at.end())?;
            }
            self.shard(&mut at, records, visitor)?;
        }
        self.check_complete(&at)?;
        Ok(at.end())
    }

    fn shard<I: Iterator<Item = Result<Record>>>(
        &self,
        at: &mut Position,
        records: &mut Peekable<I>,
        visitor: &mut impl ShardVisitor<I>,
    ) -> Result<()> {
        let range = self.layout.rows(at.shards);
        let limit = range.end - range.start;
        let mut rows = ShardRows { records, left: limit, digest: InputDigest::default() };
        visitor.shard(at.shards, &mut rows)?;
        let (found, digest) = (limit - rows.left, rows.digest());
        if let Some(record) = self.shards.get(&at.shards) {
            self.check_shard(record, found, &digest)?;
        }
        at.chain.add(&digest);
        at.rows += found;
        at.shards += 1;
        Ok(())
    }

    /// Refuses rows of a shard that differ from the recorded ones.
    pub(super) fn check_shard(&self, record: &ShardRecord, rows: u64, digest: &str) -> Result<()> {
        if rows == record.counts.texts && digest == record.input_sha256 {
            return Ok(());
        }
        let (first, last) = (record.first_row, record.first_row + record.counts.texts.max(1) - 1);
        self.refuse(format!(
            "rows {first} to {last} (from 0), or the end of the input, differ from those that {} was made from",
            record.file
        ))
    }

    /// Refuses rows before a known end that differ from the recorded ones. Shards of other machines are
    /// compared only here.
    fn check_end(&self, end: &InputEnd, at: &Position) -> Result<()> {
        if at.rows != end.input_rows {
            return self.refuse(format!("it has {} rows; it had {}", at.rows, end.input_rows));
        }
        match &end.input_sha256 {
            Some(recorded) if *recorded != at.chain.digest() => self.refuse(format!(
                "its first {} rows differ, in a part of the job that another machine computes",
                at.rows
            )),
            _ => Ok(()),
        }
    }

    /// Refuses rows after the last end, unless they are to be appended or some of them are recorded.
    fn check_growth<I: Iterator<Item = Result<Record>>>(
        &self,
        end: &InputEnd,
        records: &mut Peekable<I>,
        visitor: &mut impl ShardVisitor<I>,
    ) -> Result<()> {
        let is_last = self.layout.ends().last() == Some(end);
        let goes_on = self.shards.range(end.shards..).next().is_some();
        if self.appends || goes_on || !is_last {
            return Ok(());
        }
        let found = visitor.rest(records).map(|rest| end.input_rows + rest);
        Err(Error::GrownInput { path: self.path.clone(), recorded: end.input_rows, found })
    }

    /// Refuses an input that is over before everything recorded.
    fn check_complete(&self, at: &Position) -> Result<()> {
        if let Some((_, record)) = self.shards.range(at.shards..).next() {
            return self.refuse(format!(
                "it ends after {} rows, before those that {} came from",
                at.rows, record.file
            ));
        }
        match self.layout.ends().last() {
            Some(end) if end.shards > at.shards => {
                self.refuse(format!("it has {} rows; it had {}", at.rows, end.input_rows))
            }
            _ => Ok(()),
        }
    }

    fn refuse(&self, rule: String) -> Result<()> {
        Err(Error::OtherInput { path: self.path.clone(), rule })
    }
}

/// Compares an input with the record, and makes nothing.
pub(super) struct Comparison;

impl<I: Iterator<Item = Result<Record>>> ShardVisitor<I> for Comparison {
    fn shard(&mut self, _shard: u64, rows: &mut ShardRows<'_, I>) -> Result<()> {
        rows.skip_all()
    }

    fn goes_on_after(&mut self, _end: InputEnd) -> Result<()> {
        Ok(())
    }

    fn rest(&mut self, records: &mut Peekable<I>) -> Option<u64> {
        Some(records.by_ref().count() as u64)
    }
}

/// The input rows of one shard.
pub(super) struct ShardRows<'a, I: Iterator> {
    records: &'a mut Peekable<I>,
    left: u64,
    digest: InputDigest,
}

impl<I: Iterator<Item = Result<Record>>> ShardRows<'_, I> {
    pub(super) fn skip_all(&mut self) -> Result<()> {
        self.by_ref().try_for_each(|record| record.map(drop))
    }

    /// The digest of the rows taken so far.
    pub(super) fn digest(&self) -> String {
        self.digest.clone().finish()
    }
}

impl<I: Iterator<Item = Result<Record>>> Iterator for ShardRows<'_, I> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let record = self.records.next()?;
        if let Ok(record) = &record {
            self.left -= 1;
            if let Err(error) = self.digest.add(record) {
                return Some(Err(error));
            }
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests;
