//! What requests have in place of texts, and how long it is.

use std::sync::Arc;

use nearsay::embed::Embedder;
use nearsay::rerank::PairScoring;
use nearsay::session::scheduler::TextWork;
use nearsay::tokens::TokenizedText;
use nearsay::{Error, Result};

/// A text, or the ids of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Text(String),
    Ids(Vec<u32>),
}

impl Input {
    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        self.as_string().map(String::as_str)
    }

    fn as_string(&self) -> Option<&String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Ids(_) => None,
        }
    }
}

/// The bytes of a text whose tokens are counted only for a message, at most.
const MOST_COUNTED: usize = 256 << 10;

/// Work that knows how long its texts are and may be.
pub(crate) trait LimitedWork: TextWork {
    /// The tokens of a text that is not truncated; `None` for a long text, which would take a while.
    fn whole_length(&self, text: &Self::Text) -> Result<Option<usize>>;

    /// The longest text in tokens.
    fn max_tokens(&self) -> usize;
}

impl LimitedWork for PairScoring {
    fn whole_length(&self, input: &Self::Text) -> Result<Option<usize>> {
        let is_long = self.text_bytes(input) > MOST_COUNTED;
        if is_long { Ok(None) } else { self.whole_length(input).map(Some) }
    }

    fn max_tokens(&self) -> usize {
        self.cross_encoder().max_tokens()
    }
}

impl<W: TextWork<Text = String>> LimitedWork for OfInputs<W> {
    fn whole_length(&self, input: &Arc<Input>) -> Result<Option<usize>> {
        match &**input {
            Input::Ids(ids) => Ok(Some(ids.len())),
            Input::Text(text) if text.len() > MOST_COUNTED => Ok(None),
            Input::Text(text) => {
                let whole = self.embedder.tokenize_whole(std::slice::from_ref(text))?;
                Ok(Some(whole.iter().map(|text| text.tokens.ids.len()).sum()))
            }
        }
    }

    fn max_tokens(&self) -> usize {
        self.embedder.max_tokens()
    }
}

/// The work of an embedder, which takes token ids, too.
#[derive(Debug)]
pub(crate) struct OfInputs<W> {
    work: W,
    embedder: Embedder,
}

impl<W> OfInputs<W> {
    pub(crate) fn new(work: W, embedder: &Embedder) -> Self {
        Self { work, embedder: embedder.clone() }
    }

    pub(super) fn embedder(&self) -> &Embedder {
        &self.embedder
    }
}

impl<W: TextWork<Text = String>> TextWork for OfInputs<W> {
    type Text = Arc<Input>;
    type Output = W::Output;

    fn text_bytes(&self, input: &Arc<Input>) -> usize {
        match &**input {
            Input::Text(text) => self.work.text_bytes(text),
            Input::Ids(ids) => size_of_val(ids.as_slice()),
        }
    }

    fn tokenize(&self, inputs: &[&Arc<Input>]) -> Result<Vec<TokenizedText>> {
        let texts: Vec<&String> = inputs.iter().filter_map(|input| input.as_string()).collect();
        let mut tokenized = self.work.tokenize(&texts)?.into_iter();
        let of_input = |input: &&Arc<Input>| match &***input {
            Input::Text(_) => {
                tokenized.next().ok_or_else(|| Error::Bug("a text was not tokenized".to_owned()))
            }
            Input::Ids(ids) => self.embedder.take_ids(ids),
        };
        inputs.iter().map(of_input).collect()
    }

    fn encode(&self, texts: &[&TokenizedText]) -> Result<Vec<Result<W::Output>>> {
        self.work.encode(texts)
    }

    fn output_bytes(&self, output: &W::Output) -> usize {
        self.work.output_bytes(output)
    }

    fn batch_tokens(&self) -> usize {
        self.work.batch_tokens()
    }

    fn is_on_gpu(&self) -> bool {
        self.work.is_on_gpu()
    }
}
