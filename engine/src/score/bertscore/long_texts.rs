//! Texts that are longer than the model's longest.

use nearsay_models::Recipe;

use super::Scorer;
use crate::error::{phrase, shorten};
use crate::score::PairSource;
use crate::score::pair_source::Rows;
use crate::tokens::{TextTokenizer, TokenWindow, TokenizedText, WindowTokenizer};
use crate::{Error, Result, Setting};

/// Values of the token vectors that a text in windows may have: 4 GiB. With 384 values per token these are 2.8 million
/// tokens.
const MOST_VALUES: usize = 1 << 30;

/// Rows and bytes of text that are checked at a time, with one row more.
const BLOCK_ROWS: usize = 1024;
const BLOCK_BYTES: usize = 8 << 20;

/// How BERTScore treats texts that are longer than the model's longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnLongText {
    /// Truncate and count them, as bert_score does.
    #[default]
    Truncate,
    /// Return an error before any text is encoded.
    Error,
    /// Encode all of their tokens, in overlapping windows of the longest length; each token's vector is that of the
    /// window where it is most central. A text that is not longer keeps its bits.
    Windows,
}

/// The tokenizer of a scorer, which knows what to do with long texts.
#[derive(Debug)]
pub(super) struct ScoreTokenizer {
    limited: TextTokenizer,
    /// Unless long texts are truncated.
    windows: Option<WindowTokenizer>,
    on_long: OnLongText,
    /// The longest text that is scored in windows, in tokens.
    most_tokens: usize,
}

impl ScoreTokenizer {
    pub(super) fn new(limited: TextTokenizer, on_long: OnLongText, recipe: &Recipe) -> Result<Self> {
        let windows = (on_long != OnLongText::Truncate).then(|| limited.windows()).transpose()?;
        Ok(Self { limited, windows, on_long, most_tokens: MOST_VALUES / recipe.hidden_dim() })
    }

    pub(super) fn on_long(&self) -> OnLongText {
        self.on_long
    }

    /// The longest text in tokens, or the longest window.
    pub(super) fn max_tokens(&self) -> usize {
        self.limited.max_tokens()
    }

    /// The tokens of a text that are kept, at most.
    pub(super) fn kept_tokens(&self) -> usize {
        match self.on_long {
            OnLongText::Windows => self.most_tokens,
            OnLongText::Truncate | OnLongText::Error => self.max_tokens(),
        }
    }

    /// The tokenizer of the tokens that are kept of each text.
    pub(super) fn tokenizer(&self) -> &TextTokenizer {
        match (&self.windows, self.on_long) {
            (Some(windows), OnLongText::Windows) => windows.whole(),
            _ => &self.limited,
        }
    }

    /// Tokenizes a text without the blanks at both ends.
    ///
    /// # Errors
    /// If it is longer than is allowed, or the tokenizer fails on it.
    pub(super) fn encode(&self, text: &str) -> Result<TokenizedText> {
        let tokens = self.tokenizer().encode_stripped(text)?;
        match self.rule(text, &tokens)? {
            None => Ok(tokens),
            Some(rule) => {
                let input = format!("the text that begins {:?}", shorten(text));
                Err(with_hint(Error::BadInput { input, rule }, self.on_long))
            }
        }
    }

    /// The rule that a text breaks by its length, if it breaks one.
    fn refusal(&self, text: &str) -> Result<Option<String>> {
        match self.on_long {
            OnLongText::Truncate => Ok(None),
            // Normalization hardly ever makes more tokens than a text has bytes; `encode` is certain.
            OnLongText::Windows if text.len() <= self.most_tokens => Ok(None),
            _ => self.rule(text, &self.tokenizer().encode_stripped(text)?),
        }
    }

    fn rule(&self, text: &str, tokens: &TokenizedText) -> Result<Option<String>> {
        let (count, limit, what) = match (self.on_long, &self.windows) {
            (OnLongText::Error, Some(windows)) if tokens.truncated => {
                let whole = windows.whole().encode_stripped(text)?;
                (whole.ids.len(), self.max_tokens(), "the longest text has")
            }
            (OnLongText::Windows, _) if tokens.ids.len() > self.most_tokens => {
                (tokens.ids.len(), self.most_tokens, "the longest text that is scored in windows has")
            }
            _ => return Ok(None),
        };
        Ok(Some(format!("the text has {count} tokens, and {what} {limit}")))
    }

    /// The windows of a text, if it is divided into several.
    pub(super) fn windows<'a>(&self, text: &'a TokenizedText) -> Option<Vec<TokenWindow<'a>>> {
        let windows = self.windows.as_ref().filter(|_| text.ids.len() > self.max_tokens())?;
        Some(windows.divide(text))
    }
}

fn with_hint(error: Error, on_long: OnLongText) -> Error {
    let hint = match on_long {
        OnLongText::Windows => phrase!["cut such texts with ", (Setting::OnLong, "truncate")],
        _ => phrase![
            "cut such texts with ",
            (Setting::OnLong, "truncate"),
            ", or score all of their tokens with ",
            (Setting::OnLong, "windows")
        ],
    };
    Error::Hinted { error: Box::new(error), hint }
}

impl Scorer {
    /// Checks that no text of `source` is longer than [`OnLongText`] allows, before any is encoded. Reads all texts
    /// unless they are truncated.
    ///
    /// # Errors
    /// [`Error::BadRow`] with the tokens of the first text that is too long, and the limit; if an input cannot be read.
    pub fn check_lengths(&self, source: &PairSource) -> Result<()> {
        if self.parts.tokenizer.on_long() == OnLongText::Truncate {
            return Ok(());
        }
        let mut rows = Rows::open(source)?;
        loop {
            let (mut places, mut texts, mut bytes, mut count) = (Vec::new(), Vec::new(), 0, 0);
            while count < BLOCK_ROWS && bytes < BLOCK_BYTES {
                let Some(row) = rows.next().transpose()? else { break };
                count += 1;
                for (at, record) in row.into_iter().enumerate() {
                    bytes += record.text.len();
                    places.push((at, record.row));
                    texts.push(record.text);
                }
            }
            if texts.is_empty() {
                return Ok(());
            }
            self.check_texts(&texts, |text| {
                let (at, row) = places[text];
                (rows.name(at).to_owned(), row)
            })?;
        }
    }

    /// Checks that none of `texts` is longer than [`OnLongText`] allows; `place` is the input and the row of each.
    ///
    /// # Errors
    /// [`Error::BadRow`] as of [`check_lengths`](Self::check_lengths); if the call is stopped.
    pub fn check_texts<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        place: impl Fn(usize) -> (String, u64),
    ) -> Result<()> {
        let tokenizer = &self.parts.tokenizer;
        let refusals =
            self.workers().map_short(&self.control, texts, |text| tokenizer.refusal(text.as_ref()))?;
        match refusals.into_iter().enumerate().find_map(|(at, rule)| Some((at, rule?))) {
            None => Ok(()),
            Some((at, rule)) => {
                let (input, row) = place(at);
                Err(with_hint(Error::BadRow { input, row, rule }, tokenizer.on_long()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::session::Session;

    #[test]
    fn a_text_with_more_vectors_than_memory_allows_is_refused() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/families/bert");
        let session = Session::open(folder.to_str().unwrap()).unwrap();
        let limited = session.tokenizer(Some(16), session.model().tokenizer_length(), false).unwrap();
        let tokenizer = ScoreTokenizer::new(limited, OnLongText::Windows, session.recipe()).unwrap();
        assert_eq!(tokenizer.kept_tokens(), MOST_VALUES / session.recipe().hidden_dim());
        let tokenizer = ScoreTokenizer { most_tokens: 50, ..tokenizer };
        let text = |words: usize| vec!["river"; words].join(" ");
        assert_eq!(tokenizer.encode(&text(48)).unwrap().ids.len(), 50);
        assert_eq!(tokenizer.refusal(&text(48)).unwrap(), None);
        let rule = "the text has 51 tokens, and the longest text that is scored in windows has 50";
        assert_eq!(tokenizer.refusal(&text(49)).unwrap().as_deref(), Some(rule));
        let error = tokenizer.encode(&text(49)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadData);
        assert!(error.to_string().ends_with(rule), "{error}");
    }
}
