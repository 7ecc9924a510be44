//! Late interaction (ColBERT): the tokens of queries and documents, and which of them have a vector.

use std::collections::BTreeSet;

use nearsay_models::sentence_transformers::{Colbert, ColbertSide};
use nearsay_models::{Model, Side};

use crate::error::phrase;
use crate::session::Session;
use crate::tokens::{OffsetTokens, TextTokenizer, TokenOffset, TokenizedText};
use crate::{Error, Result, Setting};

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

/// The fewest tokens of a text: the first, a marker, and the last.
const FEWEST: usize = 3;

impl LateInteraction {
    /// The treatment of texts of `side`, and their tokenizer, whose longest text includes the marker. `asked` is the
    /// longest text that was asked for, if any.
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
            [_, stated.field] = of_side.fields;
        }
        if side == Side::Query && colbert.expands_queries {
            check_fill(model, &colbert, asked)?;
        }
        let tokenizer = session.tokenizer(asked, stated, model.lower_cases())?;
        let tokenizer = tokenizer.with_reserved(of_side.marker.iter().len())?;
        let late = Self::new(model, &tokenizer, &colbert, (side, of_side), tokenizer.max_tokens())?;
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
        let [field, _] = of_side.fields;
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

/// Refuses models whose queries cannot be filled, and queries that are filled up to more tokens than the model can take:
/// tokens that none attends to would change the others, or would attend to none. `asked` is the longest query that was
/// asked for, if any.
fn check_fill(model: &Model, colbert: &Colbert, asked: Option<usize>) -> Result<()> {
    let refused = |field: &str, rule: String| {
        let path = model.folder().root().join(colbert.stated_in);
        Err(Error::Model(nearsay_models::Error::Config { path, field: field.to_owned(), rule }))
    };
    let (recipe, is_attended) = (model.recipe(), colbert.attends_to_expansion);
    if !is_attended && !recipe.takes_fill() {
        let family = model.family().name;
        let rule = format!(
            "must be true: queries of the family {family} cannot be filled with tokens that the others do not attend to"
        );
        return refused(colbert.attends_field, rule);
    }
    let mut most = Colbert::longest_query(recipe);
    let mut reason = "queries are filled up to it".to_owned();
    if let Some(radius) = recipe.smallest_window().filter(|radius| !is_attended && radius + FEWEST < most) {
        most = radius + FEWEST;
        reason = format!(
            "a layer attends to {radius} tokens on each side and every token that a query is filled with must reach \
             its text"
        );
    }
    match asked.or(colbert.query.length).filter(|&length| length > most) {
        None => Ok(()),
        Some(length) => {
            let rule = format!("must be at most {most}, since {reason}, got {length}");
            match asked {
                Some(_) => Err(Error::usage(phrase![Setting::MaxLength, " ", rule])),
                None => refused(colbert.query.fields[1], rule),
            }
        }
    }
}
