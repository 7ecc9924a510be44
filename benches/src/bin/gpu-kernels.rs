//! Times each operation of an encoder alone on a CUDA device, compares it with the device's limit, and prints
//! JSON.
//!
//! usage: `gpu-kernels [--precision f16,bf16,f32] [--tokens 8192] [--launches 50] [--rotated N] SHAPE ..`
//!
//! A time is the wall-clock time of a number of launches plus a wait for the last, divided by their number.
//! If a kernel is shorter than its launch, the time is that of the launch. `microseconds` rotates through
//! [`ROTATED_BYTES`] of buffers (or N of them), so that inputs come from memory; `microseconds_warm` reuses
//! one, which an L2 may hold, as it does between the layers of a model.
//!
//! The floor of an operation is the longer of two times: its operations at the peak of products, and its
//! bytes at the peak of copies, both measured here. Bytes count inputs and outputs once each.
//! `share_of_floor` is the floor divided by `microseconds`.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use candle_core::{Device, Tensor};
use nearsay_benches::kernels::random;
use nearsay_kernels::device::{self, DevicePeaks};
use nearsay_kernels::{
    Activation, CuSeqlens, Embeddings, Form, LayerNorm, Linear, Placement, PoolOptions, Pooling, Precision,
    TokenIndices, TokenPair, add_norm, attention, normalize, pool, token_match, top_k,
};
use nearsay_models::{EncoderConfig, Shape};
use serde_json::{Value, json};

/// Several times the L2 of an H200, 60 MB.
const ROTATED_BYTES: usize = 256 << 20;
/// The minimum and maximum number of sets of buffers.
const ROTATED: [usize; 2] = [2, 64];
/// The number of loops, of which the fastest counts: other programs use the machine's processors too.
const LOOPS: usize = 3;

const ATTENTION_LENGTHS: [usize; 6] = [16, 32, 64, 128, 256, 512];
const POOLED_LENGTHS: [usize; 2] = [32, 128];
const MATCHED_LENGTHS: [usize; 3] = [32, 128, 512];
const SEARCHING_QUERIES: [usize; 3] = [1, 64, 1024];
/// Corpus rows per row of a micro-batch: usually 65,536 in total, which are 128 MiB with 1,024 values of 16
/// bits each.
const SEARCHED_ROWS: usize = 8;
const HITS: usize = 10;

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let device = device::open_cuda(0)?;
    let description = device::describe(&device).context("the device has a description")?;
    let peaks = device::measure_peaks(&device)?;
    let mut operations = Vec::new();
    for shape in &options.shapes {
        for &precision in &options.precisions {
            let placement = Placement::new(device.clone(), precision)?;
            let bench = Bench { options: &options, shape, placement, peaks };
            operations.extend(bench.operations());
        }
    }
    let report = json!({
        "gpu": description.name,
        "tokens": options.tokens,
        "launches": options.launches,
        "peaks": { "f32": peaks.f32, "f16": peaks.f16, "bf16": peaks.bf16, "copy": peaks.copy },
        "operations": operations,
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

struct Options {
    shapes: Vec<Shape>,
    precisions: Vec<Precision>,
    /// Rows of a micro-batch.
    tokens: usize,
    launches: usize,
    /// Sets of buffers; `None`: enough to fill [`ROTATED_BYTES`].
    rotated: Option<usize>,
}

impl Options {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
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
                    .push(Shape::find(name).with_context(|| format!("{name} is no known shape"))?),
            }
        }
        ensure!(
            !options.shapes.is_empty() && options.launches > 0 && options.tokens >= 2 * ATTENTION_LENGTHS[0],
            "usage: gpu-kernels [--precision f16,bf16,f32] [--tokens 8192] [--launches 50] [--rotated N] SHAPE .."
        );
        Ok(options)
    }
}

fn precision(name: &str) -> Result<Precision> {
    let found = Precision::OF_CUDA.into_iter().find(|precision| precision.name() == name);
    found.with_context(|| format!("{name} is no precision of GPUs"))
}

/// One operation at one size.
struct Case {
    name: &'static str,
    detail: String,
    flops: f64,
    bytes: f64,
    /// Launches it on the set of buffers with this number; numbers wrap around.
    launch: Box<dyn Fn(usize) -> Result<Tensor>>,
}

type MadeCase = Result<Case>;

/// One shape in one precision.
struct Bench<'a> {
    options: &'a Options,
    shape: &'a Shape,
    placement: Placement,
    peaks: DevicePeaks,
}

impl Bench<'_> {
    /// One row per operation. A failed operation reports its error, and the others still run.
    fn operations(&self) -> Vec<Value> {
        let fitting = |lengths: &[usize]| -> Vec<usize> {
            lengths.iter().copied().filter(|length| 2 * length <= self.options.tokens).collect()
        };
        let mut rows = vec![self.row(self.embed_norm())];
        rows.extend(self.products().map(|product| self.row(self.linear(product))));
        rows.extend(fitting(&ATTENTION_LENGTHS).into_iter().map(|length| self.row(self.attention(length))));
        rows.push(self.row(self.add_norm()));
        rows.extend(fitting(&POOLED_LENGTHS).into_iter().map(|length| self.row(self.pool(length))));
        rows.push(self.row(self.normalize()));
        rows.extend(fitting(&MATCHED_LENGTHS).into_iter().map(|length| self.row(self.token_match(length))));
        rows.extend(SEARCHING_QUERIES.map(|queries| self.row(self.top_k(queries))));
        rows
    }

    fn row(&self, case: MadeCase) -> Value {
        case.and_then(|case| self.measure(&case)).unwrap_or_else(|error| {
            let (shape, precision) = (self.shape.name, self.placement.precision().name());
            json!({ "shape": shape, "precision": precision, "error": format!("{error:#}") })
        })
    }

    fn measure(&self, case: &Case) -> Result<Value> {
        let failed = || format!("{} {}", case.name, case.detail);
        let seconds = self.seconds(&case.launch).with_context(failed)?;
        let warm = self.seconds(&|_| (case.launch)(0)).with_context(failed)?;
        let floor = (case.flops / self.peak()).max(case.bytes / self.peaks.copy);
        Ok(json!({
            "shape": self.shape.name,
            "precision": self.placement.precision().name(),
            "operation": case.name,
            "detail": case.detail,
            "microseconds": 1e6 * seconds,
            "microseconds_warm": 1e6 * warm,
            "bytes": case.bytes,
            "flops": case.flops,
            "gb_per_second": case.bytes / seconds / 1e9,
            "tflops": case.flops / seconds / 1e12,
            "floor_microseconds": 1e6 * floor,
            "share_of_floor": floor / seconds,
        }))
    }

    /// Seconds per launch in the fastest of several loops, after a warm-up.
    fn seconds(&self, launch: &dyn Fn(usize) -> Result<Tensor>) -> Result<f64> {
        let device = self.placement.device();
        let mut fastest = f64::INFINITY;
        for number in 0..=LOOPS {
            device.synchronize()?;
            let start = Instant::now();
            for index in 0..self.options.launches {
                launch(index)?;
            }
            device.synchronize()?;
            if number > 0 {
                fastest = fastest.min(start.elapsed().as_secs_f64());
            }
        }
        Ok(fastest / self.options.launches as f64)
    }

    fn peak(&self) -> f64 {
        match self.placement.precision() {
            Precision::F16 => self.peaks.f16,
            Precision::Bf16 => self.peaks.bf16,
            _ => Some(self.peaks.f32),
        }
        .unwrap_or(f64::NAN)
    }

    fn config(&self) -> &EncoderConfig {
        &self.shape.config
    }

    /// Bytes of `count` values of hidden states.
    fn bytes(&self, count: usize) -> f64 {
        (count * self.placement.hidden_dtype().size_in_bytes()) as f64
    }

    /// The number of sets of buffers of `count` values.
    fn sets(&self, count: usize) -> usize {
        let [fewest, most] = ROTATED;
        let fitting = ROTATED_BYTES / (self.bytes(count) as usize).max(1);
        self.options.rotated.unwrap_or(fitting.clamp(fewest, most)).max(1)
    }

    /// Sets of random values [rows, width] in the hidden states' type.
    fn inputs(&self, rows: usize, width: usize) -> Result<Vec<Tensor>> {
        let values = random(&[rows, width])?.to_dtype(self.placement.hidden_dtype())?;
        let copy = |_| values.to_device(self.placement.device());
        Ok((0..self.sets(rows * width)).map(copy).collect::<candle_core::Result<_>>()?)
    }

    fn norm(&self) -> Result<LayerNorm> {
        let vector = |value| Tensor::full(value, self.config().hidden_dim, &Device::Cpu);
        Ok(LayerNorm::new(&vector(1f32)?, &vector(0f32)?, 1e-12, &self.placement)?)
    }

    fn embed_norm(&self) -> MadeCase {
        let (tokens, config) = (self.options.tokens, self.config());
        let width = config.hidden_dim;
        let tables = [config.vocab_size, config.max_positions, config.type_vocab_size.max(1)];
        let [word, position, token_type] = tables.map(|rows| random(&[rows, width]));
        let embeddings = Embeddings::new([word?, position?, token_type?], self.norm()?, &self.placement)?;
        let indices = |set: usize, rows: usize| {
            let index = |token: usize| ((token + set * 7919).wrapping_mul(2_654_435_761) >> 7) % rows;
            let values: Vec<u32> = (0..tokens).map(|token| index(token) as u32).collect();
            Tensor::from_vec(values, tokens, self.placement.device())
        };
        let one_set =
            |set| tables.map(|rows| indices(set, rows)).into_iter().collect::<candle_core::Result<Vec<_>>>();
        let sets = (0..self.sets(tokens * width)).map(one_set).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Case {
            name: "embed_norm",
            detail: String::new(),
            flops: 0.0,
            // The position and type tables stay in a cache.
            bytes: self.bytes(2 * tokens * width) + (3 * size_of::<u32>() * tokens) as f64,
            launch: Box::new(move |index| {
                let [input_ids, position_ids, type_ids] = sets[index % sets.len()].as_slice() else {
                    bail!("a set has three indices")
                };
                Ok(embeddings.forward(TokenIndices { input_ids, position_ids, type_ids })?)
            }),
        })
    }

    /// The products of an encoder layer, and one of them with its activation.
    fn products(&self) -> impl Iterator<Item = Product> {
        let EncoderConfig { hidden_dim: width, intermediate_dim: inner, .. } = *self.config();
        [
            ("query, key, value", [width, 3 * width], Activation::Identity),
            ("attention output", [width, width], Activation::Identity),
            ("up", [width, inner], Activation::Identity),
            ("up, gelu", [width, inner], Activation::Gelu),
            ("down", [inner, width], Activation::Identity),
        ]
        .map(|(detail, dims, activation)| Product { detail, dims, activation })
        .into_iter()
    }

    fn linear(&self, Product { detail, dims: [in_dim, out_dim], activation }: Product) -> MadeCase {
        let tokens = self.options.tokens;
        let linear = Linear::new(&random(&[out_dim, in_dim])?, Some(&random(&[out_dim])?), &self.placement)?;
        let inputs = self.inputs(tokens, in_dim)?;
        Ok(Case {
            name: "linear",
            detail: detail.to_owned(),
            flops: 2.0 * (tokens * in_dim * out_dim) as f64,
            bytes: self.bytes(tokens * (in_dim + out_dim) + in_dim * out_dim),
            launch: Box::new(move |index| {
                Ok(linear.forward_activated(&inputs[index % inputs.len()], activation)?)
            }),
        })
    }

    fn attention(&self, length: usize) -> MadeCase {
        let EncoderConfig { hidden_dim: width, num_heads, .. } = *self.config();
        let (cu_seqlens, tokens) = self.sequences(length)?;
        let inputs = self.inputs(tokens, 3 * width)?;
        Ok(Case {
            name: "attention",
            detail: format!("length {length}"),
            flops: 4.0 * (length * tokens * width) as f64,
            bytes: self.bytes(4 * tokens * width),
            launch: Box::new(move |index| {
                Ok(attention(&inputs[index % inputs.len()], &cu_seqlens, num_heads, Form::Kernels)?)
            }),
        })
    }

    /// As many sequences of `length` as fit, and their tokens.
    fn sequences(&self, length: usize) -> Result<(CuSeqlens, usize)> {
        let count = self.options.tokens / length;
        Ok((CuSeqlens::from_lengths(vec![length; count])?, count * length))
    }

    fn add_norm(&self) -> MadeCase {
        let (tokens, width) = (self.options.tokens, self.config().hidden_dim);
        let (hidden, norm) = (self.inputs(tokens, width)?, self.norm()?);
        let residual = self.inputs(tokens, width)?;
        Ok(Case {
            name: "add_norm",
            detail: String::new(),
            flops: 0.0,
            bytes: self.bytes(3 * tokens * width),
            launch: Box::new(move |index| {
                let set = index % hidden.len();
                Ok(add_norm(&hidden[set], &residual[set], &norm)?)
            }),
        })
    }

    fn pool(&self, length: usize) -> MadeCase {
        let width = self.config().hidden_dim;
        let (cu_seqlens, tokens) = self.sequences(length)?;
        let inputs = self.inputs(tokens, width)?;
        let options = PoolOptions { modes: vec![Pooling::Mean], skip_tokens: 0, normalize: true };
        Ok(Case {
            name: "pool",
            detail: format!("length {length}"),
            flops: 0.0,
            bytes: self.bytes(tokens * width) + (tokens / length * width * size_of::<f32>()) as f64,
            launch: Box::new(move |index| {
                Ok(pool(&inputs[index % inputs.len()], &cu_seqlens, &options, Form::Kernels)?)
            }),
        })
    }

    fn normalize(&self) -> MadeCase {
        let (tokens, width) = (self.options.tokens, self.config().hidden_dim);
        let inputs = self.inputs(tokens, width)?;
        Ok(Case {
            name: "normalize",
            detail: String::new(),
            flops: 0.0,
            bytes: self.bytes(2 * tokens * width),
            launch: Box::new(move |index| Ok(normalize(&inputs[index % inputs.len()], 0.0, Form::Kernels)?)),
        })
    }

    /// Each text with the next one.
    fn token_match(&self, length: usize) -> MadeCase {
        let width = self.config().hidden_dim;
        let (texts, tokens) = (self.options.tokens / length, self.options.tokens / length * length);
        let cut = |packed: &Tensor| -> candle_core::Result<Vec<Tensor>> { packed.chunk(texts, 0) };
        let sets = self.inputs(tokens, width)?.iter().map(cut).collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Case {
            name: "token_match",
            detail: format!("{} pairs of length {length}", texts / 2),
            flops: 2.0 * (texts / 2 * length * length * width) as f64,
            bytes: self.bytes(texts / 2 * 2 * length * width)
                + (texts / 2 * 2 * length * size_of::<f32>()) as f64,
            launch: Box::new(move |index| {
                let pairs = sets[index % sets.len()].chunks_exact(2);
                let pairs: Vec<_> =
                    pairs.map(|two| TokenPair { candidate: &two[0], reference: &two[1] }).collect();
                Ok(token_match(&pairs, Form::Kernels)?.values)
            }),
        })
    }

    fn top_k(&self, num_queries: usize) -> MadeCase {
        let (num_rows, width) = (SEARCHED_ROWS * self.options.tokens, self.config().hidden_dim);
        let corpora = self.inputs(num_rows, width)?;
        let queries = random(&[num_queries, width])?.to_dtype(self.placement.hidden_dtype())?;
        let queries = queries.to_device(self.placement.device())?;
        Ok(Case {
            name: "top_k",
            detail: format!("{HITS} of {num_rows} rows for {num_queries} queries"),
            flops: 2.0 * (num_queries * num_rows * width) as f64,
            bytes: self.bytes((num_queries + num_rows) * width)
                + (num_queries * HITS * (size_of::<f32>() + size_of::<u32>())) as f64,
            launch: Box::new(move |index| {
                Ok(top_k(&queries, &corpora[index % corpora.len()], HITS, Form::Kernels)?.scores)
            }),
        })
    }
}

/// A linear layer.
#[derive(Clone, Copy)]
struct Product {
    detail: &'static str,
    /// Widths of input and output.
    dims: [usize; 2],
    activation: Activation,
}
