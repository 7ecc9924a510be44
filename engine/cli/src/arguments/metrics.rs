//! The arguments that choose metrics and their settings, of `nearsay score` and `nearsay compare`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use nearsay::metrics::lexical::{MetricSpec, SpecError};
use nearsay::score::bertscore::OnLongText;

use super::TokenizerArguments;

/// Which metrics, and their settings.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct MetricArguments {
    /// Metrics, separated by commas [default: bertscore; of a run, all that it has]
    #[arg(long, value_name = "SPEC", value_parser = specs)]
    pub(crate) metric: Vec<Specs>,
    /// For bertscore, cosine and cross_encoder: a folder, or a name on the Hugging Face hub [default: the one for --lang, else NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) model: Option<String>,
    /// The layer whose hidden states are compared [default: bert_score's choice, for 140 published models]
    #[arg(short, long, visible_alias = "num_layers", value_name = "N", value_parser = layer_number)]
    pub(crate) layer: Option<usize>,
    /// BERTScore at every layer, from the embeddings (0) to the last, in one pass of the encoder
    #[arg(long, alias = "all_layers", conflicts_with = "layer")]
    pub(crate) all_layers: bool,
    /// Language of the texts; selects the model (en: roberta-large), the baseline, and BLEU's tokenizer (zh)
    #[arg(long, value_name = "CODE")]
    pub(crate) lang: Option<String>,
    /// Texts longer than the model's length, or --max-length, for bertscore [default: truncate]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) on_long: Option<OnLongTextArgument>,
    #[command(flatten)]
    pub(crate) tokenizer: TokenizerArguments,
    /// Weight tokens by inverse document frequency over the references, or over those that `nearsay idf` counted in FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub(crate) idf: Option<Option<PathBuf>>,
    /// Rescale with the published baseline of the language, model and layer
    #[arg(long, alias = "rescale_with_baseline")]
    pub(crate) rescale_with_baseline: bool,
    /// Rescale with a baseline file (columns LAYER,P,R,F), as `nearsay baseline` writes it
    #[arg(long, alias = "baseline_path", value_name = "FILE")]
    pub(crate) baseline_path: Option<PathBuf>,
    /// Default of tok= of the metrics that have this tokenizer
    #[arg(long, value_name = "TOK", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) tokenize: Option<String>,
    /// Default of case=lc of the metrics that have it
    #[arg(long)]
    pub(crate) lowercase: bool,
    /// Default of stem=yes of ROUGE
    #[arg(long)]
    pub(crate) stem: bool,
}

/// `--on-long` of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnLongTextArgument {
    /// Cut them, and count them
    Truncate,
    /// Stop with an error before any text is encoded
    Error,
    /// Score all of their tokens, in overlapping windows
    Windows,
}

impl From<OnLongTextArgument> for OnLongText {
    fn from(argument: OnLongTextArgument) -> Self {
        match argument {
            OnLongTextArgument::Truncate => Self::Truncate,
            OnLongTextArgument::Error => Self::Error,
            OnLongTextArgument::Windows => Self::Windows,
        }
    }
}

/// What a user who asks for the best layer needs to know.
pub(crate) const FINDS_LAYER: &str = "`nearsay tune-layer` finds a model's best layer";

/// A layer's number. Which one is best depends on the model, and has to be found once.
pub(super) fn layer_number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(layer) => Ok(layer),
        Err(_) if text == "auto" => Err(format!("{FINDS_LAYER}, and prints its -l")),
        Err(error) => Err(format!("{error}")),
    }
}

/// The metrics of one `--metric`.
#[derive(Debug, Clone)]
pub(crate) struct Specs(pub(crate) Vec<MetricSpec>);

fn specs(list: &str) -> Result<Specs, SpecError> {
    MetricSpec::parse_list(list).map(Specs)
}
