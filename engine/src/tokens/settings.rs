//! Settings and added tokens of the files next to tokenizer.json, as transformers applies them
//! (`tokenization_bert.py`, `tokenization_roberta.py`, `tokenization_xlm_roberta.py`,
//! `tokenization_utils_tokenizers.py`, version 5.24).
//!
//! BERT's and RoBERTa's classes have defaults that win over tokenizer.json, too.

use nearsay_models::{AddedToken, TokenizerClass, TokenizerSettings};
use tokenizers::Tokenizer;
use tokenizers::normalizers::{BertNormalizer, Lowercase, NormalizerWrapper, Sequence};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::metaspace::PrependScheme;
use tokenizers::processors::template::TemplateProcessing;

use super::shared::SharedTokenizer;

/// Applies the settings, and adds tokens, to a tokenizer for a model with embeddings for ids below
/// `vocab_size`.
pub(super) fn apply(
    settings: &TokenizerSettings,
    tokenizer: &mut Tokenizer,
    vocab_size: usize,
) -> Result<(), String> {
    apply_to_normalizer(settings, tokenizer)?;
    apply_prefix_space(settings, tokenizer);
    for token in &settings.added_tokens {
        add(token, tokenizer, vocab_size)?;
    }
    if let Some([first, last]) = &settings.around {
        put_around(first.as_deref(), last.as_deref(), tokenizer)?;
    }
    tokenizer.set_encode_special_tokens(settings.split_special_tokens);
    Ok(())
}

/// Refuses a tokenizer that puts other special tokens around every text than the settings name: transformers
/// 5 uses those of the settings, and 4 those of tokenizer.json. `ids` are those of an empty text.
pub(super) fn check_template(
    settings: &TokenizerSettings,
    tokenizer: &SharedTokenizer,
    ids: &[u32],
) -> Result<(), String> {
    if settings.class == TokenizerClass::AsInFile {
        return Ok(());
    }
    let ends =
        [("cls_token", &settings.cls_token, ids.first()), ("sep_token", &settings.sep_token, ids.last())];
    for (field, named, id) in ends {
        let Some(named) = named else { continue };
        if tokenizer.token_to_id(named).as_ref() != id {
            let there = id.and_then(|id| tokenizer.id_to_token(*id)).unwrap_or_else(|| "nothing".to_owned());
            return Err(format!(
                "its post-processor must put the {field} that the files next to it name, `{named}`, around \
                 every text, and puts `{there}` there"
            ));
        }
    }
    Ok(())
}

/// Lower-cases texts before all other normalization, unless that lower-cases them already.
pub(super) fn lower_case(tokenizer: &mut SharedTokenizer) -> Result<(), String> {
    let is_lower_case =
        |normalizer: &NormalizerWrapper| matches!(normalizer, NormalizerWrapper::Lowercase(_));
    let mut normalizers = vec![Lowercase.into()];
    match tokenizer.get_normalizer() {
        None => {}
        Some(normalizer) if is_lower_case(normalizer) => return Ok(()),
        Some(NormalizerWrapper::Sequence(all)) if all.as_ref().iter().any(is_lower_case) => return Ok(()),
        Some(NormalizerWrapper::Sequence(all)) => normalizers.extend_from_slice(all.as_ref()),
        Some(normalizer) => normalizers.push(normalizer.clone()),
    }
    let applied = tokenizer.with_normalizer(Some(Sequence::new(normalizers)));
    applied.map(|_| ()).map_err(|error| error.to_string())
}

fn apply_to_normalizer(settings: &TokenizerSettings, tokenizer: &mut Tokenizer) -> Result<(), String> {
    let Some(NormalizerWrapper::BertNormalizer(normalizer)) = tokenizer.get_normalizer() else {
        return Ok(());
    };
    let is_bert = settings.class == TokenizerClass::Bert;
    let of_file = |value| if is_bert { true } else { value };
    let normalizer = BertNormalizer::new(
        normalizer.clean_text,
        settings.tokenize_chinese_chars.unwrap_or(of_file(normalizer.handle_chinese_chars)),
        settings.strip_accents.or(if is_bert { None } else { normalizer.strip_accents }),
        settings.do_lower_case.unwrap_or(of_file(normalizer.lowercase)),
    );
    tokenizer.with_normalizer(Some(normalizer)).map(|_| ()).map_err(|error| error.to_string())
}

/// Puts these tokens before and after every text, and around each text of a pair.
fn put_around(first: Option<&str>, last: Option<&str>, tokenizer: &mut Tokenizer) -> Result<(), String> {
    let tokens = [first, last].into_iter().flatten().map(|token| match tokenizer.token_to_id(token) {
        Some(id) => Ok((token.to_owned(), id)),
        None => Err(format!("its vocabulary must have `{token}`, which is around every text, and has not")),
    });
    let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
    let part = |text: &str, kind: u32| {
        let pieces = [first, Some(text), last].into_iter().flatten();
        pieces.map(|piece| format!("{piece}:{kind}")).collect::<Vec<_>>()
    };
    let mut template = TemplateProcessing::builder();
    template.try_single(part("$A", 0))?;
    template.try_pair([part("$A", 0), part("$B", 1)].concat())?;
    let template = template.special_tokens(tokens).build().map_err(|error| error.to_string())?;
    tokenizer.with_post_processor(Some(template));
    Ok(())
}

fn apply_prefix_space(settings: &TokenizerSettings, tokenizer: &mut Tokenizer) {
    let prefix = match settings.class {
        TokenizerClass::Roberta => Some(settings.add_prefix_space.unwrap_or(false)),
        _ => settings.add_prefix_space,
    };
    let (Some(prefix), Some(pre_tokenizer)) = (prefix, tokenizer.get_pre_tokenizer().cloned()) else {
        return;
    };
    let with_prefix = |pre_tokenizer| match pre_tokenizer {
        PreTokenizerWrapper::ByteLevel(bytes) => bytes.add_prefix_space(prefix).into(),
        PreTokenizerWrapper::Metaspace(mut words) if settings.class == TokenizerClass::SentencePiece => {
            words.set_prepend_scheme(if prefix { PrependScheme::Always } else { PrependScheme::Never });
            words.into()
        }
        other => other,
    };
    let applied: PreTokenizerWrapper = match pre_tokenizer {
        PreTokenizerWrapper::Sequence(all) => {
            let all = all.into_iter().map(with_prefix).collect();
            tokenizers::pre_tokenizers::sequence::Sequence::new(all).into()
        }
        one => with_prefix(one),
    };
    tokenizer.with_pre_tokenizer(Some(applied));
}

/// Adds a token. If a file states its id, its properties count, too; else it is added only if it is not an
/// added token yet, and not if the model has no embedding for it: no text with that token can be encoded.
fn add(token: &AddedToken, tokenizer: &mut Tokenizer, vocab_size: usize) -> Result<(), String> {
    let of_tokenizer = tokenizer.token_to_id(&token.content);
    if token.id.is_none() {
        let is_there = tokenizer.get_added_vocabulary().get_vocab().contains_key(&token.content);
        let has_embedding =
            of_tokenizer.map_or(tokenizer.get_vocab_size(true), |id| id as usize) < vocab_size;
        if is_there || !has_embedding {
            return Ok(());
        }
    }
    let added = tokenizers::AddedToken::from(token.content.clone(), token.special)
        .single_word(token.single_word)
        .lstrip(token.lstrip)
        .rstrip(token.rstrip)
        .normalized(token.normalized);
    tokenizer.add_tokens([added]).map_err(|error| error.to_string())?;
    match (token.id, tokenizer.token_to_id(&token.content)) {
        (Some(stated), Some(id)) if stated != id => Err(format!(
            "it gives the token `{}` the id {id}, and {} says {stated}",
            token.content, token.source.0
        )),
        _ => Ok(()),
    }
}
