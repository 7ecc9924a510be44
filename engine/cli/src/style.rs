//! Weights and colours of text on a terminal.

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
    /// The parameters of its escape sequence (ECMA-48, SGR).
    pub(crate) fn parameters(self) -> &'static str {
        match self {
            Self::Error => "1;31",
            Self::Warning => "1;33",
            Self::Hint => "1;36",
            Self::Dim => "2",
            Self::Mark => "1",
        }
    }
}
