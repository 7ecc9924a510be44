//! Token ids that a caller has already, and their text.

use super::{TextTokenizer, TokenizedText};
use crate::{Error, Result, guard};

impl TextTokenizer {
    /// The tokens with these ids, as they are: no special tokens are put around them. They are truncated to the longest
    /// length.
    ///
    /// # Errors
    /// [`Error::Usage`] for an id that the vocabulary does not have.
    pub fn take_ids(&self, ids: &[u32]) -> Result<TokenizedText> {
        self.check_ids(ids)?;
        let kept = &ids[..ids.len().min(self.max_tokens())];
        Ok(TokenizedText {
            truncated: kept.len() < ids.len(),
            is_empty: kept.iter().all(|id| self.is_special(*id)),
            ids: kept.to_vec(),
            second_part: None,
            keys: None,
        })
    }

    /// The text of tokens, without special tokens if `skips_special`. It need not be the text that they came from: blanks
    /// and letters may differ.
    ///
    /// # Errors
    /// [`Error::Usage`] for an id that the vocabulary does not have; if the tokenizer fails.
    pub fn decode(&self, ids: &[u32], skips_special: bool) -> Result<String> {
        self.check_ids(ids)?;
        guard::catch(|| self.tokenizer.decode(ids, skips_special))
            .map_err(|panic| self.refuse(format!("fails on token ids ({panic})")))?
            .map_err(|error| self.refuse(format!("fails on token ids: {error}")))
    }

    /// The same tokenizer without a limit.
    ///
    /// # Errors
    /// If the tokenizer refuses it.
    pub(crate) fn without_limit(&self) -> Result<Self> {
        self.with_max_tokens(usize::MAX)
    }

    fn check_ids(&self, ids: &[u32]) -> Result<()> {
        let vocab_size = self.limits.vocab_size;
        match ids.iter().position(|id| *id as usize >= vocab_size) {
            None => Ok(()),
            Some(place) => Err(Error::usage(format!(
                "token ids of this model must be below {vocab_size}, and number {} is {}",
                place + 1,
                ids[place]
            ))),
        }
    }
}
