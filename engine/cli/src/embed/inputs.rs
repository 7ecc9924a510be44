//! The inputs of a run: named ones, texts on the command line, or standard input.

use std::io::{self, IsTerminal};

use nearsay::Error;
use nearsay::text::Input;

use crate::arguments::EmbedArguments;
use crate::context::Context;

/// The inputs that the arguments name; without any, standard input unless it is a terminal.
pub(super) fn of(context: &Context, arguments: &EmbedArguments) -> nearsay::Result<Vec<Input>> {
    let is_terminal = io::stdin().is_terminal();
    let inputs = match (arguments.text.as_slice(), arguments.inputs.as_slice()) {
        ([], []) if is_terminal => {
            return Err(Error::Usage {
                message: "no input is named".into(),
                hint: Some("name files, a folder, - for standard input, or give texts with --text".into()),
            });
        }
        ([], []) => vec![Input::Stdin],
        ([], inputs) => inputs.to_vec(),
        (texts, _) => texts.iter().cloned().map(Input::Text).collect(),
    };
    if is_terminal && inputs.contains(&Input::Stdin) {
        let end = if arguments.stream { "each is answered at once; end" } else { "end" };
        context.note(format_args!("reading texts from the terminal, one per line; {end} with Ctrl-D"));
    }
    Ok(inputs)
}
