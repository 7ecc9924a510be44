//! Memory-mapped files: the system loads the pages that are touched.
//!
//! This is the only place in this crate with unsafe code.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use arrow_buffer::Buffer;
use bytes::Bytes;
use memmap2::Mmap;

/// The bytes of a file. They stay mapped as long as a clone or a slice of the buffer exists.
pub(crate) fn map(file: &File) -> io::Result<Buffer> {
    // SAFETY: the map is private and read-only, and nothing else in this process writes to it. A file that
    // another process changes while it is mapped could change under a reader's eyes; as every program that
    // maps files we rely on that it does not: nearsay itself never writes into a file that has its name
    // already. One that is cut short ends the process with SIGBUS.
    let map = unsafe { Mmap::map(file)? };
    Ok(Bytes::from_owner(map).into())
}
