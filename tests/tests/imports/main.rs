//! Imports go in one direction, between crates and between the rooms of the engine. Unsafe code stays where
//! it belongs and says why it is sound. Messages outside the command line do not name flags.
//!
//! Each rule is a function of text, so that the tests next to it also show that it can fail.

mod crates;
mod features;
mod flags;
mod rooms;
mod source;
mod unsafe_code;
