//! The program's definition with its help as people see it: options that are needed first, headings and
//! examples in colors, and the sections after the options.

mod guesses;
mod sections;

use clap::builder::{FalseyValueParser, StyledStr, Styles, ValueHint};
use clap::{Arg, ArgAction, Command, CommandFactory};

use crate::arguments::Cli;
use crate::style;

pub(crate) use guesses::guess;
pub(crate) use sections::{Part, Section, sections};

/// The program's name.
pub(crate) const NAME: &str = "nearsay";

/// The definition of all arguments, with the help's finish.
pub(crate) fn program() -> Command {
    finished(Cli::command().styles(style::of_clap()))
}

/// A command and those below it.
fn finished(command: Command) -> Command {
    let styles = command.get_styles().clone();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let is_server = command.get_name() == "serve";
    let command = command.mut_args(|argument| {
        let argument = with_file_names(required_first(argument));
        if is_server { with_variable(argument) } else { argument }
    });
    command.after_help(styled(&after, &styles)).mut_subcommands(finished)
}

/// Puts options without which the command does nothing before the others, and the model after them, which has
/// a default in some commands.
fn required_first(argument: Arg) -> Arg {
    match (argument.is_positional(), argument.is_required_set(), argument.get_id().as_str()) {
        (true, ..) => argument,
        (_, true, _) => argument.display_order(0),
        (_, _, "model") => argument.display_order(1),
        _ => argument,
    }
}

/// Lets shells complete the names of files.
fn with_file_names(argument: Arg) -> Arg {
    let name = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    match name.as_deref() {
        Some("FILE" | "INPUT" | "OUTPUT" | "NAME_OR_DIR") => argument.value_hint(ValueHint::AnyPath),
        Some("FOLDER") => argument.value_hint(ValueHint::DirPath),
        _ => argument,
    }
}

/// Lets a variable of the environment set an option of the server: `--max-body` is NEARSAY_MAX_BODY. An empty variable
/// counts as unset.
fn with_variable(argument: Arg) -> Arg {
    let Some(long) = argument.get_long() else { return argument };
    let name = format!("NEARSAY_{}", long.replace('-', "_").to_uppercase());
    if std::env::var_os(&name).is_none_or(|value| value.is_empty()) {
        return argument;
    }
    let argument = argument.env(name).hide_env(true);
    match argument.get_action() {
        ArgAction::Append => argument.value_delimiter(','),
        ArgAction::SetTrue => argument.value_parser(FalseyValueParser::new()),
        _ => argument,
    }
}

/// The sections after the options, in the colors of clap's own headings and names.
///
/// Blanks before the text stay outside of its style: clap wraps the text between two changes of style by
/// itself, and treats a line that starts with one as the rest of the line before.
fn styled(text: &str, styles: &Styles) -> StyledStr {
    let (heading, literal) = (styles.get_header(), styles.get_literal());
    let line = |line: &str| {
        let (blanks, text) = line.split_at(line.len() - line.trim_start().len());
        match sections::kind(line) {
            sections::Line::Heading => format!("{blanks}{heading}{text}{heading:#}"),
            sections::Line::Comment => format!("{blanks}\u{1b}[2m{text}\u{1b}[0m"),
            sections::Line::Command => format!("{blanks}{literal}{text}{literal:#}"),
            sections::Line::Other => line.to_owned(),
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n").into()
}

#[cfg(test)]
mod tests;
