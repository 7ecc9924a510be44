//! The argument that chooses the tokens of BERTScore.

use clap::Args;

/// How texts become tokens.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TokenizerArguments {
    /// For models of RoBERTa and GPT-2, put no space before each text, as bert_score's option of this name [default: put one, as bert_score]
    #[arg(long, alias = "use_fast_tokenizer")]
    pub(crate) use_fast_tokenizer: bool,
}
