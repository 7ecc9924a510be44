//! How many texts are read, tokenized and planned together.

use super::Embedder;
use super::heads::Heads;
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

/// The most bytes of a window's sparse vectors, if these have no zeros.
const SPARSE_BYTES: usize = 256 << 20;

/// Bytes of a value and its index.
const VALUE_BYTES: usize = 8;

/// For one sparse vector per text. Trained models keep some hundreds of values per text, so that a window's vectors have
/// a few MiB; others may keep the whole vocabulary, and of 30,522 entries a window has 1024 texts.
pub(super) fn of_sparse(embedder: &Embedder) -> WindowLimits {
    let limits = of_texts(embedder);
    let Heads::Sparse(heads) = &embedder.parts.heads else { return limits };
    let bytes_per_text = VALUE_BYTES * heads[0].most_values(limits.max_tokens);
    let items = (SPARSE_BYTES / bytes_per_text.max(1)).clamp(FEWEST_SPARSE, 1024);
    // After its doublings, a window has at most this many.
    WindowLimits { items: items >> limits.doublings, ..limits }
}

/// The fewest texts of a window of any vocabulary, which keep the threads busy.
const FEWEST_SPARSE: usize = 64;

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
