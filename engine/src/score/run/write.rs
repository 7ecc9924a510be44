//! Writing a run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde_json::Value;

use super::Run;
use super::document::{
    FORMAT_VERSION, InputDocument, MetricDocument, Pairing, RUN_JSON, RunDocument, WarningDocument,
};
use super::tables::{
    SEGMENTS, STATISTICS, TEXTS, reference_column, write_segments, write_statistics, write_texts,
};
use crate::error::phrase;
use crate::score::report::fingerprint;
use crate::score::systems::{MeasuredMetric, MeasuredSystems, ScoreWarning};
use crate::score::{PairSource, PairSurvey, SurveyedTexts, TextSource, figures_json};
use crate::vectors::folder::{LOCK, create, failed, lock, names};
use crate::vectors::write::{Output, OutputFile, OutputFormat, is_temporary, sync_folder};
use crate::{Error, Result, Setting};

/// The folder of a run that is being made. Everything is written to a folder next to it, which gets the run's name
/// when it is complete; a run that is replaced is whole until then.
#[derive(Debug)]
pub struct RunWriter {
    target: PathBuf,
    unfinished: PathBuf,
    _lock: File,
}

/// Everything that a run records.
#[derive(Debug, Clone, Copy)]
pub struct RunContents<'a> {
    /// The texts.
    pub source: &'a PairSource,
    /// Their survey, with ids and texts.
    pub survey: &'a PairSurvey,
    /// The statistics.
    pub measured: &'a MeasuredSystems,
    /// The specs of the metrics, in the order of those measured.
    pub specs: &'a [String],
    /// The arguments that the scores depend on.
    pub command: &'a [String],
    /// How rows were read.
    pub pairing: &'a Pairing,
    /// The warnings.
    pub warnings: &'a [ScoreWarning],
    /// Whether texts are kept.
    pub texts: bool,
    /// The run that this one extends, whose inputs keep the names that they had.
    pub earlier: Option<&'a Run>,
}

impl RunWriter {
    /// Prepares the run in `target`. Nothing that is there is touched before [`write`](Self::write) has completed.
    ///
    /// # Errors
    /// [`Error::CannotCreate`] if there is something that must not be replaced, or the folder cannot be created;
    /// [`Error::NewerFormat`] if a later version wrote the run; [`Error::Busy`] if another process writes it.
    pub fn create(target: &Path, replace: bool) -> Result<Self> {
        let target = resolved(target)?;
        check_target(&target, replace)?;
        let unfinished = unfinished(&target)?;
        if unfinished.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(Error::CannotCreate {
                path: target,
                reason: format!("{} is in the way", unfinished.display()),
                hint: Some("remove it: a run is written to a folder of that name first".into()),
            });
        }
        create(&unfinished).map_err(|error| of_target(error, &target))?;
        let lock = lock(&unfinished).map_err(|error| of_target(error, &target))?;
        remove_remains(&unfinished)?;
        Ok(Self { target, unfinished, _lock: lock })
    }

    /// Writes the run, and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; errors of the inputs, whose texts are read again.
    pub fn write(self, contents: &RunContents<'_>) -> Result<()> {
        let RunContents { source, survey, measured, .. } = *contents;
        let names: Vec<String> = source.systems.iter().map(|system| system.name.clone()).collect();
        let folder = &self.unfinished;
        let mut files = vec![
            (SEGMENTS, write_segments(folder, &names, survey, measured)?),
            (STATISTICS, write_statistics(folder, &names, survey.rows as usize, measured)?),
        ];
        if contents.texts {
            files.push((TEXTS, write_texts(folder, source, survey)?));
        }
        let mut document = document(contents, &names);
        document.files = files.into_iter().map(|(name, file)| (name.to_owned(), file)).collect();
        document.check().map_err(|rule| Error::Bug(format!("{RUN_JSON} {rule}")))?;
        let mut file = OutputFile::create(&folder.join(RUN_JSON), true)?;
        file.write(&document.to_bytes()?)?;
        file.persist()?;
        self.publish()
    }

    /// The lock's file goes with the folder, so that no other process can have it before the run has its name.
    fn publish(&self) -> Result<()> {
        let failed = |source| failed("writing", &self.target, source);
        sync_folder(&self.unfinished).map_err(failed)?;
        if self.target.is_dir() {
            let replaced = self.replaced();
            exchange(&self.unfinished, &self.target, &replaced).map_err(failed)?;
            // The run is complete; the one that it replaced is litter now.
            let _ = fs::remove_dir_all(&replaced);
        } else {
            fs::rename(&self.unfinished, &self.target).map_err(failed)?;
        }
        fs::remove_file(self.target.join(LOCK)).map_err(failed)?;
        sync_folder(parent(&self.target)).map_err(failed)
    }

    /// Where a run that is replaced has its place until it is removed.
    fn replaced(&self) -> PathBuf {
        let mut name = self.unfinished.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{}", std::process::id()));
        self.unfinished.with_file_name(name)
    }
}

impl Drop for RunWriter {
    fn drop(&mut self) {
        // The error that stopped the run is reported; one of these would hide it. Nothing is left after a success.
        let _ = remove_remains(&self.unfinished);
        let _ = fs::remove_file(self.unfinished.join(LOCK));
        let _ = fs::remove_dir(&self.unfinished);
    }
}

/// Gives `new` the name `target`, and what was there the name `replaced`: in one step if the file system can, so that
/// there is a whole run at every time.
fn exchange(new: &Path, target: &Path, replaced: &Path) -> io::Result<()> {
    match renameat_with(CWD, new, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => fs::rename(new, replaced),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::rename(target, replaced)?;
            fs::rename(new, target).inspect_err(|_| {
                // The error that is returned is the one to report.
                let _ = fs::rename(replaced, target);
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// The path without separators at its end, which would be part of the name of the folder next to it; that of the
/// folder itself if it is a link or `.`.
fn resolved(path: &Path) -> Result<PathBuf> {
    let trimmed: PathBuf = path.components().collect();
    let is_link = trimmed.symlink_metadata().is_ok_and(|found| found.is_symlink());
    match trimmed.file_name() {
        Some(_) if !is_link => Ok(trimmed),
        _ => trimmed.canonicalize().map_err(|error| Error::CannotCreate {
            path: path.to_owned(),
            reason: error.to_string(),
            hint: None,
        }),
    }
}

/// Whether a run may be written to `target`: nothing is there, an empty folder, or a run that may be replaced.
fn check_target(target: &Path, replace: bool) -> Result<()> {
    let refuse = |reason: String, hint| Err(Error::CannotCreate { path: target.to_owned(), reason, hint });
    if target.symlink_metadata().is_err() {
        return Ok(());
    }
    if !target.is_dir() {
        return refuse("it is not a folder".to_owned(), None);
    }
    let names = names(target).map_err(|error| failed("reading", target, error))?;
    if names.is_empty() {
        return Ok(());
    }
    let is_run = match RunDocument::read(target) {
        Ok(_) => true,
        Err(error @ Error::NewerFormat { .. }) => return Err(error),
        // A damaged run may be replaced; another file of that name is not a run.
        Err(_) => fs::read(target.join(RUN_JSON)).is_ok_and(|text| RunDocument::is_start(&text)),
    };
    if !is_run {
        return refuse("it exists and is not a run".to_owned(), None);
    }
    if !replace {
        let hint = phrase![
            Setting::AddToRun,
            " adds systems or metrics to it; ",
            Setting::Overwrite,
            " replaces it"
        ];
        return refuse("it has a run already".to_owned(), Some(hint));
    }
    match names.iter().find(|name| !is_of_a_run(name)) {
        None => Ok(()),
        Some(name) => refuse(
            format!("it has {name}, which is not part of a run and would be removed"),
            Some("move that file away first".into()),
        ),
    }
}

fn is_of_a_run(name: &str) -> bool {
    [RUN_JSON, SEGMENTS, STATISTICS, TEXTS, LOCK].contains(&name) || is_temporary(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unfinished(target: &Path) -> Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| Error::CannotCreate {
        path: target.to_owned(),
        reason: "the name of a folder is missing".to_owned(),
        hint: None,
    })?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".unfinished");
    Ok(parent(target).join(hidden))
}

/// Removes what a killed process left.
fn remove_remains(folder: &Path) -> Result<()> {
    for name in names(folder).unwrap_or_default() {
        if name != LOCK && is_of_a_run(&name) {
            let path = folder.join(name);
            fs::remove_file(&path).map_err(|source| failed("removing", &path, source))?;
        }
    }
    Ok(())
}

/// Errors about the unfinished folder are about the run.
fn of_target(error: Error, target: &Path) -> Error {
    match error {
        Error::Busy { process, .. } => Error::Busy { path: target.to_owned(), process },
        Error::CannotCreate { reason, hint, .. } => {
            Error::CannotCreate { path: target.to_owned(), reason, hint }
        }
        error => error,
    }
}

fn document(contents: &RunContents<'_>, names: &[String]) -> RunDocument {
    let RunContents { source, survey, measured, specs, .. } = *contents;
    let input = |name: String, texts: &TextSource, surveyed: &SurveyedTexts| InputDocument {
        name,
        input: texts.name().to_owned(),
        field: texts.field().map(str::to_owned),
        sha256: surveyed.sha256.clone(),
        missing: surveyed.missing.count,
    };
    let references = source.references.iter().zip(&survey.references).enumerate();
    let systems = source.systems.iter().zip(&survey.systems);
    let recorded = |of: fn(&Run) -> &[InputDocument], name: &str| {
        contents.earlier.and_then(|run| of(run).iter().find(|input| input.name == name).cloned())
    };
    RunDocument {
        format_version: FORMAT_VERSION,
        nearsay: env!("CARGO_PKG_VERSION").to_owned(),
        command: contents.command.to_vec(),
        fingerprint: fingerprint(source, survey, measured),
        rows: survey.rows,
        pairing: Pairing {
            row_weights: measured.weights.as_ref().map(Into::into),
            ..contents.pairing.clone()
        },
        references: references
            .map(|(at, (texts, surveyed))| {
                let name = reference_column(at);
                recorded(Run::references, &name).unwrap_or_else(|| input(name, texts, surveyed))
            })
            .collect(),
        systems: systems
            .map(|(system, surveyed)| {
                recorded(Run::systems, &system.name)
                    .unwrap_or_else(|| input(system.name.clone(), &system.texts, surveyed))
            })
            .collect(),
        metrics: measured
            .metrics
            .iter()
            .zip(specs)
            .map(|(metric, spec)| metric_document(metric, spec, measured))
            .collect(),
        scores: names.iter().enumerate().map(|(at, name)| (name.clone(), scores(at, measured))).collect(),
        warnings: contents.warnings.iter().map(warning_document).collect(),
        files: Default::default(),
    }
}

fn warning_document(warning: &ScoreWarning) -> WarningDocument {
    WarningDocument { metric: warning.metric().map(str::to_owned), message: warning.to_string() }
}

fn metric_document(metric: &MeasuredMetric, spec: &str, measured: &MeasuredSystems) -> MetricDocument {
    MetricDocument {
        key: metric.key.clone(),
        spec: spec.to_owned(),
        signature: metric.metric.signature(measured.references).to_string(),
        statistics: metric.metric.statistics(),
    }
}

fn scores(system: usize, measured: &MeasuredSystems) -> std::collections::BTreeMap<String, Value> {
    let scores = |metric: &MeasuredMetric| (metric.key.clone(), figures_json(&metric.figures(system)));
    measured.metrics.iter().map(scores).collect()
}

/// Refuses an output that is not a folder's name.
///
/// # Errors
/// [`Error::Usage`] for standard output and for the name of a file.
pub fn run_folder(output: &Output) -> Result<PathBuf> {
    if let Some(path) = output.path().filter(|path| OutputFormat::of_extension(path).is_some()) {
        return Err(Error::usage_hint(
            format!("a run is a folder, and {} has the name of a file", path.display()),
            "give it a name without an ending",
        ));
    }
    match output {
        Output::Stdout => Err(Error::usage("a run is a folder; it cannot be written to standard output")),
        Output::File(path) | Output::Folder(path) => Ok(path.clone()),
    }
}
