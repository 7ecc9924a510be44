//! SentencePiece models: the classes of ALBERT, BigBird, CamemBERT, DeBERTa-v2, mBART, Pegasus, T5,
//! XLM-RoBERTa and XLNet.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use super::json::{BLANK, Model, Part, around, sequence, template};
use super::sentencepiece_model::{BYTE_PAIRS, CONTROL, SentencePieceModel, UNIGRAM, USER_DEFINED};
use super::{AddedTokens, TokenizerJson, VocabularyClass, VocabularyFiles, languages, merges, normalizers};
use super::{added_tokens::Flags, special_tokens, unigram};
use crate::Result;

pub(super) fn build(files: &VocabularyFiles, rows: usize) -> Result<TokenizerJson> {
    let (path, bytes) = files.read(0)?;
    let sentence_piece =
        SentencePieceModel::parse(&bytes).map_err(|(place, rule)| files.refuse(path, place, rule))?;
    check_pieces(files, path, &sentence_piece)?;
    if sentence_piece.byte_fallback {
        tracing::warn!("{}: characters that it would split into bytes are unknown tokens", path.display());
    }
    let vocab = unigram::vocabulary(files, &sentence_piece)?;
    let ids: HashMap<String, u32> =
        vocab.iter().enumerate().map(|(id, (piece, _))| (piece.clone(), id as u32)).collect();
    let model = model(files, path, &sentence_piece, vocab)?;
    let size = if let Model::Unigram { vocab, .. } = &model { vocab.len() } else { ids.len() };
    let mut added = AddedTokens::new(path.to_owned(), ids, size, rows);
    for piece in &sentence_piece.pieces {
        if [CONTROL, USER_DEFINED].contains(&piece.kind) {
            added.add(&piece.text, Flags { special: piece.kind == CONTROL, ..Flags::default() });
        }
    }
    added.complete(files)?;
    let normalizer = normalizers::build(files, &sentence_piece.charsmap)?;
    let parts = [normalizer, pre_tokenizer(files)?, post_processor(files, &added)?];
    Ok(TokenizerJson::new(added, parts, model))
}

/// SentencePiece itself refuses equal pieces.
fn check_pieces(files: &VocabularyFiles, path: &Path, model: &SentencePieceModel) -> Result<()> {
    let mut seen = HashMap::with_capacity(model.pieces.len());
    for (index, piece) in model.pieces.iter().enumerate() {
        if let Some(earlier) = seen.insert(piece.text.as_str(), index) {
            let rule = format!("must differ from all others, and is `{}` as piece {earlier} is", piece.text);
            return Err(files.refuse(path, format!("piece {index}"), rule));
        }
    }
    Ok(())
}

fn model(
    files: &VocabularyFiles,
    path: &Path,
    sentence_piece: &SentencePieceModel,
    vocab: Vec<(String, f64)>,
) -> Result<Model> {
    match sentence_piece.model_type {
        UNIGRAM => {
            let unk_id = unigram::unknown_id(files, sentence_piece, vocab.len())?;
            Ok(Model::Unigram { unk_id, byte_fallback: false, vocab })
        }
        BYTE_PAIRS => merges::build(files, sentence_piece, &vocab),
        other => {
            let rule = format!("must be 1 (unigram) or 2 (byte pairs), got {other}");
            Err(files.refuse(path, "trainer_spec.model_type", rule))
        }
    }
}

fn pre_tokenizer(files: &VocabularyFiles) -> Result<Value> {
    let words =
        json!({"type": "Metaspace", "replacement": BLANK, "prepend_scheme": prepends(files)?, "split": true});
    Ok(match files.class {
        VocabularyClass::DebertaV2 => {
            let punctuation = json!({"type": "Punctuation", "behavior": "Isolated"});
            let splits = files.settings.is_on("split_by_punct", false)?;
            sequence("pretokenizers", splits.then_some(punctuation).into_iter().chain([words]).collect())
        }
        VocabularyClass::Pegasus => {
            sequence("pretokenizers", vec![json!({"type": "WhitespaceSplit"}), words])
        }
        _ => words,
    })
}

/// Whether a blank is put before a text, and before each part between special tokens. Only T5's class asks.
fn prepends(files: &VocabularyFiles) -> Result<&'static str> {
    if files.class != VocabularyClass::T5 {
        return Ok("always");
    }
    let settings = &files.settings;
    let is_legacy = settings.get("legacy").is_none_or(Value::is_null) || settings.is_on("legacy", true)?;
    Ok(match (settings.is_on("add_prefix_space", true)?, is_legacy) {
        (false, _) => "never",
        (true, false) => "first",
        (true, true) => "always",
    })
}

fn post_processor(files: &VocabularyFiles, added: &AddedTokens) -> Result<Value> {
    use Part::{A, B, Token};
    use VocabularyClass::{MBart, MBart50, Pegasus, T5, XlNet};
    let end = Token("</s>", 0);
    match files.class {
        VocabularyClass::Albert | VocabularyClass::BigBird | VocabularyClass::DebertaV2 => {
            around(added, "[CLS]", "[SEP]")
        }
        T5 => template(added, &[A(0), end], &[A(0), end, B(0), end]),
        Pegasus => {
            let token = special_tokens::text(files, "eos_token")?.unwrap_or_default();
            let end = Token(&token, 0);
            template(added, &[A(0), end], &[A(0), B(0), end])
        }
        XlNet => {
            let (sep, cls) = (Token("<sep>", 0), Token("<cls>", 2));
            template(added, &[A(0), sep, cls], &[A(0), sep, B(1), Token("<sep>", 1), cls])
        }
        MBart | MBart50 => {
            let language = languages::source(files)?;
            let (code, eos) =
                (Token(&language, 0), special_tokens::text(files, "eos_token")?.unwrap_or_default());
            let end = Token(&eos, 0);
            match files.class {
                MBart => template(added, &[A(0), end, code], &[A(0), B(0), end, code]),
                _ => template(added, &[code, A(0), end], &[code, A(0), B(0), end]),
            }
        }
        _ => {
            let start = Token("<s>", 0);
            template(added, &[start, A(0), end], &[start, A(0), end, end, B(0), end])
        }
    }
}
