//! Metrics that prefer different systems.

use super::Compared;

/// Two systems that metrics disagree about: each is significantly better by some of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// A system.
    pub a: usize,
    /// Another one.
    pub b: usize,
    /// The metrics that find the first better.
    pub for_a: Vec<usize>,
    /// The metrics that find the second better.
    pub for_b: Vec<usize>,
}

/// The pairs of systems on which metrics contradict each other, in the order of the systems.
pub fn contradictions(compared: &[Compared]) -> Vec<Contradiction> {
    let systems = compared.first().map_or(0, |compared| compared.scores.len());
    let pairs = (0..systems).flat_map(|a| (a + 1..systems).map(move |b| (a, b)));
    let contradiction = |(a, b)| {
        let metrics_for = |winner: usize, loser: usize| -> Vec<usize> {
            let prefers = |(_, compared): &(usize, &Compared)| {
                compared.pairs.iter().any(|pair| pair.better == Some(winner) && pair.is_of(winner, loser))
            };
            compared.iter().enumerate().filter(prefers).map(|(metric, _)| metric).collect()
        };
        let (for_a, for_b) = (metrics_for(a, b), metrics_for(b, a));
        (!for_a.is_empty() && !for_b.is_empty()).then_some(Contradiction { a, b, for_a, for_b })
    };
    pairs.filter_map(contradiction).collect()
}
