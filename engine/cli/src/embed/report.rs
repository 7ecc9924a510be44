//! What `nearsay embed` says when it is done.

use std::time::Duration;

use nearsay::embed::{Counts, EmbedRun, EmbedSummary, Level, OnLong, Seconds, Shards};
use nearsay::job::{JobProgress, JobSummary};
use nearsay_kernels::Precision;
use nearsay_models::Model;
use nearsay_models::files::Source;

use crate::arguments::EmbedArguments;
use crate::context::Context;
use crate::print::{plural, print_json};

/// What is known when the work begins.
pub(crate) struct Report<'a> {
    pub(crate) context: &'a Context,
    pub(crate) arguments: &'a EmbedArguments,
    pub(crate) run: &'a EmbedRun<'a>,
    /// What finding and loading the model took.
    pub(crate) load: Duration,
}

impl Report<'_> {
    /// Of a job.
    pub(crate) fn job(&self, summary: &JobSummary, replaced: u64) -> anyhow::Result<()> {
        let shards = Shards { shards_before: summary.shards_before, shards_now: summary.shards_now };
        if summary.shards_now == 0 && summary.shards_before > 0 {
            self.context.note("every shard was there already: nothing was done");
        }
        self.note_emptiness(summary.input_rows, summary.shards_before + summary.shards_now);
        self.tell(&summary.progress, Some(shards), replaced)
    }

    /// Of a run into one output.
    pub(crate) fn single(&self, counts: Counts, input_rows: u64, replaced: u64) -> anyhow::Result<()> {
        self.note_emptiness(input_rows, counts.texts);
        self.tell(&JobProgress { now: counts, ..JobProgress::default() }, None, replaced)
    }

    /// Warnings, and the summary where it is asked for.
    fn tell(&self, progress: &JobProgress, shards: Option<Shards>, replaced: u64) -> anyhow::Result<()> {
        self.warn(&(progress.before + progress.now), replaced);
        if self.context.global.json {
            print_json(&self.summary(progress, shards))?;
        }
        Ok(())
    }

    /// Says why there is nothing in the output, where that is so.
    fn note_emptiness(&self, input_rows: u64, ours: u64) {
        if input_rows == 0 {
            self.context.note("warning: 0 rows in the input; the output is empty");
        } else if ours == 0 {
            self.context.note("warning: no shard of this input is of this part; the output is empty");
        }
    }

    fn warn(&self, counts: &Counts, replaced: u64) {
        let context = self.context;
        if counts.truncated > 0 {
            let texts = plural(counts.truncated, "text was", "texts were");
            context.note(format_args!("warning: {texts} cut to {} tokens", self.run.embedder.max_tokens()));
        }
        if counts.empty > 0 {
            let texts = plural(counts.empty, "text is empty", "texts are empty");
            let meaning = match counts.without_tokens {
                0 => "the special tokens and the prompt are all that it has",
                _ => "it has no tokens at all, and a vector of zeros",
            };
            context.note(format_args!("warning: {texts}; where a text is empty, {meaning}"));
        }
        if counts.repeated > 0 {
            let pieces = match self.run.on_long {
                OnLong::Chunk(_) | OnLong::Merge(_) => {
                    plural(counts.repeated, "text or chunk", "texts or chunks")
                }
                _ => plural(counts.repeated, "text", "texts"),
            };
            context.note(format_args!("{pieces} occurred again nearby and shared a vector"));
        }
        if replaced > 0 {
            let sequences = plural(replaced, "sequence was", "sequences were");
            context.note(format_args!("warning: {sequences} not UTF-8 and replaced by U+FFFD"));
        }
    }

    /// Counts are the whole job's, times and speed those of this run.
    fn summary(&self, progress: &JobProgress, shards: Option<Shards>) -> EmbedSummary {
        let counts = progress.before + progress.now;
        let Self { context, arguments, run, load } = self;
        let (embedder, is_text) = (run.embedder, run.level == Level::Text);
        let (pooling, reason) =
            if is_text { embedder.pooling() } else { ("none".to_owned(), "one vector a token") };
        let encode = progress.now.encode.as_secs_f64();
        let seconds = Seconds {
            total: context.start.elapsed().as_secs_f64(),
            load: load.as_secs_f64(),
            tokenize: progress.now.tokenize.as_secs_f64(),
            encode,
        };
        EmbedSummary {
            texts: counts.texts,
            rows: counts.rows,
            tokens: counts.tokens,
            truncated: counts.truncated,
            empty: counts.empty,
            repeated: counts.repeated,
            padding_avoided: counts.padding_avoided(),
            seconds,
            tokens_per_second: if encode > 0.0 { progress.now.tokens as f64 / encode } else { 0.0 },
            model: arguments.model.clone(),
            precision: Precision::from(arguments.running.precision).name(),
            device: embedder.devices().name().to_owned(),
            pooling,
            pooling_reason: reason.to_owned(),
            normalized: if is_text { embedder.is_normalized() } else { embedder.normalizes_tokens() },
            dimensions: run.layout.dim,
            output_type: run.layout.output_type.name(),
            max_length: embedder.max_tokens(),
            layer: embedder.layer(),
            prompt: embedder.prompt().to_owned(),
            threads: embedder.workers().threads(),
            shards,
        }
    }
}

/// The commit of a model in the cache; nothing of one in a folder.
pub(crate) fn revision(model: &Model) -> String {
    match model.folder().source() {
        Source::Folder => String::new(),
        Source::Cache { commit, .. } => commit.clone(),
    }
}

/// The columns of the output with their types, in words.
pub(crate) fn columns(run: &EmbedRun<'_>) -> nearsay::Result<String> {
    let schema = run.schema()?;
    let columns = schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type()));
    Ok(columns.collect::<Vec<_>>().join(", "))
}
