//! The arguments of `nearsay mbr`.

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser};
use nearsay::metrics::lexical::MetricSpec;
use nearsay::text::Input;
use nearsay::vectors::write::Output;

use super::metrics::layer_number;
use super::{RunningArguments, TokenizerArguments, named};

const EXAMPLES: &str = "\
Examples:
  # the best of the candidates of each row, by BERTScore
  nearsay mbr -c samples.jsonl --lang en > best.jsonl
  # by chrF, which needs no model
  nearsay mbr -c samples.jsonl --metric chrf -o best.jsonl
  # candidates weighted by their probabilities, in the field p
  nearsay mbr -c samples.jsonl --metric bertscore -m roberta-large --weights p
  # by BLEU of Chinese
  nearsay mbr -c samples.jsonl --metric 'bleu(tok=zh)'

FILE has a row of JSON per line: {\"id\": .., \"candidates\": [\"..\", ..]}, and with --weights a list of one number \
per candidate. A row without an id has its position, from 0.

Every candidate of a row is scored against all of them as references, itself included. The one with the highest mean, \
weighted if there are weights, is printed as a line of JSON: id, index (from 0), score and text. The first of \
equal ones is chosen.

bertscore is F1, at most 1; chrf and bleu are those of sentences, from 0 to 100. Their settings are those of \
`nearsay score`.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MbrArguments {
    /// Candidates: .jsonl, optionally .gz or .zst; or -
    #[arg(short, long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Input>))]
    pub(crate) candidates: Input,
    /// The score that is expected: bertscore, chrf or bleu, with settings [default: bertscore]
    #[arg(long, value_name = "SPEC", value_parser = |text: &str| text.parse::<MetricSpec>())]
    pub(crate) metric: Option<MetricSpec>,
    /// The field with a row's weights, one per candidate [default: candidates weigh the same]
    #[arg(long, value_name = "FIELD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) weights: Option<String>,
    /// For bertscore: a folder, or a name on the Hugging Face hub [default: the one for --lang, else NEARSAY_MODEL]
    #[arg(short, long, value_name = "NAME_OR_DIR", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) model: Option<String>,
    /// The layer whose hidden states are compared [default: bert_score's choice, for 140 published models]
    #[arg(short, long, visible_alias = "num_layers", value_name = "N", value_parser = layer_number)]
    pub(crate) layer: Option<usize>,
    #[command(flatten)]
    pub(crate) tokenizer: TokenizerArguments,
    /// Language of the texts; selects the model (en: roberta-large) and BLEU's tokenizer (zh)
    #[arg(long, value_name = "CODE")]
    pub(crate) lang: Option<String>,
    /// Write the chosen candidates to a file [default: standard output]
    #[arg(short, long, value_name = "FILE", value_parser = OsStringValueParser::new().try_map(named::<Output>))]
    pub(crate) output: Option<Output>,
    /// Replace the file in -o
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) running: RunningArguments,
}

impl MbrArguments {
    /// The metric.
    pub(crate) fn spec(&self) -> MetricSpec {
        self.metric.clone().unwrap_or_else(|| MetricSpec::new("bertscore"))
    }
}
