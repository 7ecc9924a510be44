//! The flags of `nearsay export`.

use super::{Flag, always, needs};
use crate::arguments::ExportArguments;

pub(super) const FLAGS: &[Flag<ExportArguments>] = &[
    always("corpus"),
    always("to"),
    always("output"),
    always("table"),
    always("replace_nul"),
    needs(
        "overwrite",
        |arguments| arguments.output.path().is_some(),
        "without a folder as output: there is nothing to replace",
        "leave it out",
    ),
];
