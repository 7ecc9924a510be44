//! Late interaction (ColBERT): the tokens of queries and documents, and which of them have a vector.

use std::collections::BTreeSet;

use nearsay_models::sentence_transformers::{Colbert, ColbertSide};
use nearsay_models::{Model, Side};

use crate::session::Session;
use crate::tokens::{OffsetTokens, TextTokenizer, TokenOffset, TokenizedText};
use crate::{Error, Result};

/// A token that is not in the text.
#[derive(Debug, Clone)]
struct OwnToken {
    id: u32,
    token: String,
}

/// What happens to the tokens of one side.
#[derive(Debug, Clone)]
pub(super) struct LateInteraction {
    /// Put after the first token.
    marker: Option<OwnToken>,
    /// Put after the last token up to this length.
    fill: Option<(OwnToken, usize)>,
    /// Whether the other tokens attend to the fill.
    attends_to_fill: bool,
    /// Ids of tokens without a vector.
    skipped: BTreeSet<u32>,
    skips_first: bool,
}

/// The families whose tokens interact in attention alone: they can be filled with tokens that none attends to.
const FILLED_FAMILIES: [&str; 7] =
    ["albert", "bert", "distilbert", "electra", "modernbert", "mpnet", "roberta"];

/// The fewest tokens of a text: the first, a marker, and the last.
const FEWEST: usize = 3;

impl LateInteraction {
    /// The treatment of texts of `side`, and their tokenizer, which leaves room for a marker. `asked` is the longest
    /// text that was asked for, if any.
    pub(super) fn open(session: &Session, side: Side, asked: Option<usize>) -> Result<(Self, TextTokenizer)> {
        let model = session.model();
        let colbert = model.colbert()?;
        let of_side = match side {
            Side::Query => &colbert.query,
            Side::Document => &colbert.document,
        };
        let mut stated = model.sentence_length();
        if let Some(length) = of_side.length {
            stated.tokens = length.min(session.recipe().max_tokens().unwrap_or(length));
            stated.path = model.folder().root().join(colbert.stated_in);
            stated.field = if side == Side::Query { "query_length" } else { "document_length" };
        }
        let length = asked.unwrap_or(stated.tokens);
        let room = usize::from(of_side.marker.is_some());
        stated.tokens = stated.tokens.saturating_sub(room);
        let asked = asked.map(|asked| asked.saturating_sub(room));
        let tokenizer = session.tokenizer(asked, stated, model.lower_cases())?;
        let late = Self::new(model, &tokenizer, &colbert, (side, of_side), length)?;
        Ok((late, tokenizer))
    }

    fn new(
        model: &Model,
        tokenizer: &TextTokenizer,
        colbert: &Colbert,
        (side, of_side): (Side, &ColbertSide),
        length: usize,
    ) -> Result<Self> {
        let is_query = side == Side::Query;
        let missing = |field: &str, token: &str| {
            Error::Model(nearsay_models::Error::Config {
                path: model.folder().root().join(colbert.stated_in),
                field: field.to_owned(),
                rule: format!("must be a token of the vocabulary, got {token:?}"),
            })
        };
        let own = |field: &str, token: &str| {
            let id = tokenizer.token_to_id(token).ok_or_else(|| missing(field, token))?;
            Ok::<_, Error>(OwnToken { id, token: token.to_owned() })
        };
        let field = if is_query { "query_prefix" } else { "document_prefix" };
        let marker = of_side.marker.as_deref().map(|marker| own(field, marker)).transpose()?;
        let fill = match is_query && colbert.expands_queries {
            true => {
                let named = model.tokenizer().settings().mask_token.as_deref();
                let usual =
                    ["[MASK]", "<mask>"].into_iter().find(|token| tokenizer.token_to_id(token).is_some());
                Some((own("mask_token", named.or(usual).unwrap_or("[MASK]"))?, length))
            }
            false => None,
        };
        if fill.is_some() && !colbert.attends_to_expansion {
            check_fill(model, colbert, length)?;
        }
        let mut skipped = BTreeSet::new();
        if !is_query {
            let ids = colbert.skiplist.iter().map(|word| (word, tokenizer.token_to_id(word)));
            let (known, unknown): (Vec<_>, Vec<_>) = ids.partition(|(_, id)| id.is_some());
            skipped.extend(known.into_iter().filter_map(|(_, id)| id));
            if !unknown.is_empty() {
                let words: Vec<&str> = unknown.iter().map(|(word, _)| word.as_str()).collect();
                tracing::info!("not in the vocabulary, and so not skipped: {}", words.join(" "));
            }
        }
        let attends_to_fill = colbert.attends_to_expansion;
        Ok(Self { marker, fill, attends_to_fill, skipped, skips_first: colbert.skips_first })
    }

    /// The marked and filled tokens of a text.
    pub(super) fn marked(&self, mut tokens: TokenizedText) -> TokenizedText {
        let first = tokens.ids.len().min(1);
        tokens.ids.splice(first..first, self.marker.iter().map(|marker| marker.id));
        if let Some((fill, length)) = &self.fill {
            let real = tokens.ids.len();
            tokens.ids.resize(real.max(*length), fill.id);
            tokens.keys = (!self.attends_to_fill).then_some(real);
        }
        tokens
    }

    /// The same with the tokens' places.
    pub(super) fn marked_with_offsets(&self, tokens: OffsetTokens) -> OffsetTokens {
        let OffsetTokens { tokens, mut offsets } = tokens;
        let tokens = self.marked(tokens);
        let first = offsets.len().min(1);
        offsets.splice(first..first, self.marker.iter().map(OwnToken::offset));
        if let Some((fill, _)) = &self.fill {
            offsets.resize(tokens.ids.len(), fill.offset());
        }
        OffsetTokens { tokens, offsets }
    }

    /// The tokens that have a vector, by their place in the text.
    pub(super) fn kept(&self, ids: &[u32]) -> impl Iterator<Item = usize> {
        let first = usize::from(self.skips_first);
        (first..ids.len()).filter(|&token| !self.skipped.contains(&ids[token]))
    }
}

impl OwnToken {
    fn offset(&self) -> TokenOffset {
        TokenOffset { token: self.token.clone(), bytes: 0..0, characters: 0..0 }
    }
}

/// Refuses models in which tokens that none attends to would change the others, or would attend to none.
fn check_fill(model: &Model, colbert: &Colbert, length: usize) -> Result<()> {
    let refused = |field: &str, rule: String| {
        let path = model.folder().root().join(colbert.stated_in);
        Err(Error::Model(nearsay_models::Error::Config { path, field: field.to_owned(), rule }))
    };
    let family = model.family().name;
    if !FILLED_FAMILIES.contains(&family) {
        let families = FILLED_FAMILIES.join(", ");
        let rule = format!("must be true unless the model is of {families}: this one is of {family}");
        return refused("attend_to_expansion_tokens", rule);
    }
    match model.recipe().smallest_window() {
        Some(radius) if length > radius + FEWEST => {
            let rule = format!(
                "must be at most {}, so that the fill of the shortest query is within the {radius} tokens that a \
                 layer attends to, got {length}",
                radius + FEWEST
            );
            refused("query_length", rule)
        }
        _ => Ok(()),
    }
}
