//! The arguments of commands on job folders: `nearsay verify` and `nearsay status`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;

const VERIFY_EXAMPLES: &str = "\
Examples:
  # is it complete and undamaged?
  nearsay verify wiki-vectors/
  # parts of one job from several machines
  nearsay verify part-0/ part-1/ part-2/
  # an index, or a run of nearsay score
  nearsay verify run/

Exit codes:
   0  complete and undamaged
   1  undamaged, but not finished
  65  damaged";

#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArguments {
    /// Folders of jobs, indexes or runs; several jobs are also checked against each other, as parts of one
    #[arg(required = true, value_name = "FOLDER")]
    pub(crate) folders: Vec<PathBuf>,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZero<usize>>,
}

const STATUS_EXAMPLES: &str = "\
Examples:
  # how far is it, and when will it be done?
  nearsay status wiki-vectors/
  # parts of one job from several machines
  nearsay status part-0/ part-1/ part-2/

No shard is read, so this takes no time; `nearsay verify` checks every byte.";

#[derive(Debug, Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub(crate) struct StatusArguments {
    /// Job folders
    #[arg(required = true, value_name = "FOLDER")]
    pub(crate) folders: Vec<PathBuf>,
}
