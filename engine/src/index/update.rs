//! An update that writes: texts are encoded some thousands at a time, and each such volume is committed together with
//! the deletion of the texts that it replaces.

use arrow_schema::SchemaRef;

use super::encode::encode;
use super::folder::append;
use super::known::{KnownTexts, Match, Recogniser, TextDigests};
use super::manifest::Entry;
use super::options::Prune;
use super::rows::IndexRows;
use super::summary::UpdateSummary;
use super::volume::{TextHead, VolumeWriter};
use super::write::{IndexWriter, Resumed};
use crate::embed::{Counts, EmbedRun};
use crate::job::{JobProgress, Observer};
use crate::search::{Metric, RowSet};
use crate::text::{Record, RecordStream};
use crate::vectors::folder::Log;
use crate::{Error, Result};

/// Bytes of texts that are encoded into one volume, about; fewer if they are more texts than a volume has.
const VOLUME_BYTES: usize = 128 << 20;

/// An update that writes.
pub(super) struct Update<'a> {
    pub(super) writer: &'a mut IndexWriter,
    pub(super) run: EmbedRun<'a>,
    pub(super) schema: SchemaRef,
    pub(super) log: Log,
    pub(super) known: &'a KnownTexts,
    pub(super) before: Option<IndexRows>,
    /// Deleted rows among those of all volumes.
    pub(super) deleted: RowSet,
    pub(super) observer: &'a dyn Observer,
}

/// Texts that are encoded into one volume.
#[derive(Default)]
struct Unit {
    texts: Vec<(Record, TextHead)>,
    /// The known texts that they replace.
    replaced: Vec<usize>,
    bytes: usize,
}

impl Update<'_> {
    /// Reads the records, and commits volume after volume.
    ///
    /// # Errors
    /// Those of reading, encoding and writing.
    pub(super) fn run(&mut self, stream: &mut RecordStream) -> Result<UpdateSummary> {
        let names = self.writer.names();
        let known = self.known;
        let (mut summary, mut recogniser) = (UpdateSummary::default(), Recogniser::new(known));
        let mut next_number = known.next_number;
        let mut unit = Unit::default();
        let most = self.writer.options.texts_per_volume.get() as usize;
        while let Some(record) = stream.next() {
            let (mut record, number) = (record?, stream.last_input());
            let input = &names[number];
            self.writer.inputs.rename(&mut record, number);
            self.run.embedder.control().check()?;
            let digests = TextDigests::of(&mut record)?;
            let (prunes, writer) = (self.writer.removes(), &*self.writer);
            let may_move = |other: &str| prunes && writer.is_prunable(other);
            let found = recogniser.recognise(&record, &digests, input, &may_move)?;
            if self.writer.resumed == Resumed::Finished && !matches!(found, Match::Same(_)) {
                return Err(self.changed(input, format!("row {} is not as it was", record.row)));
            }
            summary.count(found);
            let number = match found {
                Match::Same(_) => continue,
                Match::Changed(place) => {
                    unit.replaced.push(place);
                    known.texts[place].number
                }
                Match::New => {
                    next_number += 1;
                    next_number - 1
                }
            };
            let head = TextHead {
                number,
                has_id: record.id.is_explicit(),
                text: Some(record.text.clone()),
                text_sha256: digests.text_sha256,
                record_sha256: digests.record_sha256,
                input: input.clone(),
            };
            unit.bytes += record.text.len() + record.kept.bytes();
            unit.texts.push((record, head));
            if unit.texts.len() >= most || unit.bytes >= VOLUME_BYTES {
                self.commit(std::mem::take(&mut unit), &mut summary, stream)?;
            }
        }
        // An index without texts has a volume too, which has its columns.
        if !unit.texts.is_empty() || self.writer.state.volumes.is_empty() {
            self.commit(unit, &mut summary, stream)?;
        }
        if self.writer.resumed == Resumed::Finished {
            self.check_all_seen(&recogniser.is_seen)?;
        }
        if self.writer.removes() {
            summary.removed = self.remove_gone(&recogniser.is_seen)?;
        }
        summary.skipped = stream.skipped();
        summary.replaced_bytes = stream.replaced();
        self.end()?;
        self.writer.folder.tidy(&self.writer.state)?;
        Ok(summary)
    }

    /// Encodes texts into a volume, and commits it with the deletion of those that it replaces.
    fn commit(&mut self, mut unit: Unit, summary: &mut UpdateSummary, stream: &RecordStream) -> Result<()> {
        unit.texts.sort_by_key(|(_, head)| head.number);
        let (writer, embedder) = (&*self.writer, self.run.embedder);
        let settings = writer.state.settings.as_ref();
        let settings = settings.ok_or_else(|| Error::Bug("an index without settings".to_owned()))?;
        let kind = settings.volume_kind();
        let volume =
            VolumeWriter::create(writer.folder.path(), writer.state.next_volume, &self.schema, kind)?;
        let brings_to_length_1 = writer.options.metric == Metric::Cosine && !embedder.is_normalized();
        let before = summary.counts;
        let (bytes_read, bytes_total) = (stream.bytes_read(), stream.bytes_total());
        let progress = |now: &Counts| {
            let now = before + *now;
            self.observer.progress(&JobProgress { now, bytes_read, bytes_total, ..JobProgress::default() });
        };
        let (volume, counts) =
            encode(&self.run, unit.texts, (volume, &self.schema, brings_to_length_1), &progress)?;
        let volume = volume.finish()?;
        summary.counts = before + counts;
        summary.zeros += volume.zeros;
        self.delete(&unit.replaced)?;
        let deleted = match unit.replaced.is_empty() {
            true => None,
            false => Some(self.writer.folder.write_deleted(&self.writer.state, &self.deleted)?),
        };
        append(&mut self.log, &mut self.writer.state, Entry::Volume { volume: Box::new(volume), deleted })
    }

    /// Deletes known texts, in memory.
    fn delete(&mut self, places: &[usize]) -> Result<()> {
        for place in places {
            let rows = self.known.texts[*place].rows.clone();
            let stored = self.before.as_ref().and_then(|before| before.stored_place(rows.start));
            let stored =
                stored.ok_or_else(|| Error::Bug("a text that is replaced is not there".to_owned()))?;
            (stored..stored + (rows.end - rows.start)).for_each(|row| self.deleted.insert(row));
        }
        Ok(())
    }

    /// The error of an input that has changed since its index was finished.
    fn changed(&self, input: &str, what: String) -> Error {
        let folder = self.writer.path().display();
        let rule = format!("it has changed since the index in {folder} was finished: {what}");
        let error = Error::BadInput { input: input.to_owned(), rule };
        error.with_hint(Some("nothing is left to resume; update the index instead".into()))
    }

    /// Refuses inputs that no longer have a text of theirs.
    fn check_all_seen(&self, is_seen: &[bool]) -> Result<()> {
        let mut texts = self.known.texts.iter().zip(is_seen);
        match texts.find(|(text, is_seen)| !**is_seen && self.writer.inputs.have(&text.input)) {
            Some((text, _)) => {
                Err(self.changed(&text.input, "it lacks a text that the index has".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Deletes the texts that the inputs no longer have; returns how many.
    fn remove_gone(&mut self, is_seen: &[bool]) -> Result<u64> {
        let gone: Vec<usize> = (0..is_seen.len())
            .filter(|place| !is_seen[*place] && self.writer.is_prunable(&self.known.texts[*place].input))
            .collect();
        self.delete(&gone)?;
        if !gone.is_empty() {
            let deleted = self.writer.folder.write_deleted(&self.writer.state, &self.deleted)?;
            append(&mut self.log, &mut self.writer.state, Entry::Delete { deleted })?;
        }
        Ok(gone.len() as u64)
    }

    /// Records the inputs, unless they are recorded and the index is complete.
    fn end(&mut self) -> Result<()> {
        let writer = &*self.writer;
        let mut inputs = writer.state.inputs.clone();
        if writer.update.prune != Prune::Nothing {
            inputs.retain(|name, _| !writer.is_gone(name));
        }
        inputs.extend(writer.inputs.records.iter().map(|input| (input.name.clone(), input.clone())));
        if writer.state.is_complete && inputs == writer.state.inputs {
            return Ok(());
        }
        let inputs = inputs.into_values().collect();
        append(&mut self.log, &mut self.writer.state, Entry::End { inputs })
    }
}
