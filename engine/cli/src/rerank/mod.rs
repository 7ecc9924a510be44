//! `nearsay rerank`.

use nearsay::Error;
use nearsay::rerank::{CrossEncoder, CrossEncoderOptions, FoundHits, HitText, read_hits, read_texts};
use nearsay::text::Input;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::arguments::RerankArguments;
use crate::context::Context;
use crate::print::{plural, print_json};
use crate::progress::{Measure, Progress};
use crate::streams;

/// A line of the result.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    rank: usize,
    score: f32,
    id: &'a Value,
    text: &'a str,
    #[serde(flatten)]
    other: &'a Map<String, Value>,
}

pub(crate) fn run(context: &Context, arguments: &RerankArguments) -> anyhow::Result<()> {
    let name = context.model_name(arguments.model.clone())?;
    if arguments.input == Input::Stdin {
        streams::check_stdin()?;
    }
    let running = &arguments.running;
    let devices = context.open_devices(running)?;
    let session = context.open_session(&name, devices, running.threads, running.batch_tokens)?;
    let mut options = CrossEncoderOptions::default().logits(arguments.logits);
    options.max_length = running.max_length;
    options.prompt_name = arguments.prompt_name.clone();
    options.prompt = arguments.prompt.clone();
    let encoder = session.cross_encoder(&options)?.with_one_score()?.with_cancel(&context.cancel());
    let top = arguments.top.map_or(usize::MAX, usize::from);
    let mut job = Job { context, encoder, top, texts: 0, truncated: 0 };
    match &arguments.query {
        Some(query) => {
            let hits = read_texts(&arguments.input, &arguments.reading.options())?;
            job.rank(&FoundHits { query: query.clone(), hits }, false)?;
        }
        None => read_hits(&arguments.input, |found| job.rank(&found, true)).map_err(hint_at_query)?,
    }
    if job.texts == 0 {
        context.note(format_args!("{} has 0 texts to rank", arguments.input));
    }
    if job.truncated > 0 {
        let pairs = plural(job.truncated, "pair was", "pairs were");
        let length = job.encoder.max_tokens();
        context.note(format_args!("warning: {pairs} cut to {length} tokens"));
    }
    Ok(())
}

/// Rows of texts are taken for hits if nobody names the query.
fn hint_at_query(error: Error) -> Error {
    match error {
        Error::BadRow { .. } => {
            let hint = "to rank texts that are not hits of a search, name the query: --query TEXT";
            Error::Hinted { error: Box::new(error), hint: hint.into() }
        }
        error => error,
    }
}

struct Job<'a> {
    context: &'a Context,
    encoder: CrossEncoder,
    top: usize,
    texts: usize,
    truncated: u64,
}

impl Job<'_> {
    /// Prints the hits in their new order.
    fn rank(&mut self, found: &FoundHits, prints_query: bool) -> nearsay::Result<()> {
        let pairs: Vec<(&str, &str)> =
            found.hits.iter().map(|hit| (found.query.as_str(), hit.text.as_str())).collect();
        let progress = Progress::new(self.context, Measure::Share(Some(pairs.len() as u64)));
        let done = |pairs| progress.set(pairs, plural(pairs, "pair", "pairs"));
        let scored = self.encoder.score(&pairs, done)?;
        drop(progress);
        self.texts += pairs.len();
        self.truncated += scored.truncated;
        let mut order: Vec<(f32, &HitText)> = scored.scores.into_iter().zip(&found.hits).collect();
        order.sort_by(|left, right| right.0.total_cmp(&left.0));
        for (rank, (score, hit)) in (1..).zip(order).take(self.top) {
            let query = prints_query.then_some(found.query.as_str());
            let HitText { id, text, other, .. } = hit;
            print_json(&Line { query, rank, score, id, text, other })?;
        }
        Ok(())
    }
}
