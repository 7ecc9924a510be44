//! Builds and updates an index: both read inputs, encode the texts that the index does not have, and replace those that
//! have changed.
//! Whoever is killed loses at most one volume, and the same call goes on from there.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::{Field, SchemaRef};

use super::columns;
use super::folder::IndexFolder;
use super::inputs::Inputs;
use super::known::{KnownTexts, Recogniser, TextDigests};
use super::manifest::State;
use super::options::{IndexOptions, Prune, UpdateOptions};
use super::rows::IndexRows;
use super::settings::{Reading, Settings};
use super::summary::UpdateSummary;
use super::update::Update;
use crate::embed::{EmbedOptions, EmbedRun, Embedder, OnLong};
use crate::error::{phrase, shorten};
use crate::job::{Existing, Notice, Observer};
use crate::search::RowSet;
use crate::session::Session;
use crate::text::{Input, Record, RecordStream};
use crate::vectors::rows::{Columns, HEAD_RECORDS, RowLayout};
use crate::vectors::write::OutputFormat;
use crate::vectors::{Level, Metadata, OutputType, Provenance, differences};
use crate::{Error, Result, Setting};

/// An index that is about to be built or updated from texts. Opening checks everything that can be checked without a
/// model.
#[derive(Debug)]
pub struct IndexWriter {
    pub(super) folder: IndexFolder,
    pub(super) state: State,
    /// Whether an index that is there is removed first.
    overwrites: bool,
    pub(super) inputs: Inputs,
    pub(super) options: IndexOptions,
    pub(super) update: UpdateOptions,
    pub(super) resumed: Resumed,
}

/// Whether this is a build that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumed {
    /// It is an update, or a build that starts.
    No,
    /// The build was killed. What its inputs no longer have is removed in the end: they are all that the index has.
    Unfinished,
    /// The build was finished. If the inputs have changed since, that is an error.
    Finished,
}

impl IndexWriter {
    /// An index that is built in `folder` from `inputs`, in which folders and patterns are expanded. A build that was
    /// killed goes on with [`Existing::Resume`]; if its inputs have changed meanwhile, the index becomes that of the
    /// changed ones. A finished one is not changed by that.
    ///
    /// # Errors
    /// [`Error::Usage`] if options contradict each other; [`Error::NoInput`], [`Error::BadInput`];
    /// [`Error::CannotCreate`]; [`Error::Busy`] if another process changes the index.
    pub fn build(folder: &Path, inputs: &[Input], options: &IndexOptions) -> Result<Self> {
        options.reading.check()?;
        // Before a folder is created.
        Input::expand_all(inputs, &options.reading)?;
        let folder = IndexFolder::create(folder, options.existing)?;
        let overwrites = options.existing == Existing::Overwrite;
        let state = if overwrites || State::is_unstarted(folder.path())? {
            State::default()
        } else {
            State::read(folder.path())?
        };
        let resumed = match (&state.settings, state.inputs.is_empty()) {
            (None, _) => Resumed::No,
            (Some(_), true) => Resumed::Unfinished,
            (Some(_), false) => Resumed::Finished,
        };
        let inputs = Inputs::new(inputs, &options.reading, (folder.path(), &state.inputs))?;
        let (options, update) = (options.clone(), UpdateOptions::default());
        Ok(Self { folder, state, overwrites, inputs, options, update, resumed })
    }

    /// The index in `folder`, to be updated from `inputs`, which are read as they were when it was built.
    ///
    /// # Errors
    /// [`Error::BadInput`] if the folder is not an index, or has another file of an input's name; [`Error::Usage`] if it
    /// was built from vectors;
    /// [`Error::NoInput`]; [`Error::Busy`].
    pub fn update(folder: &Path, inputs: &[Input], update: UpdateOptions) -> Result<Self> {
        let folder = IndexFolder::open(folder)?;
        let state = State::read(folder.path())?;
        let name = folder.path().display().to_string();
        let reading = state.settings.as_ref().and_then(|settings| settings.reading.as_ref());
        let reading = reading.ok_or_else(|| {
            Error::usage_hint(
                format!("{name} was built from vectors, and cannot be updated with texts"),
                "build it again from the new vectors",
            )
        })?;
        let mut options = reading.options(&name)?;
        if let Some(settings) = &state.settings {
            (options.metric, options.vectors) = (settings.metric, settings.vectors);
            (options.codes, options.bits, options.seed) = (settings.codes, settings.bits, settings.seed);
        }
        let inputs = Inputs::new(inputs, &options.reading, (folder.path(), &state.inputs))?;
        if update.prune != Prune::Nothing && inputs.files.iter().any(|input| !input.can_be_read_again()) {
            return Err(Error::usage("texts that are gone can be removed only if all inputs are files"));
        }
        Ok(Self { folder, state, overwrites: false, inputs, options, update, resumed: Resumed::No })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The origin of the vectors in the index; `None` in a new one.
    ///
    /// # Errors
    /// [`Error::BadInput`] if the manifest has another one than this program writes.
    pub fn provenance(&self) -> Result<Option<Provenance>> {
        let recorded = self.state.settings.as_ref().and_then(|settings| settings.provenance.as_ref());
        recorded.map(|it| Provenance::from_metadata(&self.path().display().to_string(), it)).transpose()
    }

    /// The options with which `session` makes the vectors of the index.
    ///
    /// # Errors
    /// [`Error::OtherModel`] if it is another model.
    pub fn embed_options(&self, session: &Session) -> Result<EmbedOptions> {
        let Some(provenance) = self.provenance()? else { return Ok(EmbedOptions::default()) };
        EmbedOptions::check_model(&provenance, session)?;
        let options = EmbedOptions::like(&provenance, session)?;
        Ok(options.for_texts(&provenance.prompt, provenance.task.as_deref(), session.model()))
    }

    /// Reads the inputs, and encodes what the index does not have. What is committed stays, whatever happens.
    ///
    /// # Errors
    /// [`Error::OtherIndex`] naming the setting that differs from the recorded one; [`Error::BadInput`] if too much
    /// would be removed; those of reading and encoding.
    pub fn run(mut self, embedder: &Embedder, observer: &dyn Observer) -> Result<UpdateSummary> {
        self.options.on_long.check_for(embedder)?;
        let mut stream = RecordStream::open(&self.inputs.files, &self.options.reading)?;
        stream.read_ahead(HEAD_RECORDS)?;
        let before = match self.state.settings {
            Some(_) => Some(IndexRows::of(self.folder.path(), &self.state)?),
            None => None,
        };
        let (run, schema) = self.plan(embedder, &stream, before.as_ref())?;
        let settings = self.settings(&run)?;
        let known = before.as_ref().map(KnownTexts::read).transpose()?.unwrap_or_default();
        if self.update.prune != Prune::Nothing || self.update.dry_run {
            let counted = self.survey(&known)?;
            if self.update.dry_run {
                return Ok(counted);
            }
        }
        for damage in &self.state.log.damage {
            let what = format!("{}: {}: repaired", self.path().display(), damage.what);
            observer.notice(&Notice::Damage { what });
        }
        if self.overwrites {
            self.folder.clear()?;
        }
        let log = self.folder.start(&mut self.state, Some(settings))?;
        let deleted = before.as_ref().map_or_else(|| RowSet::none(0), |rows| rows.deleted.clone());
        let mut update =
            Update { writer: &mut self, run, schema, log, known: &known, before, deleted, observer };
        update.run(&mut stream)
    }

    /// How records become rows, and the columns of the index.
    fn plan<'a>(
        &self,
        embedder: &'a Embedder,
        stream: &RecordStream,
        before: Option<&IndexRows>,
    ) -> Result<(EmbedRun<'a>, SchemaRef)> {
        let (reading, format) = (&self.options.reading, OutputFormat::Arrow);
        let columns = match before.and_then(IndexRows::schema) {
            Some(schema) => {
                let id = schema.field_with_name(crate::vectors::schema::ID)?;
                Columns::stored(id, &columns::kept(schema), stream.kept_types())?
            }
            None => {
                let head: Vec<Record> = stream.ahead().take(HEAD_RECORDS).cloned().collect();
                Columns::new(format, &reading.keep, stream.kept_types(), &self.options.json_columns, &head)?
            }
        };
        let (id, kept): (Field, Vec<Field>) = columns.fields();
        let schema = columns::schema(&id, &kept)?;
        let layout = RowLayout {
            level: Level::Text,
            columns,
            chunked: matches!(self.options.on_long, OnLong::Chunk(_)),
            marks_truncated: true,
            output_type: OutputType::F32,
            ranges: None,
            dim: embedder.dimensions(),
        };
        let run = EmbedRun { embedder, layout, on_long: self.options.on_long, row_by_row: false };
        run.layout.schema()?;
        Ok((run, schema))
    }

    /// The settings of this run, which must be those of the index.
    fn settings(&self, run: &EmbedRun<'_>) -> Result<Settings> {
        let mut provenance = run.provenance();
        provenance.model_sha256 = Some(run.embedder.session().model_digest()?);
        let settings = Settings {
            metric: self.options.metric,
            vectors: self.options.vectors,
            codes: self.options.codes,
            bits: self.options.bits,
            seed: self.options.seed,
            dimensions: run.embedder.dimensions(),
            provenance: Some(provenance.to_metadata()),
            reading: Some(Reading::new(&self.options)),
        };
        let Some(recorded) = &self.state.settings else { return Ok(settings) };
        let other = |setting: &str, recorded: &str, asked: &str| {
            let [recorded, asked] = [recorded, asked].map(|value| shorten(value).into_owned());
            Err(Error::OtherIndex {
                path: self.path().to_owned(),
                setting: setting.to_owned(),
                recorded,
                asked,
            })
        };
        if recorded.metric != settings.metric {
            return other("the metric", recorded.metric.name(), settings.metric.name());
        }
        if recorded.vectors != settings.vectors {
            return other("vectors as", recorded.vectors.name(), settings.vectors.name());
        }
        if recorded.codes != settings.codes {
            return other("codes", recorded.codes.name(), settings.codes.name());
        }
        if recorded.bits != settings.bits {
            let words = |has: bool| if has { "stored" } else { "not stored" };
            return other("signs", words(recorded.bits), words(settings.bits));
        }
        if recorded.seed != settings.seed {
            return other("the seed", &recorded.seed.to_string(), &settings.seed.to_string());
        }
        let (was, is) = (recorded.provenance.clone().unwrap_or_default(), provenance.to_metadata());
        if let Some(name) = differences(&was, &is).next() {
            let value = |settings: &Metadata| match settings.get(name).map(String::as_str) {
                None | Some("") => "none".to_owned(),
                Some(value) => value.to_owned(),
            };
            return other(&name.replace('_', " "), &value(&was), &value(&is));
        }
        if recorded.reading != settings.reading {
            return Err(Error::usage_hint(
                format!(
                    "{} was built with other settings of reading or splitting texts",
                    self.path().display()
                ),
                phrase!["name the same, or start over with ", Setting::Overwrite],
            ));
        }
        Ok(settings)
    }

    /// Whether texts are removed that the inputs no longer have.
    pub(super) fn removes(&self) -> bool {
        self.update.prune != Prune::Nothing || self.resumed == Resumed::Unfinished
    }

    /// Whether texts of an input may be removed: of those that are read, and of those that a named folder or pattern no
    /// longer has.
    pub(super) fn is_prunable(&self, input: &str) -> bool {
        self.resumed == Resumed::Unfinished || self.inputs.have(input) || self.is_gone(input)
    }

    /// Whether a named folder or pattern no longer has an input of the index.
    pub(super) fn is_gone(&self, input: &str) -> bool {
        self.inputs.have_lost(input, self.state.inputs.get(input), &self.options.reading)
    }

    /// The names of the inputs.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.inputs.records.iter().map(|input| input.name.as_str().into()).collect()
    }

    /// Counts what an update would do, and refuses to remove too much.
    fn survey(&self, known: &KnownTexts) -> Result<UpdateSummary> {
        let mut stream = RecordStream::open(&self.inputs.files, &self.options.reading)?;
        let (mut summary, mut recogniser) = (UpdateSummary::default(), Recogniser::new(known));
        let names = self.names();
        let mut has_rows = vec![false; self.inputs.files.len()];
        while let Some(record) = stream.next() {
            let (mut record, input) = (record?, stream.last_input());
            has_rows[input] = true;
            self.inputs.rename(&mut record, input);
            let digests = TextDigests::of(&mut record)?;
            let may_move = |other: &str| self.update.prune != Prune::Nothing && self.is_prunable(other);
            summary.count(recogniser.recognise(&record, &digests, &names[input], &may_move)?);
        }
        if self.update.prune == Prune::Nothing {
            return Ok(summary);
        }
        let gone = known.texts.iter().zip(&recogniser.is_seen);
        summary.removed =
            gone.filter(|(text, is_seen)| !**is_seen && self.is_prunable(&text.input)).count() as u64;
        if self.update.prune == Prune::All {
            return Ok(summary);
        }
        let empty = has_rows.iter().zip(&self.inputs.records).find(|(has_rows, _)| !**has_rows);
        if let Some((_, input)) = empty {
            let had = known.texts.iter().filter(|text| *text.input == *input.name).count();
            return Err(refuse(&input.name, format!("has no rows, and the index has {had} of it")));
        }
        let all = known.texts.len() as u64;
        if 2 * summary.removed > all {
            let rule = format!("{} of {all} texts would be removed, more than half", summary.removed);
            return Err(refuse(&self.path().display().to_string(), rule));
        }
        Ok(summary)
    }
}

fn refuse(input: &str, rule: String) -> Error {
    let error = Error::BadInput { input: input.to_owned(), rule };
    error.with_hint(Some(phrase!["if that is right, remove them with ", Setting::Prune, "=all"]))
}
