//! The ranges of a vector's dimensions, which map its values to bytes.

use super::{CorpusOptions, Notice, Observer};
use crate::embed::EmbedRun;
use crate::text::{Record, TextOptions, TextReader};
use crate::vectors::Ranges;
use crate::{Error, Result};

/// Number of input texts to calibrate on if no calibration input is given.
const TEXTS: usize = 1000;
/// Fewer texts than this cause a warning.
const FEW: usize = 100;

/// The range of each dimension over the calibration texts: those in the options, or the `first` of the input.
pub(super) fn calibrate(
    run: &EmbedRun<'_>,
    options: &CorpusOptions,
    first: Vec<Record>,
    observer: &dyn Observer,
) -> Result<Ranges> {
    let texts = match &options.calibration {
        None => first.into_iter().take(TEXTS).collect(),
        Some(input) => {
            let reading = TextOptions { keep: Vec::new(), whole_files: false, ..options.reading.clone() };
            TextReader::open(input, &reading)?.collect::<Result<Vec<_>>>()?
        }
    };
    if let (true, Some(input)) = (texts.is_empty(), &options.calibration) {
        let rule = "it has no texts to calibrate on".to_owned();
        return Err(Error::BadInput { input: input.to_string(), rule });
    }
    let vectors = run.vectors(&texts)?;
    if texts.len() < FEW {
        observer.notice(&Notice::FewToCalibrate { texts: texts.len() as u64 });
    }
    Ok(Ranges::of(vectors.rows()))
}
