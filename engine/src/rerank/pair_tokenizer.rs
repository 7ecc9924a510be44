//! From a text or a pair of texts to the tokens that a cross-encoder reads.

use std::sync::Arc;

use nearsay_models::sentence_transformers::{ChatTemplate, TextPooling};

use super::{CrossEncoderOptions, TextOrPair};
use crate::session::{Session, named_prompt};
use crate::tokens::{TextTokenizer, TokenizedText, TruncationSide};
use crate::{Error, Result};

/// Texts whose tokens have nothing in common: what the ends of two rendered pairs share is the template's.
const FILLERS: [&str; 2] = ["0", "1 2 3 4"];

/// A longest length that no text has.
const UNTRUNCATED: usize = usize::MAX >> 1;

/// Tokenizes texts and pairs with a model's prompt. Cloning shares the vocabulary.
#[derive(Debug, Clone)]
pub(super) struct PairTokenizer {
    tokenizer: TextTokenizer,
    prompt: String,
    /// `None`: the texts are joined by the tokenizer.
    chat: Option<Chat>,
}

/// A language model's pairs are texts by its template.
#[derive(Debug, Clone)]
struct Chat {
    template: ChatTemplate,
    /// The tokens at the end of every pair. They are kept if a pair is cut, since the model answers after them.
    ending: Arc<[u32]>,
}

impl PairTokenizer {
    /// The model's, with the prompt that the options name, else the default one.
    ///
    /// # Errors
    /// If the model has no such prompt, its template fails, or the length leaves no room for a token of each text.
    pub(super) fn open(session: &Session, options: &CrossEncoderOptions) -> Result<Self> {
        let model = session.model();
        let prompt = match (&options.prompt, &options.prompt_name) {
            (Some(prompt), _) => prompt.clone(),
            (None, Some(name)) => named_prompt(model, name)?,
            (None, None) => model.default_prompt().unwrap_or_default().to_owned(),
        };
        let tokenizer =
            session.tokenizer(options.max_length, model.sentence_length(), model.lower_cases())?;
        let tokenizer = tokenizer.truncating(options.truncation_side)?;
        let pooling = model.sentence_transformer().map(|sentence| &sentence.pooling);
        let Some(TextPooling::NextToken(_, Some(template))) = pooling else {
            tokenizer.check_room_for_pairs()?;
            return Ok(Self { tokenizer, prompt, chat: None });
        };
        if options.truncation_side == TruncationSide::Left {
            return Err(Error::usage(
                "pairs of this model begin with the text of its template, and cannot be cut at their beginning",
            ));
        }
        // The template has the special tokens too.
        let tokenizer = tokenizer.without_special_tokens()?;
        let chat = Chat::new(template, &prompt, &tokenizer)?;
        Ok(Self { tokenizer, prompt, chat: Some(chat) })
    }

    /// The longest pair in tokens.
    pub(super) fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    /// The same without a longest length.
    ///
    /// # Errors
    /// If the tokenizer refuses the limit.
    pub(super) fn untruncated(&self) -> Result<Self> {
        Ok(Self { tokenizer: self.tokenizer.with_max_tokens(UNTRUNCATED)?, ..self.clone() })
    }

    /// The tokens of a text or a pair.
    ///
    /// # Errors
    /// If the tokenizer or the template fails on it, or a text is alone and the template is for pairs.
    pub(super) fn encode_input(&self, input: &TextOrPair) -> Result<TokenizedText> {
        match (input, &self.chat) {
            (TextOrPair::Pair(query, text), _) => self.encode(query, text),
            (TextOrPair::Text(text), None) => self.tokenizer.encode(text),
            (TextOrPair::Text(_), Some(_)) => Err(Error::usage(
                "this model scores a query and a text, and a text without a query was given",
            )),
        }
    }

    /// The tokens of a pair.
    ///
    /// # Errors
    /// If the tokenizer or the template fails on it.
    pub(super) fn encode(&self, query: &str, document: &str) -> Result<TokenizedText> {
        match &self.chat {
            None if self.prompt.is_empty() => self.tokenizer.encode_pair(query, document),
            None => self.tokenizer.encode_pair(&format!("{}{query}", self.prompt), document),
            Some(chat) => chat.encode(&self.tokenizer, &self.prompt, query, document),
        }
    }
}

impl Chat {
    fn new(template: &ChatTemplate, prompt: &str, tokenizer: &TextTokenizer) -> Result<Self> {
        let whole = tokenizer.with_max_tokens(UNTRUNCATED)?;
        let ids = |filler: &str| -> Result<Vec<u32>> {
            Ok(whole.encode(&template.render(prompt, filler, filler)?)?.ids)
        };
        let [first, second] = [ids(FILLERS[0])?, ids(FILLERS[1])?];
        let common = first.iter().rev().zip(second.iter().rev()).take_while(|(a, b)| a == b).count();
        let length = tokenizer.max_tokens();
        // The fillers' tokens stand for the shortest texts.
        if length < first.len() {
            return Err(Error::LengthTooShort { length, special_tokens: first.len() - 1 });
        }
        let ending = first[first.len() - common..].into();
        Ok(Self { template: template.clone(), ending })
    }

    fn encode(
        &self,
        tokenizer: &TextTokenizer,
        prompt: &str,
        query: &str,
        document: &str,
    ) -> Result<TokenizedText> {
        let mut tokens = tokenizer.encode(&self.template.render(prompt, query, document)?)?;
        if tokens.truncated {
            let kept = tokens.ids.len() - self.ending.len();
            tokens.ids[kept..].copy_from_slice(&self.ending);
        }
        Ok(tokens)
    }
}
