//! Which columns of a file are read, and their rules.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::text::TextOptions;
use crate::text::fault::{Checked, Fault};
use crate::text::names::list_names;

/// A column to read: its name, its index in the file and its index in a batch.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its index in the file's schema.
    root: usize,
    /// Its index in a batch.
    pub(super) place: usize,
}

/// The columns of a file to read; nested columns cannot be named.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) texts: Vec<Column>,
    pub(super) id: Option<Column>,
    pub(super) keep: Vec<Column>,
    /// Those of `keep`, each nullable.
    pub(super) kept_fields: Vec<Field>,
    /// Indices in the file's schema of all columns to read, in order.
    pub(super) roots: Vec<usize>,
}

impl Columns {
    /// Finds them in a file's schema.
    ///
    /// # Errors
    /// The rule that the file breaks: a column is missing, occurs twice, or has a type that cannot be used.
    pub(super) fn find(schema: &Schema, options: &TextOptions) -> Checked<Self> {
        let require = |name: &String| -> Checked<Column> {
            Ok(find(schema, name)?.ok_or_else(|| missing(schema, name))?)
        };
        let require_all = |names: &[String]| names.iter().map(require).collect::<Checked<Vec<_>>>();
        let mut columns = Self {
            texts: require_all(&options.text_fields)?,
            id: match (&options.id_field, options.id_column()) {
                (Some(name), _) => Some(require(name)?),
                (None, Some(name)) => find(schema, name).map_err(|rule| id_fault(rule, options))?,
                (None, None) => None,
            },
            keep: require_all(&options.keep)?,
            kept_fields: Vec::new(),
            roots: Vec::new(),
        };
        columns.check_types(schema, options)?;
        columns.kept_fields = columns.keep.iter().map(|column| kept_field(schema, column)).collect();
        columns.place();
        Ok(columns)
    }

    fn check_types(&self, schema: &Schema, options: &TextOptions) -> Checked<()> {
        for column in &self.texts {
            check_type(schema, column, is_string, "a string")?;
        }
        let id_type = |data_type: &DataType| data_type.is_integer() || is_string(data_type);
        let rule = "a string or a whole number";
        self.id
            .iter()
            .try_for_each(|id| check_type(schema, id, id_type, rule).map_err(|rule| id_fault(rule, options)))
    }

    /// Sets each column's index among those to read.
    fn place(&mut self) {
        let all = self.texts.iter_mut().chain(&mut self.id).chain(&mut self.keep);
        let columns: Vec<&mut Column> = all.collect();
        self.roots = columns.iter().map(|column| column.root).collect();
        self.roots.sort_unstable();
        self.roots.dedup();
        for column in columns {
            column.place = self.roots.partition_point(|root| *root < column.root);
        }
    }

    /// The file's schema with views in place of strings that are not kept: a value that a dictionary holds
    /// once then uses its bytes once, not once per row.
    pub(super) fn with_views(&self, schema: &Schema) -> SchemaRef {
        let kept: Vec<usize> = self.keep.iter().map(|column| column.root).collect();
        let looked_at: Vec<usize> = self.texts.iter().chain(&self.id).map(|column| column.root).collect();
        let view = |(index, field): (usize, &FieldRef)| {
            if looked_at.contains(&index) && !kept.contains(&index) && is_string(field.data_type()) {
                Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
            } else {
                field.clone()
            }
        };
        let fields: Vec<FieldRef> = schema.fields().iter().enumerate().map(view).collect();
        Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
    }
}

fn find(schema: &Schema, name: &str) -> Result<Option<Column>, String> {
    let mut found = schema.fields().iter().enumerate().filter(|(_, field)| field.name() == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(format!("the file has the column `{name}` twice")),
        (first, None) => Ok(first.map(|(root, _)| Column { name: name.to_owned(), root, place: 0 })),
    }
}

/// A rule that the column of the id breaks.
fn id_fault(rule: String, options: &TextOptions) -> Fault {
    Fault::from(rule).with(options.id_remedy())
}

fn missing(schema: &Schema, name: &str) -> String {
    let names = list_names(schema.fields().iter().map(|field| field.name().as_str()));
    format!("the file has no column `{name}`; its columns are {names}")
}

fn check_type(
    schema: &Schema,
    column: &Column,
    holds: impl Fn(&DataType) -> bool,
    rule: &str,
) -> Result<(), String> {
    let data_type = schema.field(column.root).data_type();
    if holds(data_type) {
        return Ok(());
    }
    Err(format!("the column `{}` is of type {data_type}; it must be {rule}", column.name))
}

fn is_string(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_string(values),
        _ => matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

fn kept_field(schema: &Schema, column: &Column) -> Field {
    schema.field(column.root).clone().with_nullable(true)
}
