//! The flags of `nearsay idf`.

use super::{Flag, always, needs};
use crate::arguments::IdfArguments;

const COUNTS_ARE_READ: &str = "with --merge: the files have counts, not texts";
const LEAVE_IT_OUT: &str = "leave it out";

pub(super) const FLAGS: &[Flag<IdfArguments>] = &[
    always("inputs"),
    always("merge"),
    // Refused with --merge.
    always("model"),
    always("output"),
    always("overwrite"),
    of_texts("max_length"),
    of_texts("use_fast_tokenizer"),
    of_texts("text_field"),
    of_texts("id_field"),
    of_texts("no_id"),
    of_texts("format"),
    of_texts("separator"),
    of_texts("quotes"),
    of_texts("lossy"),
    of_texts("threads"),
];

const fn of_texts(id: &'static str) -> Flag<IdfArguments> {
    needs(id, |arguments| !arguments.merge, COUNTS_ARE_READ, LEAVE_IT_OUT)
}
