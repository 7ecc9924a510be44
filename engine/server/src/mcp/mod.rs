//! Tools for agents, by the Model Context Protocol (MCP): search in corpora, reading, ranking and scoring.
//!
//! [`Toolset`] is what an agent can use: corpora that are open, and the descriptions of tools. It is served over standard
//! input and output ([`serve_stdio`]), or at `/mcp` of a [`Server`](crate::Server). Both speak the revision 2026-07-28 of
//! the protocol, which has no sessions, and for older clients the revisions before it.
//!
//! A call passes these modules: `stdio` or `http` (bytes to messages), `service` (messages to tools, resources and
//! prompts), `tools` (one module per tool: arguments to a result), `task` (work on threads that may block, with progress,
//! cancellation and the scheduler's limits), `engine` (models) and `corpora` (what is searched).
//!
//! No tool returns vectors: a language model cannot use them. No tool takes a path: corpora have names.

mod arguments;
mod corpora;
mod cursor;
mod engine;
mod http;
mod prompt;
mod resources;
mod service;
mod stdio;
mod task;
mod text;
mod tools;
mod toolset;
mod uri;

pub(crate) use engine::ToolParts;
pub(crate) use http::McpRoute;
pub use stdio::{StdioControl, StdioOptions, serve_stdio};
pub use toolset::{CorpusSource, ToolDescription, Toolset, ToolsetOptions};

/// How long clients may keep lists, in milliseconds: corpora and tools are those that the server was started with.
const TTL_MS: u64 = 300_000;
