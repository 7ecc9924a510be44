//! Pairs of pieces to merge, from a SentencePiece model that was trained with byte pair encoding. It states
//! no pairs: they are all the ways in which a piece can be made from two, in the order of the pieces' scores.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::VocabularyFiles;
use super::json::Model;
use super::sentencepiece_model::SentencePieceModel;
use crate::Result;

/// The longest piece in characters. SentencePiece's default is 16; the pairs of a longer one cost its length
/// squared.
const LONGEST_PIECE: usize = 512;

/// A pair and what it is sorted by: the score of the product, and the lengths of both in characters.
struct Merge<'a> {
    pair: (&'a str, &'a str),
    score: f64,
    lengths: (usize, usize),
}

/// The model for `vocab`, the pieces of the class.
pub(super) fn build(
    files: &VocabularyFiles,
    sentence_piece: &SentencePieceModel,
    vocab: &[(String, f64)],
) -> Result<Model> {
    let ids: HashMap<&str, usize> =
        sentence_piece.pieces.iter().enumerate().map(|(id, piece)| (piece.text.as_str(), id)).collect();
    let mut merges = Vec::new();
    for (index, (piece, score)) in vocab.iter().enumerate() {
        let length = piece.chars().count();
        if length > LONGEST_PIECE {
            let rule = format!("must have at most {LONGEST_PIECE} characters, got {length}");
            return Err(files.refuse(files.path(), format!("piece {index}"), rule));
        }
        merges.extend(pairs(piece, *score, &ids));
    }
    // Stable: equal pairs stay in the order of their pieces.
    merges.sort_by(Merge::compare);
    let merges = merges.into_iter().map(|merge| (merge.pair.0.to_owned(), merge.pair.1.to_owned())).collect();
    let vocab = vocab.iter().enumerate().map(|(id, (piece, _))| (piece.clone(), id as u32)).collect();
    let unk_token = Some(sentence_piece.unk_piece.clone());
    Ok(Model::BytePairs { unk_token, fuse_unk: true, vocab, merges })
}

/// The ways to make a piece from two of the model's, by the ids of the two.
fn pairs<'a>(piece: &'a str, score: f64, ids: &HashMap<&str, usize>) -> Vec<Merge<'a>> {
    let length = piece.chars().count();
    let mut found: Vec<((usize, usize), Merge<'a>)> = Vec::new();
    for (characters, (offset, _)) in piece.char_indices().enumerate().skip(1) {
        let pair = piece.split_at(offset);
        if let (Some(left), Some(right)) = (ids.get(pair.0), ids.get(pair.1)) {
            let lengths = (characters, length - characters);
            found.push(((*left, *right), Merge { pair, score, lengths }));
        }
    }
    found.sort_by_key(|(ids, _)| *ids);
    found.into_iter().map(|(_, merge)| merge).collect()
}

impl Merge<'_> {
    /// The highest score first, then the longest left and right.
    fn compare(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(other.lengths.cmp(&self.lengths))
    }
}
