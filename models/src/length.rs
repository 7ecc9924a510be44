//! The longest text according to a model's files, and the file that states it.

use std::path::PathBuf;

use crate::Model;

/// The longest text according to a model's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedLength {
    /// The longest text in tokens, special tokens included.
    pub tokens: usize,
    /// The file that states it, or could.
    pub path: PathBuf,
    /// Its field.
    pub field: &'static str,
    /// Whether no file states it: the length is nearsay's own.
    pub is_assumed: bool,
}

impl Model {
    /// The longest text for embeddings: the sentence-transformers folder's length, else the tokenizer's,
    /// limited by the positions.
    pub fn sentence_length(&self) -> StatedLength {
        let lengths = self.sentence_transformer().map(|sentence| &sentence.lengths);
        let stated = lengths.and_then(|lengths| Some((lengths.max_seq_length?, lengths.stated_in?)));
        match stated {
            Some((tokens, file)) => self.within_positions(tokens, file, "max_seq_length"),
            None => self.tokenizer_length(),
        }
    }

    /// The longest text according to the tokenizer, limited by the positions.
    pub fn tokenizer_length(&self) -> StatedLength {
        match self.tokenizer().settings().model_max_length {
            Some(tokens) => self.within_positions(tokens, "tokenizer_config.json", "model_max_length"),
            None => self.usual_length(),
        }
    }

    /// The sentence-transformers folder's length, if it exceeds the rows of the position table, or another limit of a
    /// model without one. (One within the
    /// rows may still exceed the room for tokens: sentence-transformers writes 514 for a RoBERTa with room for
    /// 512.)
    pub fn length_beyond_positions(&self) -> Option<StatedLength> {
        let lengths = &self.sentence_transformer()?.lengths;
        let (tokens, file) = (lengths.max_seq_length?, lengths.stated_in?);
        let stated = self.stated(tokens, file, "max_seq_length");
        let most = self.recipe().max_positions().or(self.recipe().max_tokens())?;
        (tokens > most).then_some(stated)
    }

    fn within_positions(&self, tokens: usize, file: &str, field: &'static str) -> StatedLength {
        match self.recipe().max_tokens() {
            Some(most) if tokens > most => StatedLength { tokens: most, ..self.usual_length() },
            _ => self.stated(tokens, file, field),
        }
    }

    fn usual_length(&self) -> StatedLength {
        let stated = self.stated(self.recipe().usual_tokens(), "config.json", "max_position_embeddings");
        StatedLength { is_assumed: !self.recipe().states_length(), ..stated }
    }

    fn stated(&self, tokens: usize, file: &str, field: &'static str) -> StatedLength {
        StatedLength { tokens, path: self.transformer_path(file), field, is_assumed: false }
    }

    fn transformer_path(&self, name: &str) -> PathBuf {
        self.folder().root().join(self.folder().transformer_prefix()).join(name)
    }
}
