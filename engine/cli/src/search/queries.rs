//! The queries of one call: words, a file of texts, a file of vectors, or a stored text.

use std::path::Path;

use nearsay::Error;
use nearsay::embed::EmbedNotices;
use nearsay::search::{QueryModel, SearchAnswer, SearchHit};
use nearsay::text::{Input, Record, RecordId, RecordStream};
use nearsay::vectors::Vectors;
use nearsay::vectors::read::VectorFile;

use super::sink::Sink;
use super::{Asked, Seen};
use crate::effect;
use crate::index::{HOW_TO_WRITE, choices};

/// One query in words, whose hits have their best sentences marked.
pub(super) fn words(
    asked: &Asked<'_>,
    model: &QueryModel,
    query: &str,
    sink: &mut Sink<'_>,
) -> nearsay::Result<()> {
    let encoded = model.encode(&[query])?;
    let mut seen = Seen { max_tokens: model.max_tokens(), ..Seen::default() };
    seen.notice(&encoded.notices);
    let hits = asked.search.nearest(&encoded.vectors)?.pop().unwrap_or_default();
    let mut answer = asked.search.answer(&hits)?;
    answer.query = Some(query.to_owned());
    if sink.shows_texts() {
        model.mark(&encoded.vectors, &mut answer.hits)?;
    }
    if asked.arguments.explain {
        asked.search.explain(model, &mut answer)?;
    }
    seen.answer(&answer);
    sink.write(&answer)?;
    asked.conclude(&seen);
    Ok(())
}

/// Each text of a file.
pub(super) fn file(asked: &Asked<'_>, input: &Input, sink: &mut Sink<'_>) -> nearsay::Result<()> {
    let reading = asked.arguments.reading();
    let mut records = RecordStream::open(std::slice::from_ref(input), &reading)?;
    if let Some((format, true)) = records.current().map(|reader| (reader.format(), reader.is_sniffed())) {
        effect::check_sniffed(&input.to_string(), format, &reading)?;
        asked.context.note(format_args!("reading {input} as {format}"));
    }
    let model = asked.model()?;
    let mut seen = Seen { max_tokens: model.max_tokens(), ..Seen::default() };
    let at_once = asked.search.queries_at_once();
    loop {
        let part = records.by_ref().take(at_once).collect::<nearsay::Result<Vec<Record>>>()?;
        if part.is_empty() {
            break;
        }
        let texts: Vec<&str> = part.iter().map(|record| record.text.as_str()).collect();
        let encoded = model.encode(&texts)?;
        seen.notice(&encoded.notices);
        for (record, hits) in part.iter().zip(asked.search.nearest(&encoded.vectors)?) {
            let mut answer = asked.search.answer(&hits)?;
            answer.query = Some(record.text.clone());
            answer.query_id = Some(record.id.clone());
            if asked.arguments.explain {
                asked.search.explain(&model, &mut answer)?;
            }
            seen.answer(&answer);
            sink.write(&answer)?;
        }
    }
    asked.conclude(&seen);
    Ok(())
}

/// Each vector of a file.
pub(super) fn vectors(asked: &Asked<'_>, path: &Path, sink: &mut Sink<'_>) -> nearsay::Result<()> {
    let file = VectorFile::open(path)?;
    file.check_floats()?;
    check_models(asked, &file)?;
    let mut seen = Seen::default();
    let at_once = asked.search.queries_at_once();
    for batch in file.batches()? {
        let batch = batch?;
        let vectors = batch.vectors()?;
        asked.search.check_width(file.name(), &vectors)?;
        let dim = vectors.dim();
        for (ids, values) in batch.ids().chunks(at_once).zip(vectors.values().chunks(at_once * dim)) {
            let found = asked.search.nearest(&Vectors::new(values.to_vec(), dim)?)?;
            for (id, hits) in ids.iter().zip(found) {
                let mut answer = asked.search.answer(&hits)?;
                answer.query_id = Some(id.clone());
                seen.answer(&answer);
                sink.write(&answer)?;
            }
        }
    }
    asked.conclude(&seen);
    Ok(())
}

/// Refuses queries that are recorded to come from another model than the corpus.
fn check_models(asked: &Asked<'_>, queries: &VectorFile) -> nearsay::Result<()> {
    let (Some(corpus), Some(queries)) = (asked.corpus.provenance(), queries.provenance()) else {
        return Ok(());
    };
    match (&corpus.model_sha256, &queries.model_sha256) {
        (Some(of_corpus), Some(of_model)) if of_corpus != of_model => Err(Error::OtherModel {
            setting: "the model's SHA-256",
            of_corpus: of_corpus.clone(),
            of_model: of_model.clone(),
        }),
        (Some(_), Some(_)) => Ok(()),
        _ if corpus.model == queries.model => Ok(()),
        _ => {
            asked.context.note(format_args!(
                "warning: the vectors record the model {}, the queries {}; whether they are the same cannot be checked",
                corpus.model, queries.model
            ));
            Ok(())
        }
    }
}

/// The texts like a stored one.
pub(super) fn like(asked: &Asked<'_>, id: &str, sink: &mut Sink<'_>) -> nearsay::Result<()> {
    let (id, row) = stored(asked, id)?;
    let mut answer = asked.search.answer(&asked.search.like(row)?)?;
    answer.like = Some(id);
    let mut seen = Seen { is_alone: asked.search.matched_without(row)? == 0, ..Seen::default() };
    seen.answer(&answer);
    sink.write(&answer)?;
    asked.conclude(&seen);
    Ok(())
}

/// The row with an id as people write it: a number if there is such an id, else a string. Quotes make it a string.
fn stored(asked: &Asked<'_>, text: &str) -> nearsay::Result<(RecordId, u64)> {
    let mut ids = choices(text);
    if let (false, Ok(row)) = (asked.corpus.has_ids()?, text.parse()) {
        ids = vec![RecordId::Row(row)];
    }
    for id in ids {
        if let Some(row) = asked.corpus.row_of(&id)? {
            return Ok((id, row));
        }
    }
    let hint = match asked.corpus.has_ids()? {
        true => HOW_TO_WRITE,
        false => "rows without ids are numbered from 0",
    };
    Err(Error::Usage {
        message: format!(
            "{} has no row with the id {}",
            asked.corpus.name(),
            RecordId::String(text.to_owned())
        )
        .into(),
        hint: Some(hint.into()),
    })
}

impl Seen {
    fn notice(&mut self, notices: &EmbedNotices) {
        self.empty += notices.empty.count;
        self.truncated += notices.truncated.count;
    }

    fn answer(&mut self, answer: &SearchAnswer) {
        self.without_hits += u64::from(answer.hits.is_empty());
        let is_not_finite = |hit: &&SearchHit| hit.score.or(hit.distance).is_some_and(|it| !it.is_finite());
        self.not_finite += answer.hits.iter().filter(is_not_finite).count() as u64;
        let is_in_part = |hit: &&SearchHit| hit.explained_to.is_some();
        self.explained_in_part += answer.hits.iter().filter(is_in_part).count() as u64;
    }
}
