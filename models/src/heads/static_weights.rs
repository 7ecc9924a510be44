//! A table of weights for the entries of the vocabulary, which makes sparse vectors without an encoder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::SparseVector;
use crate::files::CONFIG_LIMIT;
use crate::sentence_transformers::StaticQueries;
use crate::{Error, Model, Result};

/// Turns the token ids of a query into its sparse vector.
#[derive(Debug)]
pub struct StaticHead {
    /// By token id.
    weights: Vec<f32>,
}

impl Model {
    /// How queries become sparse vectors without the encoder, if the model's files state it.
    pub fn static_queries(&self) -> Option<&StaticQueries> {
        self.queries.as_ref()
    }

    /// Loads the table of weights for queries. `id_of` finds a token of their tokenizer.
    ///
    /// # Errors
    /// [`Error::NoStaticWeights`] if the model has none; if a file is missing or breaks a rule.
    pub fn load_static_head(&self, id_of: impl Fn(&str) -> Option<u32>) -> Result<StaticHead> {
        let no_table = || Error::NoStaticWeights { folder: self.folder().root().to_owned() };
        let queries = self.static_queries().ok_or_else(no_table)?;
        let vocab_size = self.recipe().vocab_size();
        if let Some(name) = &queries.weights_of_tokens {
            let of_tokens: BTreeMap<String, f32> = self
                .folder()
                .read_json(name, CONFIG_LIMIT)?
                .ok_or_else(|| Error::MissingFile { path: self.folder().root().join(name) })?;
            let weights = of_texts(of_tokens, vocab_size, id_of);
            let located =
                |(token, rule)| Error::Config { path: self.folder().root().join(name), field: token, rule };
            return Ok(StaticHead { weights: weights.map_err(located)? });
        }
        let table = queries.open(self.folder())?.load(StaticQueries::WEIGHT, &[vocab_size])?;
        Ok(StaticHead { weights: table.to_vec1()? })
    }

    /// The files of the table; empty if the model has none.
    ///
    /// # Errors
    /// If one breaks a rule.
    pub(crate) fn static_weight_paths(&self) -> Result<Vec<PathBuf>> {
        match &self.queries {
            Some(queries) if queries.weights_of_tokens.is_none() => match queries.open(self.folder()) {
                Ok(weights) => Ok(weights.paths().map(PathBuf::from).collect()),
                // Documents need none.
                Err(Error::NoWeights { .. } | Error::MissingFile { .. }) => Ok(Vec::new()),
                Err(error) => Err(error),
            },
            _ => Ok(Vec::new()),
        }
    }
}

impl StaticHead {
    /// Indices are below this.
    pub fn vocab_size(&self) -> usize {
        self.weights.len()
    }

    /// The vector of a text with these ids: the weight of each id that occurs, however often, unless it is 0.
    pub fn vector(&self, ids: &[u32]) -> SparseVector {
        let distinct: BTreeSet<u32> = ids.iter().copied().collect();
        let weighted = distinct.into_iter().map(|id| (id, self.weights[id as usize]));
        let (indices, values) = weighted.filter(|(_, weight)| *weight != 0.0).unzip();
        SparseVector { indices, values }
    }
}

/// The weights by id; an entry of the vocabulary that is not listed has none. On failure, the token and the rule.
fn of_texts(
    of_tokens: BTreeMap<String, f32>,
    vocab_size: usize,
    id_of: impl Fn(&str) -> Option<u32>,
) -> Result<Vec<f32>, (String, String)> {
    if of_tokens.is_empty() {
        return Err((String::new(), "must list a weight for at least one token".to_owned()));
    }
    let mut weights = vec![0.0; vocab_size];
    for (token, weight) in of_tokens {
        let escaped = || token.escape_debug().to_string();
        let Some(place) = id_of(&token).and_then(|id| weights.get_mut(id as usize)) else {
            return Err((escaped(), "must be a token of the vocabulary, and is not".to_owned()));
        };
        if !weight.is_finite() {
            return Err((escaped(), format!("must be finite as a number of 32 bits, got {weight}")));
        }
        *place = weight;
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_counts_once_in_the_order_of_ids() {
        let table = StaticHead { weights: vec![0.5, 0.0, 3.0, -1.0] };
        let vector = table.vector(&[3, 2, 1, 2, 2]);
        assert_eq!(vector, SparseVector { indices: vec![2, 3], values: vec![3.0, -1.0] });
        assert_eq!(table.vector(&[]), SparseVector::default());
    }

    #[test]
    fn weights_of_texts_go_to_their_ids() {
        let ids = |token: &str| ["a", "b"].iter().position(|known| *known == token).map(|id| id as u32);
        let of = |token: &str, weight: f32| of_texts(BTreeMap::from([(token.to_owned(), weight)]), 3, ids);
        assert_eq!(of("b", 2.0), Ok(vec![0.0, 2.0, 0.0]));
        assert_eq!(of("c", 2.0).unwrap_err().0, "c");
        assert!(of("a", f32::INFINITY).unwrap_err().1.ends_with("got inf"));
    }
}
