//! The vocabulary of each class with a SentencePiece model: its pieces with their scores, and tokens that the
//! class puts before and after them.

use std::ops::RangeInclusive;

use unicode_categories::UnicodeCategories;

use super::sentencepiece_model::{Piece, SentencePieceModel};
use super::{VocabularyClass, VocabularyFiles, languages, special_tokens};
use crate::Result;

use VocabularyClass::*;

/// Taken from the score of a piece that must not be used.
const NEVER: f64 = 100.0;

/// The tokens of fairseq's models, in place of the first three pieces.
const FAIRSEQ: [&str; 4] = ["<s>", "<pad>", "</s>", "<unk>"];

/// The pieces and their scores; a piece's index is its id.
pub(super) fn vocabulary(files: &VocabularyFiles, model: &SentencePieceModel) -> Result<Vec<(String, f64)>> {
    let pieces = |first: usize| tail(files, model, first);
    let plain = |tokens: &[&str]| tokens.iter().map(|token| ((*token).to_owned(), 0.0)).collect::<Vec<_>>();
    Ok(match files.class {
        Albert | XlNet => model.pieces.iter().map(without_commas).collect(),
        Camembert => {
            let mut head = plain(&["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"]);
            head.push(("<unk>NOTUSED".to_owned(), -NEVER));
            [head, pieces(1)?, plain(&["<mask>"])].concat()
        }
        XlmRoberta => [plain(&FAIRSEQ), pieces(3)?, plain(&["<mask>"])].concat(),
        MBart => [plain(&FAIRSEQ), pieces(3)?, plain(&languages::MBART), plain(&["<mask>"])].concat(),
        MBart50 => [plain(&FAIRSEQ), pieces(3)?, plain(&languages::mbart50()), plain(&["<mask>"])].concat(),
        T5 => [pieces(0)?, extra_ids(files)?].concat(),
        Pegasus => [pegasus(files)?, pieces(2)?].concat(),
        _ => pieces(0)?,
    })
}

/// The index of the token for unknown characters in a vocabulary of `size`.
pub(super) fn unknown_id(files: &VocabularyFiles, model: &SentencePieceModel, size: usize) -> Result<usize> {
    let offset = match files.class {
        Camembert | XlmRoberta | MBart | MBart50 => return Ok(3),
        Pegasus => files.settings.count("offset", special_tokens::PEGASUS_OFFSET)?,
        _ => 0,
    };
    let id = usize::try_from(model.unk_id).ok().map(|id| id + offset as usize).filter(|id| *id < size);
    id.ok_or_else(|| {
        let rule = format!("must be the index of one of {} pieces, got {}", model.pieces.len(), model.unk_id);
        files.refuse(files.path(), "trainer_spec.unk_id", rule)
    })
}

/// The pieces from an index on, of which there must be some.
fn tail(files: &VocabularyFiles, model: &SentencePieceModel, first: usize) -> Result<Vec<(String, f64)>> {
    let pieces = model.pieces.get(first..).filter(|pieces| !pieces.is_empty());
    let pieces = pieces.ok_or_else(|| {
        let rule = format!("must have more than {first} pieces, got {}", model.pieces.len());
        files.refuse(files.path(), "", rule)
    })?;
    Ok(pieces.iter().map(scored).collect())
}

fn scored(piece: &Piece) -> (String, f64) {
    (piece.text.clone(), f64::from(piece.score))
}

/// A piece whose digits are followed by a comma is not used, so that the comma is a token.
fn without_commas(piece: &Piece) -> (String, f64) {
    let mut last = piece.text.chars().rev();
    let is_comma = last.next() == Some(',');
    let follows_digit = last.next().is_some_and(is_digit);
    let (text, score) = scored(piece);
    (text, if is_comma && follows_digit { score - NEVER } else { score })
}

/// T5's tokens after its pieces, the last first.
fn extra_ids(files: &VocabularyFiles) -> Result<Vec<(String, f64)>> {
    let count = files.settings.count("extra_ids", special_tokens::EXTRA_IDS)?;
    Ok((0..count).rev().map(|index| (format!("<extra_id_{index}>"), 0.0)).collect())
}

/// Pegasus' tokens before its pieces. The mask comes fourth, if the offset leaves room for it.
fn pegasus(files: &VocabularyFiles) -> Result<Vec<(String, f64)>> {
    let offset = files.settings.count("offset", special_tokens::PEGASUS_OFFSET)?;
    let text = |field: &str| special_tokens::text(files, field);
    let mask = text("mask_token")?.filter(|_| offset > 3);
    let named = [text("pad_token")?, text("eos_token")?, Some(special_tokens::pegasus_mask(files)?), mask];
    let named = named.into_iter().flatten().map(|token| (token, 0.0));
    Ok(named.chain((2..offset).map(|index| (format!("<unk_{index}>"), -NEVER))).collect())
}

/// Whether Python's `str.isdigit` holds: for decimal digits, and for digits in circles, in brackets, and
/// raised.
fn is_digit(character: char) -> bool {
    character.is_number_decimal_digit() || OTHER_DIGITS.iter().any(|range| range.contains(&character))
}

/// Digits of the category No (Unicode 14, Numeric_Type=Digit).
const OTHER_DIGITS: [RangeInclusive<char>; 20] = [
    '\u{b2}'..='\u{b3}',
    '\u{b9}'..='\u{b9}',
    '\u{1369}'..='\u{1371}',
    '\u{19da}'..='\u{19da}',
    '\u{2070}'..='\u{2070}',
    '\u{2074}'..='\u{2079}',
    '\u{2080}'..='\u{2089}',
    '\u{2460}'..='\u{2468}',
    '\u{2474}'..='\u{247c}',
    '\u{2488}'..='\u{2490}',
    '\u{24ea}'..='\u{24ea}',
    '\u{24f5}'..='\u{24fd}',
    '\u{24ff}'..='\u{24ff}',
    '\u{2776}'..='\u{277e}',
    '\u{2780}'..='\u{2788}',
    '\u{278a}'..='\u{2792}',
    '\u{10a40}'..='\u{10a43}',
    '\u{10e60}'..='\u{10e68}',
    '\u{11052}'..='\u{1105a}',
    '\u{1f100}'..='\u{1f10a}',
];
