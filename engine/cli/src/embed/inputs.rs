//! The inputs of a run: named ones, texts on the command line, or standard input.

use std::io::{self, IsTerminal};

use nearsay::Error;
use nearsay::text::Input;

use crate::arguments::EmbedArguments;
use crate::context::Context;

/// The inputs that the arguments name; without any, standard input unless it is a terminal.
pub(super) fn of(context: &Context, arguments: &EmbedArguments) -> nearsay::Result<Vec<Input>> {
    let is_terminal = io::stdin().is_terminal();
    if is_terminal && arguments.text.is_empty() && arguments.inputs.is_empty() {
        return Err(Error::Usage {
            message: "no input is named".into(),
            hint: Some("name files, a folder, - for standard input, or give texts with --text".into()),
        });
    }
    let inputs = arguments.sources();
    if is_terminal && inputs.contains(&Input::Stdin) {
        let end = if arguments.stream { "each is answered at once; end" } else { "end" };
        context.note(format_args!("reading texts from the terminal, one per line; {end} with Ctrl-D"));
    }
    Ok(inputs)
}
