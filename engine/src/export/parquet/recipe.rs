//! The differences between databases that load a Parquet file.
//!
//! The limits were tried with the versions in tests/python/requirements.txt and scripts/check-databases, and read in
//! the databases' manuals if they are those of a server.

use arrow_schema::Schema;

use super::column::ColumnForm;
use crate::export::Database;
use crate::export::rows::VectorKind;
use crate::vectors::schema::EMBEDDING;

/// The number of a row, from 0.
pub(crate) const ROW: &str = "nearsay_row";
/// The string that names a row.
pub(crate) const KEY: &str = "nearsay_key";

/// How vectors of bits are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BitForm {
    /// A list of unsigned bytes.
    List,
    /// Binary of a fixed length.
    Binary,
}

/// How one database takes the rows.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The database's name in messages.
    pub(super) name: &'static str,
    /// Most values in a vector.
    max_dimensions: usize,
    /// Whether f16 is stored as such; else as f32, to which it converts exactly.
    pub(super) keeps_halves: bool,
    /// How bits are stored; `None` if they are not.
    pub(super) bits: Option<BitForm>,
    /// The form of the columns.
    pub(super) columns: ColumnForm,
    /// Whether keys must be unique and not empty.
    pub(super) has_unique_keys: bool,
    names: Names,
}

/// The names that columns cannot have, besides the empty one.
#[derive(Debug)]
struct Names {
    /// Names that the database uses itself.
    reserved: &'static [&'static str],
    /// Starts of names that the database uses itself.
    prefixes: &'static [&'static str],
    /// Characters that no name has.
    characters: &'static [char],
    /// Whether `a` and `A` are one name.
    ignores_case: bool,
}

const ANY_NAME: Names = Names { reserved: &[], prefixes: &[], characters: &[], ignores_case: false };

const QDRANT: Recipe = Recipe {
    name: "Qdrant",
    max_dimensions: 65_536,
    keeps_halves: false,
    bits: None,
    columns: ColumnForm::Json,
    has_unique_keys: false,
    names: ANY_NAME,
};

const LANCE: Recipe = Recipe {
    name: "LanceDB",
    max_dimensions: i32::MAX as usize,
    keeps_halves: true,
    bits: Some(BitForm::List),
    columns: ColumnForm::Stored,
    has_unique_keys: false,
    names: Names {
        reserved: &[
            "_rowid",
            "_rowaddr",
            "_rowoffset",
            "_row_created_at_version",
            "_row_last_updated_at_version",
            "_distance",
            "_score",
        ],
        characters: &['.', '`', '\0'],
        ..ANY_NAME
    },
};

const DUCKDB: Recipe = Recipe {
    name: "DuckDB",
    max_dimensions: 100_000,
    // It reads f16 as f32.
    keeps_halves: true,
    bits: Some(BitForm::Binary),
    columns: ColumnForm::Stored,
    has_unique_keys: false,
    names: Names { ignores_case: true, ..ANY_NAME },
};

const MILVUS: Recipe = Recipe {
    name: "Milvus",
    max_dimensions: 32_768,
    keeps_halves: false,
    // A server stores bits, Milvus Lite does not.
    bits: None,
    columns: ColumnForm::Json,
    has_unique_keys: false,
    names: Names { prefixes: &["$"], ..ANY_NAME },
};

const CHROMA: Recipe = Recipe {
    name: "Chroma",
    max_dimensions: i32::MAX as usize,
    keeps_halves: false,
    bits: None,
    columns: ColumnForm::Flat,
    has_unique_keys: true,
    names: Names { prefixes: &["chroma:", "#", "$"], ..ANY_NAME },
};

impl Recipe {
    /// The recipe of a database that loads Parquet.
    pub(super) fn of(database: Database) -> Option<&'static Self> {
        match database {
            Database::Qdrant => Some(&QDRANT),
            Database::Lance => Some(&LANCE),
            Database::Duckdb => Some(&DUCKDB),
            Database::Milvus => Some(&MILVUS),
            Database::Chroma => Some(&CHROMA),
            Database::Pgvector | Database::Opensearch | Database::Documents => None,
        }
    }

    /// The rule that these columns and vectors break, if any.
    pub(super) fn broken_rule(
        &self,
        columns: &Schema,
        kind: VectorKind,
        dimensions: usize,
    ) -> Option<String> {
        let Self { name, max_dimensions, .. } = self;
        if kind == VectorKind::Bits && self.bits.is_none() {
            return Some(format!(
                "has vectors of {dimensions} bits; an export to {name} has floats, f32 or f16"
            ));
        }
        let values = if kind == VectorKind::Bits { dimensions / 8 } else { dimensions };
        if values > *max_dimensions {
            return Some(format!("{name} stores at most {max_dimensions} dimensions, got {values}"));
        }
        let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
        (0..names.len()).find_map(|index| self.broken_name(&names, index))
    }

    /// The rule that the name of a column breaks, if any.
    fn broken_name(&self, names: &[&str], index: usize) -> Option<String> {
        let (name, database) = (names[index], self.name);
        let Names { reserved, prefixes, characters, ignores_case } = self.names;
        let is_same = |other: &str| other == name || ignores_case && folded(other) == folded(name);
        if name.is_empty() {
            return Some(format!("column {} has an empty name", index + 1));
        }
        if let Some(other) = [ROW, KEY, EMBEDDING].iter().chain(&names[..index]).find(|other| is_same(other))
        {
            return Some(format!(
                "the columns {other:?} and {name:?} would have one name in the export to {database}"
            ));
        }
        if reserved.contains(&name) {
            return Some(format!("the column {name:?} has a name that {database} uses itself"));
        }
        if let Some(prefix) = prefixes.iter().find(|prefix| name.starts_with(**prefix)) {
            return Some(format!("the column {name:?} starts with {prefix:?}, which {database} uses itself"));
        }
        let character = name.chars().find(|character| characters.contains(character))?;
        Some(format!("the name of column {name:?} has {character:?}, which {database} does not allow"))
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, Field};

    use super::*;

    fn rule(database: Database, names: &[&str]) -> Option<String> {
        let fields = names.iter().map(|name| Field::new(*name, DataType::Utf8, true));
        let columns = Schema::new(fields.collect::<Vec<_>>());
        Recipe::of(database).unwrap().broken_rule(&columns, VectorKind::F32, 384)
    }

    #[test]
    fn names_that_a_database_cannot_have_are_refused() {
        use Database::{Chroma, Duckdb, Lance, Milvus, Qdrant};
        let databases = [Qdrant, Lance, Duckdb, Milvus, Chroma];
        for database in databases {
            assert_eq!(rule(database, &["id", "a\"b", "ä", "1 a", "select"]), None, "{database:?}");
            for name in ["", "nearsay_row", "nearsay_key", "embedding"] {
                assert!(rule(database, &["id", name]).is_some(), "{database:?} {name}");
            }
            assert!(rule(database, &["a", "b", "a"]).is_some(), "{database:?}");
        }
        for (names, refusing) in [
            (&["a.b"][..], &[Lance][..]),
            (&["a`b"], &[Lance]),
            (&["a\0b"], &[Lance]),
            (&["_rowid"], &[Lance]),
            (&["Year", "year"], &[Duckdb]),
            (&["Embedding"], &[Duckdb]),
            (&["$meta"], &[Milvus, Chroma]),
            (&["#a"], &[Chroma]),
            (&["chroma:document"], &[Chroma]),
        ] {
            for database in databases {
                let found = rule(database, names);
                assert_eq!(found.is_some(), refusing.contains(&database), "{database:?} {names:?}");
                assert!(found.is_none_or(|found| found.contains(&format!("{:?}", names[names.len() - 1]))));
            }
        }
    }

    #[test]
    fn widths_and_kinds_are_bounded() {
        let rule = |database, kind, dimensions| {
            Recipe::of(database).unwrap().broken_rule(&Schema::empty(), kind, dimensions)
        };
        for (database, most) in
            [(Database::Qdrant, 65_536), (Database::Milvus, 32_768), (Database::Duckdb, 100_000)]
        {
            assert_eq!(rule(database, VectorKind::F32, most), None);
            let broken = rule(database, VectorKind::F16, most + 1).unwrap();
            assert!(
                broken.contains(&most.to_string()) && broken.contains(&(most + 1).to_string()),
                "{broken}"
            );
        }
        for (database, takes_bits) in [
            (Database::Qdrant, false),
            (Database::Lance, true),
            (Database::Duckdb, true),
            (Database::Milvus, false),
            (Database::Chroma, false),
        ] {
            assert_eq!(rule(database, VectorKind::Bits, 384).is_none(), takes_bits, "{database:?}");
        }
        assert!(Recipe::of(Database::Pgvector).is_none());
    }
}
