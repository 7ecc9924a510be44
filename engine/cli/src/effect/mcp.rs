//! The flags of `nearsay mcp`.

use super::{Flag, always};
use crate::arguments::McpArguments;

pub(super) const FLAGS: &[Flag<McpArguments>] = &[
    always("model"),
    always("corpus"),
    always("max_characters"),
    always("tool_description"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];
