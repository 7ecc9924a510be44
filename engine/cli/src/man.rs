//! `nearsay man`: manual pages, made from the definitions of the arguments.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use nearsay::Error;
use nearsay::vectors::write::OutputFile;

use crate::arguments::ManArguments;
use crate::context::Context;
use crate::help::{NAME, Part, Section, program, sections};
use crate::print::{plural, print_bytes};
use crate::version::VERSION;

pub(crate) fn run(context: &Context, arguments: &ManArguments) -> anyhow::Result<()> {
    let mut program = program().version(VERSION).disable_help_subcommand(true);
    program.build();
    let Some(folder) = &arguments.output else {
        return Ok(print_bytes(&page(&found(&program, &arguments.command)?)?)?);
    };
    std::fs::create_dir_all(folder).map_err(|error| Error::CannotCreate {
        path: folder.clone(),
        reason: error.to_string(),
        hint: None,
    })?;
    let commands = with_subcommands(&program);
    for command in &commands {
        let path = folder.join(Man::new(command.clone()).get_filename());
        let mut file = OutputFile::create(&path, true)?;
        file.write(&page(command)?)?;
        file.persist()?;
    }
    context.note(format_args!("{} -> {}", plural(commands.len() as u64, "page", "pages"), folder.display()));
    Ok(())
}

/// The command with these names, one below the other.
fn found(program: &Command, names: &[String]) -> nearsay::Result<Command> {
    let mut command = program;
    for name in names {
        command = command.find_subcommand(name).ok_or_else(|| Error::Usage {
            message: format!("`{}` has no command `{name}`", shown(command)).into(),
            hint: None,
        })?;
    }
    Ok(command.clone())
}

/// A command and those below it.
fn with_subcommands(command: &Command) -> Vec<Command> {
    let below = command.get_subcommands().flat_map(with_subcommands);
    std::iter::once(command.clone()).chain(below).collect()
}

/// The command as it is called: `nearsay models inspect`.
fn shown(command: &Command) -> String {
    command.get_bin_name().unwrap_or(NAME).to_owned()
}

/// A page: clap's sections, then examples and notes of the help under their own headings.
fn page(command: &Command) -> nearsay::Result<Vec<u8>> {
    let mut page = Vec::new();
    write(command, &mut page).map_err(|error| Error::Bug(error.to_string()))?;
    Ok(page)
}

fn write(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone()).source(format!("{NAME} {VERSION}"));
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for section in sections(&text) {
        render(&section).to_writer(page)?;
    }
    Ok(())
}

fn render(section: &Section<'_>) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [section.heading.unwrap_or("Notes").to_uppercase().as_str()]);
    for part in &section.parts {
        match *part {
            Part::Paragraph(text) => roff.control("PP", []).text([roman(text)]),
            Part::Comment(text) => roff.control("PP", []).text([roman(text)]),
            Part::Command(text) => roff.control("RS", ["4"]).text([bold(text)]).control("RE", []),
            Part::Entry(name, text) => roff.control("TP", []).text([bold(name)]).text([roman(text)]),
        };
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let mut program = program().version(VERSION).disable_help_subcommand(true);
        program.build();
        let commands = with_subcommands(&program);
        let names: Vec<&str> =
            commands.iter().map(|it| it.get_display_name().unwrap_or_else(|| it.get_name())).collect();
        for name in ["nearsay", "nearsay-embed", "nearsay-score", "nearsay-models-inspect", "nearsay-man"] {
            assert!(names.contains(&name), "no {name} in {names:?}");
        }
        for command in &commands {
            let text = String::from_utf8(page(command).expect("a page")).expect("UTF-8");
            assert!(
                text.contains(".SH NAME") && text.contains(".SH EXAMPLES"),
                "{}: {text}",
                command.get_name()
            );
            assert!(!text.contains('\u{1b}'), "{} has colors", command.get_name());
        }
    }
}
