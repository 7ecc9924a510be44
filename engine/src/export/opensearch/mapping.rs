//! The index that rows are loaded into: fields and their types.

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use serde_json::{Map, Value, json};

use crate::export::rows::VectorKind;
use crate::vectors::rows::CHUNK_ID;
use crate::vectors::schema::{EMBEDDING, ID, is_json};

/// The number of a row, from 0: a field if rows have no ids.
pub(super) const ROW: &str = "nearsay_row";
/// Most dimensions of a `knn_vector` (OpenSearch's manual, "k-NN vector").
const MAX_DIMENSIONS: usize = 16_000;
/// Fields of OpenSearch's own, which a document cannot have.
const METADATA_FIELDS: [&str; 10] = [
    "_id",
    "_index",
    "_source",
    "_routing",
    "_ignored",
    "_field_names",
    "_type",
    "_meta",
    "_version",
    "_seq_no",
];

/// The rule that an index with these columns breaks, if any.
pub(super) fn broken_rule(columns: &Schema, dimensions: usize) -> Option<String> {
    if dimensions > MAX_DIMENSIONS {
        return Some(format!("OpenSearch stores at most {MAX_DIMENSIONS} dimensions, got {dimensions}"));
    }
    let names = columns.fields().iter().map(|field| field.name().as_str());
    names.enumerate().find_map(|(index, name)| match name {
        _ if name.trim().is_empty() || name.contains('.') => Some(format!(
            "column {} has the name {name:?}; a field of OpenSearch has a name, and a dot in it would make an object",
            index + 1
        )),
        _ if METADATA_FIELDS.contains(&name) || name == ROW => {
            Some(format!("the column {name:?} has the name of a field that every document has"))
        }
        _ => None,
    })
}

/// How vectors are compared. Inner product ranks vectors of length 1 as the cosine does, and allows zeros.
pub(super) fn space_type(kind: VectorKind, is_normalized: bool) -> &'static str {
    match kind {
        VectorKind::Bits => "hamming",
        VectorKind::F32 | VectorKind::F16 if is_normalized => "innerproduct",
        VectorKind::F32 | VectorKind::F16 => "cosinesimil",
    }
}

/// The file `mapping.json`, the body of the request that creates the index.
pub(super) fn mapping(
    columns: &Schema,
    text_column: Option<&str>,
    vectors: (VectorKind, usize),
    space_type: &str,
) -> Value {
    let mut properties: Map<String, Value> =
        columns.fields().iter().map(|field| (field.name().clone(), property(field, text_column))).collect();
    if columns.index_of(ID).is_err() {
        properties.insert(ROW.to_owned(), json!({"type": "long"}));
    }
    let (kind, dimensions) = vectors;
    let mut embedding = json!({"type": "knn_vector", "dimension": dimensions, "space_type": space_type});
    if kind == VectorKind::Bits {
        embedding["data_type"] = json!("binary");
    }
    properties.insert(EMBEDDING.to_owned(), embedding);
    json!({"settings": {"index": {"knn": true}}, "mappings": {"properties": properties}})
}

fn property(field: &Field, text_column: Option<&str>) -> Value {
    let name = match field.data_type() {
        // Stored, and not searched: fields inside may have any names and types.
        _ if is_json(field) => return json!({"type": "object", "enabled": false}),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            return match field.name().as_str() {
                ID | CHUNK_ID => json!({"type": "keyword"}),
                name if Some(name) == text_column => json!({"type": "text"}),
                _ => json!({"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}),
            };
        }
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 | DataType::UInt8 => "short",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 => "long",
        DataType::UInt64 => "unsigned_long",
        DataType::Float16 | DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "date_nanos",
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => "date",
        _ => return json!({"type": "object", "enabled": false}),
    };
    json!({"type": name})
}
