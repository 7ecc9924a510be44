//! The arguments.

use anyhow::{Context, Result, ensure};
use nearsay_kernels::Precision;
use nearsay_models::Shape;

/// What to measure.
pub(crate) struct Options {
    pub(crate) shapes: Vec<Shape>,
    pub(crate) precisions: Vec<Precision>,
    /// Rows of a micro-batch.
    pub(crate) tokens: usize,
    pub(crate) launches: usize,
    /// Sets of buffers; `None`: enough to fill `ROTATED_BYTES`.
    pub(crate) rotated: Option<usize>,
}

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            shapes: Vec::new(),
            precisions: vec![Precision::F16],
            tokens: 8192,
            launches: 50,
            rotated: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--precision" => {
                    options.precisions = value()?.split(',').map(precision).collect::<Result<_>>()?
                }
                "--tokens" => options.tokens = value()?.parse().context("--tokens")?,
                "--launches" => options.launches = value()?.parse().context("--launches")?,
                "--rotated" => options.rotated = Some(value()?.parse().context("--rotated")?),
                name => options
                    .shapes
                    .push(Shape::find(name).with_context(|| format!("{name} is not a known shape"))?),
            }
        }
        ensure!(
            !options.shapes.is_empty()
                && options.launches > 0
                && options.tokens >= 2 * super::ATTENTION_LENGTHS[0],
            "usage: gpu-kernels [--precision f16,bf16,f32] [--tokens 8192] [--launches 50] [--rotated N] \
             SHAPE .."
        );
        Ok(options)
    }
}

fn precision(name: &str) -> Result<Precision> {
    let found = Precision::OF_CUDA.into_iter().find(|precision| precision.name() == name);
    found.with_context(|| format!("{name} is not a precision of GPUs"))
}
