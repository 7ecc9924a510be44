//! Imports run one way, between crates and between the rooms of the engine; unsafe code stays where it belongs
//! and says why it is sound; messages do not name flags outside the command line.
//!
//! Each rule is a function of text, so that the tests beside it also show that it can fail.

mod crates;
mod features;
mod flags;
mod rooms;
mod source;
mod unsafe_code;
