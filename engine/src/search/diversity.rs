//! Maximal marginal relevance: hits that differ from those before them (Carbonell and Goldstein, "The Use of MMR",
//! SIGIR 1998).

use super::Hit;
use super::metric::to_length_1;
use crate::vectors::{Vectors, dot};

/// The best `top` of `hits` in the order of L x score - (1 - L) x greatest cosine to a hit already taken, with L =
/// `balance`. `vectors` are those of the hits. Of equal ones the better hit comes first.
pub(super) fn order(hits: &[Hit], vectors: &Vectors, balance: f32, top: usize) -> Vec<Hit> {
    let mut directions = vectors.clone();
    (0..directions.len()).for_each(|row| to_length_1(directions.row_mut(row)));
    let mut similar = vec![f64::NEG_INFINITY; hits.len()];
    let mut is_left = vec![true; hits.len()];
    let balance = f64::from(balance);
    let mut taken = Vec::with_capacity(top.min(hits.len()));
    while taken.len() < top {
        let value = |index: usize| {
            // Nothing is taken yet, and nothing is similar to it.
            let similar = if taken.is_empty() { 0.0 } else { similar[index] };
            balance * f64::from(hits[index].score) - (1.0 - balance) * similar
        };
        let left = (0..hits.len()).filter(|index| is_left[*index]);
        let best = left.fold(None, |best: Option<(usize, f64)>, index| match best {
            Some((_, highest)) if highest >= value(index) => best,
            _ => Some((index, value(index))),
        });
        let Some((best, _)) = best else { break };
        is_left[best] = false;
        taken.push(hits[best]);
        for (index, similar) in similar.iter_mut().enumerate().filter(|(index, _)| is_left[*index]) {
            *similar = similar.max(dot(&directions[index], &directions[best]));
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(balance: f32, top: usize) -> Vec<usize> {
        let vectors = Vectors::new(vec![3.0, 0.0, 1.0, 0.01, 0.0, 2.0, 0.0, 0.0], 2).unwrap();
        let scores = [0.9, 0.89, 0.5, 0.0];
        let hits: Vec<Hit> =
            scores.iter().enumerate().map(|(row, score)| Hit { score: *score, row }).collect();
        order(&hits, &vectors, balance, top).into_iter().map(|hit| hit.row).collect()
    }

    #[test]
    fn what_is_like_a_better_hit_comes_later() {
        assert_eq!(ordered(1.0, 4), [0, 1, 2, 3]);
        assert_eq!(ordered(0.5, 4), [0, 2, 3, 1]);
        assert_eq!(ordered(0.0, 3), [0, 2, 3]);
        assert_eq!(ordered(0.5, 9).len(), 4);
        assert!(order(&[], &Vectors::new(vec![], 2).unwrap(), 0.5, 3).is_empty());
    }
}
