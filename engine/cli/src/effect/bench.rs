//! The flags of `nearsay bench`.

use super::{Flag, always, needs};
use crate::arguments::BenchArguments;

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
