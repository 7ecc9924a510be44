//! The arguments of `nearsay models`.

use clap::{Args, Subcommand};

const MODELS_EXAMPLES: &str = "Examples:
  nearsay models
  nearsay models inspect sentence-transformers/all-MiniLM-L6-v2
  nearsay models inspect ./my-model --verify --json
  nearsay models pull BAAI/bge-small-en-v1.5

Environment: HF_HUB_CACHE or HF_HOME set the cache, HF_TOKEN the token for private and gated models, HF_ENDPOINT \
another hub, HF_HUB_OFFLINE=1 forbids downloads. NEARSAY_MODEL is the default of -m for embed and score.";

#[derive(Debug, Args)]
#[command(arg_required_else_help = false, after_help = MODELS_EXAMPLES)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    pub(crate) action: Option<ModelsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAction {
    /// List the families that can be loaded, the models in the cache, and ten well-known ones
    List,
    /// Show a model's architecture, sizes, pooling, lengths and file locations; downloads no weights
    Inspect {
        /// A folder, or a name on the Hugging Face hub
        #[arg(value_name = "NAME_OR_DIR")]
        model: String,
        /// Check the files against the checksums in the cache, and load all weights
        #[arg(long)]
        verify: bool,
    },
    /// Download a model into the cache, and print its folder
    ///
    /// A model that cannot be loaded is refused before its weights are downloaded. An interrupted download is
    /// continued.
    Pull {
        /// A name on the Hugging Face hub; NAME@REVISION pins a branch, a tag or a commit
        #[arg(value_name = "NAME[@REV]")]
        model: String,
    },
}
