//! Output of `nearsay embed` when it is done.

use std::time::Duration;

use nearsay::embed::{Counts, Embedder, OnLong};
use nearsay::job::{CorpusOptions, JobSummary};
use nearsay::vectors::Level;
use nearsay::vectors::write::{OutputContent, OutputFormat};

use super::summary::{EmbedSummary, Seconds, ShardSummary};
use crate::arguments::EmbedArguments;
use crate::closing::Embedded;
use crate::context::Context;
use crate::failure;
use crate::print::{plural, print_json};

/// The facts known when the work starts.
pub(crate) struct Report<'a> {
    pub(crate) context: &'a Context,
    pub(crate) arguments: &'a EmbedArguments,
    pub(crate) options: &'a CorpusOptions,
    pub(crate) embedder: &'a Embedder,
    /// Time to find and load the model.
    pub(crate) load: Duration,
}

impl Report<'_> {
    /// Prints warnings, and the summary if requested.
    pub(crate) fn summary(&self, summary: &JobSummary) -> anyhow::Result<()> {
        if summary.shards.is_some_and(|shards| shards.now == 0 && shards.before > 0) {
            self.context.note("every shard was there already: nothing was done");
        }
        self.note_emptiness(summary);
        if summary.skipped > 0 {
            let rows = plural(summary.skipped, "row without text was", "rows without text were");
            self.context.note(format_args!("{rows} left out (--skip-empty)"));
        }
        self.warn(&summary.counts(), summary.replaced);
        self.conclude(summary);
        if self.context.global.json {
            print_json(&self.figures(summary))?;
        }
        Ok(())
    }

    /// Prints why the output is empty, if it is.
    fn note_emptiness(&self, summary: &JobSummary) {
        let ours = match summary.shards {
            Some(shards) => shards.before + shards.now,
            None => summary.now.texts,
        };
        if summary.input_rows == 0 {
            self.context.note("warning: 0 rows in the input; the output is empty");
        } else if ours == 0 {
            self.context
                .note("warning: this machine's part (--shard I/N) has no shards; the output is empty");
        }
    }

    /// Prints the closing line.
    fn conclude(&self, summary: &JobSummary) {
        let Self { context, arguments, options, embedder, .. } = self;
        let embedded = Embedded {
            output: &arguments.output,
            summary,
            level: self.level(),
            dimensions: self.dimensions(),
            output_type: options.output_type.name(),
            max_tokens: embedder.max_tokens(),
        };
        context.note(embedded.line(context.start.elapsed()));
    }

    /// The level of the vectors that were written.
    fn level(&self) -> Level {
        match self.options.level {
            Level::Text => self.embedder.level(),
            level => level,
        }
    }

    /// Values in a vector.
    fn dimensions(&self) -> usize {
        match self.level() {
            Level::Token => self.embedder.hidden_dim(),
            _ => self.embedder.dimensions(),
        }
    }

    /// Prints how truncated texts can be embedded whole into this output.
    fn hint_at_chunks(&self) {
        if !matches!(self.options.on_long, OnLong::Truncate) || self.context.global.quiet {
            return;
        }
        let content = OutputContent { chunked: true, level: self.level(), ..OutputContent::default() };
        let fits = |format: OutputFormat| format.check(content).is_ok();
        if OutputFormat::of(&self.arguments.output).is_ok_and(fits) {
            failure::hint("--on-long chunk splits long texts instead, one row per chunk");
        } else if self.level() == Level::Text {
            failure::hint("--on-long chunk --merge mean embeds long texts whole");
        }
    }

    fn warn(&self, counts: &Counts, replaced: u64) {
        let context = self.context;
        if counts.truncated > 0 {
            let texts = plural(counts.truncated, "text was", "texts were");
            context.note(format_args!("warning: {texts} cut to {} tokens", self.embedder.max_tokens()));
            self.hint_at_chunks();
        }
        if counts.empty > 0 {
            let texts = plural(counts.empty, "text is empty", "texts are empty");
            let meaning = match counts.without_tokens {
                _ if !self.embedder.adds_tokens() => "an empty text has the weights of the prompt alone",
                0 => "the vector of an empty text comes from the special tokens and the prompt",
                _ => "an empty text has no tokens at all, and a vector of zeros",
            };
            context.note(format_args!("warning: {texts}; {meaning}"));
        }
        if counts.repeated > 0 {
            let pieces = match self.options.on_long {
                OnLong::Chunk(_) | OnLong::Merge(_) => {
                    plural(counts.repeated, "duplicate text or chunk was", "duplicate texts or chunks were")
                }
                _ => plural(counts.repeated, "duplicate text was", "duplicate texts were"),
            };
            context.note(format_args!("{pieces} not encoded again"));
        }
        if replaced > 0 {
            let sequences =
                plural(replaced, "sequence was not UTF-8 and was", "sequences were not UTF-8 and were");
            context.note(format_args!("warning: {sequences} replaced by U+FFFD"));
        }
    }

    /// Counts are for the whole job, times and speed for this run.
    fn figures(&self, summary: &JobSummary) -> EmbedSummary {
        let (counts, now) = (summary.counts(), summary.now);
        let Self { context, arguments, options, embedder, load } = self;
        let is_text = self.level() != Level::Token || embedder.level() == Level::Token;
        let (pooling, reason) =
            if is_text { embedder.pooling() } else { ("none".to_owned(), "one vector per token") };
        let encode = now.encode.as_secs_f64();
        let seconds = Seconds {
            total: context.start.elapsed().as_secs_f64(),
            load: load.as_secs_f64(),
            tokenize: now.tokenize.as_secs_f64(),
            encode,
        };
        EmbedSummary {
            texts: counts.texts,
            rows: counts.rows,
            tokens: counts.tokens,
            truncated: counts.truncated,
            empty: counts.empty,
            repeated: counts.repeated,
            skipped: summary.skipped,
            padding_avoided: counts.padding_avoided(),
            seconds,
            tokens_per_second: if encode > 0.0 { now.tokens as f64 / encode } else { 0.0 },
            model: arguments.model.clone().unwrap_or_default(),
            precision: embedder.devices().precision().name(),
            device: embedder.devices().name().to_owned(),
            pooling,
            pooling_reason: reason.to_owned(),
            normalized: if is_text { embedder.is_normalized() } else { embedder.normalizes_tokens() },
            dimensions: self.dimensions(),
            output_type: options.output_type.name(),
            max_length: embedder.max_tokens(),
            layer: embedder.layer(),
            prompt: embedder.prompt_text().to_owned(),
            task: embedder.task().map(str::to_owned),
            threads: embedder.workers().threads(),
            shards: summary
                .shards
                .map(|shards| ShardSummary { shards_before: shards.before, shards_now: shards.now }),
        }
    }
}
