//! The flags of `nearsay bench`.

use super::{Flag, always, needs};
use crate::arguments::{BenchArguments, SearchBenchArguments};

pub(super) const FLAGS: &[Flag<BenchArguments>] = &[
    always("model"),
    always("shape"),
    always("precision"),
    always("device"),
    always("batch_tokens"),
    always("lengths"),
    always("seconds"),
    always("layer"),
    always("threads"),
    always("output"),
    needs(
        "overwrite",
        |arguments| arguments.output.is_some(),
        "without -o: there is nothing to replace",
        "name a file or a folder with -o",
    ),
];

const ROWS_ARE_READ: &str = "with --corpus: its rows are searched";
const DROP_THE_CORPUS: &str = "leave it out, or --corpus";

pub(super) const SEARCH: &[Flag<SearchBenchArguments>] = &[
    needs("rows", makes_rows, ROWS_ARE_READ, DROP_THE_CORPUS),
    needs("dimensions", makes_rows, ROWS_ARE_READ, DROP_THE_CORPUS),
    needs("seed", makes_rows, ROWS_ARE_READ, DROP_THE_CORPUS),
    always("corpus"),
    always("query_vectors"),
    always("top"),
    always("queries"),
    always("types"),
    always("seconds"),
    always("threads"),
    always("output"),
    needs(
        "overwrite",
        |arguments| arguments.output.is_some(),
        "without -o: there is nothing to replace",
        "name a file or a folder with -o",
    ),
];

fn makes_rows(arguments: &SearchBenchArguments) -> bool {
    arguments.corpus.is_none()
}
