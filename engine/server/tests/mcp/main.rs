//! The tools for agents: over pipes as over standard input and output, and over HTTP.
#![cfg(feature = "mcp")]

mod agent;
mod calls;
mod corpus;
mod hits;
mod http;
mod lists;
mod messages;
mod scores;
mod versions;
