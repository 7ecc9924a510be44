//! `nearsay index delete` and `nearsay index compact`.

use nearsay::index::{self, DeletedTexts};
use nearsay::text::{Input, InputFormat, RecordId, TextOptions, TextReader};
use serde::Serialize;

use crate::arguments::{IndexCompactArguments, IndexDeleteArguments};
use crate::context::Context;
use crate::index::choices;
use crate::print::{bytes, plural, print_json};
use crate::streams;

pub(super) fn delete(context: &Context, arguments: &IndexDeleteArguments) -> anyhow::Result<()> {
    let texts = match (&arguments.ids, &arguments.filter) {
        (_, Some(filter)) => DeletedTexts::Where(filter.clone()),
        (Some(input), None) => DeletedTexts::Ids(ids(input)?),
        (None, None) => DeletedTexts::Ids(Vec::new()),
    };
    let deletion = index::delete(&arguments.index, &texts, arguments.purge, &context.control())?;
    if context.global.json {
        print_json(&deletion)?;
    }
    if !deletion.missing.is_empty() {
        let first: Vec<String> = deletion.missing.iter().take(3).map(ToString::to_string).collect();
        let ids = plural(deletion.missing.len() as u64, "id is", "ids are");
        context.note(format_args!("warning: {ids} not in the index: {}", first.join(", ")));
    }
    context.note(format_args!(
        "{}: {} deleted, {} left",
        arguments.index.display(),
        plural(deletion.texts, "text", "texts"),
        deletion.left
    ));
    Ok(())
}

/// The ids in a file, one per line: a number if there is such an id, else a string.
fn ids(input: &Input) -> nearsay::Result<Vec<Vec<RecordId>>> {
    if *input == Input::Stdin {
        streams::check_stdin()?;
    }
    let lines = TextReader::open(input, &TextOptions::default().format(InputFormat::Txt))?;
    lines.map(|line| line.map(|line| choices(&line.text))).collect()
}

#[derive(Serialize)]
struct Compacted {
    bytes_before: u64,
    bytes_after: u64,
}

pub(super) fn compact(context: &Context, arguments: &IndexCompactArguments) -> anyhow::Result<()> {
    let (bytes_before, bytes_after) = index::compact(&arguments.index, &context.control())?;
    if context.global.json {
        print_json(&Compacted { bytes_before, bytes_after })?;
    }
    let folder = arguments.index.display();
    context.note(format_args!("{folder}: {} before, {} now", bytes(bytes_before), bytes(bytes_after)));
    Ok(())
}
