//! `nearsay score --pairwise`.

use nearsay::job::refuse_same_file;
use nearsay::metrics::lexical::MetricSpec;
use nearsay::score::bertscore::{
    PairGrid, PairwiseBounds, PairwiseNotices, PairwiseProgress, SavedIdf, ScoreBand, Scorer,
};
use nearsay::score::pairwise::{
    CreatedMatrixFile, MatrixFile, MatrixLayout, MatrixNames, PairRows, TextList,
};
use nearsay::score::systems::Computation;
use nearsay::score::{PairSource, TextColumn, TextSource};
use nearsay::text::{Input, InputFormat};
use nearsay::vectors::write::Output;
use nearsay::{Error, Result};
use serde::Serialize;

use super::columns::split;
use super::request::{Opening, requested};
use super::sources::{columns, systems};
use crate::arguments::{MetricArguments, RunningArguments, ScoreArguments};
use crate::context::Context;
use crate::mbr::warn;
use crate::print::{plural, print_json, print_line, seconds};
use crate::progress::{Measure, Progress};
use crate::streams;

/// The object of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    signature: &'a str,
    output: String,
    /// Of two files.
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<[usize; 2]>,
    /// Of rows with candidates and references of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    pairs: u64,
    /// Distinct texts; of rows, counted anew in each window of rows.
    texts: u64,
    encoded: u64,
    empty: u64,
    truncated: u64,
    undefined: u64,
    /// The most bytes of token vectors in memory.
    vector_bytes: u64,
}

/// What was scored.
struct Scored {
    shape: Option<[usize; 2]>,
    rows: Option<u64>,
    notices: PairwiseNotices,
}

pub(super) fn run(context: &Context, arguments: &ScoreArguments) -> anyhow::Result<()> {
    let output = arguments.output.as_ref().ok_or_else(|| {
        usage(
            "--pairwise needs a file for its matrices",
            "name it with -o: -o scores.npy or -o scores.parquet",
        )
    })?;
    let [candidates] = &arguments.pairs.candidates[..] else {
        let count = arguments.pairs.candidates.len();
        return Err(usage(
            format!("--pairwise takes one file of candidates, got {count}"),
            "name it with -c: -c candidates.txt -r references.txt, or -c rows.jsonl alone",
        )
        .into());
    };
    let inputs = [candidates].into_iter().chain(&arguments.pairs.references);
    let inputs = inputs.map(|name| Ok(split(name)?.input)).collect::<Result<Vec<_>>>()?;
    if let Some(path) = output.path() {
        refuse_same_file(&inputs, path)?;
    }
    let job = Job { context, arguments, output };
    let create = || CreatedMatrixFile::create(output, arguments.overwrite);
    let (signature, scored) = match &arguments.pairs.references[..] {
        [] => {
            let input = row_input(arguments)?;
            job.rows(&input, create()?)?
        }
        [_] => job.files(create()?)?,
        references => {
            return Err(usage(
                format!("--pairwise takes one file of references, got {}", references.len()),
                "put all references into one file, one per line",
            )
            .into());
        }
    };
    job.print(&signature, &scored)?;
    Ok(())
}

fn usage(message: impl Into<nearsay::Phrase>, hint: &str) -> Error {
    Error::Usage { message: message.into(), hint: Some(hint.into()) }
}

/// The input whose rows have candidates and references.
fn row_input(arguments: &ScoreArguments) -> Result<Input> {
    let (_, TextColumn { input, field }) = systems(&arguments.pairs)?.remove(0);
    if let Some(field) = field {
        return Err(usage(
            format!("{input}: its rows have candidates and references, and `{field}` is one column"),
            "name the fields with --candidate-field and --reference-field, or files with -c and -r",
        ));
    }
    let is_other = |path| InputFormat::from_path(path).is_ok_and(|format| format != InputFormat::Jsonl);
    if matches!(&input, Input::File(path) if is_other(path)) {
        return Err(usage(
            format!("--pairwise needs references, and {input} is not .jsonl, whose rows can have them"),
            "name them with -r: -c candidates.txt -r references.txt",
        ));
    }
    Ok(input)
}

struct Job<'a> {
    context: &'a Context,
    arguments: &'a ScoreArguments,
    output: &'a Output,
}

impl Job<'_> {
    /// All candidates of one file against all references of another.
    fn files(&self, created: CreatedMatrixFile) -> Result<(String, Scored)> {
        let arguments = self.arguments;
        let (systems, references) = columns(&arguments.pairs, &arguments.reading)?;
        let common = arguments.reading.options();
        let columns = [&systems[0].1, &references[0]];
        if columns.iter().all(|column| column.input == Input::Stdin) {
            return Err(usage(
                "standard input is named twice; it can be read only once",
                "name a file for one",
            ));
        }
        if columns.iter().any(|column| column.input == Input::Stdin) {
            streams::check_stdin()?;
        }
        let candidates = TextList::read(columns[0], &common)?;
        let references = TextList::read(columns[1], &common)?;
        let mut scorer = self.scorer()?;
        for (list, column) in [&candidates, &references].into_iter().zip(columns) {
            scorer.check_texts(&list.texts, |text| (column.input.to_string(), list.rows[text]))?;
        }
        if arguments.metrics.idf == Some(None) {
            let source = |name, list: &TextList| TextSource::of_texts(name, list.texts.clone());
            let source =
                PairSource::new(source("candidates", &candidates), vec![source("references", &references)]);
            scorer = scorer.weighted_by_idf(&source)?;
        }
        let shape = [candidates.texts.len(), references.texts.len()];
        let signature = scorer.signature().to_string();
        let layout = MatrixLayout::One { candidates: shape[0], references: shape[1] };
        let mut file = MatrixFile::start(created, layout, &signature)?;
        let names = MatrixNames {
            input: &columns[0].input.to_string(),
            rows: &candidates.rows,
            ids: &candidates.ids,
            candidates: shape[0],
        };
        let pairs = (shape[0] * shape[1]) as u64;
        let progress = Progress::new(self.context, Measure::Share(Some(pairs)));
        let grid = PairGrid { candidates: &candidates.texts, references: &references.texts };
        let notices = scorer.score_grids(
            &[grid],
            PairwiseBounds::default(),
            |now| progress.set(now.pairs, done(now)),
            |band| file.write(&names, &band),
        )?;
        drop(progress);
        file.finish()?;
        warn(self.context, &notices, scorer.max_tokens());
        Ok((signature, Scored { shape: Some(shape), rows: None, notices }))
    }

    /// The candidates of each row against its references.
    fn rows(&self, input: &Input, created: CreatedMatrixFile) -> Result<(String, Scored)> {
        let arguments = self.arguments;
        if arguments.metrics.idf == Some(None) {
            return Err(usage(
                "--idf has no effect on rows with references of their own",
                "leave it out, or name a file of `nearsay idf` after it",
            ));
        }
        if *input == Input::Stdin {
            streams::check_stdin()?;
        }
        let field = |named: &'_ Option<String>, default: &str| named.clone().unwrap_or(default.to_owned());
        let fields = [
            field(&arguments.reading.candidate_field, "candidates"),
            field(&arguments.reading.reference_field, "references"),
        ];
        if fields[0] == fields[1] {
            return Err(usage(
                format!("the candidates and the references are both in the field `{}`", fields[0]),
                "name two fields with --candidate-field and --reference-field",
            ));
        }
        let rows = PairRows::open(input, [&fields[0], &fields[1]])?;
        let scorer = self.scorer()?;
        let signature = scorer.signature().to_string();
        let mut file = MatrixFile::start(created, MatrixLayout::PerRow, &signature)?;
        let (name, mut count) = (rows.name(), 0);
        let progress = Progress::new(self.context, Measure::Share(None));
        let report =
            |rows: u64, now| progress.set(rows, format!("{}, {}", plural(rows, "row", "rows"), done(now)));
        let notices =
            rows.score(&scorer, PairwiseBounds::default(), report, |row, band: ScoreBand<'_>| {
                count += u64::from(band.first == 0);
                let names = MatrixNames {
                    input: &name,
                    rows: &[row.row],
                    ids: std::slice::from_ref(&row.id),
                    candidates: row.candidates.len(),
                };
                file.write(&names, &band)
            })?;
        drop(progress);
        file.finish()?;
        warn(self.context, &notices, scorer.max_tokens());
        Ok((signature, Scored { shape: None, rows: Some(count), notices }))
    }

    fn scorer(&self) -> Result<Scorer> {
        let metrics = &self.arguments.metrics;
        let specs: Vec<&MetricSpec> = metrics.metric.iter().flat_map(|specs| &specs.0).collect();
        let spec = match specs[..] {
            [] => MetricSpec::new("bertscore"),
            [spec] => spec.clone(),
            _ => {
                return Err(usage(
                    format!("--pairwise computes one bertscore, got {} metrics", specs.len()),
                    "leave --metric out",
                ));
            }
        };
        let computation = match spec.name() {
            "bertscore" => open_alone(self.context, metrics, spec.clone(), &self.arguments.running)?,
            _ => return Err(not_bertscore(&spec)),
        };
        let Computation::BertScore(scorer) = computation else { return Err(not_bertscore(&spec)) };
        match &metrics.idf {
            Some(Some(path)) => scorer.weighted_by(&SavedIdf::read(path)?),
            // Over the references, which are not read yet.
            Some(None) | None => Ok(scorer),
        }
    }

    fn print(&self, signature: &str, scored: &Scored) -> Result<()> {
        let Scored { shape, rows, notices } = scored;
        if self.context.global.json {
            return print_json(&Report {
                signature,
                output: self.output.to_string(),
                shape: *shape,
                rows: *rows,
                pairs: notices.pairs,
                texts: notices.distinct,
                encoded: notices.encoded,
                empty: notices.empty,
                truncated: notices.truncated,
                undefined: notices.undefined,
                vector_bytes: notices.vector_bytes,
            });
        }
        print_line(signature)?;
        let pairs = plural(notices.pairs, "pair", "pairs");
        let what = match (shape, rows) {
            (Some([candidates, references]), _) => format!("{candidates} x {references}: {pairs}"),
            (_, rows) => format!("{}: {pairs}", plural(rows.unwrap_or(0), "matrix", "matrices")),
        };
        self.context.note(format_args!(
            "{what} -> {}, {} in {}",
            self.output,
            plural(notices.encoded, "text encoded", "texts encoded"),
            seconds(self.context.start.elapsed())
        ));
        Ok(())
    }
}

fn done(now: PairwiseProgress) -> String {
    let pairs = plural(now.pairs, "pair", "pairs");
    format!("{}, {pairs}", plural(now.texts, "text encoded", "texts encoded"))
}

fn not_bertscore(spec: &MetricSpec) -> Error {
    usage(
        format!("--pairwise computes only bertscore, got {}", spec.name()),
        "leave --metric out; `nearsay mbr` compares candidates by chrf and bleu",
    )
}

/// Opens one metric.
///
/// # Errors
/// Those of its settings and of its model.
pub(crate) fn open_alone(
    context: &Context,
    metrics: &MetricArguments,
    spec: MetricSpec,
    running: &RunningArguments,
) -> Result<Computation> {
    let metrics = MetricArguments { metric: vec![crate::arguments::Specs(vec![spec])], ..metrics.clone() };
    let mut opening = Opening::new(context, &metrics, running);
    let requested = requested(&metrics, &[], |spec| opening.num_layers(spec))?;
    opening.check(&requested)?;
    Ok(opening.open(&requested[0], Ok)?.computation)
}
