//! Weights and colors of text on a terminal.

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style as Look};

/// How a part of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// The label of an error: bold red.
    Error,
    /// The label of a warning: bold yellow.
    Warning,
    /// The label of a hint: bold cyan.
    Hint,
    /// Of less interest than the rest.
    Dim,
    /// Of the most interest: bold.
    Mark,
}

impl Style {
    /// Its weight and color.
    pub(crate) fn look(self) -> Look {
        match self {
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Hint => AnsiColor::Cyan.on_default().bold(),
            Self::Dim => Look::new().dimmed(),
            Self::Mark => Look::new().bold(),
        }
    }
}

/// The styles of clap's help and errors, with our label of errors.
pub(crate) fn of_clap() -> Styles {
    Styles::styled().error(Style::Error.look())
}
