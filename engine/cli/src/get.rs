//! `nearsay get`.

use std::io::{IsTerminal, stdout};

use nearsay::Error;
use nearsay::index::{TextRequest, read_text};

use crate::arguments::GetArguments;
use crate::context::Context;
use crate::index::{HOW_TO_WRITE, choices};
use crate::print::{print_json, print_line};
use crate::table::visible;

pub(crate) fn run(context: &Context, arguments: &GetArguments) -> anyhow::Result<()> {
    for id in choices(&arguments.id) {
        let mut request = TextRequest::new(&id);
        request.chunk = arguments.chunk;
        request.around = arguments.around.unwrap_or(0);
        request.max_characters = arguments.max_characters;
        let Some(answer) = read_text(&arguments.index, &request)? else { continue };
        if context.global.json {
            print_json(&answer)?;
        } else {
            print_line(&shown(&answer.text))?;
        }
        if let Some(at) = answer.continues_at {
            context.note(format_args!("cut at byte {at} of {}", answer.bytes));
        }
        return Ok(());
    }
    Err(Error::Usage {
        message: format!("{} has no text with the id {:?}", arguments.index.display(), arguments.id).into(),
        hint: Some(HOW_TO_WRITE.into()),
    }
    .into())
}

/// A text for a terminal, whose cursor it must not move; for a pipe as it is.
fn shown(text: &str) -> String {
    match stdout().is_terminal() {
        true => text.split('\n').map(visible).collect::<Vec<_>>().join("\n"),
        false => text.to_owned(),
    }
}
