//! The arguments of `nearsay models`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

const MODELS_EXAMPLES: &str = "\
Examples:
  # what can be loaded, what is in the cache, and ten well-known models
  nearsay models
  # a model's architecture, sizes and pooling
  nearsay models inspect sentence-transformers/all-MiniLM-L6-v2
  # download a model before it is needed
  nearsay models pull BAAI/bge-small-en-v1.5

`nearsay --help` lists the environment variables that set the cache, the hub and its token.";

const LIST_EXAMPLES: &str = "\
Examples:
  # families and models, for a script
  nearsay models list --json";

const INSPECT_EXAMPLES: &str = "\
Examples:
  # sizes, pooling, lengths and prompts
  nearsay models inspect sentence-transformers/all-MiniLM-L6-v2
  # check every file of a model in a folder
  nearsay models inspect ./my-model --verify";

const PULL_EXAMPLES: &str = "\
Examples:
  # the newest revision
  nearsay models pull BAAI/bge-small-en-v1.5
  # one revision, for a script that needs the folder
  nearsay models pull BAAI/bge-small-en-v1.5@main -q";

#[derive(Debug, Args)]
#[command(arg_required_else_help = false, after_help = MODELS_EXAMPLES)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    pub(crate) action: Option<ModelsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAction {
    /// List the families that can be loaded, the models in the cache, and ten well-known ones
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Show a model's architecture, sizes, pooling, lengths and file locations; downloads no weights
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect {
        /// A folder, or a name on the Hugging Face hub
        #[arg(value_name = "NAME_OR_DIR", value_parser = NonEmptyStringValueParser::new())]
        model: String,
        /// Check the files against the checksums in the cache, and load all weights
        #[arg(long)]
        verify: bool,
    },
    /// Download a model into the cache, and print its folder
    ///
    /// A model that cannot be loaded is refused before its weights are downloaded. An interrupted download is
    /// continued.
    #[command(after_help = PULL_EXAMPLES)]
    Pull {
        /// A name on the Hugging Face hub; NAME@REVISION pins a branch, a tag or a commit
        #[arg(value_name = "NAME[@REV]", value_parser = NonEmptyStringValueParser::new())]
        model: String,
    },
}
