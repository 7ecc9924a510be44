//! A digest of input rows: ids, texts and kept values, so that a job notices when its input is not what it was.

use arrow_schema::Field;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::output::{append_value, hexadecimal};
use crate::text::{Kept, Record};

/// Takes records one after the other.
#[derive(Default)]
pub(super) struct InputDigest {
    sha256: Sha256,
}

impl InputDigest {
    pub(super) fn add(&mut self, record: &Record) -> Result<()> {
        self.part(record.id.to_string().as_bytes());
        self.part(record.text.as_bytes());
        match &record.kept {
            Kept::Nothing => {}
            Kept::Values(values) => values.iter().for_each(|value| self.part(value.to_string().as_bytes())),
            Kept::Row { columns, index } => {
                for column in columns.iter() {
                    let field = Field::new("", column.data_type().clone(), true);
                    let mut json = Vec::new();
                    append_value(&mut json, &field, column, *index)?;
                    self.part(&json);
                }
            }
        }
        Ok(())
    }

    /// A part, and before it its length, so that two parts are never taken for two others.
    fn part(&mut self, bytes: &[u8]) {
        self.sha256.update((bytes.len() as u64).to_le_bytes());
        self.sha256.update(bytes);
    }

    pub(super) fn finish(self) -> String {
        hexadecimal(&self.sha256.finalize())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::RecordId;

    fn digest(id: RecordId, text: &str, kept: Kept) -> String {
        let mut digest = InputDigest::default();
        digest.add(&Record { id, row: 1, text: text.to_owned(), kept }).unwrap();
        digest.finish()
    }

    #[test]
    fn every_part_of_a_row_counts() {
        let string = |text: &str| RecordId::String(text.to_owned());
        let kept = |text: &str| Kept::Values(vec![json!(text)]);
        let rows = [
            digest(RecordId::Row(1), "a", Kept::Nothing),
            digest(string("1"), "a", Kept::Nothing),
            digest(string("1a"), "", Kept::Nothing),
            digest(string("1"), "a", kept("")),
            digest(string("1"), "a", kept("b")),
            digest(string("1"), "ab", kept("")),
        ];
        for (index, row) in rows.iter().enumerate() {
            assert!(!rows[..index].contains(row), "{index}");
        }
        assert_eq!(rows[1], digest(string("1"), "a", Kept::Nothing));
    }
}
