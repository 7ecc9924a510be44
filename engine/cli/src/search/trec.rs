//! Runs in the format of trec_eval: `query Q0 document rank score tag`, separated by blanks.

use nearsay::Error;
use nearsay::search::{SearchAnswer, SearchHit};

/// The last column, which names the system.
const TAG: &str = "nearsay";

/// The lines of an answer.
///
/// # Errors
/// If a query or a document has an id that the format cannot hold: it is empty or has a blank.
pub(super) fn lines(answer: &SearchAnswer, names_chunks: bool) -> nearsay::Result<String> {
    let query = answer
        .query_id
        .as_ref()
        .or(answer.like.as_ref())
        .map_or_else(|| "0".to_owned(), |id| id.text().into_owned());
    let query = checked(query, "query")?;
    let mut lines = String::new();
    for hit in &answer.hits {
        let document = checked(document(hit, names_chunks), "document")?;
        // Higher is better in a run.
        let score = hit.score.or(hit.distance.map(|distance| -distance)).unwrap_or_default();
        lines.push_str(&format!("{query} Q0 {document} {} {score} {TAG}\n", hit.rank));
    }
    Ok(lines)
}

/// A document's id; a chunk's number is part of it if chunks are hits of their own.
fn document(hit: &SearchHit, names_chunks: bool) -> String {
    match hit.chunk {
        Some(chunk) if names_chunks => format!("{}#{chunk}", hit.id.text()),
        _ => hit.id.text().into_owned(),
    }
}

fn checked(id: String, what: &str) -> nearsay::Result<String> {
    if !id.is_empty() && !id.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(id);
    }
    let shown: String = id.chars().take(60).collect();
    Err(Error::BadInput {
        input: format!("the run for {what} {shown:?}"),
        rule: "an id in a run of trec_eval has at least one character and no blanks".to_owned(),
    })
}
