//! The line that ends a command on stderr: the work done, the output, and the time taken.

use std::path::Path;
use std::time::Duration;

use nearsay::evaluate::Retrieved;
use nearsay::export::ExportSummary;
use nearsay::job::JobSummary;
use nearsay::score::systems::Computation;
use nearsay::vectors::Level;
use nearsay::vectors::write::Output;

use crate::context::Context;
use crate::print::{bytes, per_second, plural, seconds};
use crate::score::Evaluated;

/// The parts of a closing line of `embed`.
pub(crate) struct Embedded<'a> {
    pub(crate) output: &'a Output,
    pub(crate) summary: &'a JobSummary,
    pub(crate) level: Level,
    /// Values in a vector.
    pub(crate) dimensions: usize,
    pub(crate) output_type: &'static str,
    /// The longest text in tokens.
    pub(crate) max_tokens: usize,
}

impl Embedded<'_> {
    /// `600 texts -> faq.parquet: 600 x 384 f32, 0.9 MiB, 9,563 tokens in 4.2 s (2,274/s), none cut`.
    ///
    /// Texts and rows are those of the whole output, tokens and speed those of this run.
    pub(crate) fn line(&self, elapsed: Duration) -> String {
        let Self { output, summary, .. } = self;
        let (counts, tokens) = (summary.counts(), summary.now.tokens);
        let mut parts = vec![self.shape(counts.rows)];
        parts.extend(self.shards());
        parts.extend(size(output).map(bytes));
        let rate = per_second(tokens, elapsed);
        parts.push(format!("{} in {} ({rate})", plural(tokens, "token", "tokens"), seconds(elapsed)));
        parts.push(cut(counts.truncated, self.max_tokens));
        format!("{} -> {output}: {}", plural(counts.texts, "text", "texts"), parts.join(", "))
    }

    /// The rows of the output: `600 x 384 f32`.
    fn shape(&self, rows: u64) -> String {
        let Self { dimensions, output_type, .. } = self;
        match self.level {
            Level::Sparse => format!("{} of {dimensions}", plural(rows, "sparse row", "sparse rows")),
            Level::Token => format!("{} x tokens x {dimensions} {output_type}", indicatif::HumanCount(rows)),
            _ => format!("{} x {dimensions} {output_type}", indicatif::HumanCount(rows)),
        }
    }

    /// The shards of a job: `7 shards`, `7 shards (4 of them from before)`.
    fn shards(&self) -> Option<String> {
        let shards = self.summary.shards?;
        let all = plural(shards.before + shards.now, "shard", "shards");
        Some(match shards.before {
            0 => all,
            before => format!("{all} ({before} of them from before)"),
        })
    }
}

/// `none cut`, `3 cut to 256 tokens`.
fn cut(count: u64, max_tokens: usize) -> String {
    match count {
        0 => "none cut".to_owned(),
        count => format!("{} cut to {max_tokens} tokens", indicatif::HumanCount(count)),
    }
}

/// Bytes of an output on disk: a file's, or those of a folder's files. Pipes and devices have none.
fn size(output: &Output) -> Option<u64> {
    let of_file = |path: &Path| path.metadata().ok().filter(|file| file.is_file()).map(|file| file.len());
    match output {
        Output::Stdout => None,
        Output::File(path) => of_file(path),
        Output::Folder(path) => {
            let shards = path.read_dir().ok()?.flatten().map(|entry| entry.path());
            let shards = shards.filter(|path| path.extension().is_some_and(|it| it == "parquet"));
            Some(shards.filter_map(|path| of_file(&path)).sum())
        }
    }
}

/// The closing line of `score`: `600 pairs in 4.2 s (143/s), none cut`; without an encoder nothing is cut.
pub(crate) fn scored(context: &Context, evaluated: &Evaluated) {
    let elapsed = context.start.elapsed();
    let pairs = evaluated.survey.rows * evaluated.source.systems.len() as u64;
    let scorer = evaluated.metrics.iter().find_map(|metric| match &metric.computation {
        Computation::BertScore(scorer) => Some(scorer),
        _ => None,
    });
    let cut = match (scorer, evaluated.measured.notices.first()) {
        (Some(scorer), Some(notices)) => format!(", {}", cut(notices.truncated, scorer.max_tokens())),
        _ => String::new(),
    };
    context.note(format_args!(
        "{} in {} ({}){cut}",
        plural(pairs, "pair", "pairs"),
        seconds(elapsed),
        per_second(pairs, elapsed),
    ));
}

/// The closing line of `baseline`: `100,000 pairs -> mine.csv: 13 layers in 4 min 2 s (413/s)`.
pub(crate) fn computed_baseline(context: &Context, output: &Output, pairs: u64, layers: usize) {
    let elapsed = context.start.elapsed();
    context.note(format_args!(
        "{} -> {output}: {} in {} ({})",
        plural(pairs, "pair", "pairs"),
        plural(layers as u64, "layer", "layers"),
        seconds(elapsed),
        per_second(pairs, elapsed),
    ));
}

/// The closing line of `eval retrieval`: `5,183 documents and 300 queries in 27 s (192/s), none cut`.
pub(crate) fn retrieved(context: &Context, retrieved: &Retrieved, max_tokens: usize) {
    let (elapsed, documents) = (context.start.elapsed(), retrieved.documents);
    let truncated = retrieved.truncated_documents.unwrap_or(0) + retrieved.truncated_queries;
    context.note(format_args!(
        "{} and {} in {} ({}), {}",
        plural(documents, "document", "documents"),
        plural(retrieved.run.len() as u64, "query", "queries"),
        seconds(elapsed),
        per_second(documents, elapsed),
        cut(truncated, max_tokens)
    ));
}

/// The closing line of `export`: `600 rows -> pgvector/: 600 x vector(384), 3 files, 1.2 MiB in 0.1 s (6,000/s)`.
pub(crate) fn exported(context: &Context, output: &Output, summary: &ExportSummary) {
    let elapsed = context.start.elapsed();
    let rows = plural(summary.rows, "row", "rows");
    let mut parts = Vec::new();
    if !summary.vector_type.is_empty() {
        parts.push(format!("{} x {}", indicatif::HumanCount(summary.rows), summary.vector_type));
    }
    if let Some(folder) = output.path() {
        let files = summary.files.iter().filter_map(|name| folder.join(name).metadata().ok());
        let size = files.map(|file| file.len()).sum();
        parts.push(plural(summary.files.len() as u64, "file", "files"));
        parts.push(bytes(size));
    }
    let rate = per_second(summary.rows, elapsed);
    let shape = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    context.note(format_args!("{rows} -> {output}{shape} in {} ({rate})", seconds(elapsed)));
}

/// The closing line of `verify`: `7 shards, 0.9 GiB read in 0.4 s`.
pub(crate) fn verified(context: &Context, shards: u64, size: u64) {
    let time = seconds(context.start.elapsed());
    context.note(format_args!("{}, {} read in {time}", plural(shards, "shard", "shards"), bytes(size)));
}

#[cfg(test)]
mod tests {
    use nearsay::job::Shards;

    use super::*;

    fn summary(texts: u64, rows: u64, tokens: u64, truncated: u64) -> JobSummary {
        let mut summary = JobSummary::default();
        let now = &mut summary.now;
        (now.texts, now.rows, now.tokens, now.truncated) = (texts, rows, tokens, truncated);
        summary
    }

    fn line(output: Output, level: Level, summary: &JobSummary) -> String {
        let embedded = Embedded {
            output: &output,
            summary,
            level,
            dimensions: 384,
            output_type: "f32",
            max_tokens: 256,
        };
        embedded.line(Duration::from_millis(4205))
    }

    #[test]
    fn a_line_says_what_is_where() {
        assert_eq!(
            line(Output::Stdout, Level::Text, &summary(600, 600, 9563, 0)),
            "600 texts -> standard output: 600 x 384 f32, 9,563 tokens in 4.2 s (2,274/s), none cut"
        );
        assert_eq!(
            line(Output::Stdout, Level::Text, &summary(1, 12, 1, 0)),
            "1 text -> standard output: 12 x 384 f32, 1 token in 4.2 s (0.2/s), none cut"
        );
        assert_eq!(
            line(Output::Stdout, Level::Token, &summary(1200, 1200, 9563, 3)),
            "1,200 texts -> standard output: 1,200 x tokens x 384 f32, 9,563 tokens in 4.2 s (2,274/s), 3 cut to 256 tokens"
        );
    }

    #[test]
    fn a_folder_has_shards_and_the_size_of_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, size) in
            [("part-00000.parquet", 3 << 20), ("part-00001.parquet", 1 << 20), ("_manifest.jsonl", 9)]
        {
            std::fs::write(folder.path().join(name), vec![0; size]).expect("written");
        }
        let mut resumed = summary(100, 100, 900, 0);
        (resumed.before.texts, resumed.before.rows, resumed.before.tokens) = (500, 500, 4000);
        let mut shards = Shards::default();
        (shards.before, shards.now) = (5, 1);
        resumed.shards = Some(shards);
        let path = folder.path().to_owned();
        assert_eq!(
            line(Output::Folder(path.clone()), Level::Text, &resumed),
            format!(
                "600 texts -> {}: 600 x 384 f32, 6 shards (5 of them from before), 4.0 MiB, 900 tokens in 4.2 s (214/s), none cut",
                path.display()
            )
        );
        assert_eq!(size(&Output::File("/dev/null".into())), None);
    }
}
