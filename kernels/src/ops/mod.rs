//! The operations, one folder each: the table of fused operations.
//!
//! | operation | computes |
//! |---|---|
//! | [`activation`] | GELU and its relatives, in place; on the CPU the last step of `linear` |
//! | [`add_norm`] | LayerNorm or the root mean square's norm of a sum, with or without the sum, or of a row |
//! | [`all_finite`] | whether each sequence's values are all finite |
//! | [`attention`] | self-attention of every sequence, also with terms by distance, in a window, causally |
//! | [`convolve`] | convolutions along each sequence, with fixed filters or a softmax's |
//! | [`embed_norm`] | LayerNorm of a sum of embeddings |
//! | [`linear`] | a linear layer with its activation, also gated; or its outputs combined over each sequence |
//! | [`norm_heads`] | norms of the heads of queries and keys, in place |
//! | [`normalize`] | rows to length 1 |
//! | [`pool`] | the tokens of each sequence to one vector |
//! | [`rotate`] | rotary position embeddings of queries and keys, in place |
//! | [`token_match`] | the maxima of cosine matrices, for BERTScore |
//! | [`top_k`] | exact search |
//! | [`top_k_bits`] | search by signs |
//! | [`top_k_bytes`] | exact search from a scan of bytes |
//!
//! `layer_norm` is the last step of `add_norm` and `embed_norm`.

pub(crate) mod activation;
pub(crate) mod add_norm;
pub(crate) mod all_finite;
pub(crate) mod attention;
pub(crate) mod convolve;
pub(crate) mod embed_norm;
pub(crate) mod layer_norm;
pub(crate) mod linear;
pub(crate) mod norm_heads;
pub(crate) mod normalize;
pub(crate) mod pool;
pub(crate) mod rotate;
pub(crate) mod token_match;
pub(crate) mod top_k;
pub(crate) mod top_k_bits;
pub(crate) mod top_k_bytes;
