//! The ranges of a vector's dimensions, by which its values become bytes.

use super::{CorpusOptions, Notice, Observer};
use crate::embed::EmbedRun;
use crate::text::{Record, RecordStream, TextOptions};
use crate::vectors::Ranges;
use crate::{Error, Result};

/// Texts that bytes are calibrated on if no others are named.
const TEXTS: usize = 1000;
/// Texts that are few.
const FEW: usize = 100;

/// What each dimension's values range over in the calibration's texts: those that the options name, or the
/// `first` of the input.
pub(super) fn calibrate(
    run: &EmbedRun<'_>,
    options: &CorpusOptions,
    first: Vec<Record>,
    observer: &dyn Observer,
) -> Result<Ranges> {
    let texts = match &options.calibration {
        None => first.into_iter().take(TEXTS).collect(),
        Some(input) => {
            let reading = TextOptions { keep: Vec::new(), ..options.reading.clone() };
            RecordStream::open(std::slice::from_ref(input), &reading)?.collect::<Result<Vec<_>>>()?
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
