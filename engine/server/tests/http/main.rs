//! A server in this process, over real sockets.

mod access;
mod answers;
mod bad_values;
mod bertscore;
mod bodies;
mod client;
mod connections;
mod families;
mod folder;
mod lifecycle;
mod loading;
mod ollama;
mod openapi;
mod reload;
mod rerank;
mod scheduling;
mod served;
mod status;
mod stream;
mod tei;
mod watchdog;
