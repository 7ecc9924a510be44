//! The flags of the command that is running: a hint must not name another's.

use std::collections::BTreeSet;

use clap::{Arg, ArgMatches, Command};

use crate::help;

/// Flags as people write them: `--top`, `-k`.
#[derive(Debug, Default)]
pub(crate) struct Flags(BTreeSet<String>);

impl Flags {
    /// Those of the command in `matches`, and the global ones.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let program = help::program();
        let mut flags = Self::of_arguments(program.get_arguments().filter(|it| it.is_global_set()));
        let (mut command, mut matches) = (&program, matches);
        while let Some((name, below)) = matches.subcommand() {
            let Some(found) = command.find_subcommand(name) else { break };
            (command, matches) = (found, below);
        }
        flags.0.append(&mut Self::of_command(command).0);
        flags
    }

    /// Those of a command alone.
    pub(crate) fn of_command(command: &Command) -> Self {
        Self::of_arguments(command.get_arguments())
    }

    fn of_arguments<'a>(arguments: impl Iterator<Item = &'a Arg>) -> Self {
        let spellings = |argument: &'a Arg| {
            let long = argument.get_long().map(|long| format!("--{long}"));
            long.into_iter().chain(argument.get_short().map(|short| format!("-{short}")))
        };
        Self(arguments.flat_map(spellings).collect())
    }

    /// Whether the command has this flag.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.0.contains(flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_its_own_flags_and_the_global_ones() {
        let flags = |line: &str| Flags::of(&help::program().get_matches_from(line.split(' ')));
        let embed = flags("nearsay embed a.txt -o a.npy -m m");
        assert!(["--pooling", "--merge", "--offline", "-o"].iter().all(|flag| embed.has(flag)));
        let score = flags("nearsay score -c a -r b");
        assert!(
            score.has("--offline") && score.has("-m") && !score.has("--pooling") && !score.has("--merge")
        );
        let build = flags("nearsay index build a.txt -o a.index -m m");
        assert!(build.has("--pooling") && !build.has("--merge"));
    }
}
