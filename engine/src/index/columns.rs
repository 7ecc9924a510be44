//! The columns of a volume's rows.
//!
//! | column | type |
//! |---|---|
//! | `number` | UInt64: the text's place in the order of the index; a text that changes keeps it |
//! | `id` | as in other outputs; null if the text has none |
//! | `text` | Utf8: the whole text, in the row of its first chunk; else null |
//! | `text_sha256` | FixedSizeBinary(32): that of the whole text |
//! | `record_sha256` | FixedSizeBinary(32): that of id, text and kept columns |
//! | `input` | Utf8: the name of the input |
//! | `chunk`, `byte_start`, `byte_end`, `character_start`, `character_end` | UInt32 |
//! | `truncated` | Boolean |
//! | kept columns | as in other outputs |

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::phrase;
use crate::vectors::rows::CHUNK;
use crate::vectors::schema::ID;
use crate::{Error, Result, Setting};

pub(super) const NUMBER: &str = "number";
pub(super) const TEXT: &str = "text";
pub(super) const TEXT_SHA256: &str = "text_sha256";
pub(super) const RECORD_SHA256: &str = "record_sha256";
pub(super) const INPUT: &str = "input";
pub(super) const TRUNCATED: &str = "truncated";
/// Where a chunk is in its text.
pub(super) const PLACE: [&str; 5] = [CHUNK, "byte_start", "byte_end", "character_start", "character_end"];
/// Columns that are for the index itself.
const INTERNAL: [&str; 3] = [NUMBER, TEXT_SHA256, RECORD_SHA256];
/// Columns before the kept ones.
const OWN: usize = 12;

/// The columns of an index with this column of ids and these kept columns.
///
/// # Errors
/// [`Error::Usage`] if a kept column has the name of another.
pub(super) fn schema(id: &Field, kept: &[Field]) -> Result<SchemaRef> {
    let sha256 = |name| Field::new(name, DataType::FixedSizeBinary(32), false);
    let mut fields = vec![
        Field::new(NUMBER, DataType::UInt64, false),
        id.clone().with_name(ID).with_nullable(true),
        Field::new(TEXT, DataType::Utf8, true),
        sha256(TEXT_SHA256),
        sha256(RECORD_SHA256),
        Field::new(INPUT, DataType::Utf8, false),
    ];
    fields.extend(PLACE.map(|name| Field::new(name, DataType::UInt32, false)));
    fields.push(Field::new(TRUNCATED, DataType::Boolean, false));
    debug_assert_eq!(fields.len(), OWN);
    if let Some(field) = kept.iter().find(|field| fields.iter().any(|own| own.name() == field.name())) {
        return Err(Error::usage_hint(
            format!("the index has a column named `{}` of its own", field.name()),
            phrase![
                "leave out the ",
                Setting::Keep,
                " of that name (texts are kept anyway), or rename the column"
            ],
        ));
    }
    fields.extend(kept.iter().cloned());
    Ok(Arc::new(Schema::new(fields)))
}

/// The kept columns of an index's schema.
pub(super) fn kept(schema: &Schema) -> Vec<Field> {
    schema.fields().iter().skip(OWN).map(|field| field.as_ref().clone()).collect()
}

/// Whether a file's columns are those of an index.
pub(super) fn is_index(found: &Schema) -> bool {
    let Ok(id) = found.field_with_name(ID) else { return false };
    schema(id, &kept(found)).is_ok_and(|expected| expected.fields() == found.fields())
}

/// The columns that filters and hits can have.
pub(super) fn visible(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().filter(|field| !INTERNAL.contains(&field.name().as_str()));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}
