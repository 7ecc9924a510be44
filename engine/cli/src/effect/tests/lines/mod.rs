//! Lines in which conditional flags have no effect, and lines in which they have.

mod embedding;
mod scoring;
mod searching;
#[cfg(feature = "serve")]
mod serving;

/// A command, a flag of it, a line in which that has no effect, and one in which it has.
type Line = (&'static str, &'static str, &'static str, &'static str);

/// At least one of each for every conditional flag: the command, the flag, and both lines.
pub(super) fn all() -> Vec<(&'static str, &'static str, [String; 2])> {
    let tables = [
        embedding::LINES,
        searching::LINES,
        scoring::LINES,
        #[cfg(feature = "serve")]
        serving::LINES,
    ];
    let whole = tables.into_iter().flatten();
    let whole =
        whole.map(|(command, flag, without, with)| (*command, *flag, [*without, *with].map(str::to_owned)));
    let by_ends = scoring::ENDS.iter().flat_map(|(command, starts, ends)| {
        ends.iter().map(|(flag, end)| (*command, *flag, starts.map(|start| format!("{start} {end}"))))
    });
    whole.chain(by_ends).collect()
}
