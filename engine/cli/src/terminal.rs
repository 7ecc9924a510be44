//! The terminal's abilities: colors, and bars that are redrawn in place.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use clap::ValueEnum;
use clap::builder::StyledStr;

use crate::style::Style;

/// `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On terminals, unless NO_COLOR is set or TERM is dumb
    #[default]
    Auto,
    /// Also in pipes and files
    Always,
    /// Nowhere
    Never,
}

/// A standard stream that we write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        }
    }

    /// Whether text here may have colors.
    pub(crate) fn is_colored(self) -> bool {
        is_colored(chosen(), self.is_terminal(), variable)
    }

    /// Whether a bar can be drawn here over and over in one place.
    pub(crate) fn draws_bars(self) -> bool {
        self.is_terminal() && !is_dumb(variable)
    }

    /// `text` in a style, if this stream is colored.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.is_colored() {
            let look = style.look();
            format!("{look}{text}{look:#}")
        } else {
            text.to_owned()
        }
    }

    /// Writes text of clap's, with its colors if this stream is colored.
    pub(crate) fn print(self, text: &StyledStr) -> io::Result<()> {
        let text = if self.is_colored() { text.ansi().to_string() } else { text.to_string() };
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
            }
            Self::Stderr => io::stderr().lock().write_all(text.as_bytes()),
        }
    }
}

/// The choice of the command that runs. Errors are printed before and after there is a context.
static CHOSEN: AtomicU8 = AtomicU8::new(ColorChoice::Auto as u8);

/// Sets the choice for everything that is printed from now on.
pub(crate) fn choose(choice: ColorChoice) {
    CHOSEN.store(choice as u8, Ordering::Relaxed);
}

fn chosen() -> ColorChoice {
    let number = CHOSEN.load(Ordering::Relaxed);
    ColorChoice::value_variants().iter().copied().find(|choice| *choice as u8 == number).unwrap_or_default()
}

/// The choice in arguments that are not parsed yet: messages about them have colors too.
pub(crate) fn choice_in<'a>(arguments: impl IntoIterator<Item = &'a str>) -> ColorChoice {
    let mut arguments = arguments.into_iter().take_while(|argument| *argument != "--").peekable();
    let mut choice = ColorChoice::Auto;
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--color") {
            Some("") => arguments.peek().copied(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        choice = value.and_then(|value| ColorChoice::from_str(value, false).ok()).unwrap_or(choice);
    }
    choice
}

/// An environment variable's value if it is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| value.to_string_lossy().into_owned())
}

/// `NO_COLOR` (no-color.org) before `CLICOLOR_FORCE` before the terminal's abilities.
fn is_colored(choice: ColorChoice, is_terminal: bool, get: impl Fn(&str) -> Option<String> + Copy) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if get("NO_COLOR").is_some() => false,
        ColorChoice::Auto if get("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorChoice::Auto => is_terminal && !is_dumb(get),
    }
}

/// Whether the terminal's abilities are unknown.
fn is_dumb(get: impl Fn(&str) -> Option<String>) -> bool {
    get("TERM").is_none_or(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_before_the_environment_and_that_before_the_terminal() {
        use ColorChoice::{Always, Auto, Never};
        for (choice, is_terminal, environment, colored) in [
            (Auto, true, &[("TERM", "xterm")][..], true),
            (Auto, true, &[], false),
            (Auto, false, &[], false),
            (Auto, true, &[("TERM", "dumb")], false),
            (Auto, true, &[("TERM", "xterm-256color")], true),
            (Auto, true, &[("NO_COLOR", "1")], false),
            (Auto, true, &[("NO_COLOR", "0")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Auto, true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
            (Always, false, &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
            (Never, true, &[("CLICOLOR_FORCE", "1")], false),
        ] {
            let get = |name: &str| {
                environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                is_colored(choice, is_terminal, get),
                colored,
                "{choice:?} {is_terminal} {environment:?}"
            );
        }
    }

    #[test]
    fn the_choice_is_found_before_arguments_are_parsed() {
        use ColorChoice::{Always, Auto, Never};
        for (line, choice) in [
            ("embed --nope", Auto),
            ("embed --color always --nope", Always),
            ("--color=never embed", Never),
            ("--color never --color always", Always),
            ("embed --color", Auto),
            ("embed --color red", Auto),
            ("embed --colorful", Auto),
            ("embed -- --color always", Auto),
        ] {
            assert_eq!(choice_in(line.split(' ')), choice, "{line}");
        }
    }

    #[test]
    fn a_choice_is_kept() {
        for choice in [ColorChoice::Never, ColorChoice::Always, ColorChoice::Auto] {
            choose(choice);
            assert_eq!(chosen(), choice);
        }
    }
}
