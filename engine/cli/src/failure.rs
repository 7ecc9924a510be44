//! Error messages and exit codes. The codes follow BSD's sysexits.h.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};

use nearsay::{Error, ErrorKind, Phrase, Setting};
use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::arguments::GlobalArguments;
use crate::flags::Flags;
use crate::signals::Interruption;
use crate::streams::check_stdout;
use crate::style::Style;
use crate::terminal::Stream;
use crate::{help, version};

/// The exit code of a command that did what it was asked for.
pub(crate) const SUCCESS: u8 = 0;
/// The exit code of a bug.
pub(crate) const INTERNAL: u8 = 70;

/// Prints `error` with its hint, if that names flags of this command alone, and returns its exit code. A closed reader of
/// stdout is not a failure.
pub(crate) fn report(error: &anyhow::Error, interruption: &Interruption, flags: &Flags) -> u8 {
    let known = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    match known {
        Some(known) if is_broken_pipe(known) => return SUCCESS,
        Some(known) if known.kind() == ErrorKind::Cancelled => {
            interrupted(interruption);
            return 128 + interruption.signal() as u8;
        }
        // Its message already names its cause.
        Some(known) => say(format_args!("{} {}", label("error:", Style::Error), words(&known.message()))),
        None => say(format_args!("{} {error:#}", label("error:", Style::Error))),
    }
    let has = |setting| flags.has(&flag(setting));
    if let Some(phrase) = known.and_then(Error::hint).as_ref().and_then(|phrase| phrase.among(has)) {
        hint(&words(phrase));
    }
    known.map_or(INTERNAL, |known| exit_code(known.kind()))
}

/// Prints that a signal ended the work, and how to continue.
pub(crate) fn interrupted(interruption: &Interruption) {
    say(format_args!("{} interrupted by signal {}", label("error:", Style::Error), interruption.signal()));
    if let Some(how) = interruption.hint() {
        hint(&how);
    }
}

pub(crate) fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => 2,
        ErrorKind::BadData => 65,
        ErrorKind::NoInput => 66,
        ErrorKind::Unavailable => 69,
        ErrorKind::CannotCreate => 73,
        ErrorKind::Io => 74,
        ErrorKind::TryAgain | ErrorKind::DeadlineExceeded => 75,
        ErrorKind::Model => 78,
        _ => INTERNAL,
    }
}

/// Renders a phrase with its settings as flags.
pub(crate) fn words(phrase: &Phrase) -> String {
    phrase.render(|setting, value| match value {
        None => flag(setting),
        Some(value) => format!("{} {value}", flag(setting)),
    })
}

/// The flag of a setting.
fn flag(setting: Setting) -> String {
    match setting {
        Setting::Diversity => "--mmr".to_owned(),
        Setting::Output => "-o".to_owned(),
        Setting::Top => "-k".to_owned(),
        setting => format!("--{}", setting.name().replace('_', "-")),
    }
}

/// Prints an error that is not one of the library.
#[cfg(feature = "serve")]
pub(crate) fn error(error: &impl fmt::Display) {
    say(format_args!("{} {error}", label("error:", Style::Error)));
}

/// Prints a hint about the last message.
pub(crate) fn hint(text: &str) {
    say(format_args!("{} {text}", label("hint:", Style::Hint)));
}

/// Prints clap's output: help and version to stdout with exit code 0, a usage error to stderr with 2. Commands
/// and flags of other programs get a sentence that names ours.
pub(crate) fn usage(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    if let Some(sentence) = help::guess(error, &help::program(), &words) {
        say(format_args!("{} {sentence}", label("error:", Style::Error)));
        return 2;
    }
    if error.use_stderr() {
        // If this fails, it cannot be reported.
        let _ = Stream::Stderr.print(&error.render());
        return u8::try_from(error.exit_code()).unwrap_or(2);
    }
    if let Err(closed) = check_stdout() {
        return report(&closed.into(), &Interruption::default(), &Flags::default());
    }
    let is_short = error.kind() == clap::error::ErrorKind::DisplayVersion && !words.contains(&"--version");
    let text = if is_short { format!("{} {}\n", help::NAME, version::long()).into() } else { error.render() };
    match Stream::Stdout.print(&text) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            say(format_args!("{} writing standard output failed: {source}", label("error:", Style::Error)));
            exit_code(ErrorKind::Io)
        }
        _ => SUCCESS,
    }
}

/// Prints a line to stderr. If this fails, it cannot be reported.
pub(crate) fn say(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Sends the library's log to stderr: warnings, and more with `-v`.
pub(crate) fn start_log(global: &GlobalArguments) {
    // rmcp, which reads and writes the messages of agents, logs them with their texts.
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "nearsay=info,nearsay_models=info,warn",
        _ => "debug",
    };
    // A program that carries this one, or an earlier call, may have a log already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(format!("{level},rmcp=off")))
        .with_writer(|| Log)
        // Colors need a feature that is not built in; requesting them makes every command print a warning.
        .with_ansi(false)
        // A standard error that is full would make it print that there, and panic.
        .log_internal_errors(false)
        .event_format(Labeled)
        .try_init();
}

/// An event of the library's log as one line with a label, like our own messages.
struct Labeled;

impl<S, N> FormatEvent<S, N> for Labeled
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let (text, style) = match *event.metadata().level() {
            Level::ERROR => ("error:", Style::Error),
            Level::WARN => ("warning:", Style::Warning),
            Level::INFO => ("info:", Style::Dim),
            _ => ("debug:", Style::Dim),
        };
        write!(writer, "{} ", label(text, style))?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Standard error, on which the library's log spells settings as flags.
struct Log;

impl Write for Log {
    /// `bytes` are a whole event: tracing-subscriber formats it before it writes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let event = in_flags(&String::from_utf8_lossy(bytes));
        io::stderr().lock().write_all(event.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// A text of the library, which spells a setting as `` `max_length` ``, with flags.
fn in_flags(text: &str) -> String {
    let replace =
        |text: String, setting: Setting| text.replace(&format!("`{}`", setting.name()), &flag(setting));
    Setting::ALL.into_iter().fold(text.to_owned(), replace)
}

pub(crate) fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}

fn label(text: &str, style: Style) -> String {
    Stream::Stderr.paint(style, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_spells_settings_as_flags() {
        let [text, expected] = ["read it with `quotes` always", "read it with --quotes always"];
        assert_eq!(in_flags(text), expected);
        assert_eq!(in_flags("`max_length` and `other`, quotes"), "--max-length and `other`, quotes");
    }

    #[test]
    fn every_setting_has_a_flag_of_some_command() {
        let program = help::program();
        let below = |command: &'_ clap::Command| command.get_subcommands().cloned().collect::<Vec<_>>();
        let mut commands: Vec<clap::Command> = below(&program);
        commands.extend(commands.clone().iter().flat_map(below));
        commands.push(program);
        let of_commands: Vec<Flags> = commands.iter().map(Flags::of_command).collect();
        for setting in Setting::ALL {
            let flag = flag(setting);
            assert!(of_commands.iter().any(|flags| flags.has(&flag)), "no command has {flag}");
        }
    }
}
