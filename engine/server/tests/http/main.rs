//! A server in this process, over real sockets.

mod access;
mod answers;
mod bad_values;
mod bodies;
mod client;
mod connections;
mod lifecycle;
mod scheduling;
mod served;
mod status;
mod tei;
