//! Two texts as one sequence, for cross-encoders.

use tokenizers::{Encoding, PostProcessor, TruncationParams, truncate_encodings};

use super::{TextTokenizer, TokenizedText, TruncationSide};
use crate::{Error, Result};

impl TextTokenizer {
    /// Tokenizes two texts as one, with the special tokens between them. If they do not fit, the longer one is
    /// cut first, as in transformers (`longest_first`).
    ///
    /// # Errors
    /// If the tokenizer fails on them.
    pub fn encode_pair(&self, first: &str, second: &str) -> Result<TokenizedText> {
        let (first, second) = (self.shorten(first), self.shorten(second));
        let pair = (self.ample_prefix(&first)?, self.ample_prefix(&second)?);
        Ok(self.tokens(&self.run_pair(pair)?))
    }

    /// Refuses a limit that leaves no room for a token of each text of a pair.
    pub(crate) fn check_room_for_pairs(&self) -> Result<()> {
        let added = self.tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(true));
        let special_tokens = added + self.reserved;
        let length = self.limits.max_tokens;
        match length > special_tokens + 1 {
            true => Ok(()),
            // A token of the other text takes a place, too.
            false => Err(Error::LengthTooShort { length, special_tokens: special_tokens + 1 }),
        }
    }

    /// A prefix of the text whose kept tokens are those of the text; the whole text if its beginning is cut.
    fn ample_prefix<'a>(&self, text: &'a str) -> Result<&'a str> {
        match self.side {
            TruncationSide::Right => Ok(self.first_ample(text)?.map_or(text, |(prefix, _)| prefix)),
            TruncationSide::Left => Ok(text),
        }
    }

    fn run_pair(&self, (first, second): (&str, &str)) -> Result<Encoding> {
        if self.added_tokens > 0 {
            return self.run_by(|tokenizer| tokenizer.encode((first, second), true));
        }
        // The tokenizer's own limit is one token more (see `with_limits`), of which it would cut another text's.
        let max_length = self.limits.max_tokens - self.reserved;
        let limit =
            TruncationParams { max_length, direction: self.side.into(), ..TruncationParams::default() };
        self.run_by(|tokenizer| {
            let first = tokenizer.encode(first, false)?;
            let mut second = tokenizer.encode(second, false)?;
            second.set_type_ids(vec![1; second.len()]);
            let (first, second) = truncate_encodings(first, Some(second), &limit)?;
            tokenizer.post_process(first, second, true)
        })
    }
}
