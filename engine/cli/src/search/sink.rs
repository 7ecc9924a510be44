//! Where answers go: a table for people, JSON lines, a run, or a file of hits.

use nearsay::Error;
use nearsay::search::{HitTable, Search, SearchAnswer};
use nearsay::vectors::Metadata;
use nearsay::vectors::write::{Destination, Output, OutputFile, OutputFormat, RowWriter, row_writer};

use super::{passage, trec};
use crate::arguments::SearchArguments;
use crate::context::Context;
use crate::print::{print_bytes, print_json, to_json};
use crate::table::terminal_width;

/// The output of a search.
pub(super) struct Sink<'a> {
    target: Target,
    search: &'a Search<'a>,
    names_chunks: bool,
}

enum Target {
    /// A table on standard output, this wide.
    Table(usize),
    /// JSON lines on standard output.
    Json,
    /// JSON lines in a file.
    JsonFile(OutputFile),
    /// A run, in a file or on standard output.
    Run(Option<OutputFile>),
    /// Rows of a typed file.
    Rows { writer: Box<dyn RowWriter>, table: HitTable },
}

impl<'a> Sink<'a> {
    /// Creates the output, before the model is loaded.
    pub(super) fn create(
        context: &Context,
        arguments: &SearchArguments,
        search: &'a Search<'a>,
    ) -> nearsay::Result<Self> {
        let overwrite = arguments.overwrite;
        let target = match (&arguments.trec, &arguments.output) {
            (Some(Output::Stdout), _) => Target::Run(None),
            (Some(Output::File(path) | Output::Folder(path)), _) => {
                Target::Run(Some(OutputFile::create(path, overwrite)?))
            }
            (None, Some(Output::Stdout)) => Target::Json,
            (None, Some(output)) => hits_file(output, overwrite, search)?,
            (None, None) if context.global.json => Target::Json,
            (None, None) => Target::Table(terminal_width()),
        };
        Ok(Self { target, search, names_chunks: arguments.per_chunk })
    }

    /// Whether texts of hits are part of the output.
    pub(super) fn shows_texts(&self) -> bool {
        matches!(self.target, Target::Table(_) | Target::Json | Target::JsonFile(_))
    }

    /// Writes an answer.
    pub(super) fn write(&mut self, answer: &SearchAnswer) -> nearsay::Result<()> {
        match &mut self.target {
            Target::Table(width) => print_bytes(passage::lines(answer, *width).as_bytes()),
            Target::Json => print_json(answer),
            Target::JsonFile(file) => file.write(format!("{}\n", to_json(answer)?).as_bytes()),
            Target::Run(Some(file)) => file.write(trec::lines(answer, self.names_chunks)?.as_bytes()),
            Target::Run(None) => print_bytes(trec::lines(answer, self.names_chunks)?.as_bytes()),
            Target::Rows { writer, table } => writer.write(&table.rows(self.search, answer)?),
        }
    }

    /// Completes a file.
    pub(super) fn finish(self) -> nearsay::Result<()> {
        match self.target {
            Target::JsonFile(file) | Target::Run(Some(file)) => file.persist(),
            Target::Rows { writer, .. } => writer.finish(),
            Target::Table(_) | Target::Json | Target::Run(None) => Ok(()),
        }
    }
}

fn hits_file(output: &Output, overwrite: bool, search: &Search<'_>) -> nearsay::Result<Target> {
    let format = output.path().and_then(OutputFormat::of_extension);
    let Some(format @ (OutputFormat::Parquet | OutputFormat::Arrow | OutputFormat::Jsonl)) = format else {
        return Err(Error::Usage {
            message: format!(
                "hits cannot be written to {output}: the name must end in .parquet, .arrow or .jsonl"
            )
            .into(),
            hint: Some("--trec writes a run for trec_eval".into()),
        });
    };
    if let (OutputFormat::Jsonl, Some(path)) = (format, output.path()) {
        return Ok(Target::JsonFile(OutputFile::create(path, overwrite)?));
    }
    let table = search.hit_table()?;
    let destination = Destination::create(output, overwrite)?;
    let writer = row_writer(destination, format, table.schema(), &Metadata::new())?;
    Ok(Target::Rows { writer, table })
}
