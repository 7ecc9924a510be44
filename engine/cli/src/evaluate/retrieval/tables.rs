//! Tables for people.

use nearsay::evaluate::{CUTOFFS, Comparison, Measure, RetrievalReport, RetrievalScores, Values, measures};

use crate::print::{plural, print_line};
use crate::table::{Column, Table};

/// The values that are shown alone: with intervals, next to a baseline, and per query.
const SHOWN: [(Measure, usize); 6] = [
    (Measure::Ndcg, 10),
    (Measure::Map, 100),
    (Measure::Recall, 100),
    (Measure::Precision, 10),
    (Measure::Mrr, 10),
    (Measure::HitRate, 10),
];

pub(super) struct Tables<'a> {
    pub(super) scores: &'a RetrievalScores,
    pub(super) report: &'a RetrievalReport<'a>,
    pub(super) comparison: Option<&'a Comparison>,
}

impl Tables<'_> {
    /// The queries first, so that the means are still in view.
    pub(super) fn print(&self, per_query: bool) -> nearsay::Result<()> {
        if per_query {
            self.print_queries()?;
            print_line("")?;
        }
        self.print_means()?;
        print_line("")?;
        match self.comparison {
            Some(comparison) => print_comparison(comparison)?,
            None => self.print_intervals()?,
        }
        print_line(&plural(self.scores.queries.len() as u64, "query", "queries"))
    }

    fn print_queries(&self) -> nearsay::Result<()> {
        let [ndcg, map, recall, precision, mrr, hit_rate] =
            ["ndcg@10", "map@100", "recall@100", "precision@10", "mrr@10", "hit_rate@10"].map(Column::number);
        let table = Table::new([Column::text("query"), ndcg, map, recall, precision, mrr, hit_rate]);
        table.print(|| {
            self.scores.queries.iter().zip(&self.scores.values).map(|(query, values)| {
                let [ndcg, map, recall, precision, mrr, hit_rate] =
                    SHOWN.map(|shown| number(at(values, shown)));
                [query.to_string(), ndcg, map, recall, precision, mrr, hit_rate]
            })
        })
    }

    fn print_means(&self) -> nearsay::Result<()> {
        let [a, b, c, d, e, f, g] = ["@1", "@3", "@5", "@10", "@20", "@100", "@1000"].map(Column::number);
        let table = Table::new([Column::text("measure"), a, b, c, d, e, f, g]);
        table.print(|| {
            Measure::ALL.map(|measure| {
                let [a, b, c, d, e, f, g] =
                    CUTOFFS.map(|cutoff| number(at(self.report.means(), (measure, cutoff))));
                [measure.name().to_owned(), a, b, c, d, e, f, g]
            })
        })
    }

    fn print_intervals(&self) -> nearsay::Result<()> {
        let [mean, low, high] = ["mean", "95 % from", "to"].map(Column::number);
        Table::new([Column::text("measure"), mean, low, high]).print(|| {
            SHOWN.map(|shown| {
                let interval = at(self.report.intervals(), shown);
                let [mean, low, high] =
                    [at(self.report.means(), shown), interval.low, interval.high].map(number);
                [shown.0.key(shown.1), mean, low, high]
            })
        })
    }
}

fn print_comparison(comparison: &Comparison) -> nearsay::Result<()> {
    let names = ["mean", "baseline", "difference", "95 % from", "to", "p"].map(Column::number);
    let [mean, baseline, difference, low, high, p] = names;
    Table::new([Column::text("measure"), mean, baseline, difference, low, high, p]).print(|| {
        SHOWN.map(|shown| {
            let (before, by) = (at(&comparison.baseline, shown), at(&comparison.differences, shown));
            let interval = at(&comparison.intervals, shown);
            let [difference, low, high] = [by, interval.low, interval.high].map(|by| format!("{by:+.4}"));
            let p = number(at(&comparison.p_values, shown));
            [shown.0.key(shown.1), number(before + by), number(before), difference, low, high, p]
        })
    })
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}

/// The value of a measure at a rank.
fn at<T: Copy>(values: &Values<T>, shown: (Measure, usize)) -> T {
    let place = measures().position(|known| known == shown);
    // All that is shown is among the measures; a test checks that.
    values[place.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_shown_is_measured() {
        for shown in SHOWN {
            assert!(measures().any(|known| known == shown), "{shown:?}");
        }
        assert_eq!(CUTOFFS, [1, 3, 5, 10, 20, 100, 1000]);
    }
}
