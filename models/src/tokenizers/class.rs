//! The classes of transformers' slow tokenizers, and the files of each.

/// A class of tokenizers that can be built from the files of its vocabulary. Classes with the same files and
/// defaults are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VocabularyClass {
    /// ALBERT's.
    Albert,
    /// BART's: RoBERTa's with another `<mask>`.
    Bart,
    /// BERT's.
    Bert,
    /// BigBird's.
    BigBird,
    /// ByT5's.
    ByT5,
    /// CamemBERT's.
    Camembert,
    /// DeBERTa's.
    Deberta,
    /// That of the second and third DeBERTa.
    DebertaV2,
    /// mBART's.
    MBart,
    /// mBART-50's.
    MBart50,
    /// MPNet's.
    MpNet,
    /// Pegasus'.
    Pegasus,
    /// RoBERTa's.
    Roberta,
    /// T5's.
    T5,
    /// XLM-RoBERTa's.
    XlmRoberta,
    /// XLNet's.
    XlNet,
}

use VocabularyClass::*;

/// The names of all files that vocabularies are in.
pub(crate) const VOCABULARY_FILES: [&str; 6] =
    ["vocab.txt", "vocab.json", "merges.txt", "spm.model", "spiece.model", "sentencepiece.bpe.model"];

/// Classes by name, without `Fast` at the end.
const NAMES: [(&str, VocabularyClass); 30] = [
    ("AlbertTokenizer", Albert),
    ("BartTokenizer", Bart),
    ("BertTokenizer", Bert),
    ("BigBirdTokenizer", BigBird),
    ("ByT5Tokenizer", ByT5),
    ("CamembertTokenizer", Camembert),
    ("ConvBertTokenizer", Bert),
    ("DPRContextEncoderTokenizer", Bert),
    ("DPRQuestionEncoderTokenizer", Bert),
    ("DPRReaderTokenizer", Bert),
    ("DebertaTokenizer", Deberta),
    ("DebertaV2Tokenizer", DebertaV2),
    ("DistilBertTokenizer", Bert),
    ("ElectraTokenizer", Bert),
    ("LEDTokenizer", Bart),
    ("LongformerTokenizer", Roberta),
    ("LxmertTokenizer", Bert),
    ("MBart50Tokenizer", MBart50),
    ("MBartTokenizer", MBart),
    ("MPNetTokenizer", MpNet),
    ("MT5Tokenizer", T5),
    ("MobileBertTokenizer", Bert),
    ("MvpTokenizer", Bart),
    ("PegasusTokenizer", Pegasus),
    ("RetriBertTokenizer", Bert),
    ("RobertaTokenizer", Roberta),
    ("SqueezeBertTokenizer", Bert),
    ("T5Tokenizer", T5),
    ("XLMRobertaTokenizer", XlmRoberta),
    ("XLNetTokenizer", XlNet),
];

/// Classes by the type of models whose files name none (`AutoTokenizer`).
const MODEL_TYPES: [(&str, VocabularyClass); 27] = [
    ("albert", Albert),
    ("bart", Bart),
    ("bert", Bert),
    ("big_bird", BigBird),
    ("byt5", ByT5),
    ("camembert", Camembert),
    ("convbert", Bert),
    ("data2vec-text", Roberta),
    ("deberta", Deberta),
    ("deberta-v2", DebertaV2),
    ("distilbert", Bert),
    ("electra", Bert),
    ("gte", XlmRoberta),
    ("longformer", Roberta),
    ("mbart", MBart),
    ("mobilebert", Bert),
    ("mpnet", MpNet),
    ("mt5", T5),
    ("nomic_bert", Bert),
    ("pegasus", Pegasus),
    ("roberta", Roberta),
    ("roberta-prelayernorm", Roberta),
    ("t5", T5),
    ("umt5", T5),
    ("xlm-roberta", XlmRoberta),
    ("xlm-roberta-xl", XlmRoberta),
    ("xlnet", XlNet),
];

impl VocabularyClass {
    /// The class of this name, or that of a type of models if none is named.
    pub fn find(named: Option<&str>, model_type: &str) -> Option<Self> {
        let (table, key) = match named {
            Some(name) => (&NAMES[..], name.strip_suffix("Fast").unwrap_or(name)),
            None => (&MODEL_TYPES[..], model_type),
        };
        table.iter().find(|(name, _)| *name == key).map(|(_, class)| *class)
    }

    /// The names of its files, all of which must be there.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Bert | MpNet => &["vocab.txt"],
            Roberta | Bart | Deberta => &["vocab.json", "merges.txt"],
            DebertaV2 => &["spm.model"],
            Albert | BigBird | Pegasus | T5 | XlNet => &["spiece.model"],
            Camembert | MBart | MBart50 | XlmRoberta => &["sentencepiece.bpe.model"],
            ByT5 => &[],
        }
    }
}
