//! The arguments of `nearsay completions` and `nearsay man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  # for this user's bash
  nearsay completions bash > ~/.local/share/bash-completion/completions/nearsay
  # for fish
  nearsay completions fish > ~/.config/fish/completions/nearsay.fish
  # for zsh, in a folder of $fpath
  nearsay completions zsh > ~/.zfunc/_nearsay";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: Shell,
}

const MAN_EXAMPLES: &str = "\
Examples:
  # read the page of a command
  nearsay man embed | man -l -
  # one page per command, for man
  nearsay man -o ~/.local/share/man/man1";

#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArguments {
    /// The command whose page is printed [default: nearsay itself]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Write one page per command into this folder instead
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "command")]
    pub(crate) output: Option<PathBuf>,
}
