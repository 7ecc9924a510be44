//! `nearsay eval`.

mod rag;
mod retrieval;
mod sts;

use crate::arguments::EvalAction;
use crate::context::Context;

pub(crate) fn run(context: &Context, action: EvalAction) -> anyhow::Result<()> {
    match action {
        EvalAction::Retrieval(arguments) => retrieval::run(context, &arguments),
        EvalAction::Sts(arguments) => sts::run(context, &arguments),
        EvalAction::Rag(arguments) => rag::run(context, &arguments),
    }
}

/// A value with four digits; a dash if there is none.
fn value(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
