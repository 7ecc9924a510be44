//! Corpora for tests.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, FixedSizeListArray, RecordBatch};
use arrow_schema::{Field, Schema};

use crate::search::{Corpus, Metric};
use crate::vectors::Metadata;
use crate::vectors::schema::{EMBEDDING, item};
use crate::vectors::write::{Destination, Output, OutputFormat, row_writer};

/// A column and its field, with the values' type.
pub(super) fn column(name: &str, values: impl Array + 'static) -> (Field, ArrayRef) {
    (Field::new(name, values.data_type().clone(), true), Arc::new(values))
}

/// A file of vectors with these columns, opened.
pub(super) fn corpus(
    folder: &Path,
    columns: Vec<(Field, ArrayRef)>,
    vectors: ArrayRef,
    width: i32,
    metadata: &Metadata,
) -> Corpus {
    let path = folder.join("a.arrow");
    let lists = FixedSizeListArray::new(item(vectors.data_type().clone()), width, vectors, None);
    let (mut fields, mut arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    fields.push(Field::new(EMBEDDING, lists.data_type().clone(), false));
    arrays.push(Arc::new(lists));
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatch::try_new(schema.clone(), arrays).unwrap();
    let destination = Destination::create(&Output::at(&path), true).unwrap();
    let mut writer = row_writer(destination, OutputFormat::Arrow, &schema, metadata).unwrap();
    writer.write(&rows).unwrap();
    writer.finish().unwrap();
    Corpus::open(&path, Metric::Cosine).unwrap()
}
