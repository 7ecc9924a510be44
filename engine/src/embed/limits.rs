//! How many texts are read, tokenized and planned together.

use super::Embedder;
use crate::session::WindowLimits;

/// For one vector per text. At 384 values and 4.5 bytes per token, a window of vectors needs at most 6 MiB
/// and its tokens 1 MiB. A GPU works on many micro-batches at a time, so its limits grow to four times these.
pub(super) fn of_texts(embedder: &Embedder) -> WindowLimits {
    let max_tokens = embedder.max_tokens();
    for_device(
        WindowLimits { items: 4096, useful_bytes: 1 << 20, bytes: 64 << 20, max_tokens, doublings: 0 },
        embedder,
    )
}

/// For one sparse vector per text. Trained models keep some hundreds of values per text, 8 bytes each; if a window's
/// vectors kept all 30,522, they would need 240 MiB.
pub(super) fn of_sparse(embedder: &Embedder) -> WindowLimits {
    WindowLimits { items: 1024, ..of_texts(embedder) }
}

/// For one vector per token. A window's vectors need at most 128 MiB, at one byte per token; 28 MiB at the
/// usual 4.5 bytes.
pub(super) fn of_tokens(embedder: &Embedder) -> WindowLimits {
    let useful_bytes = (32 << 20) / embedder.hidden_dim();
    let max_tokens = embedder.max_tokens();
    for_device(
        WindowLimits { items: 4096, useful_bytes, bytes: 64 << 20, max_tokens, doublings: 0 },
        embedder,
    )
}

/// A job starts small again with each shard.
fn for_device(limits: WindowLimits, embedder: &Embedder) -> WindowLimits {
    if !embedder.works_beside_cpu() {
        return limits;
    }
    let large = WindowLimits { items: 4 * limits.items, useful_bytes: 4 * limits.useful_bytes, ..limits };
    large.starting_small()
}
