//! Opens an embedder for a session, and reports a length in the model's files that the model has no room for.

use nearsay_models::StatedLength;

use super::{EmbedOptions, Embedder};
use crate::Result;
use crate::session::Session;

impl Session {
    /// [`Session::embedder`], if it makes one dense vector per text.
    ///
    /// # Errors
    /// As [`Session::embedder`]; [`Error::Usage`](crate::Error::Usage) if the model's files ask for other vectors.
    pub fn vector_embedder(&self, options: &EmbedOptions) -> Result<Embedder> {
        // The kind of vectors comes first: other options may be the caller's own, and not fit that kind.
        let kind = EmbedOptions { normalize: None, dimensions: None, ..options.clone() };
        Embedder::new(self, &kind)?.check_vectors()?;
        self.embedder(options)
    }

    /// Creates an embedder with these options. It loads only the parts of the model that are not loaded yet.
    ///
    /// # Errors
    /// If the model's files break a rule, an option does not fit the model, or a device has no room.
    pub fn embedder(&self, options: &EmbedOptions) -> Result<Embedder> {
        let embedder = Embedder::new(self, options)?;
        let stated = self.model().length_beyond_positions().filter(|_| options.max_length.is_none());
        if let Some(StatedLength { tokens, path, field, .. }) = stated {
            tracing::warn!(
                "{}, field {field}: it is {tokens}, and the model has room for {}: longer texts are truncated",
                path.display(),
                embedder.max_tokens()
            );
        }
        Ok(embedder)
    }
}
