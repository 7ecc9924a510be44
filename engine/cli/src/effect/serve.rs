//! The flags of `nearsay serve`.

use super::{Flag, always, needs};
use crate::arguments::ServeArguments;

pub(super) const FLAGS: &[Flag<ServeArguments>] = &[
    always("model"),
    always("alias"),
    always("listen"),
    always("lazy"),
    always("unload_after"),
    always("prompt_name"),
    always("openapi"),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
    always("api_key_file"),
    needs(
        "insecure",
        |arguments| arguments.listen.iter().any(|listen| listen.is_open_to_others()),
        "on loopback and sockets: no other machine can reach them",
        "leave it out, or --listen on another address",
    ),
    always("open_models"),
    always("cors_origin"),
    always("allow_host"),
    always("token_ids"),
    always("refuse_empty"),
    always("log"),
    always("max_body"),
    always("max_body_memory"),
    always("max_inputs"),
    always("max_tokens_per_request"),
    always("max_response_bytes"),
    always("max_connections"),
    always("max_queued_tokens"),
    always("max_wait"),
    always("vector_cache"),
    always("request_timeout"),
    always("drain_delay"),
    always("drain"),
    #[cfg(feature = "mcp")]
    always("mcp"),
    #[cfg(feature = "mcp")]
    needs("corpus", |arguments| arguments.tools.mcp, "without tools for agents", "add --mcp"),
];
