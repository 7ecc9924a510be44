//! Texts to token ids, exactly as the model's own fast tokenizer makes them.
//!
//! Padding and truncation stored in tokenizer.json are always replaced by ours: all-MiniLM-L6-v2's has 128,
//! and 256 is right.

mod characters;
mod fit;
mod ids;
mod long_text;
mod offsets;
mod pairs;
mod settings;
mod shared;
mod side;
mod special;
mod text_map;
mod windows;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use nearsay_models::{TextIds, TokenizerSettings, VocabularyFiles};
use tokenizers::models::ModelWrapper;
use tokenizers::{Encoding, PostProcessor, PostProcessorWrapper, Tokenizer, TruncationParams};

use long_text::Words;
use shared::SharedTokenizer;

pub(crate) use characters::{CharacterCounter, is_blank};
pub use fit::Fit;
pub(crate) use long_text::is_ideograph;
pub use offsets::{OffsetTokens, TokenOffset};
pub use side::TruncationSide;
pub use special::SpecialTokens;
pub(crate) use windows::{TokenWindow, WindowTokenizer};

use crate::{Error, Result, guard};

/// The version of how model files and texts are read, as far as it affects token ids, prompts, lengths or
/// pooling. A commit that can alter one of these raises it; it identifies jobs, indexes and caches.
/// `tests/tests/golden_bits.rs` fails if that was forgotten. 2: as sentence-transformers 6 reads them.
pub const READING: u32 = 2;

/// The largest tokenizer.json that is read: 128 MiB. That of our families has at most 17 MB.
const FILE_LIMIT: u64 = 128 << 20;

/// The token ids of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenizedText {
    /// Ids with the special tokens around them.
    pub ids: Vec<u32>,
    /// Whether tokens were cut off at the limit.
    pub truncated: bool,
    /// Whether the text has only special tokens.
    pub is_empty: bool,
    /// Of a pair whose parts have token types: the first token of the second part.
    pub second_part: Option<usize>,
    /// How many of the first tokens are attended to; `None`: all.
    pub keys: Option<usize>,
}

impl TokenizedText {
    /// The ids and parts, as an encoder takes them.
    pub(crate) fn ids(&self) -> TextIds<'_> {
        TextIds { ids: &self.ids, second_part: self.second_part, keys: self.keys }
    }
}

/// Limits that a tokenizer must respect.
#[derive(Debug, Clone, Copy)]
pub struct TokenizerLimits {
    /// The longest text in tokens, special tokens included.
    pub max_tokens: usize,
    /// Rows of the model's word embedding table.
    pub vocab_size: usize,
    /// Whether texts are lower-cased before all other normalization (an old sentence-transformers setting).
    pub lower_case: bool,
}

/// A tokenizer that cuts every text to the model's length. Cloning shares the vocabulary.
#[derive(Debug, Clone)]
pub struct TextTokenizer {
    tokenizer: SharedTokenizer,
    path: Arc<Path>,
    limits: TokenizerLimits,
    /// The vocabulary's special tokens.
    special_ids: Arc<HashSet<u32>>,
    /// Special tokens added around a text.
    added_tokens: usize,
    /// Tokens within the limit that the caller adds to every text.
    reserved: usize,
    /// Whether a stripped text gets a space before it.
    leading_space: bool,
    side: TruncationSide,
    /// A word of more characters than this is one unknown token, regardless of the rest (WordPiece).
    longest_word: Option<usize>,
}

impl TextTokenizer {
    /// Reads a tokenizer.json; `settings` are those of the files next to it.
    ///
    /// # Errors
    /// If it is invalid, if it has an id that the model has no embedding for, or if the limit leaves no room
    /// for a token.
    pub fn open(path: &Path, settings: &TokenizerSettings, limits: TokenizerLimits) -> Result<Self> {
        let bytes = read(path).map_err(|error| Error::Tokenizer {
            path: path.to_owned(),
            rule: format!("cannot be read: {error}"),
        })?;
        Self::from_json(&bytes, path, settings, limits)
    }

    /// Builds a tokenizer from the files of its vocabulary.
    ///
    /// # Errors
    /// As [`TextTokenizer::open`], and if one of the files is damaged.
    pub fn build(
        files: &VocabularyFiles,
        settings: &TokenizerSettings,
        limits: TokenizerLimits,
    ) -> Result<Self> {
        let json = files.build(limits.vocab_size)?;
        let built = Self::from_json(json.as_bytes(), files.path(), settings, limits)?;
        let names: Vec<String> = files.paths().iter().map(|path| path.display().to_string()).collect();
        match names.is_empty() {
            true => tracing::info!("the tokens are bytes, so that no tokenizer.json is needed"),
            false => {
                tracing::info!("there is no tokenizer.json: built the tokenizer from {}", names.join(" and "))
            }
        }
        Ok(built)
    }

    /// Reads the text of a tokenizer.json; errors are about `path`.
    fn from_json(
        json: &[u8],
        path: &Path,
        settings: &TokenizerSettings,
        limits: TokenizerLimits,
    ) -> Result<Self> {
        let refuse = |rule: String| Error::Tokenizer { path: path.to_owned(), rule };
        let parsed = guard::catch(|| Tokenizer::from_bytes(json));
        let mut tokenizer = parsed
            .map_err(|panic| refuse(format!("is not a tokenizer ({panic})")))?
            .map_err(|error| refuse(format!("is not a tokenizer: {error}")))?;
        settings::apply(settings, &mut tokenizer, limits.vocab_size).map_err(refuse)?;
        check_vocabulary(&tokenizer, limits.vocab_size).map_err(refuse)?;
        let tokenizer = shared::share(tokenizer).map_err(|error| refuse(error.to_string()))?;
        let added_tokens =
            tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        let longest_word = match tokenizer.get_model().inner() {
            ModelWrapper::WordPiece(model) => Some(model.max_input_chars_per_word),
            _ => None,
        };
        let special = tokenizer.get_added_tokens_decoder().into_iter().filter(|(_, token)| token.special);
        let special_ids = Arc::new(special.map(|(id, _)| id).collect());
        let plain = TokenizerLimits { lower_case: false, ..limits };
        let path = path.into();
        let opened = Self {
            tokenizer,
            path,
            limits: plain,
            special_ids,
            added_tokens,
            reserved: 0,
            leading_space: false,
            side: TruncationSide::default(),
            longest_word,
        };
        let opened = opened.with_limits(limits.max_tokens, limits.lower_case)?;
        opened.check_added_tokens(settings)?;
        Ok(opened)
    }

    /// The same tokenizer with another length limit, and with lower-casing if it is asked for.
    ///
    /// # Errors
    /// [`Error::LengthTooShort`] if the limit leaves no room for a token.
    pub fn with_limits(&self, max_tokens: usize, lower_case: bool) -> Result<Self> {
        let special_tokens = self.added_tokens + self.reserved;
        if max_tokens <= special_tokens {
            return Err(Error::LengthTooShort { length: max_tokens, special_tokens });
        }
        let mut limited = self.clone();
        limited.limits.max_tokens = max_tokens;
        // Without special tokens, the tokenizer stops at a word's end as soon as it has this many, and does not say
        // whether text is left: `run_by` cuts the one token more.
        let more = usize::from(self.added_tokens == 0);
        let max_length = (max_tokens - self.reserved).saturating_add(more);
        let direction = self.side.into();
        let truncation = TruncationParams { max_length, direction, ..TruncationParams::default() };
        limited
            .tokenizer
            .with_truncation(Some(truncation))
            .map_err(|error| self.refuse(error.to_string()))?;
        if lower_case && !self.limits.lower_case {
            settings::lower_case(&mut limited.tokenizer).map_err(|rule| self.refuse(rule))?;
            limited.limits.lower_case = true;
        }
        Ok(limited)
    }

    /// The same tokenizer and limit, without special tokens around a text.
    ///
    /// # Errors
    /// If the tokenizer refuses the limit.
    pub(crate) fn without_special_tokens(&self) -> Result<Self> {
        let mut plain = self.clone();
        plain.tokenizer.with_post_processor(None::<PostProcessorWrapper>);
        Self { added_tokens: 0, ..plain }.with_max_tokens(self.limits.max_tokens)
    }

    /// The same tokenizer with another length limit.
    ///
    /// # Errors
    /// [`Error::LengthTooShort`] if the limit leaves no room for a token.
    pub(crate) fn with_max_tokens(&self, max_tokens: usize) -> Result<Self> {
        self.with_limits(max_tokens, self.limits.lower_case)
    }

    /// The same tokenizer and limit, which leaves room for `tokens` that the caller adds to every text.
    ///
    /// # Errors
    /// [`Error::LengthTooShort`] if that leaves no room for a token of the text.
    pub(crate) fn with_reserved(mut self, tokens: usize) -> Result<Self> {
        self.reserved = tokens;
        self.with_max_tokens(self.limits.max_tokens)
    }

    /// The same tokenizer, which puts a space before each text that is not empty in
    /// [`encode_stripped`](Self::encode_stripped).
    pub(crate) fn with_leading_space(self, leading_space: bool) -> Self {
        Self { leading_space, ..self }
    }

    /// Whether [`encode_stripped`](Self::encode_stripped) puts a space before each text.
    pub(crate) fn leading_space(&self) -> bool {
        self.leading_space
    }

    fn refuse(&self, rule: String) -> Error {
        Error::Tokenizer { path: self.path.to_path_buf(), rule }
    }

    /// The post-processor has its own ids, which the vocabulary does not list.
    fn check_added_tokens(&self, settings: &TokenizerSettings) -> Result<()> {
        let vocab_size = self.limits.vocab_size;
        let ids = self.encode_whole("")?.ids;
        match ids.iter().find(|id| **id as usize >= vocab_size) {
            None => {
                settings::check_template(settings, &self.tokenizer, &ids).map_err(|rule| self.refuse(rule))
            }
            Some(id) => Err(self.refuse(format!(
                "every text gets the id {id}, but the model has embeddings for ids below {vocab_size} only"
            ))),
        }
    }

    /// The longest text in tokens, special tokens and those that the caller adds included.
    pub fn max_tokens(&self) -> usize {
        self.limits.max_tokens
    }

    /// The id of a token, if the vocabulary has it.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// The token of an id, as the tokenizer writes it, if the vocabulary has it.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// Whether `id` is one of the vocabulary's special tokens.
    pub fn is_special(&self, id: u32) -> bool {
        self.special_ids.contains(&id)
    }

    /// Tokenizes one text. Blanks at its ends are part of it, as in sentence-transformers since 5.4.
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub fn encode(&self, text: &str) -> Result<TokenizedText> {
        Ok(self.tokens(&self.run_prefixes(&self.shorten(text))?))
    }

    /// Tokenizes one text without the blanks at both ends, as bert_score does, and maybe with a space before it
    /// ([`ScoreOptions::use_fast_tokenizer`](crate::ScoreOptions::use_fast_tokenizer)).
    ///
    /// # Errors
    /// If the tokenizer fails on it.
    pub fn encode_stripped(&self, text: &str) -> Result<TokenizedText> {
        match text.trim_matches(is_blank) {
            text if self.leading_space && !text.is_empty() => self.encode(&format!(" {text}")),
            text => self.encode(text),
        }
    }

    /// The text without the ends of overlong words, if the text is long.
    fn shorten<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.longest_word {
            Some(longest) if text.len() > long_text::FIRST_PREFIX => long_text::shorten_words(text, longest),
            _ => Cow::Borrowed(text),
        }
    }

    fn words(&self) -> Words {
        if self.longest_word.is_some() { Words::BlanksAndMarks } else { Words::Blanks }
    }

    /// The encoding of the first prefix that is enough for the kept tokens; offsets are bytes of `text`.
    fn run_prefixes(&self, text: &str) -> Result<Encoding> {
        let ample = if self.side == TruncationSide::Right { self.first_ample(text)? } else { None };
        match ample {
            Some((_, encoding)) => Ok(encoding),
            None => self.run(text),
        }
    }

    /// The first prefix of a long text that is enough for the kept tokens, if one is, and its encoding.
    fn first_ample<'a>(&self, text: &'a str) -> Result<Option<(&'a str, Encoding)>> {
        let first =
            self.limits.max_tokens.saturating_mul(long_text::BYTES_A_TOKEN).max(long_text::LEAST_PREFIX);
        for prefix in long_text::prefixes(text, first) {
            let encoding = self.run(prefix)?;
            if long_text::is_ample(&encoding, prefix, self.words()) {
                return Ok(Some((prefix, encoding)));
            }
        }
        Ok(None)
    }

    fn encode_whole(&self, text: &str) -> Result<TokenizedText> {
        Ok(self.tokens(&self.run(text)?))
    }

    fn run(&self, text: &str) -> Result<Encoding> {
        self.run_by(|tokenizer| tokenizer.encode(text, true))
    }

    fn run_by(
        &self,
        encode: impl FnOnce(&SharedTokenizer) -> tokenizers::Result<Encoding>,
    ) -> Result<Encoding> {
        let mut encoding = guard::catch(|| encode(&self.tokenizer))
            .map_err(|panic| self.refuse(format!("fails on a text ({panic})")))?
            .map_err(|error| self.refuse(format!("fails on a text: {error}")))?;
        if self.added_tokens == 0 {
            let kept = self.limits.max_tokens - self.reserved;
            encoding.truncate(kept, 0, self.side.into());
        }
        Ok(encoding)
    }

    fn tokens(&self, encoding: &Encoding) -> TokenizedText {
        let ids = encoding.get_ids().to_vec();
        TokenizedText {
            truncated: !encoding.get_overflowing().is_empty(),
            is_empty: ids.len() <= self.added_tokens,
            second_part: encoding.get_type_ids().iter().position(|&part| part == 1),
            keys: None,
            ids,
        }
    }
}

/// The bytes of a file, unless it is too long.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > FILE_LIMIT {
        let rule = format!("it has {length} bytes; at most {FILE_LIMIT} are read");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, rule));
    }
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check_vocabulary(tokenizer: &Tokenizer, vocab_size: usize) -> Result<(), String> {
    let vocabulary = tokenizer.get_vocab(true);
    match vocabulary.into_iter().max_by_key(|(_, id)| *id) {
        None => Err("has an empty vocabulary".to_owned()),
        Some((token, id)) if id as usize >= vocab_size => Err(format!(
            "token `{token}` has id {id}, but the model has embeddings for ids below {vocab_size} only"
        )),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod built_tests;
#[cfg(test)]
mod tests;
