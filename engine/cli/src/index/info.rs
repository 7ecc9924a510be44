//! `nearsay index info`.

use indicatif::HumanCount;
use nearsay::index::{self, Codes, IndexInfo};

use crate::arguments::IndexInfoArguments;
use crate::context::Context;
use crate::print::{bytes, plural, print_json, print_line};
use crate::table::visible;

pub(super) fn run(context: &Context, arguments: &IndexInfoArguments) -> anyhow::Result<()> {
    let info = index::info(&arguments.index)?;
    if context.global.json {
        return Ok(print_json(&info)?);
    }
    Ok(print_line(&lines(&info))?)
}

/// The other forms in which vectors are stored.
fn also_stored_as(info: &IndexInfo) -> &'static str {
    match (info.codes != Codes::None, info.bits) {
        (true, true) => ", also as bytes and as signs",
        (true, false) => ", also as bytes",
        (false, true) => ", also as signs",
        (false, false) => "",
    }
}

fn lines(info: &IndexInfo) -> String {
    let description = &info.description;
    let model = description.model.clone().unwrap_or_else(|| "not recorded".to_owned());
    let state = if description.complete { "" } else { " (not complete)" };
    let mut lines = vec![
        format!("texts    {}{state}", HumanCount(info.texts)),
        format!(
            "rows     {} x {} {}{}",
            HumanCount(description.rows),
            description.dimensions,
            info.vectors.name(),
            also_stored_as(info)
        ),
        format!("metric   {}", description.metric),
        format!("model    {}", visible(&model)),
        format!("volumes  {}, {}", info.volumes, bytes(info.bytes)),
    ];
    let texts_are = [("prompt", info.prompt.as_deref()), ("task", info.task.as_deref())];
    for (what, value) in texts_are {
        lines.extend(
            value.filter(|value| !value.is_empty()).map(|value| format!("{what:8} {}", visible(value))),
        );
    }
    if info.deleted_rows > 0 {
        lines.push(format!(
            "deleted  {} until `nearsay index compact` runs",
            plural(info.deleted_rows, "row takes space", "rows take space")
        ));
    }
    let columns =
        description.columns.iter().map(|column| format!("{} ({})", visible(&column.name), column.data_type));
    lines.push(format!("columns  {}", columns.collect::<Vec<_>>().join(", ")));
    for input in &info.inputs {
        let mark = if description.stale.contains(input) { " (has changed or is gone)" } else { "" };
        lines.push(format!("input    {}{mark}", visible(input)));
    }
    lines.join("\n")
}
