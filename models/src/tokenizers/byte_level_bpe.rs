//! vocab.json and merges.txt: tokens with their ids, and pairs of tokens to merge, the first pair first. The
//! classes of RoBERTa, BART and the first DeBERTa.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};

use super::json::{Model, around};
use super::{AddedTokens, TokenizerJson, VocabularyClass, VocabularyFiles, parse_json, special_tokens};
use crate::Result;

pub(super) fn build(files: &VocabularyFiles, rows: usize) -> Result<TokenizerJson> {
    let vocab = vocabulary(files)?;
    let merges = merges(files, &vocab)?;
    let ids: HashMap<String, u32> = vocab.iter().map(|(token, id)| (token.clone(), *id)).collect();
    let mut added = AddedTokens::new(files.path().to_owned(), ids, vocab.len(), rows);
    added.complete(files)?;
    let prefix = files.settings.is_on("add_prefix_space", false)?;
    let post_processor = match files.class {
        VocabularyClass::Deberta => around(&added, "[CLS]", "[SEP]")?,
        _ => roberta(files, &added, prefix)?,
    };
    let words =
        json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": true});
    let model = Model::BytePairs { unk_token: None, fuse_unk: false, vocab, merges };
    Ok(TokenizerJson::new(added, [Value::Null, words, post_processor], model))
}

fn vocabulary(files: &VocabularyFiles) -> Result<BTreeMap<String, u32>> {
    let (path, bytes) = files.read(0)?;
    let vocab: BTreeMap<String, u32> = parse_json(path, &bytes)?;
    let mut tokens: HashMap<u32, &str> = HashMap::with_capacity(vocab.len());
    for (token, id) in &vocab {
        if let Some(other) = tokens.insert(*id, token) {
            let rule = format!("must have an id of its own, and has {id} as `{other}` has");
            return Err(files.refuse(path, format!("token `{token}`"), rule));
        }
    }
    Ok(vocab)
}

/// The pairs between the first line, which is a comment, and the last line break. Of equal pairs the first
/// counts.
fn merges(files: &VocabularyFiles, vocab: &BTreeMap<String, u32>) -> Result<Vec<(String, String)>> {
    let (path, text) = files.read_text(1)?;
    let lines: Vec<&str> = text.split('\n').collect();
    let end = lines.len().saturating_sub(1);
    let mut merges = Vec::new();
    let mut seen = HashSet::new();
    for (index, line) in lines.iter().enumerate().take(end).skip(1) {
        let pair = pair(files, path, index + 1, line, vocab)?;
        if seen.insert(pair) {
            merges.push((pair.0.to_owned(), pair.1.to_owned()));
        }
    }
    Ok(merges)
}

/// The two tokens of a line, which the vocabulary has, as well as their product.
fn pair<'a>(
    files: &VocabularyFiles,
    path: &Path,
    number: usize,
    line: &'a str,
    vocab: &BTreeMap<String, u32>,
) -> Result<(&'a str, &'a str)> {
    let refuse = |rule: String| files.refuse(path, format!("line {number}"), rule);
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[left, right] = &words[..] else {
        return Err(refuse(format!("must have two tokens, got {}", words.len())));
    };
    for token in [left, right, &format!("{left}{right}")] {
        if !vocab.contains_key(token) {
            return Err(refuse(format!(
                "must merge tokens of vocab.json to another, which has no `{token}`"
            )));
        }
    }
    Ok((left, right))
}

/// `cls A sep sep B sep`.
fn roberta(files: &VocabularyFiles, added: &AddedTokens, prefix: bool) -> Result<Value> {
    let token = |field: &str| -> Result<Value> {
        let token = special_tokens::text(files, field)?;
        let token =
            token.ok_or_else(|| files.settings.refuse(field, "must be a token, got null".to_owned()))?;
        Ok(json!([token, added.required(&token)?]))
    };
    Ok(json!({
        "type": "RobertaProcessing",
        "sep": token("sep_token")?,
        "cls": token("cls_token")?,
        "trim_offsets": true,
        "add_prefix_space": prefix,
    }))
}
