//! The measures by name.

/// The ranks at which rankings are measured, those of BEIR and mteb.
pub const CUTOFFS: [usize; 7] = [1, 3, 5, 10, 20, 100, 1000];

/// A measure of a ranking up to a rank. The [module](super) has the definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Normalized discounted cumulative gain.
    Ndcg,
    /// Average precision; its mean over queries is MAP.
    Map,
    /// The share of the relevant documents that were found.
    Recall,
    /// The share of the found documents that are relevant.
    Precision,
    /// The reciprocal rank of the first relevant document; its mean over queries is MRR.
    Mrr,
    /// Whether a relevant document was found.
    HitRate,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 6] =
        [Self::Ndcg, Self::Map, Self::Recall, Self::Precision, Self::Mrr, Self::HitRate];

    /// Its name in keys: `ndcg`, `hit_rate`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndcg => "ndcg",
            Self::Map => "map",
            Self::Recall => "recall",
            Self::Precision => "precision",
            Self::Mrr => "mrr",
            Self::HitRate => "hit_rate",
        }
    }

    /// The key of its value at a rank: `ndcg@10`.
    pub fn key(self, cutoff: usize) -> String {
        format!("{}@{cutoff}", self.name())
    }

    /// The key that mteb's results have for it: `ndcg_at_10`.
    pub fn mteb_key(self, cutoff: usize) -> String {
        format!("{}_at_{cutoff}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_name_and_rank() {
        assert_eq!(Measure::Ndcg.key(10), "ndcg@10");
        assert_eq!(Measure::HitRate.mteb_key(1000), "hit_rate_at_1000");
        let names: std::collections::BTreeSet<_> = Measure::ALL.map(Measure::name).into();
        assert_eq!(names.len(), Measure::ALL.len());
    }
}
