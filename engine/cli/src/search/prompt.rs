//! A prompt on a terminal that stays open: a query per line.

use std::io::{self, Write};

use nearsay::Error;

use super::sink::Sink;
use super::{Asked, queries};
use crate::terminal::Stream;

const PROMPT: &str = "query> ";

/// Answers each line until the end of input. The model is opened before the first.
pub(super) fn run(asked: &Asked<'_>, sink: &mut Sink<'_>) -> nearsay::Result<()> {
    let model = asked.model()?;
    asked.context.note(format_args!("one query per line; end with Ctrl-D"));
    let failed = |source| Error::Io { action: "reading", target: "standard input".to_owned(), source };
    loop {
        if Stream::Stderr.is_terminal() {
            // If it cannot be shown, queries are answered all the same.
            let mut stderr = io::stderr().lock();
            let _ = stderr.write_all(PROMPT.as_bytes()).and_then(|()| stderr.flush());
        }
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                asked.context.note("warning: the line is not UTF-8");
                continue;
            }
            Err(error) => return Err(failed(error)),
        }
        let query = line.trim_end_matches(['\n', '\r']);
        if !query.trim().is_empty() {
            queries::words(asked, &model, query, sink)?;
        }
    }
}
