//! The flags of `nearsay rerank`.

use super::{Flag, always, needs};
use crate::arguments::RerankArguments;

const HITS_ARE_READ: &str = "without --query: the file has hits of a search";
const NAME_A_QUERY: &str = "give the query of the texts with --query";

pub(super) const FLAGS: &[Flag<RerankArguments>] = &[
    always("input"),
    always("query"),
    always("model"),
    always("top"),
    always("prompt_name"),
    always("prompt"),
    always("logits"),
    needs("text_field", has_query, HITS_ARE_READ, NAME_A_QUERY),
    needs("id_field", has_query, HITS_ARE_READ, NAME_A_QUERY),
    needs("no_id", has_query, HITS_ARE_READ, NAME_A_QUERY),
    needs("format", has_query, HITS_ARE_READ, NAME_A_QUERY),
    needs("separator", has_query, HITS_ARE_READ, NAME_A_QUERY),
    needs("quotes", has_query, HITS_ARE_READ, NAME_A_QUERY),
    needs("lossy", has_query, HITS_ARE_READ, NAME_A_QUERY),
    always("max_length"),
    always("precision"),
    always("device"),
    always("threads"),
    always("batch_tokens"),
];

fn has_query(arguments: &RerankArguments) -> bool {
    arguments.query.is_some()
}
