//! The models of a server.

mod model;
mod prepared;
mod registry;
mod slot;

pub(crate) use model::{Labels, Model, Task};
#[cfg(feature = "mcp")]
pub(crate) use model::{open_head, public_name};
pub(crate) use prepared::Settings;
pub(crate) use registry::{Models, usage};
pub(crate) use slot::Slot;
