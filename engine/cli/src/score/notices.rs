//! Unusual pairs, reported on stderr.

use nearsay::Scorer;
use nearsay::score::PairSurvey;
use nearsay::score::bertscore::ScoreNotices;
use nearsay::session::Occurrences;

use crate::context::Context;
use crate::print::plural;

pub(super) fn print(context: &Context, scorer: &Scorer, survey: &PairSurvey, notices: &ScoreNotices) {
    let note = |occurrences: &Occurrences, label: &str, what: &str| {
        if occurrences.count > 0 {
            let pairs = plural(occurrences.count, "pair has", "pairs have");
            context.note(format_args!("{label}{pairs} {what} ({})", list(occurrences)));
        }
    };
    note(&notices.empty, "warning: ", "an empty candidate or reference and the raw score 0");
    note(
        &notices.empty_references,
        "warning: ",
        "an empty reference, with the raw score 0, next to others; the best of them counts",
    );
    note(&survey.fewer_references, "", "an empty reference that is not counted");
    note(
        &notices.undefined,
        "warning: ",
        "a score that is not a number, since none of a text's tokens has weight",
    );
    if notices.truncated > 0 {
        let texts = plural(notices.truncated, "text was", "texts were");
        context.note(format_args!("warning: {texts} cut to {} tokens", scorer.max_tokens()));
    }
}

/// Rows are counted from 1.
fn list(occurrences: &Occurrences) -> String {
    let first: Vec<String> = occurrences.first.iter().map(|place| (place + 1).to_string()).collect();
    let more = if occurrences.count > first.len() as u64 { ", .." } else { "" };
    let pairs = if occurrences.count == 1 { "pair" } else { "pairs" };
    format!("{pairs} {}{more}", first.join(", "))
}
