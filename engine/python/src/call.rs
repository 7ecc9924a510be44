//! A call of the library that makes one vector per text.

use std::time::Instant;

use nearsay::vectors::Vectors;

use crate::report::EmbedReport;

/// A call that makes one vector per text.
pub(crate) struct Call<'a> {
    pub(crate) embedder: &'a nearsay::Embedder,
    pub(crate) cancel: &'a nearsay::Cancel,
    pub(crate) on_long: &'a str,
    /// The index of the first text, for messages.
    pub(crate) first: usize,
}

impl Call<'_> {
    pub(crate) fn embed(
        &self,
        texts: &[&str],
        nulls: &[usize],
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> nearsay::Result<(Vectors, EmbedReport)> {
        let start = Instant::now();
        self.check_lengths(texts)?;
        let embedder = self.embedder.with_cancel(self.cancel).with_progress(progress);
        let found = embedder.embed(texts)?;
        let report = EmbedReport::new(texts.len(), &found.notices, start);
        if nulls.is_empty() {
            return Ok((found.vectors, report));
        }
        let dim = found.vectors.dim();
        let mut values = found.vectors.into_values();
        for row in nulls {
            values[row * dim..(row + 1) * dim].fill(f32::NAN);
        }
        Ok((Vectors::new(values, dim)?, report))
    }

    /// Refuses long texts, if that was asked for.
    pub(crate) fn check_lengths(&self, texts: &[&str]) -> nearsay::Result<()> {
        match self.on_long {
            "truncate" => Ok(()),
            "error" => {
                let tokens = self.embedder.with_cancel(self.cancel).tokenize(texts)?;
                let Some(at) = tokens.iter().position(|text| text.truncated) else { return Ok(()) };
                Err(nearsay::Error::Usage {
                    message: format!(
                        "text {} has more than {} tokens, the longest text of the model or of max_length",
                        self.first + at,
                        self.embedder.max_tokens()
                    )
                    .into(),
                    hint: Some("cut such texts with on_long=\"truncate\"".into()),
                })
            }
            other => Err(nearsay::Error::Usage {
                message: format!("on_long must be \"truncate\" or \"error\", got {other:?}").into(),
                hint: None,
            }),
        }
    }
}
