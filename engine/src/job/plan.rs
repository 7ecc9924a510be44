//! Assigns input rows to shards, and shards to machines.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use crate::vectors::Metadata;

/// Assigns input rows to shards, and shards to machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardPlan {
    /// Input rows of every shard but the last.
    pub rows_per_shard: NonZero<u64>,
    /// This machine's part of the job.
    pub part: Part,
}

/// One machine's part of a job: every shard whose number is `index` modulo `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    index: u64,
    count: NonZero<u64>,
}

impl Part {
    /// The whole job.
    pub const WHOLE: Self = Self { index: 0, count: NonZero::<u64>::MIN };

    /// The part in a job's settings.
    pub(super) fn recorded(settings: &Metadata) -> Self {
        settings.get("part").and_then(|part| part.parse().ok()).unwrap_or(Self::WHOLE)
    }

    /// Whether it is the whole job.
    pub fn is_whole(self) -> bool {
        self == Self::WHOLE
    }

    /// The number of machines.
    pub fn count(self) -> u64 {
        self.count.get()
    }

    /// Whether shard number `shard` is in this part.
    pub fn has(self, shard: u64) -> bool {
        shard % self.count == self.index
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

/// `I/N`, I from 0 to N - 1.
impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers =
            text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        let (index, count): (u64, NonZero<u64>) =
            numbers.ok_or("it must be I/N, such as 0/4 for the first of four machines")?;
        if index >= count.get() {
            let last = count.get() - 1;
            return Err(format!("I must be 0 to {last} for {count} machines, counted from 0, got {index}"));
        }
        Ok(Self { index, count })
    }
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn every_shard_is_one_machines() {
        let parts: Vec<Part> = ["0/3", "1/3", "2/3"].map(|text| text.parse().unwrap()).to_vec();
        for shard in 0..20 {
            assert_eq!(parts.iter().filter(|part| part.has(shard)).count(), 1);
        }
        assert!(Part::WHOLE.has(7) && "0/1".parse() == Ok(Part::WHOLE));
        assert_eq!(parts[1].to_string(), "1/3");
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["", "1", "1/", "/2", "-1/2", "1/0", "a/b", "1/2/3"] {
            assert!(text.parse::<Part>().unwrap_err().contains("0/4"), "{text}");
        }
        assert_eq!(
            "4/4".parse::<Part>().unwrap_err(),
            "I must be 0 to 3 for 4 machines, counted from 0, got 4"
        );
    }
}
