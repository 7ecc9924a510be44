//! The class that transformers builds a tokenizer with, as far as token ids depend on it.

/// How transformers builds a tokenizer. The class is the one that `tokenizer_config.json` or config.json
/// names, else the model type's (`AutoTokenizer`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenizerClass {
    /// As tokenizer.json says: `PreTrainedTokenizerFast`, `TokenizersBackend`, and classes that only replace
    /// parts which every tokenizer.json of theirs has.
    #[default]
    AsInFile,
    /// BERT's: lower-casing is on, and accents are stripped with it, unless the settings say otherwise.
    Bert,
    /// RoBERTa's: no space is put before a text unless the settings say otherwise.
    Roberta,
    /// XLM-RoBERTa's and CamemBERT's.
    SentencePiece,
    /// Gemma's: its settings say which special tokens are around a text, not tokenizer.json.
    Gemma,
    /// Qwen2's, also of later Qwens: as tokenizer.json says, whatever the settings say of special tokens.
    Qwen2,
}

/// Classes with BERT's settings, without `Fast` at the end.
const BERT: [&str; 9] = [
    "BertTokenizer",
    "ConvBertTokenizer",
    "DistilBertTokenizer",
    "ElectraTokenizer",
    "LxmertTokenizer",
    "MPNetTokenizer",
    "MobileBertTokenizer",
    "RetriBertTokenizer",
    "SqueezeBertTokenizer",
];

/// Classes with RoBERTa's settings.
const ROBERTA: [&str; 4] = ["BartTokenizer", "LEDTokenizer", "LongformerTokenizer", "RobertaTokenizer"];

/// Classes with XLM-RoBERTa's settings.
const SENTENCE_PIECE: [&str; 2] = ["CamembertTokenizer", "XLMRobertaTokenizer"];

const GEMMA: &str = "GemmaTokenizer";

const QWEN2: &str = "Qwen2Tokenizer";

/// Classes of Python code whose work tokenizer.json does not describe.
pub(super) const PYTHON_ONLY: [&str; 6] = [
    "BertJapaneseTokenizer",
    "BertweetTokenizer",
    "FlaubertTokenizer",
    "PhobertTokenizer",
    "RoCBertTokenizer",
    "XLMTokenizer",
];

/// Other classes that take tokenizer.json as it is.
const AS_IN_FILE: [&str; 13] = [
    "AlbertTokenizer",
    "BigBirdTokenizer",
    "BlenderbotTokenizer",
    "DebertaTokenizer",
    "DebertaV2Tokenizer",
    "GPT2Tokenizer",
    "HerbertTokenizer",
    "MBartTokenizer",
    "PegasusTokenizer",
    "PreTrainedTokenizer",
    "T5Tokenizer",
    "TokenizersBackend",
    "XLNetTokenizer",
];

/// The model types whose tokenizer in Python is a `GPT2Tokenizer` or a `RobertaTokenizer`, where no file names a class:
/// `TOKENIZER_MAPPING_NAMES` of transformers 4.57 (src/transformers/models/auto/tokenization_auto.py), without the types
/// of models that read more than text.
const GPT2_OR_ROBERTA: [&str; 16] = [
    "data2vec-text",
    "dbrx",
    "exaone4",
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gptj",
    "granite",
    "granitemoe",
    "ibert",
    "mega",
    "mra",
    "opt",
    "roberta",
    "roberta-prelayernorm",
    "starcoder2",
];

impl TokenizerClass {
    pub(super) fn find(named: Option<&str>, model_type: &str) -> Self {
        match named.map(without_fast) {
            Some(name) if BERT.contains(&name) => Self::Bert,
            Some(name) if ROBERTA.contains(&name) => Self::Roberta,
            Some(name) if SENTENCE_PIECE.contains(&name) => Self::SentencePiece,
            Some(GEMMA) => Self::Gemma,
            Some(QWEN2) => Self::Qwen2,
            Some(_) => Self::AsInFile,
            None => match model_type {
                "bert" | "convbert" | "distilbert" | "electra" | "mpnet" | "nomic_bert" | "squeezebert" => {
                    Self::Bert
                }
                "roberta" | "bart" | "led" | "longformer" => Self::Roberta,
                "xlm-roberta" | "camembert" | "gte" => Self::SentencePiece,
                "gemma3_text" => Self::Gemma,
                "qwen3" => Self::Qwen2,
                _ => Self::AsInFile,
            },
        }
    }
}

/// Whether nearsay knows a class.
pub(super) fn is_known(class: &str) -> bool {
    let class = without_fast(class);
    [&BERT[..], &ROBERTA, &SENTENCE_PIECE, &[GEMMA, QWEN2], &AS_IN_FILE]
        .iter()
        .any(|names| names.contains(&class))
}

/// Whether transformers 4.57 builds a `GPT2Tokenizer` or a `RobertaTokenizer` if it is asked for the tokenizer in Python
/// (`AutoTokenizer.from_pretrained(.., use_fast=False)`). A class named with `Fast` is built all the same.
pub(super) fn is_gpt2_or_roberta(named: Option<&str>, model_type: &str) -> bool {
    match named {
        Some(name) => matches!(name, "GPT2Tokenizer" | "RobertaTokenizer"),
        None => GPT2_OR_ROBERTA.contains(&model_type),
    }
}

fn without_fast(class: &str) -> &str {
    class.strip_suffix("Fast").unwrap_or(class)
}
