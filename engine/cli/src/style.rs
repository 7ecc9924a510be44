//! Weights and colours of text on a terminal. Nothing else writes escape sequences.

use std::io::IsTerminal;

/// How a part of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// The label of an error: bold red.
    Error,
    /// The label of a hint: bold cyan.
    Hint,
    /// Of less interest than the rest.
    Dim,
}

impl Style {
    /// The parameters of its escape sequence (ECMA-48, SGR).
    fn parameters(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Hint => "1;36",
            Self::Dim => "2",
        }
    }
}

/// The text in this style if `stream` shows styles, else the text.
pub(crate) fn paint(stream: &impl IsTerminal, style: Style, text: &str) -> String {
    if shows_styles(stream) {
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.parameters())
    } else {
        text.to_owned()
    }
}

/// Whether the stream is a terminal that is not dumb, and NO_COLOR is not set.
fn shows_styles(stream: &impl IsTerminal) -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    stream.is_terminal() && !no_colour && !is_dumb
}
