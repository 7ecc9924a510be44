//! Options of a measurement.

use std::time::Duration;

use nearsay_kernels::Precision;
use nearsay_models::Recipe;

use crate::error::phrase;
use crate::session::Devices;
use crate::{Error, Result, Setting};

/// Default lengths of texts in tokens.
pub const DEFAULT_LENGTHS: [usize; 6] = [16, 32, 64, 128, 256, 512];

/// Options of a measurement.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BenchOptions {
    /// Precisions to measure, in this order.
    pub precisions: Vec<Precision>,
    /// Lengths of texts in tokens; `None`: those in [`DEFAULT_LENGTHS`] within the model's positions.
    pub lengths: Option<Vec<usize>>,
    /// The shortest time to spend on each figure.
    pub time: Duration,
    /// The layer whose hidden states are used; `None`: the last.
    pub layer: Option<usize>,
    /// Where the encoder runs.
    pub devices: Devices,
    /// Tokens per micro-batch; `None`: the device's default.
    pub batch_tokens: Option<usize>,
    /// The commit that the calling program was built from, for the report.
    pub commit: Option<String>,
}

impl Default for BenchOptions {
    fn default() -> Self {
        Self {
            precisions: Precision::OF_CPU.to_vec(),
            lengths: None,
            time: Duration::from_secs(2),
            layer: None,
            devices: Devices::cpu(),
            batch_tokens: None,
            commit: None,
        }
    }
}

impl BenchOptions {
    pub(super) fn lengths_of(&self, recipe: &Recipe) -> Result<Vec<usize>> {
        let most = recipe.max_tokens().unwrap_or(usize::MAX);
        let Some(lengths) = &self.lengths else {
            return Ok(DEFAULT_LENGTHS.into_iter().filter(|&length| length <= most).collect());
        };
        match lengths.iter().find(|length| !(1..=most).contains(*length)) {
            None => Ok(lengths.clone()),
            Some(length) => {
                let rule = format!(" must be 1 to {most} for this model, got {length}");
                Err(Error::usage(phrase![Setting::Lengths, rule]))
            }
        }
    }

    pub(super) fn layer_of(&self, recipe: &Recipe) -> Result<usize> {
        let layers = recipe.num_layers();
        match self.layer {
            None => Ok(layers),
            Some(layer) if layer <= layers => Ok(layer),
            Some(layer) => {
                let rule = format!(" must be 0 to {layers} for this model, got {layer}");
                Err(Error::usage(phrase![Setting::Layer, rule]))
            }
        }
    }
}
