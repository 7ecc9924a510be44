//! Embeddings, scores and reranking over HTTP/1.1, from one [`Server`]: the routes of OpenAI's API, of
//! text-embeddings-inference, and of the other servers that clients know.
//!
//! A request passes the modules in this order: `accept` (connections, their limits and deadlines), `front` (names, keys,
//! headers, the log), `routes` (one module per group of routes: JSON to a job, a result to JSON), `work` (the boundary to
//! the engine). Errors are those of `errors`, in the form of the route.
//!
//! Agents get tools over HTTP and over standard input and output (`mcp`).
//!
//! Not supported: TLS and HTTP/2 (use a proxy), and compressed bodies.

mod accept;
mod auth;
mod body_memory;
mod config;
mod cosines;
mod errors;
mod front;
mod host;
mod ids;
mod json;
mod limits;
mod listen;
mod log;
#[cfg(feature = "mcp")]
mod mcp;
mod metrics;
mod models;
mod numbers;
mod openapi;
mod recent;
mod reload;
mod routes;
mod server;
mod shared;
mod slices;
#[cfg(feature = "otlp")]
mod traces;
mod watchdog;
mod work;

use std::io;

pub use auth::{ApiKeys, ReadKeys};
pub use config::{Config, Limits, ModelSource, OpenModel};
pub use listen::Listen;
pub use log::LogFormat;
#[cfg(feature = "mcp")]
pub use mcp::{
    CorpusSource, StdioControl, StdioOptions, ToolDescription, Toolset, ToolsetOptions, serve_stdio,
};
pub use routes::{all as routes, openapi};
pub use server::{Server, ServerControl};

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address or a path cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// As it was given.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// Other machines could reach it, and it has no key.
    #[error("{address} can be reached by other machines, and there is no key")]
    OpenToOthers {
        /// As it was given.
        address: String,
    },
    /// The keys break a rule.
    #[error("{file}: {rule}")]
    Keys {
        /// The file with the keys, or where else they are.
        file: String,
        /// The rule. It has no key in it.
        rule: String,
    },
    /// The device was lost.
    #[error("the device was lost")]
    DeviceLost,
    /// The encoder hangs.
    #[error("the encoder hangs: {what} has taken {seconds:.1} s, and may take {limit:.1} s")]
    Hung {
        /// A batch with its tokens, or tokenization.
        what: String,
        /// How long it has taken.
        seconds: f64,
        /// How long it may take.
        limit: f64,
    },
    /// A model cannot be loaded, or the configuration contradicts itself.
    #[error(transparent)]
    Engine(#[from] nearsay::Error),
}
