//! The comparison for people.

use indicatif::HumanCount;
use nearsay::Result;
use nearsay::metrics::comparison::{Compared, PairDifference, Pairs};
use nearsay::score::systems::MeasuredMetric;

use super::Comparison;
use crate::arguments::IntervalArguments;
use crate::print::print_line;
use crate::score::{arrow, interval_note, number};
use crate::style::Style;
use crate::table::{Column, Table, visible};
use crate::terminal::Stream;

/// Pairs that are listed; of more the ranks are enough to look at.
const MANY_PAIRS: usize = 21;

pub(super) fn print(comparison: &Comparison<'_>, interval: &IntervalArguments) -> Result<()> {
    for (at, compared) in comparison.compared.iter().enumerate() {
        let metric = &comparison.subjects.measured.metrics[at];
        let shown = MetricTables { comparison, compared, metric };
        shown.print(&comparison.signature(at))?;
    }
    print_contradictions(comparison)?;
    let groups = comparison.by_groups.then(|| comparison.units() as usize);
    let rows = comparison.subjects.rows;
    interval_note(interval, rows, groups).map_or(Ok(()), |note| dim(&note))
}

fn dim(line: &str) -> Result<()> {
    print_line(&Stream::Stdout.paint(Style::Dim, line))
}

/// The tables of one metric.
struct MetricTables<'a> {
    comparison: &'a Comparison<'a>,
    compared: &'a Compared,
    metric: &'a MeasuredMetric,
}

impl MetricTables<'_> {
    fn print(&self, signature: &str) -> Result<()> {
        let name = format!("{}{}", visible(&self.metric.key), arrow(self.metric));
        print_line(&Stream::Stdout.paint(Style::Mark, &name))?;
        self.print_systems()?;
        print_line("")?;
        let is_significant = |pair: &&PairDifference| pair.p_adjusted < self.comparison.options.alpha;
        let significant = self.compared.pairs.iter().filter(is_significant).count();
        if self.compared.pairs.len() <= MANY_PAIRS {
            self.print_pairs()?;
        } else {
            print_line(&format!(
                "{significant} of {} pairs differ significantly; --baseline NAME shows those with one system, --json \
                 all",
                self.compared.pairs.len()
            ))?;
        }
        if significant == 0 {
            self.print_power()?;
        }
        dim(&visible(signature))?;
        print_line("")
    }

    fn print_systems(&self) -> Result<()> {
        let has_ranks = !self.compared.ranks.is_empty();
        let mut columns = Vec::new();
        columns.extend(has_ranks.then(|| Column::number("rank")));
        columns.extend([Column::text("system"), Column::number("score"), Column::number("interval")]);
        columns.extend(has_ranks.then(|| Column::number("cluster")));
        let row = |system: &usize| {
            let rank = self.compared.ranks.iter().find(|rank| rank.system == *system);
            let place = |rank: &nearsay::metrics::statistics::Rank| match (rank.low, rank.high) {
                (low, high) if low == high => low.to_string(),
                (low, high) => format!("{low}-{high}"),
            };
            let interval = self.compared.intervals[*system];
            let mut cells: Vec<String> = rank.map(place).into_iter().collect();
            cells.extend([
                self.comparison.name(*system).to_owned(),
                self.number(self.compared.scores[*system]),
                self.range(interval.low, interval.high),
            ]);
            cells.extend(rank.map(|rank| rank.cluster.to_string()));
            cells
        };
        Table::new(columns).whole_in_pipes().print(|| self.compared.order.iter().map(row))
    }

    fn print_pairs(&self) -> Result<()> {
        let numbers = ["difference", "interval", "p", "corrected", "better"].map(Column::number);
        let baseline = match self.comparison.options.pairs {
            Pairs::With(baseline) => Some(baseline),
            _ => None,
        };
        let names = match baseline {
            Some(baseline) => vec![Column::text(format!("a (b: {})", self.comparison.name(baseline)))],
            None => vec![Column::text("a"), Column::text("b")],
        };
        let row = |pair: &PairDifference| {
            let mut cells = vec![self.comparison.name(pair.a).to_owned()];
            cells.extend(baseline.is_none().then(|| self.comparison.name(pair.b).to_owned()));
            cells.extend([
                self.signed(pair.difference),
                format!("{} to {}", self.signed(pair.interval.low), self.signed(pair.interval.high)),
                p_value(pair.p),
                p_value(pair.p_adjusted),
                pair.better.map_or("", |better| if better == pair.a { "a" } else { "b" }).to_owned(),
            ]);
            cells
        };
        let columns: Vec<Column> = names.into_iter().chain(numbers).collect();
        Table::new(columns).whole_in_pipes().print(|| self.compared.pairs.iter().map(row))
    }

    /// What could have been found, and how many rows smaller differences need.
    fn print_power(&self) -> Result<()> {
        let Some(detectable) = self.compared.detectable else { return Ok(()) };
        let units = match (self.comparison.by_groups, self.comparison.units()) {
            (true, 1) => "group",
            (true, _) => "groups",
            (false, 1) => "row",
            (false, _) => "rows",
        };
        let options = &self.comparison.options;
        let needed = self.compared.rows_for.iter();
        let needed = needed.map(|(delta, rows)| format!("{} for {}", HumanCount(*rows), self.number(*delta)));
        print_line("No difference is significant.")?;
        print_line(&format!(
            "With {} {units} a true difference of {} is found in {} % of cases, without correction.",
            HumanCount(self.comparison.units()),
            self.number(detectable),
            (100.0 * options.power).round(),
        ))?;
        print_line(&format!("Needed {units}: {}", needed.collect::<Vec<_>>().join(", ")))
    }

    fn number(&self, value: f64) -> String {
        number(self.metric, value)
    }

    fn signed(&self, value: f64) -> String {
        if value > 0.0 { format!("+{}", self.number(value)) } else { self.number(value) }
    }

    fn range(&self, low: f64, high: f64) -> String {
        format!("{} to {}", self.number(low), self.number(high))
    }
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

fn print_contradictions(comparison: &Comparison<'_>) -> Result<()> {
    let keys = |metrics: &[usize]| {
        let names: Vec<&str> =
            metrics.iter().map(|metric| comparison.subjects.measured.metrics[*metric].key.as_str()).collect();
        names.join(", ")
    };
    for found in &comparison.contradictions {
        print_line(&format!(
            "The metrics contradict each other: {} is significantly better by {}, {} by {}.",
            visible(comparison.name(found.a)),
            keys(&found.for_a),
            visible(comparison.name(found.b)),
            keys(&found.for_b)
        ))?;
    }
    if !comparison.contradictions.is_empty() {
        print_line("")?;
    }
    Ok(())
}
