//! Selects the fastest of several ways to multiply on this device, among those that give the same bits as the
//! first.
//!
//! A timing is never the same twice, so a choice based on it must not change any result. The first way is
//! therefore the standard: the others are compared with its output on random values, in the first and last
//! rows of a micro-batch and of fewer rows, and one that differs in a bit is excluded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream, CudaView};
use candle_core::{CudaDevice, Result};

use super::WrapErr;
use super::element::Element;

/// Rows of random values, which are repeated.
const SAMPLE: usize = 64;
/// Other numbers of rows at which bits are compared: less than a tile, and a partial tile after whole ones.
const OTHER_ROWS: [usize; 3] = [1, 65, 1000];
/// Runs that are timed together, and the number of timings.
const RUNS: u32 = 8;
const LOOPS: usize = 3;
/// A way other than the first is chosen if its time is at most this share of the first's.
const GAIN: f64 = 0.97;
/// Operations per timed run: a small product finishes sooner than it is launched, so it gets more rows.
const OPERATIONS: usize = 20_000_000_000;
const MOST_ROWS: usize = 1 << 16;
/// If the product of a sample takes longer, the device is too slow to tune (this also detects an emulated
/// one).
const PATIENCE: Duration = Duration::from_micros(100);

/// x W^T for `rows` rows by one of the ways. Its arguments: the way's number, x [rows, in_dim], W [out_dim,
/// in_dim], room for [rows, out_dim], rows.
pub(super) type Multiply<'a, T> =
    &'a dyn Fn(usize, &CudaView<'_, T>, &CudaView<'_, T>, &mut CudaSlice<T>, usize) -> Result<()>;

/// Products of one shape.
pub(super) struct Tuning<'a, T> {
    pub(super) device: &'a CudaDevice,
    /// The number of ways; way 0 is the first.
    pub(super) ways: usize,
    pub(super) out_dim: usize,
    pub(super) in_dim: usize,
    pub(super) multiply: Multiply<'a, T>,
}

impl<T: Element> Tuning<'_, T> {
    /// The number of the fastest way for `rows` rows or more; the first if there is no choice or the device
    /// is slow.
    pub(super) fn fastest(&self, rows: usize) -> Result<usize> {
        if self.ways < 2 || self.seconds_of_sample()? > PATIENCE {
            return Ok(0);
        }
        let enough = OPERATIONS / (2 * self.out_dim * self.in_dim).max(1);
        self.choose(enough.clamp(rows, MOST_ROWS))
    }

    fn seconds_of_sample(&self) -> Result<Duration> {
        let mut bench = Bench::new(self, SAMPLE)?;
        bench.run(0)?;
        Ok((0..LOOPS)
            .map(|_| bench.time(0, 1))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .min()
            .unwrap_or_default())
    }

    fn choose(&self, rows: usize) -> Result<usize> {
        let mut agreeing: Vec<usize> = (0..self.ways).collect();
        for rows in OTHER_ROWS {
            agreeing = self.agreeing(&agreeing, &mut Bench::new(self, rows)?)?;
        }
        let mut bench = Bench::new(self, rows)?;
        agreeing = self.agreeing(&agreeing, &mut bench)?;
        let mut times = vec![Duration::MAX; agreeing.len()];
        // Interleaved: a device that has just started to work keeps getting faster.
        for _ in 0..LOOPS {
            for (time, &way) in times.iter_mut().zip(&agreeing) {
                *time = bench.time(way, RUNS)?.min(*time);
            }
        }
        let fastest = times.iter().zip(&agreeing).min().map(|(time, way)| (*time, *way));
        let enough = times[0].mul_f64(GAIN);
        Ok(fastest.filter(|(time, _)| *time <= enough).map_or(0, |(_, way)| way))
    }

    /// The first of `ways`, and those with the same bits.
    fn agreeing(&self, ways: &[usize], bench: &mut Bench<'_, T>) -> Result<Vec<usize>> {
        bench.run(0)?;
        let expected = bench.edges()?;
        let mut agreeing = vec![0];
        for &way in &ways[1..] {
            // A previous way's output must not count as this one's.
            bench.clear()?;
            if bench.run(way).is_ok() && bench.edges()? == expected {
                agreeing.push(way);
            }
        }
        Ok(agreeing)
    }
}

/// Operands of `rows` rows.
struct Bench<'a, T> {
    tuning: &'a Tuning<'a, T>,
    stream: Arc<CudaStream>,
    weight: CudaSlice<T>,
    input: CudaSlice<T>,
    output: CudaSlice<T>,
    rows: usize,
}

impl<'a, T: Element> Bench<'a, T> {
    fn new(tuning: &'a Tuning<'a, T>, rows: usize) -> Result<Self> {
        let stream = tuning.device.cuda_stream();
        let Tuning { out_dim, in_dim, .. } = *tuning;
        let weight = repeated(&stream, out_dim, in_dim)?;
        let input = repeated(&stream, rows, in_dim)?;
        let output = stream.alloc_zeros::<T>(rows * out_dim).w()?;
        Ok(Self { tuning, stream, weight, input, output, rows })
    }

    fn run(&mut self, way: usize) -> Result<()> {
        let (input, weight) = (self.input.as_view(), self.weight.as_view());
        (self.tuning.multiply)(way, &input, &weight, &mut self.output, self.rows)
    }

    fn clear(&mut self) -> Result<()> {
        self.stream.memset_zeros(&mut self.output).w()
    }

    /// The time of one run, among `runs` in a row.
    fn time(&mut self, way: usize, runs: u32) -> Result<Duration> {
        self.stream.synchronize().w()?;
        let start = Instant::now();
        for _ in 0..runs {
            self.run(way)?;
        }
        self.stream.synchronize().w()?;
        Ok(start.elapsed() / runs)
    }

    /// The output's first and last rows.
    fn edges(&self) -> Result<[Vec<T>; 2]> {
        let count = SAMPLE.min(self.rows) * self.tuning.out_dim;
        let last = self.output.len() - count;
        let copy = |range: std::ops::Range<usize>| self.stream.clone_dtoh(&self.output.slice(range)).w();
        Ok([copy(0..count)?, copy(last..last + count)?])
    }
}

/// `rows` rows of values between -1 and 1, repeating after [`SAMPLE`] of them.
fn repeated<T: Element>(stream: &Arc<CudaStream>, rows: usize, width: usize) -> Result<CudaSlice<T>> {
    let value = |i: usize| {
        T::from_f64(((i as u32).wrapping_mul(2_654_435_761) >> 8) as f64 / f64::from(1 << 23) - 1.0)
    };
    let sample: Vec<T> = (0..SAMPLE.min(rows) * width).map(value).collect();
    let sample = stream.clone_htod(&sample).w()?;
    let mut values = stream.alloc_zeros::<T>(rows * width).w()?;
    let mut start = 0;
    while start < values.len() {
        let end = (start + sample.len()).min(values.len());
        stream.memcpy_dtod(&sample.slice(..end - start), &mut values.slice_mut(start..end)).w()?;
        start = end;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Ways that copy the input: the first is slow, the second writes nothing, the last fails.
    #[test]
    fn the_fastest_of_those_that_agree_with_the_first_is_taken() {
        let device = crate::device::open_cuda(0).unwrap();
        let device = device.as_cuda_device().unwrap();
        let stream = device.cuda_stream();
        let calls = RefCell::new([0; 4]);
        let multiply =
            |way: usize, input: &CudaView<'_, f32>, _: &CudaView<'_, f32>, output: &mut CudaSlice<f32>, _| {
                calls.borrow_mut()[way] += 1;
                match way {
                    0 => std::thread::sleep(Duration::from_millis(2)),
                    1 => return Ok(()),
                    3 => candle_core::bail!("no"),
                    _ => {}
                }
                stream.memcpy_dtod(input, output).w()
            };
        let tuning = Tuning { device, ways: 4, out_dim: 8, in_dim: 8, multiply: &multiply };
        assert_eq!(tuning.choose(100).unwrap(), 2);
        let [_, second, _, last] = *calls.borrow();
        // Excluded after the first comparison.
        assert_eq!((second, last), (1, 1));
        // The first also needs 2 ms for a sample.
        assert_eq!(tuning.fastest(100).unwrap(), 0);
    }
}
