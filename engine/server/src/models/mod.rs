//! The models of a server.

mod model;
mod prepared;
mod registry;
mod slot;

#[cfg(feature = "mcp")]
pub(crate) use model::open_head;
pub(crate) use model::{Labels, Model, Task};
pub(crate) use prepared::Settings;
pub(crate) use registry::{Models, usage};
pub(crate) use slot::Slot;
