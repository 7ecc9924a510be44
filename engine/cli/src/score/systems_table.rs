//! The table of systems by metrics: for people, or as CSV, Markdown or LaTeX.

use std::io::{IsTerminal, stdout};

use nearsay::metrics::comparison::Compared;
use nearsay::metrics::lexical::Direction;
use nearsay::metrics::statistics::Interval;
use nearsay::score::systems::{MeasuredMetric, MeasuredSystems};
use nearsay::{Error, Result};

use crate::arguments::SignatureArgument;
use crate::print::print_line;
use crate::style::Style;
use crate::table::{Column, Table, visible};
use crate::terminal::Stream;

/// The mark of the best system, and of one that is not significantly worse.
const BEST: &str = "*";
const NOT_WORSE: &str = "=";

/// Systems and their scores.
pub(crate) struct SystemsTable<'a> {
    pub(crate) names: &'a [String],
    pub(crate) measured: &'a MeasuredSystems,
    /// By metric, if intervals and tests were made.
    pub(crate) compared: Option<&'a [Compared]>,
    pub(crate) signatures: SignatureArgument,
    /// Metrics that are layers of one BERTScore, which have rows of their own for people.
    pub(crate) layers: Option<LayerMetrics>,
}

/// Metrics that are layers of one BERTScore.
pub(crate) struct LayerMetrics {
    /// The signature of all.
    pub(crate) signature: String,
    /// The index of each metric, and its layer.
    pub(crate) layers: Vec<(usize, usize)>,
}

/// A form of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    People,
    Csv,
    Markdown,
    Latex,
}

impl SystemsTable<'_> {
    pub(crate) fn print(&self, form: Form) -> Result<()> {
        match form {
            Form::People => self.print_for_people(),
            Form::Csv => self.print_csv(),
            Form::Markdown => self.print_markdown(),
            Form::Latex => self.print_latex(),
        }
    }

    /// The metrics, then the layers of BERTScore if there are any.
    fn print_for_people(&self) -> Result<()> {
        let is_other = |metric: &usize| !self.is_layer(*metric);
        let all: Vec<usize> = (0..self.measured.metrics.len()).filter(is_other).collect();
        if !all.is_empty() {
            self.print_metrics(&all)?;
        }
        let Some(LayerMetrics { layers, .. }) = &self.layers else { return Ok(()) };
        if !all.is_empty() {
            print_line("")?;
        }
        self.print_layers(layers)
    }

    fn is_layer(&self, metric: usize) -> bool {
        self.layers.iter().flat_map(|layers| &layers.layers).any(|(layer, _)| *layer == metric)
    }

    /// F1 at each layer: systems as columns, as many at a time as there is room for.
    fn print_layers(&self, layers: &[(usize, usize)]) -> Result<()> {
        let names: Vec<String> = self.names.iter().map(|name| visible(name)).collect();
        let rows = |systems: std::ops::Range<usize>| {
            let row = move |(metric, layer): &(usize, usize)| {
                let cells = systems.clone().map(|system| self.cell(*metric, system));
                std::iter::once(layer.to_string()).chain(cells).collect::<Vec<_>>()
            };
            layers.iter().map(row)
        };
        let table = |systems: std::ops::Range<usize>| {
            let columns = names[systems].iter().map(|name| Column::number(name.clone()));
            let mut all = vec![Column::number("layer (F1 \u{2191})")];
            all.extend(columns);
            Table::new(all).whole_in_pipes()
        };
        let mut start = 0;
        while start < names.len() {
            let fits = |end: &usize| table(start..*end).fits(rows(start..*end));
            let end = (start + 1..=names.len()).rev().find(fits).unwrap_or(start + 1);
            table(start..end).print(|| rows(start..end))?;
            start = end;
            if start < names.len() {
                print_line("")?;
            }
        }
        Ok(())
    }

    /// With intervals if there is room for them; as several tables if the metrics need more than one.
    fn print_metrics(&self, all: &[usize]) -> Result<()> {
        let is_terminal = stdout().is_terminal();
        let wide = self.table(all, true);
        if self.compared.is_some() && (!is_terminal || wide.fits(self.rows(all, true))) {
            return wide.print(|| self.rows(all, true));
        }
        let mut left = all;
        while !left.is_empty() {
            let fits =
                |count: &usize| self.table(&left[..*count], false).fits(self.rows(&left[..*count], false));
            let count = (1..=left.len()).rev().find(fits).unwrap_or(1);
            let (metrics, rest) = left.split_at(count);
            self.table(metrics, false).print(|| self.rows(metrics, false))?;
            left = rest;
            if !left.is_empty() {
                print_line("")?;
            }
        }
        Ok(())
    }

    fn table(&self, metrics: &[usize], intervals: bool) -> Table {
        let mut columns = vec![Column::text("system")];
        for metric in metrics {
            let metric = &self.measured.metrics[*metric];
            columns.push(Column::number(format!("{}{}", metric.key, arrow(metric))));
            if intervals && self.compared.is_some() {
                columns.push(Column::number("interval"));
            }
        }
        Table::new(columns).whole_in_pipes()
    }

    fn rows(&self, metrics: &[usize], intervals: bool) -> Vec<Vec<String>> {
        let row = |(system, name): (usize, &String)| {
            let mut row = vec![name.clone()];
            for metric in metrics {
                row.push(self.cell(*metric, system));
                if let (true, Some(compared)) = (intervals, self.compared) {
                    row.push(self.interval(*metric, compared[*metric].intervals[system]));
                }
            }
            row
        };
        self.names.iter().enumerate().map(row).collect()
    }

    fn cell(&self, metric: usize, system: usize) -> String {
        let mark = if self.names.len() > 1 { self.mark(metric, system) } else { "" };
        let pad = if self.names.len() > 1 && self.compared.is_some() && mark.is_empty() { " " } else { "" };
        format!("{}{mark}{pad}", self.number(metric, self.score(metric, system)))
    }

    fn score(&self, metric: usize, system: usize) -> f64 {
        self.measured.metrics[metric].score(system)
    }

    fn mark(&self, metric: usize, system: usize) -> &'static str {
        let Some(compared) = self.compared.map(|compared| &compared[metric]) else { return "" };
        let measured = &self.measured.metrics[metric];
        let best = compared.order[0];
        if measured.metric.direction() == Direction::Neither || compared.scores[system].is_nan() {
            return "";
        }
        let is_worse =
            compared.pairs.iter().any(|pair| pair.is_of(system, best) && pair.better == Some(best));
        match (system == best || compared.scores[system] == compared.scores[best], is_worse) {
            (true, _) => BEST,
            (false, false) => NOT_WORSE,
            (false, true) => "",
        }
    }

    /// Two decimals of scores to 100, four of those to 1.
    fn number(&self, metric: usize, value: f64) -> String {
        number(&self.measured.metrics[metric], value)
    }

    fn interval(&self, metric: usize, interval: Interval) -> String {
        format!("{} to {}", self.number(metric, interval.low), self.number(metric, interval.high))
    }

    fn print_csv(&self) -> Result<()> {
        let mut header = vec!["system".to_owned()];
        for metric in &self.measured.metrics {
            header.push(metric.key.clone());
            if self.compared.is_some() {
                header.extend([format!("{} low", metric.key), format!("{} high", metric.key)]);
            }
        }
        let row = |(system, name): (usize, &String)| {
            let mut row = vec![name.clone()];
            for metric in 0..self.measured.metrics.len() {
                row.push(exact(self.score(metric, system)));
                if let Some(compared) = self.compared {
                    let interval = compared[metric].intervals[system];
                    row.extend([exact(interval.low), exact(interval.high)]);
                }
            }
            row
        };
        print_line(&csv(std::iter::once(header).chain(self.names.iter().enumerate().map(row)))?)
    }

    fn print_markdown(&self) -> Result<()> {
        let escape = markdown;
        let headers =
            self.measured.metrics.iter().map(|metric| escape(&format!("{}{}", metric.key, arrow(metric))));
        print_line(&format!("| system | {} |", headers.collect::<Vec<_>>().join(" | ")))?;
        print_line(&format!("|---|{}", "---:|".repeat(self.measured.metrics.len())))?;
        for (system, name) in self.names.iter().enumerate() {
            let cells = (0..self.measured.metrics.len()).map(|metric| {
                let number = self.number(metric, self.score(metric, system));
                let marked = match self.mark(metric, system) {
                    mark if mark == BEST && self.names.len() > 1 => format!("**{number}**"),
                    mark if mark == NOT_WORSE => format!("*{number}*"),
                    _ => number,
                };
                match self.compared {
                    Some(compared) => {
                        format!("{marked} ({})", self.interval(metric, compared[metric].intervals[system]))
                    }
                    None => marked,
                }
            });
            print_line(&format!("| {} | {} |", escape(name), cells.collect::<Vec<_>>().join(" | ")))?;
        }
        self.print_legend("**bold**: best; *italic*: not significantly worse than the best")?;
        print_line("")?;
        let line =
            |(key, signature): (String, String)| print_line(&format!("- {}: `{signature}`", escape(&key)));
        self.metric_signatures().into_iter().try_for_each(line)
    }

    fn print_latex(&self) -> Result<()> {
        let metrics = self.measured.metrics.len();
        let headers = self.measured.metrics.iter().map(|metric| {
            let arrow = match metric.metric.direction() {
                Direction::Higher => " $\\uparrow$",
                Direction::Lower => " $\\downarrow$",
                Direction::Neither => "",
            };
            format!("{}{arrow}", latex(&metric.key))
        });
        print_line(&format!("\\begin{{tabular}}{{l{}}}", "r".repeat(metrics)))?;
        print_line("\\toprule")?;
        print_line(&format!("System & {} \\\\", headers.collect::<Vec<_>>().join(" & ")))?;
        print_line("\\midrule")?;
        for (system, name) in self.names.iter().enumerate() {
            let cells = (0..metrics).map(|metric| {
                let number = self.number(metric, self.score(metric, system));
                match self.mark(metric, system) {
                    mark if mark == BEST && self.names.len() > 1 => format!("\\textbf{{{number}}}"),
                    mark if mark == NOT_WORSE => format!("\\textit{{{number}}}"),
                    _ => number,
                }
            });
            print_line(&format!("{} & {} \\\\", latex(name), cells.collect::<Vec<_>>().join(" & ")))?;
        }
        print_line("\\bottomrule")?;
        print_line("\\end{tabular}")?;
        self.print_legend("% bold: best; italic: not significantly worse than the best")?;
        let line = |(key, signature): (String, String)| print_line(&format!("% {key}: {signature}"));
        self.metric_signatures().into_iter().try_for_each(line)
    }

    fn print_legend(&self, legend: &str) -> Result<()> {
        if self.names.len() < 2 || self.compared.is_none() {
            return Ok(());
        }
        if !legend.starts_with('%') {
            print_line("")?;
        }
        print_line(legend)
    }

    /// The metrics' settings and the meaning of the marks, below the table for people.
    pub(crate) fn print_notes(&self, notes: &[String]) -> Result<()> {
        let dim = |line: &str| print_line(&Stream::Stdout.paint(Style::Dim, line));
        print_line("")?;
        if self.names.len() > 1 && self.compared.is_some() {
            dim("*: best; =: not significantly worse than the best")?;
        }
        notes.iter().try_for_each(|note| dim(note))?;
        let mut signatures = self.metric_signatures();
        if let Some(layers) = &self.layers {
            let is_other = |(at, line)| (!self.is_layer(at)).then_some(line);
            signatures = signatures.into_iter().enumerate().filter_map(is_other).collect();
            signatures.push(("bertscore".to_owned(), visible(&layers.signature)));
        }
        let width = signatures.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        let line = |(key, signature): (String, String)| dim(&format!("{key:width$}  {signature}"));
        signatures.into_iter().try_for_each(line)
    }

    /// The key and signature of each metric.
    fn metric_signatures(&self) -> Vec<(String, String)> {
        let of = |metric: &MeasuredMetric| {
            let signature = match (self.signatures, metric.metric.signature(self.measured.references)) {
                (SignatureArgument::Nearsay, signature) => signature,
                (SignatureArgument::Sacrebleu, signature) => signature.reproduced(),
            };
            (visible(&metric.key), visible(&signature.to_string()))
        };
        self.measured.metrics.iter().map(of).collect()
    }
}

/// A text with the characters escaped that Markdown gives a meaning.
fn markdown(text: &str) -> String {
    let escape = |character: char| match character {
        '\\' | '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' => format!("\\{character}"),
        character => character.to_string(),
    };
    visible(text).chars().map(escape).collect()
}

/// A score for people.
pub(crate) fn number(metric: &MeasuredMetric, value: f64) -> String {
    match value {
        value if value.is_nan() => "nan".to_owned(),
        value if metric.metric.is_percent() => format!("{value:.2}"),
        value => format!("{value:.4}"),
    }
}

/// The direction of better scores, for a header.
pub(crate) fn arrow(metric: &MeasuredMetric) -> &'static str {
    match metric.metric.direction() {
        Direction::Higher => " ↑",
        Direction::Lower => " ↓",
        Direction::Neither => "",
    }
}

/// A number with all of its digits; nothing for one that is not defined.
fn exact(value: f64) -> String {
    if value.is_nan() { String::new() } else { value.to_string() }
}

/// Rows as CSV, as in RFC 4180 but with line feeds, without the last one.
fn csv(rows: impl Iterator<Item = Vec<String>>) -> Result<String> {
    let bug = |error: &dyn std::fmt::Display| Error::Bug(format!("a table as CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|error| bug(&error))?;
    }
    let mut text =
        String::from_utf8(writer.into_inner().map_err(|error| bug(&error))?).map_err(|error| bug(&error))?;
    text.truncate(text.trim_end_matches('\n').len());
    Ok(text)
}

/// A text with the characters escaped that LaTeX gives a meaning.
fn latex(text: &str) -> String {
    let escape = |character: char| match character {
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{character}"),
        '~' => "\\textasciitilde{}".to_owned(),
        '^' => "\\textasciicircum{}".to_owned(),
        '\\' => "\\textbackslash{}".to_owned(),
        character => character.to_string(),
    };
    visible(text).chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped() {
        let rows = [vec!["a", "b,c", "say \"x\""], vec!["d\ne", "", ""]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect());
        assert_eq!(csv(rows.into_iter()).unwrap(), "a,\"b,c\",\"say \"\"x\"\"\"\n\"d\ne\",,");
        assert_eq!(
            latex("a_b 5% \\x^~"),
            "a\\_b 5\\% \\textbackslash{}x\\textasciicircum{}\\textasciitilde{}"
        );
    }
}
