use super::*;

/// Every command, with how it is called.
fn commands() -> Vec<Command> {
    fn all(command: &Command) -> Vec<Command> {
        std::iter::once(command.clone()).chain(command.get_subcommands().flat_map(all)).collect()
    }
    let mut program = program().disable_help_subcommand(true);
    program.build();
    all(&program)
}

fn after_help(command: &Command) -> String {
    command.get_after_help().map(ToString::to_string).unwrap_or_default()
}

fn examples(command: &Command) -> Vec<String> {
    let text = after_help(command);
    let found = sections(&text).into_iter().filter(|section| section.heading == Some("Examples"));
    let commands = found.flat_map(|section| section.parts).filter_map(|part| match part {
        Part::Command(line) => Some(line.to_owned()),
        _ => None,
    });
    commands.collect()
}

#[test]
fn every_command_has_examples_each_with_a_comment() {
    for command in commands() {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let text = after_help(&command);
        let found = sections(&text);
        let examples = found.iter().find(|section| section.heading == Some("Examples"));
        let examples = examples.unwrap_or_else(|| panic!("{name} has no examples"));
        for pair in examples.parts.chunks(2) {
            assert!(matches!(pair, [Part::Comment(_), Part::Command(_)]), "{name}: {pair:?}");
        }
        for line in text.lines().filter(|line| line.starts_with(' ')) {
            assert!(line.chars().count() <= 80, "{name}: more than 80 columns: {line}");
        }
    }
}

#[test]
fn examples_are_commands_that_exist() {
    for command in commands() {
        for example in examples(&command) {
            let ours = example.split('|').map(str::trim).find(|part| part.starts_with("nearsay "));
            let line = ours.and_then(|part| part.split('>').next()).unwrap_or_default().replace('\'', "");
            let refused = program().try_get_matches_from(line.split_whitespace()).err();
            // `nearsay help embed` ends with the help.
            let refused = refused.filter(clap::Error::use_stderr);
            assert!(refused.is_none(), "{example}: {}", refused.map(|it| it.to_string()).unwrap_or_default());
        }
    }
}

#[test]
fn global_options_have_one_heading_at_the_end() {
    for mut command in commands() {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let help = command.render_long_help().to_string();
        let (before, after) = help.split_once("Global options:").unwrap_or_else(|| panic!("{name}\n{help}"));
        for flag in ["--help", "--quiet", "--verbose", "--json", "--offline", "--follow-links", "--color"] {
            assert!(after.contains(flag), "{name}: {flag} is not among the global options\n{help}");
            assert!(
                !before.split_whitespace().any(|word| word == flag),
                "{name}: {flag} is before them\n{help}"
            );
        }
        let headings = after.lines().filter(|line| line.ends_with(" options:") || *line == "Options:");
        assert_eq!(headings.count(), 0, "{name}\n{help}");
    }
}

#[test]
fn required_options_are_first() {
    for mut command in commands() {
        let help = command.render_help().to_string();
        let options = help.split_once("\nOptions:\n").map(|(_, options)| options).unwrap_or_default();
        let lines: Vec<&str> = options.lines().take_while(|line| !line.is_empty()).collect();
        let is_required = |line: &&str| {
            let required = command.get_arguments().filter(|it| it.is_required_set() && !it.is_positional());
            required.filter_map(Arg::get_long).any(|long| line.contains(&format!("--{long} ")))
        };
        let first_other = lines.iter().position(|line| {
            line.trim_start().starts_with('-') && !is_required(line) && !line.contains("--model ")
        });
        let last_required = lines.iter().rposition(is_required);
        assert!(
            last_required.zip(first_other).is_none_or(|(last, first)| last < first),
            "{:?}\n{options}",
            command.get_name()
        );
    }
}

#[test]
fn colors_are_only_in_styled_help() {
    let mut program = program();
    let help = program.render_long_help();
    assert!(!help.to_string().contains('\u{1b}'));
    assert!(help.ansi().to_string().contains("\u{1b}[1m\u{1b}[4mExit codes:"), "{}", help.ansi());
}

#[test]
fn styles_move_no_word_to_another_line() {
    for (styled, plain) in commands().into_iter().zip(plain_commands()) {
        let [mut styled, mut plain] = [styled, plain].map(|command| command.term_width(80));
        let (styled, plain) = (styled.render_long_help().to_string(), plain.render_long_help().to_string());
        assert_eq!(styled, plain);
        assert!(styled.lines().all(|line| line.chars().count() <= 80), "{styled}");
    }
}

/// The commands without styles after the options.
fn plain_commands() -> Vec<Command> {
    commands()
        .into_iter()
        .map(|command| {
            let text = after_help(&command);
            command.after_help(text)
        })
        .collect()
}

#[test]
fn the_definition_is_consistent() {
    program().debug_assert();
}
