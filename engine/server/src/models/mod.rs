//! The models of a server.

mod model;
mod prepared;
mod registry;
mod slot;

pub(crate) use model::{Labels, Model, Task};
pub(crate) use prepared::Settings;
pub(crate) use registry::{Models, usage};
pub(crate) use slot::Slot;
