//! What an output says of itself, and what a job must have in common to be continued.

use super::OnLong;
use super::run::{EmbedRun, Level};
use crate::output::Metadata;

/// What the numbers of a run depend on beside the model's files: each setting by its name. Two runs whose descriptions are equal make
/// the same bytes of the same texts.
pub fn describe(run: &EmbedRun<'_>) -> Metadata {
    let embedder = run.embedder;
    let is_text = run.level == Level::Text;
    let entries = [
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("precision", embedder.encoder().precision().name().to_owned()),
        ("device", embedder.devices().kind()),
        ("instruction_set", embedder.devices().instruction_set()),
        ("precision_arithmetic", embedder.encoder().placement().arithmetic().to_owned()),
        ("level", if is_text { "sentence" } else { "token" }.to_owned()),
        ("layer", embedder.layer().to_string()),
        ("pooling", if is_text { embedder.pooling().0 } else { "none".to_owned() }),
        (
            "normalized",
            if is_text { embedder.is_normalized() } else { embedder.normalizes_tokens() }.to_string(),
        ),
        ("dimensions", run.layout.dim.to_string()),
        ("prompt", embedder.prompt().to_owned()),
        ("max_length", embedder.max_tokens().to_string()),
        ("on_long", on_long(run.on_long)),
        ("output_type", run.layout.output_type.name().to_owned()),
    ];
    let mut metadata: Metadata = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    if let Some(library) = embedder.devices().product_library() {
        metadata.insert("product_library".to_owned(), library);
    }
    if let Some(ranges) = &run.layout.ranges {
        // Finite numbers are always JSON.
        metadata.insert("ranges".to_owned(), serde_json::to_string(ranges).unwrap_or_default());
    }
    metadata
}

fn on_long(on_long: OnLong) -> String {
    match on_long {
        OnLong::Truncate => "truncate".to_owned(),
        OnLong::Error => "error".to_owned(),
        OnLong::Chunk(options) => format!("chunk, overlap {}", options.overlap),
        OnLong::Merge(options) => format!("chunk, overlap {}, merged by mean", options.overlap),
    }
}
