//! Unusual pairs, reported on stderr.

use nearsay::score::systems::{Computation, ScoreWarning};
use nearsay::session::Occurrences;

use super::Evaluated;
use crate::context::Context;
use crate::print::plural;
use crate::table::visible;

pub(super) fn print(context: &Context, evaluated: &Evaluated, warnings: &[ScoreWarning]) {
    let of_bertscore = evaluated.measured.notices.first();
    let note = |occurrences: &Occurrences, label: &str, what: &str| {
        if occurrences.count > 0 {
            let pairs = plural(occurrences.count, "pair has", "pairs have");
            context.note(format_args!("{label}{pairs} {what} ({})", list(evaluated, occurrences)));
        }
    };
    if let Some(notices) = of_bertscore {
        note(&notices.empty, "warning: ", "an empty candidate or reference and the raw score 0");
        note(
            &notices.empty_references,
            "warning: ",
            "an empty reference, with the raw score 0, next to others; the best of them counts",
        );
        note(&evaluated.survey.fewer_references, "", "an empty reference that is not counted");
        note(
            &notices.undefined,
            "warning: ",
            "a score that is not a number, since none of a text's tokens has weight",
        );
        if notices.truncated > 0 {
            let texts = plural(notices.truncated, "text was", "texts were");
            let max_tokens = evaluated.metrics.iter().find_map(|metric| match &metric.computation {
                Computation::BertScore(scorer) => Some(scorer.max_tokens()),
                _ => None,
            });
            context.note(format_args!("warning: {texts} cut to {} tokens", max_tokens.unwrap_or(0)));
        }
    }
    if let Some(report) = &evaluated.cache {
        super::cache::print(context, report);
    }
    let has_others = evaluated.requested.iter().any(|requested| !requested.needs_model());
    for warning in warnings {
        // BERTScore alone has reported empty texts above.
        if has_others || !matches!(warning, ScoreWarning::Empty { .. }) {
            context.note(format_args!("warning: {}", visible(&warning.to_string())));
        }
    }
    if let Some(encoded) = evaluated.measured.encoded.filter(|_| evaluated.source.systems.len() > 1) {
        let all = evaluated.survey.rows
            * (evaluated.source.systems.len() + evaluated.source.references.len()) as u64;
        context.note(format_args!(
            "{} encoded of {} ({} distinct)",
            plural(encoded, "text", "texts"),
            plural(all, "text", "texts"),
            plural(evaluated.survey.recurring.distinct, "is", "are"),
        ));
    }
}

/// Rows are counted from 1. Pairs are in the order of rows, and of systems in each.
fn list(evaluated: &Evaluated, occurrences: &Occurrences) -> String {
    let systems = evaluated.source.systems.len() as u64;
    let place = |place: &u64| match systems {
        0 | 1 => (place + 1).to_string(),
        _ => format!("{}:{}", evaluated.source.systems[(place % systems) as usize].name, place / systems + 1),
    };
    let first: Vec<String> = occurrences.first.iter().map(place).collect();
    let more = if occurrences.count > first.len() as u64 { ", .." } else { "" };
    let pairs = if occurrences.count == 1 { "pair" } else { "pairs" };
    format!("{pairs} {}{more}", first.join(", "))
}
