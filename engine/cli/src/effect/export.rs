//! The flags of `nearsay export`.

use nearsay::export::Database;

use super::{Flag, always, needs};
use crate::arguments::ExportArguments;

const LEAVE_IT_OUT: &str = "leave it out";

pub(super) const FLAGS: &[Flag<ExportArguments>] = &[
    always("corpus"),
    always("to"),
    always("output"),
    needs("table", is_pgvector, "without --to pgvector: nothing else has tables", LEAVE_IT_OUT),
    needs("replace_nul", is_pgvector, "without --to pgvector: others store NUL", LEAVE_IT_OUT),
    needs(
        "serverless",
        |arguments| arguments.to == Database::Opensearch,
        "without --to opensearch",
        LEAVE_IT_OUT,
    ),
    needs(
        "overwrite",
        |arguments| arguments.output.path().is_some(),
        "without a folder as output: there is nothing to replace",
        LEAVE_IT_OUT,
    ),
];

fn is_pgvector(arguments: &ExportArguments) -> bool {
    arguments.to == Database::Pgvector
}
