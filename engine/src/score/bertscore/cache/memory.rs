//! Encoded texts that a later pair of this process may need again.

use std::collections::HashMap;
use std::sync::Arc;

use super::EncodedText;
use crate::score::systems::RecurringTexts;

/// Recently encoded texts at one layer, up to a number of bytes.
///
/// A dropped text that is needed again is encoded again, to the same bits, so the budget affects only time
/// and memory.
#[derive(Debug)]
pub(in crate::score::bertscore) struct TextCache {
    entries: HashMap<Arc<str>, CachedText>,
    budget: usize,
    bytes: usize,
    round: u64,
}

#[derive(Debug)]
struct CachedText {
    text: Arc<EncodedText>,
    bytes: usize,
    last_round: u64,
}

impl TextCache {
    pub(in crate::score::bertscore) fn new(budget: usize) -> Self {
        Self { entries: HashMap::new(), budget, bytes: 0, round: 0 }
    }

    pub(in crate::score::bertscore) fn get(&mut self, text: &str) -> Option<Arc<EncodedText>> {
        let entry = self.entries.get_mut(text)?;
        entry.last_round = self.round;
        Some(entry.text.clone())
    }

    pub(in crate::score::bertscore) fn insert(&mut self, text: &str, encoded: Arc<EncodedText>) {
        let bytes =
            text.len() + encoded.tokens.elem_count() * size_of::<f32>() + encoded.text.ids.len() * 4 + 256;
        let entry = CachedText { text: encoded, bytes, last_round: self.round };
        self.bytes += bytes;
        if let Some(old) = self.entries.insert(text.into(), entry) {
            self.bytes -= old.bytes;
        }
    }

    /// Ends a round. Texts that do not recur, if that is known, are dropped one round after their last use: a row may
    /// be divided between two rounds. If the budget is exceeded by the others, drops the least recently used texts
    /// until half of it is free.
    pub(in crate::score::bertscore) fn end_round(&mut self, recurring: Option<&RecurringTexts>) {
        let round = self.round;
        self.round += 1;
        if let Some(recurring) = recurring {
            let keeps =
                |text: &str, entry: &CachedText| entry.last_round == round || recurring.contains(text);
            self.entries.retain(|text, entry| keeps(text, entry));
            let kept =
                |(text, entry): (&Arc<str>, &CachedText)| recurring.contains(text).then_some(entry.bytes);
            self.bytes = self.entries.values().map(|entry| entry.bytes).sum();
            let recurring_bytes: usize = self.entries.iter().filter_map(kept).sum();
            if recurring_bytes <= self.budget {
                return;
            }
        }
        if self.bytes <= self.budget {
            return;
        }
        let mut by_age: Vec<(u64, Arc<str>)> =
            self.entries.iter().map(|(text, entry)| (entry.last_round, text.clone())).collect();
        by_age.sort_unstable();
        for (_, text) in by_age {
            if self.bytes <= self.budget / 2 {
                break;
            }
            if let Some(entry) = self.entries.remove(&text) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::TokenizedText;
    use candle_core::{DType, Device, Tensor};

    fn text(tokens: usize) -> Arc<EncodedText> {
        let matrix = Tensor::zeros((tokens, 8), DType::F32, &Device::Cpu).unwrap();
        let ids = vec![0; tokens];
        let text = TokenizedText { ids, truncated: false, is_empty: false, second_part: None, keys: None };
        Arc::new(EncodedText { text: Arc::new(text), tokens: matrix })
    }

    #[test]
    fn what_was_used_last_stays() {
        let mut cache = TextCache::new(2000);
        for name in ["a", "b", "c", "d", "e"] {
            cache.insert(name, text(4));
            assert!(cache.get("a").is_some());
            cache.end_round(None);
        }
        assert!(cache.bytes <= 2000);
        assert!(cache.get("a").is_some() && cache.get("e").is_some());
        assert!(cache.get("b").is_none());
    }

    #[test]
    fn a_text_put_in_twice_counts_once() {
        let mut cache = TextCache::new(1 << 20);
        cache.insert("a", text(4));
        let once = cache.bytes;
        cache.insert("a", text(4));
        assert_eq!(cache.bytes, once);
    }
}
