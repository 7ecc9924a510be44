//! The special tokens of each class: its defaults, and those that the files name instead.

use serde::Deserialize;
use serde_json::Value;

use super::added_tokens::Flags;
use super::languages;
use super::{VocabularyClass, VocabularyFiles};
use crate::Result;

/// A special token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Special {
    pub(super) content: String,
    pub(super) flags: Flags,
    /// Whether transformers has it as a text. Such a token is not added again, so it keeps the flags of the
    /// vocabulary.
    pub(super) is_text: bool,
}

/// The fields with one special token each, in the order in which transformers adds them.
const FIELDS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
/// The field with a list of further special tokens.
pub(super) const MORE: &str = "additional_special_tokens";

/// A token with properties, as transformers writes it. It counts as special, whatever it says.
#[derive(Deserialize)]
struct Stored {
    content: String,
    normalized: Option<bool>,
    #[serde(flatten)]
    flags: Flags,
}

/// The special tokens in the order in which they are added; each only once.
pub(super) fn read(files: &VocabularyFiles) -> Result<Vec<Special>> {
    let mut specials: Vec<Special> = Vec::new();
    let named = FIELDS.iter().map(|field| single(files, field)).collect::<Result<Vec<_>>>()?;
    for special in named.into_iter().flatten().chain(more(files)?) {
        if specials.iter().all(|other| other.content != special.content) {
            specials.push(special);
        }
    }
    Ok(specials)
}

/// The text of the special token in a field.
pub(super) fn text(files: &VocabularyFiles, field: &str) -> Result<Option<String>> {
    Ok(single(files, field)?.map(|special| special.content))
}

fn single(files: &VocabularyFiles, field: &str) -> Result<Option<Special>> {
    match files.settings.get(field) {
        None => Ok(default(files.class, field).map(|content| plain(files.class, field, content))),
        Some(Value::Null) => Ok(None),
        Some(value) => special(files, field, value).map(Some),
    }
}

/// A token of the files.
pub(super) fn special(files: &VocabularyFiles, field: &str, value: &Value) -> Result<Special> {
    if let Some(content) = value.as_str() {
        return Ok(plain(files.class, field, content));
    }
    let stored = Stored::deserialize(value)
        .map_err(|error| files.settings.refuse(field, format!("must be a token: {error}, got {value}")))?;
    let flags = Flags { special: true, normalized: stored.normalized.unwrap_or(false), ..stored.flags };
    Ok(Special { content: stored.content, flags, is_text: false })
}

/// A token that the files or the class give as a text, with the properties that the class gives it.
fn plain(class: VocabularyClass, field: &str, content: &str) -> Special {
    let (is_text, lstrip, normalized) = properties(class, field);
    let rstrip = class == VocabularyClass::ByT5 && field != MORE;
    let flags = Flags { lstrip, rstrip, normalized, ..Flags::SPECIAL };
    Special { content: content.to_owned(), flags, is_text }
}

/// Whether the class leaves a token a text, and whether it strips blanks before it and looks for it in the
/// normalized text.
fn properties(class: VocabularyClass, field: &str) -> (bool, bool, bool) {
    use VocabularyClass::*;
    match (field, class) {
        (MORE, _) => (true, false, false),
        ("mask_token", Bert | DebertaV2 | Pegasus) => (true, false, false),
        ("mask_token", Bart | BigBird | Deberta | MBart50) => (false, true, true),
        ("mask_token", _) => (false, true, false),
        (_, ByT5) => (false, true, true),
        ("unk_token", DebertaV2) | (_, Bart | BigBird | Roberta) => (false, false, true),
        (_, Deberta | MpNet | T5) => (false, false, false),
        _ => (true, false, false),
    }
}

/// The class's own token for a field.
fn default(class: VocabularyClass, field: &str) -> Option<&'static str> {
    use VocabularyClass::*;
    let index = FIELDS.iter().position(|other| *other == field)?;
    let tokens = match class {
        Bert => ["", "", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"],
        MpNet => ["<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"],
        Deberta | DebertaV2 => ["[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"],
        Albert => ["[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"],
        BigBird => ["<s>", "</s>", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"],
        XlNet => ["<s>", "</s>", "<unk>", "<sep>", "<pad>", "<cls>", "<mask>"],
        MBart50 => ["", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"],
        Pegasus => ["", "</s>", "<unk>", "", "<pad>", "", "<mask_2>"],
        T5 | ByT5 => ["", "</s>", "<unk>", "", "<pad>", "", ""],
        Bart | Camembert | MBart | Roberta | XlmRoberta => {
            ["<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"]
        }
    };
    Some(tokens[index]).filter(|token| !token.is_empty())
}

/// Classes whose vocabularies cannot be read, and types of models that have them: `cls_token` and `sep_token`.
const OTHER_ENDS: [(&str, [&str; 2]); 9] = [
    ("BlenderbotTokenizer", ["<s>", "</s>"]),
    ("HerbertTokenizer", ["<s>", "</s>"]),
    ("ProphetNetTokenizer", ["[CLS]", "[SEP]"]),
    ("XLMProphetNetTokenizer", ["[CLS]", "[SEP]"]),
    ("blenderbot", ["<s>", "</s>"]),
    ("led", ["<s>", "</s>"]),
    ("prophetnet", ["[CLS]", "[SEP]"]),
    ("xlm", ["</s>", "</s>"]),
    ("xlm-prophetnet", ["[CLS]", "[SEP]"]),
];

/// `cls_token` and `sep_token` of a class, or of that of a type of models if none is named, unless the files name
/// others. T5's tokenizers have neither: their `</s>` is an `eos_token`.
pub(crate) fn default_ends(named_class: Option<&str>, model_type: &str) -> [Option<&'static str>; 2] {
    if let Some(class) = VocabularyClass::find(named_class, model_type) {
        return ["cls_token", "sep_token"].map(|field| default(class, field));
    }
    let name = named_class.map_or(model_type, |name| name.strip_suffix("Fast").unwrap_or(name));
    let ends = OTHER_ENDS.iter().find(|(other, _)| *other == name);
    ends.map_or([None, None], |(_, ends)| ends.map(Some))
}

/// The further special tokens of the files and of the class.
fn more(files: &VocabularyFiles) -> Result<Vec<Special>> {
    use VocabularyClass::*;
    let stated = stated(files)?;
    let texts = |texts: &[&str]| texts.iter().map(|text| plain(files.class, MORE, text)).collect::<Vec<_>>();
    Ok(match (files.class, stated) {
        (MBart, stated) => [texts(&languages::MBART), stated.unwrap_or_default()].concat(),
        (MBart50, stated) => [stated.unwrap_or_default(), texts(&languages::mbart50())].concat(),
        (Camembert, None) => texts(&["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"]),
        (XlNet, None) => texts(&["<eop>", "<eod>"]),
        (T5, stated) => with_extra_ids(files, stated)?,
        (ByT5, stated) => extra_ids_of_bytes(files, stated)?,
        (Pegasus, stated) => pegasus(files, stated)?,
        (_, stated) => stated.unwrap_or_default(),
    })
}

fn stated(files: &VocabularyFiles) -> Result<Option<Vec<Special>>> {
    match files.settings.get(MORE) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => {
            list.iter().map(|value| special(files, MORE, value)).collect::<Result<_>>().map(Some)
        }
        Some(other) => Err(files.settings.refuse(MORE, format!("must be a list, got {other}"))),
    }
}

/// T5's `<extra_id_N>`, unless the files name them.
fn with_extra_ids(files: &VocabularyFiles, stated: Option<Vec<Special>>) -> Result<Vec<Special>> {
    let count = files.settings.count("extra_ids", EXTRA_IDS)?;
    let stated = stated.unwrap_or_default();
    let named = stated.iter().filter(|special| special.content.contains("<extra_id_")).count() as u64;
    if named > 0 && count > 0 && named != count {
        let rule = format!("must name all {count} tokens of `extra_ids` or none, and names {named}");
        return Err(files.settings.refuse(MORE, rule));
    }
    let extra = if named > 0 { 0 } else { count };
    let extra = (0..extra).map(|index| plain(files.class, MORE, &format!("<extra_id_{index}>")));
    Ok(stated.into_iter().chain(extra).collect())
}

/// How many `<extra_id_N>` T5 has.
pub(super) const EXTRA_IDS: u64 = 100;

/// ByT5's `<extra_id_N>`, unless the files name all of them, or none by an empty list.
fn extra_ids_of_bytes(files: &VocabularyFiles, stated: Option<Vec<Special>>) -> Result<Vec<Special>> {
    let count = files.settings.count("extra_ids", 125)?;
    let Some(stated) = stated else {
        return Ok((0..count)
            .map(|index| plain(files.class, MORE, &format!("<extra_id_{index}>")))
            .collect());
    };
    let named = stated.iter().filter(|special| special.content.contains("extra_id")).count() as u64;
    if count > 0 && !stated.is_empty() && named != count {
        let rule = format!("must name all {count} tokens of `extra_ids`, and names {named}");
        return Err(files.settings.refuse(MORE, rule));
    }
    Ok(stated)
}

/// Pegasus' `<mask_1>`, then `<unk_N>` up to its offset; the files may name the first of them.
fn pegasus(files: &VocabularyFiles, stated: Option<Vec<Special>>) -> Result<Vec<Special>> {
    let mask = plain(files.class, MORE, &pegasus_mask(files)?);
    let offset = files.settings.count("offset", PEGASUS_OFFSET)?;
    let is_default = stated.is_none();
    let mut tokens = stated.unwrap_or_default();
    if tokens.iter().all(|token| token.content != mask.content) {
        tokens.insert(0, mask);
    }
    let first = if is_default { 2 } else { tokens.len() as u64 };
    let end = if is_default { offset } else { offset.saturating_sub(1) };
    tokens.extend((first..end).map(|index| plain(files.class, MORE, &format!("<unk_{index}>"))));
    Ok(tokens)
}

/// The number of tokens before Pegasus' pieces.
pub(super) const PEGASUS_OFFSET: u64 = 103;

/// The token in place of a sentence.
pub(super) fn pegasus_mask(files: &VocabularyFiles) -> Result<String> {
    match files.settings.get("mask_token_sent") {
        None => Ok("<mask_1>".to_owned()),
        Some(value) => Ok(special(files, "mask_token_sent", value)?.content),
    }
}
