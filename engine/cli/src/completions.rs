//! `nearsay completions`.

use clap_complete::generate;

use crate::arguments::CompletionsArguments;
use crate::help::{NAME, program};
use crate::print::print_bytes;

pub(crate) fn run(arguments: &CompletionsArguments) -> anyhow::Result<()> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut program(), NAME, &mut script);
    Ok(print_bytes(&script)?)
}
