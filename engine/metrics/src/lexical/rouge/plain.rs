//! ROUGE by its definition: slow, without numbers for tokens and without bits.

use std::collections::{BTreeSet, HashMap};

use unicode_segmentation::UnicodeSegmentation;

use super::{RougeTokenizer, stem_into};

/// The table of the lengths of longest common subsequences, row by row.
pub(super) fn table<T: PartialEq>(reference: &[T], candidate: &[T]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; candidate.len() + 1]; reference.len() + 1];
    for (i, token) in reference.iter().enumerate() {
        for (j, other) in candidate.iter().enumerate() {
            table[i + 1][j + 1] = match token == other {
                true => table[i][j] + 1,
                false => table[i][j + 1].max(table[i + 1][j]),
            };
        }
    }
    table
}

/// The positions in the reference of the path from the table's end that rouge-score takes.
pub(super) fn path<T: PartialEq>(reference: &[T], candidate: &[T]) -> BTreeSet<usize> {
    let table = table(reference, candidate);
    let mut positions = BTreeSet::new();
    let (mut i, mut j) = (reference.len(), candidate.len());
    while i > 0 && j > 0 {
        if reference[i - 1] == candidate[j - 1] {
            (i, j) = (i - 1, j - 1);
            positions.insert(i);
        } else if table[i][j - 1] > table[i - 1][j] {
            j -= 1;
        } else {
            i -= 1;
        }
    }
    positions
}

fn tokens(tokenizer: RougeTokenizer, stem: bool, text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut tokens: Vec<String> = match tokenizer {
        RougeTokenizer::RougeScore => {
            let kept = |character: char| if character.is_ascii_alphanumeric() { character } else { ' ' };
            let kept: String = lower.chars().map(kept).collect();
            kept.split(' ').map(str::to_owned).collect()
        }
        RougeTokenizer::Unicode => lower.unicode_words().map(str::to_owned).collect(),
        RougeTokenizer::Char => {
            let clusters = lower.graphemes(true).map(str::to_owned);
            clusters.filter(|cluster| crate::lexical::blank::words(cluster).next().is_some()).collect()
        }
    };
    for token in tokens.iter_mut().filter(|token| stem && token.chars().count() > 3) {
        stem_into(&token.clone(), token);
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

fn counts<T: Eq + std::hash::Hash>(items: impl IntoIterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    items.into_iter().for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

fn overlap(order: usize, candidate: &[String], reference: &[String]) -> [usize; 3] {
    let [candidate, reference] = [candidate, reference].map(|tokens| counts(tokens.windows(order)));
    let common = |(ngram, count): (&&[String], &usize)| *count.min(candidate.get(ngram).unwrap_or(&0));
    [reference.iter().map(common).sum(), candidate.values().sum(), reference.values().sum()]
}

fn union(candidate: &[Vec<String>], reference: &[Vec<String>]) -> [usize; 3] {
    let mut left = counts(candidate.iter().flatten());
    let totals = [candidate, reference].map(|lines| lines.iter().flatten().count());
    let mut hits = 0;
    for line in reference {
        let positions: BTreeSet<usize> = candidate.iter().flat_map(|other| path(line, other)).collect();
        for position in positions {
            let left = left.get_mut(&line[position]).expect("a match is a token of the candidate");
            hits += usize::from(*left > 0);
            *left = left.saturating_sub(1);
        }
    }
    [hits, totals[0], totals[1]]
}

/// Precision, recall and F1 of the type of this name.
pub(super) fn score(
    name: &str,
    (tokenizer, stem): (RougeTokenizer, bool),
    candidate: &str,
    reference: &str,
) -> [f64; 3] {
    let all = [candidate, reference].map(|text| tokens(tokenizer, stem, text));
    let lines = |text: &str| text.split('\n').map(|line| tokens(tokenizer, stem, line)).collect::<Vec<_>>();
    let [hits, candidate_total, reference_total] = match name {
        "rougeL" => [table(&all[1], &all[0])[all[1].len()][all[0].len()], all[0].len(), all[1].len()],
        "rougeLsum" => union(&lines(candidate), &lines(reference)),
        _ => overlap(name["rouge".len()..].parse().unwrap(), &all[0], &all[1]),
    };
    if hits == 0 {
        return [0.0; 3];
    }
    let (precision, recall) = (hits as f64 / candidate_total as f64, hits as f64 / reference_total as f64);
    [precision, recall, 2.0 * precision * recall / (precision + recall)]
}
