//! The table, its indexes and the script that loads it.
//!
//! Names of columns appear in SQL as quoted identifiers; the table's is an SQL identifier. The script has no name of a
//! column in it.

use arrow_schema::Schema;

use super::column::SqlType;
use crate::export::rows::VectorKind;
use crate::vectors::schema::EMBEDDING;

/// The number of a row, from 0: the key of the table. Ids need not be unique: chunks of a text share one.
pub(super) const ROW: &str = "nearsay_row";
/// Longest identifier in bytes; PostgreSQL cuts longer ones, and two may become the same.
pub(super) const MAX_IDENTIFIER_BYTES: usize = 63;
/// Columns that a table may have besides ours: PostgreSQL's limit is 1,600.
const MAX_COLUMNS: usize = 1_598;
/// Columns that every table has already.
const SYSTEM_COLUMNS: [&str; 7] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "oid"];

/// Most dimensions of a column of the type `vector` or `halfvec`, and of indexes on each type (pgvector's README).
const MAX_VECTOR: usize = 16_000;
const MAX_VECTOR_INDEX: usize = 2_000;
const MAX_HALFVEC_INDEX: usize = 4_000;
const MAX_BIT_INDEX: usize = 64_000;

/// An identifier in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether a name is an SQL identifier that needs no quotes, other than for its case.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_start = |first: char| first.is_ascii_alphabetic() || first == '_';
    name.len() <= MAX_IDENTIFIER_BYTES
        && name.starts_with(is_start)
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// The rule that a table of these columns breaks, if any.
pub(super) fn broken_rule(columns: &Schema, kind: VectorKind, dimensions: usize) -> Option<String> {
    if kind != VectorKind::Bits && dimensions > MAX_VECTOR {
        return Some(format!("pgvector stores at most {MAX_VECTOR} dimensions, got {dimensions}"));
    }
    if columns.fields().len() > MAX_COLUMNS {
        let count = columns.fields().len();
        return Some(format!(
            "a table of PostgreSQL has at most {MAX_COLUMNS} columns besides the vectors, got {count}"
        ));
    }
    columns.fields().iter().enumerate().find_map(|(index, field)| {
        let name = field.name();
        let earlier = columns.fields()[..index].iter().any(|earlier| earlier.name() == name);
        if name.is_empty() || name.contains('\0') {
            Some(format!("column {} has the name {name:?}, which PostgreSQL does not allow", index + 1))
        } else if name.len() > MAX_IDENTIFIER_BYTES {
            let length = name.len();
            Some(format!(
                "the name of column {name:?} has {length} bytes; PostgreSQL allows {MAX_IDENTIFIER_BYTES}"
            ))
        } else if earlier || name == ROW || SYSTEM_COLUMNS.contains(&name.as_str()) {
            Some(format!("the column {name:?} would be in the table twice"))
        } else {
            None
        }
    })
}

/// The type of the vectors' column.
pub(super) fn vector_type(kind: VectorKind, dimensions: usize) -> String {
    match kind {
        VectorKind::F32 => format!("vector({dimensions})"),
        VectorKind::F16 => format!("halfvec({dimensions})"),
        VectorKind::Bits => format!("bit({dimensions})"),
    }
}

/// The file `schema.sql`.
pub(super) fn schema(table: &str, columns: &Schema, kind: VectorKind, dimensions: usize) -> String {
    let mut lines = vec![format!("    {} bigint PRIMARY KEY", quoted(ROW))];
    for field in columns.fields() {
        lines.push(format!("    {} {}", quoted(field.name()), SqlType::of(field).name()));
    }
    lines.push(format!("    {} {} NOT NULL", quoted(EMBEDDING), vector_type(kind, dimensions)));
    format!(
        "CREATE EXTENSION IF NOT EXISTS vector;\n\nCREATE TABLE {} (\n{}\n);\n\n{}",
        quoted(table),
        lines.join(",\n"),
        indexes(table, kind, dimensions)
    )
}

/// Statements for an index, as comments: without one a search is exact.
fn indexes(table: &str, kind: VectorKind, dimensions: usize) -> String {
    let column = quoted(EMBEDDING);
    let halves = (format!("({column}::halfvec({dimensions}))"), "halfvec");
    let bits = (format!("(binary_quantize({column})::bit({dimensions}))"), "bit");
    let as_it_is = |name| (column.clone(), name);
    let (expression, name) = match kind {
        VectorKind::F32 if dimensions <= MAX_VECTOR_INDEX => as_it_is("vector"),
        VectorKind::F32 if dimensions <= MAX_HALFVEC_INDEX => halves,
        VectorKind::F16 if dimensions <= MAX_HALFVEC_INDEX => as_it_is("halfvec"),
        VectorKind::Bits if dimensions <= MAX_BIT_INDEX => as_it_is("bit"),
        VectorKind::F32 | VectorKind::F16 => bits,
        VectorKind::Bits => {
            return format!("-- pgvector has no index on more than {MAX_BIT_INDEX} bits.\n");
        }
    };
    let (operators, cast) = match name {
        "bit" => ("bit_hamming_ops", kind != VectorKind::Bits),
        _ if name == "vector" => ("vector_cosine_ops", false),
        _ => ("halfvec_cosine_ops", kind == VectorKind::F32),
    };
    let mut text = String::from(
        "-- Without an index a search compares all rows, and is exact. With one it is faster and may miss some:\n",
    );
    if cast {
        text.push_str(
            "-- pgvector has no index on this type and width; a query has to use the same expression.\n",
        );
    }
    text.push_str(&format!("-- CREATE INDEX ON {} USING hnsw ({expression} {operators});\n", quoted(table)));
    text
}

/// The file `load.sh`.
pub(super) fn script(table: &str) -> String {
    format!(
        "#!/bin/sh
# Creates the table and loads its rows, all or nothing. Connects as psql does: PGHOST, PGDATABASE and the other
# variables, or arguments of psql: sh load.sh postgresql://user@host/database
set -eu
cd \"$(dirname -- \"$0\")\"
exec psql --no-psqlrc --quiet --single-transaction --set=ON_ERROR_STOP=1 --file=schema.sql \\
  --command='\\copy \"{table}\" from rows.pgcopy with (format binary)' \"$@\"
"
    )
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, Field};

    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a\"; drop table b; --"), "\"a\"\"; drop table b; --\"");
        for name in ["a", "_a1", "Select", &"a".repeat(63)] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["", "1a", "a b", "a'b", "a\"b", "a;b", "$a", "ä", "a.b", &"a".repeat(64)] {
            assert!(!is_identifier(name), "{name}");
        }
    }

    #[test]
    fn an_index_keeps_to_the_limits() {
        for (kind, dimensions, expected) in [
            (VectorKind::F32, 2_000, "hnsw (\"embedding\" vector_cosine_ops)"),
            (VectorKind::F32, 2_001, "hnsw ((\"embedding\"::halfvec(2001)) halfvec_cosine_ops)"),
            (VectorKind::F32, 4_001, "hnsw ((binary_quantize(\"embedding\")::bit(4001)) bit_hamming_ops)"),
            (VectorKind::F16, 4_000, "hnsw (\"embedding\" halfvec_cosine_ops)"),
            (VectorKind::F16, 4_001, "hnsw ((binary_quantize(\"embedding\")::bit(4001)) bit_hamming_ops)"),
            (VectorKind::Bits, 64_000, "hnsw (\"embedding\" bit_hamming_ops)"),
            (VectorKind::Bits, 64_008, "no index on more than 64000 bits"),
        ] {
            let text = schema("t", &Schema::empty(), kind, dimensions);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn columns_that_a_table_cannot_have_are_refused() {
        let rule = |names: &[&str]| {
            let fields = names.iter().map(|name| Field::new(*name, DataType::Utf8, true));
            broken_rule(&Schema::new(fields.collect::<Vec<_>>()), VectorKind::F32, 384)
        };
        assert_eq!(rule(&["id", "a\"b", "Ä", &"x".repeat(63)]), None);
        for names in
            [&[""][..], &["a\0b"], &["xmin"], &["nearsay_row"], &["a", "a"], &["ä".repeat(32).as_str()]]
        {
            assert!(rule(names).is_some(), "{names:?}");
        }
        assert_eq!(broken_rule(&Schema::empty(), VectorKind::F16, 16_000), None);
        assert!(broken_rule(&Schema::empty(), VectorKind::F16, 16_001).is_some());
    }
}
