//! vocab.txt: one token per line, whose id is the line's number. BERT's and MPNet's classes.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::json::{Model, Part, around, template};
use super::{AddedTokens, TokenizerJson, VocabularyClass, VocabularyFiles, special_tokens};
use crate::Result;

/// A word of more characters is one unknown token.
const LONGEST_WORD: usize = 100;

pub(super) fn build(files: &VocabularyFiles, rows: usize) -> Result<TokenizerJson> {
    let (path, text) = files.read_text(0)?;
    let vocab = vocabulary(files, &text);
    let token = |field: &str| {
        let token = special_tokens::text(files, field)?;
        token.ok_or_else(|| files.settings.refuse(field, "must be a token, got null".to_owned()))
    };
    let unk_token = token("unk_token")?;
    if !vocab.contains_key(&unk_token) {
        let rule = format!("must have `{unk_token}`, which stands for unknown words, and does not");
        return Err(files.refuse(path, "", rule));
    }
    let ids: HashMap<String, u32> = vocab.iter().map(|(token, id)| (token.clone(), *id)).collect();
    let mut added = AddedTokens::new(path.to_owned(), ids, vocab.len(), rows);
    added.complete(files)?;
    let (cls, sep) = (token("cls_token")?, token("sep_token")?);
    let post_processor = match files.class {
        VocabularyClass::MpNet => twice_separated(&added, &cls, &sep)?,
        _ => around(&added, &cls, &sep)?,
    };
    let parts = [normalizer(files)?, json!({"type": "BertPreTokenizer"}), post_processor];
    let model = Model::WordPiece {
        unk_token,
        continuing_subword_prefix: "##",
        max_input_chars_per_word: LONGEST_WORD,
        vocab,
    };
    Ok(TokenizerJson::new(added, parts, model))
}

/// Tokens by line. The last of several equal lines counts, as in transformers.
fn vocabulary(files: &VocabularyFiles, text: &str) -> BTreeMap<String, u32> {
    let mut vocab = BTreeMap::new();
    let mut repeated = Vec::new();
    for (id, token) in text.split_terminator('\n').enumerate() {
        if let Some(earlier) = vocab.insert(token.to_owned(), id as u32) {
            repeated.push((token, earlier + 1, id + 1));
        }
    }
    if let Some((token, first, second)) = repeated.first() {
        let (path, count) = (files.path().display(), repeated.len());
        tracing::warn!(
            "{path}: lines {first} and {second} are both `{token}`, and the second counts ({count} such lines)"
        );
    }
    vocab
}

fn normalizer(files: &VocabularyFiles) -> Result<Value> {
    let settings = &files.settings;
    let strip_accents = match settings.get("strip_accents") {
        None | Some(Value::Null) => None,
        Some(_) => Some(settings.is_on("strip_accents", false)?),
    };
    Ok(json!({
        "type": "BertNormalizer",
        "clean_text": true,
        "handle_chinese_chars": settings.is_on("tokenize_chinese_chars", true)?,
        "strip_accents": strip_accents,
        "lowercase": settings.is_on("do_lower_case", true)?,
    }))
}

/// MPNet's template: two separators between the texts of a pair.
fn twice_separated(added: &AddedTokens, cls: &str, sep: &str) -> Result<Value> {
    use Part::{A, B, Token};
    let pair = [Token(cls, 0), A(0), Token(sep, 0), Token(sep, 0), B(1), Token(sep, 1)];
    template(added, &pair[..3], &pair)
}
