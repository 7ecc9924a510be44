//! Rows by their ids.

use super::filter::Filter;
use super::source::RowSource;
use crate::Result;
use crate::text::RecordId;

/// The first row whose column of ids has `id`. A number and a string are different ids, so a column of the other type
/// has none.
pub(super) fn row_of(source: &dyn RowSource, id: &RecordId) -> Result<Option<u64>> {
    let Some(filter) = Filter::of_id(id, &*source.columns()?) else { return Ok(None) };
    Ok(filter.rows(source)?.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::corpus;

    #[test]
    fn numbers_and_strings_are_different_ids() {
        let folder = tempfile::tempdir().unwrap();
        let row = |name: &str, id: RecordId| {
            corpus(folder.path(), name, &[("7", 1.0), ("8", 2.0), ("8", 3.0)]).row_of(&id).unwrap()
        };
        let string = |text: &str| RecordId::String(text.to_owned());
        assert_eq!(row("a.parquet", string("8")), Some(1));
        assert_eq!(row("b.parquet", string("9")), None);
        assert_eq!(row("c.parquet", RecordId::Number(8.into())), None);
        assert_eq!(row("d.parquet", RecordId::Row(2)), Some(2));
        assert_eq!(row("e.parquet", RecordId::Row(3)), None);
        assert_eq!(row("f.parquet", string("it's \"8\"")), None);
    }
}
