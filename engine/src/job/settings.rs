//! The settings that determine a job's bytes, and must be the same when it is resumed.

use std::path::Path;

use super::{CorpusOptions, ShardPlan};
use crate::embed::EmbedRun;
use crate::error::shorten;
use crate::text::Quotes;
use crate::vectors::{Metadata, differences, other_reading};
use crate::{Error, Result};

/// The settings of a job: how vectors are computed, how the input is read, and how rows are grouped.
pub(super) fn settings(run: &EmbedRun<'_>, options: &CorpusOptions, plan: ShardPlan) -> Result<Metadata> {
    let text = &options.reading;
    let mut provenance = run.provenance();
    provenance.model_sha256 = Some(run.embedder.session().model_digest()?);
    let mut settings = provenance.to_metadata();
    let entries = [
        ("text_field", text.text_fields.join(", ")),
        ("join", text.join.clone()),
        ("id_field", text.id_field.clone().unwrap_or_default()),
        ("keep", text.keep.join(", ")),
        ("lossy", text.lossy.to_string()),
        ("mark_truncated", options.mark_truncated.to_string()),
        ("schema", columns(run)?),
        ("rows_per_shard", plan.rows_per_shard.to_string()),
        ("part", plan.part.to_string()),
    ];
    settings.extend(entries.map(|(key, value)| (key.to_owned(), value)));
    settings.extend(since_reading_2(options));
    Ok(settings)
}

/// The settings that came later; one that is missing has its default.
fn since_reading_2(options: &CorpusOptions) -> impl Iterator<Item = (String, String)> {
    let text = &options.reading;
    let yes = |is_set: bool| is_set.then(|| true.to_string());
    let quotes = (text.quotes != Quotes::default()).then(|| format!("{:?}", text.quotes).to_lowercase());
    let entries = [
        ("no_id", yes(text.no_id)),
        ("separator", text.separator.map(|separator| separator.to_string())),
        ("quotes", quotes),
        ("whole_files", yes(text.whole_files)),
        ("skip_empty", yes(text.skip_empty)),
        ("keep_document", yes(options.keep_document)),
    ];
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)))
}

/// The columns of the output and their types, as text.
fn columns(run: &EmbedRun<'_>) -> Result<String> {
    let schema = run.layout.schema()?;
    let columns = schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type()));
    Ok(columns.collect::<Vec<_>>().join(", "))
}

/// Returns the recorded settings if they are equivalent to those asked for. The model's name may differ, and
/// so may the program's version if its bits are the same.
pub(super) fn check_settings(path: &Path, recorded: Metadata, asked: &Metadata) -> Result<Metadata> {
    if let Some((recorded, asked)) = other_reading(&recorded, asked) {
        return Err(Error::OtherReading { path: path.to_owned(), recorded, asked });
    }
    let differing: Vec<&str> = differences(&recorded, asked).collect();
    let Some(&field) = differing.first() else { return Ok(recorded) };
    if differing == ["schema"] {
        // If only the schema differs, the input has other types.
        let [was, is] =
            [&recorded, asked].map(|settings| settings.get("schema").cloned().unwrap_or_default());
        let rule = format!("its first rows give the columns {is}; those of the job are {was}");
        return Err(Error::OtherInput { path: path.to_owned(), rule });
    }
    Err(Error::OtherJob {
        path: path.to_owned(),
        field: field.trim_end_matches("_sha256").replace('_', " "),
        recorded: setting(&recorded, field),
        asked: setting(asked, field),
    })
}

/// A setting as shown in messages.
pub(super) fn setting(settings: &Metadata, field: &str) -> String {
    let value = |key: &str| settings.get(key).map(String::as_str).filter(|value| !value.is_empty());
    match (field, value(field)) {
        (_, None) => "none".to_owned(),
        ("model_sha256", Some(digest)) => format!(
            "{}{} (SHA-256 {}..)",
            value("model").unwrap_or_default(),
            value("revision").map(|revision| format!(" at revision {revision}")).unwrap_or_default(),
            digest.get(..12).unwrap_or(digest)
        ),
        (_, Some(value)) => shorten(value).into_owned(),
    }
}
