//! Planning: which texts share a micro-batch.
//!
//! By length, longest first, under a token budget: texts of a batch have similar lengths, so the workers'
//! shares are even, and the short ones at the end fill the gaps. A text's vector does not depend on the plan.

/// Micro-batches of whole texts, as indices into `lengths`.
///
/// The tokens of a micro-batch add up to at most `budget`; a text longer than that gets its own.
pub(super) fn plan(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    // The sort is stable, so equal lengths keep their order and the plan depends on nothing else.
    order.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = usize::MAX;
    for index in order {
        tokens = tokens.saturating_add(lengths[index]);
        match batches.last_mut() {
            Some(batch) if tokens <= budget => batch.push(index),
            _ => {
                tokens = lengths[index];
                batches.push(vec![index]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn longest_come_first_and_fill_the_budget() {
        assert_eq!(plan(&[3, 9, 4, 3], 10), [vec![1], vec![2, 0, 3]]);
        assert_eq!(plan(&[20, 1], 10), [vec![0], vec![1]]);
        assert!(plan(&[], 10).is_empty());
    }

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_within_the_budget(
            lengths in prop::collection::vec(0usize..40, 0..60),
            budget in 1usize..64,
        ) {
            let batches = plan(&lengths, budget);
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let tokens: usize = batch.iter().map(|&index| lengths[index]).sum();
                prop_assert!(tokens <= budget || batch.len() == 1);
            }
        }
    }
}
