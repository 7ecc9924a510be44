//! `nearsay verify` on indexes.

use nearsay::{Workers, index};

use crate::arguments::VerifyArguments;
use crate::context::Context;
use crate::failure;
use crate::failure::SUCCESS;
use crate::print::{plural, print_json, print_line};

pub(super) fn run(context: &Context, arguments: &VerifyArguments, workers: &Workers) -> anyhow::Result<u8> {
    let control = context.control();
    let verify = |path: &std::path::PathBuf| index::verify(path, workers, &control);
    let states = arguments.folders.iter().map(verify).collect::<nearsay::Result<Vec<_>>>()?;
    if context.global.json {
        print_json(&states)?;
    }
    for state in &states {
        let found = match (state.problems.is_empty(), state.complete) {
            (false, _) => "damaged",
            (true, true) => "complete, every checksum holds",
            (true, false) => "not complete, every checksum holds",
        };
        let writer =
            state.written_to_by.as_ref().map(|who| format!("; {who} writes to it")).unwrap_or_default();
        let (volumes, rows) = (plural(state.volumes, "volume", "volumes"), plural(state.rows, "row", "rows"));
        let size = plural(state.bytes, "byte", "bytes");
        if !context.global.json {
            print_line(&format!("{}: {volumes}, {rows}, {size}: {found}{writer}", state.path.display()))?;
        }
        state.problems.iter().for_each(|what| failure::say(format_args!("{what}")));
        state.leftovers.iter().for_each(|what| context.note(what));
    }
    let is_sound = states.iter().all(|state| state.problems.is_empty());
    if !is_sound {
        failure::hint("build the index again, or put back a copy of the folder");
    }
    Ok(match (is_sound, states.iter().all(|state| state.complete)) {
        (true, true) => SUCCESS,
        (true, false) => 1,
        (false, _) => 65,
    })
}
