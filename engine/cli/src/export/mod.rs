//! `nearsay export`.

use std::sync::Arc;

use indicatif::HumanCount;
use nearsay::export::{Database, ExportOptions, ExportSummary, export};
use serde::Serialize;

use crate::arguments::ExportArguments;
use crate::closing;
use crate::context::Context;
use crate::print::{plural, print_json};
use crate::progress::{Measure, Progress};

/// The result in JSON.
#[derive(Serialize)]
struct Result<'a> {
    database: &'static str,
    output: String,
    #[serde(flatten)]
    summary: &'a ExportSummary,
}

pub(crate) fn run(context: &Context, arguments: &ExportArguments) -> anyhow::Result<()> {
    let ExportArguments { output, to, .. } = arguments;
    let mut options = options(context, arguments);
    options.check(output)?;
    let corpus = nearsay::index::open(&arguments.corpus, None)?;
    if !corpus.is_complete() {
        let rows = HumanCount(corpus.rows());
        context.note(format_args!("warning: the job is not complete; {rows} rows are exported"));
    }
    let progress = Progress::new(context, Measure::Count("rows", corpus.rows()));
    options.progress = Some(Arc::new(move |rows| progress.set(rows, String::new())));
    let summary = export(&corpus, output, &options)?;
    // The bar goes with its last owner.
    drop(options);
    remark(context, *to, &summary);
    if context.global.json {
        print_json(&Result { database: to.name(), output: output.to_string(), summary: &summary })?;
    }
    closing::exported(context, output, &summary);
    if let Some(folder) = output.path() {
        match to {
            Database::Pgvector => {
                context.note(format_args!("load it with: sh {}", folder.join("load.sh").display()))
            }
            _ => context.note(format_args!("how to load it: {}", to.section())),
        }
    }
    Ok(())
}

fn options(context: &Context, arguments: &ExportArguments) -> ExportOptions {
    let mut options = ExportOptions::new(arguments.to);
    options.table = arguments.table.clone();
    options.serverless = arguments.serverless;
    options.replace_nul = arguments.replace_nul;
    options.overwrite = arguments.overwrite;
    options.control = context.control();
    options
}

/// Prints what the user may not expect of the rows.
fn remark(context: &Context, database: Database, summary: &ExportSummary) {
    let counts = &summary.counts;
    if counts.zero_vectors > 0 {
        let rows = plural(counts.zero_vectors, "row of zeros has", "rows of zeros have");
        let effect = match database {
            Database::Pgvector => Some("pgvector returns NaN for its distance, and sorts it last"),
            Database::Lance => Some("LanceDB leaves such rows out of a search by cosine"),
            Database::Opensearch if summary.vector_type.contains("cosinesimil") => {
                Some("OpenSearch refuses such rows with the space type cosinesimil")
            }
            _ => None,
        };
        if let Some(effect) = effect {
            context.note(format_args!("warning: {rows} no cosine: {effect}"));
        }
    }
    if counts.replaced_nul > 0 {
        let texts = plural(counts.replaced_nul, "text", "texts");
        context.note(format_args!("NUL characters were replaced by U+FFFD in {texts}"));
    }
    if counts.shortened_times > 0 {
        let times = plural(counts.shortened_times, "time", "times");
        context.note(format_args!("warning: PostgreSQL stores microseconds: {times} lost the digits below"));
    }
    if let Some(schema) = &summary.schema {
        context.note(format_args!("the rows fit this table:\n{}", schema.trim_end()));
    }
}
