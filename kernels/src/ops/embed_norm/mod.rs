//! Embedding gather and LayerNorm in one pass: y = LayerNorm(word[id] + position[p] + token_type[t]).
//!
//! ids, positions, types: `[total_tokens]` u32. Tables: [rows, hidden_dim] f32, contiguous. y: [total_tokens,
//! hidden_dim] f32. Order of the sums: word + token type + position, as transformers adds them; then see
//! [`crate::LayerNorm`]. On CUDA tables and y may be f16 or bf16; sums and statistics are f32. Indices are
//! not checked there, and one beyond its table reads the last row: callers check them. Metal (composed of
//! candle's operations) is the same, with f16 only.

mod composed;
#[cfg(feature = "cuda")]
mod cuda;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor};

use crate::args::{expect_shape, matrix, u32_slice, with_f32};
use crate::cpu::buffers;
use crate::cpu::simd::{Kernel, Simd, dispatch};
use crate::ops::layer_norm::{LayerNorm, NormSlices};
use crate::{Error, Form, Placement, Result};

const NAME: &str = "embed_norm";

/// The embedding tables of an encoder and the LayerNorm after them.
#[derive(Debug, Clone)]
pub struct Embeddings {
    word: Tensor,
    position: Tensor,
    token_type: Tensor,
    norm: LayerNorm,
}

/// The rows of the tables for each token: three tensors of `[total_tokens]` u32.
#[derive(Debug, Clone, Copy)]
pub struct TokenIndices<'a> {
    /// Rows of the word table.
    pub input_ids: &'a Tensor,
    /// Rows of the position table.
    pub position_ids: &'a Tensor,
    /// Rows of the token type table.
    pub type_ids: &'a Tensor,
}

impl Embeddings {
    /// Creates them from `word` [vocab_size, hidden_dim], `position` [max_positions, hidden_dim] and
    /// `token_type` [type_vocab_size, hidden_dim] (one row of zeros for a model without token types). All are
    /// f32, and are moved to `placement`, in the type of its hidden states.
    ///
    /// # Errors
    /// If a table's width is not that of `norm`, a table has no rows, or the device lacks the memory.
    pub fn new(
        [word, position, token_type]: [Tensor; 3],
        norm: LayerNorm,
        placement: &Placement,
    ) -> Result<Self> {
        for (name, table) in [("word", &word), ("position", &position), ("token_type", &token_type)] {
            let (rows, _) = matrix(NAME, name, table)?;
            expect_shape(NAME, name, table, &[rows.max(1), norm.hidden_dim()])?;
        }
        let [word, position, token_type] = [word, position, token_type].map(|table| {
            table.to_dtype(placement.hidden_dtype())?.contiguous()?.to_device(placement.device())
        });
        Ok(Self { word: word?, position: position?, token_type: token_type?, norm })
    }

    /// LayerNorm of the sum of the three rows of each token: [total_tokens, hidden_dim].
    ///
    /// # Errors
    /// If the index tensors differ in length, or, on the CPU, an index is beyond its table.
    pub fn forward(&self, indices: TokenIndices<'_>) -> Result<Tensor> {
        let total_tokens = indices.input_ids.elem_count();
        expect_shape(NAME, "input_ids", indices.input_ids, &[total_tokens])?;
        expect_shape(NAME, "position_ids", indices.position_ids, &[total_tokens])?;
        expect_shape(NAME, "type_ids", indices.type_ids, &[total_tokens])?;
        if self.norm.form() == Form::Composed {
            return Ok(composed::embed_norm(indices, self)?);
        }
        let output =
            indices.input_ids.apply_op3_no_bwd(indices.position_ids, indices.type_ids, &EmbedNorm(self));
        output.map_err(Error::from)
    }
}

struct EmbedNorm<'a>(&'a Embeddings);

impl CustomOp3 for EmbedNorm<'_> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        ids: &CpuStorage,
        ids_layout: &Layout,
        positions: &CpuStorage,
        positions_layout: &Layout,
        types: &CpuStorage,
        types_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let ids = u32_slice(NAME, ids, ids_layout)?;
        let positions = u32_slice(NAME, positions, positions_layout)?;
        let types = u32_slice(NAME, types, types_layout)?;
        let hidden_dim = self.0.norm.hidden_dim();
        let mut output = buffers::take(ids.len() * hidden_dim);
        let Embeddings { word, position, token_type, norm } = self.0;
        with_f32(word, |word| {
            with_f32(position, |position| {
                with_f32(token_type, |token_type| {
                    norm.with_slices(|norm| {
                        let sources = [
                            (Table { values: word, hidden_dim }, ids),
                            (Table { values: token_type, hidden_dim }, types),
                            (Table { values: position, hidden_dim }, positions),
                        ];
                        for (table, indices) in sources {
                            table.check(indices)?;
                        }
                        dispatch(Gather { sources, norm, output: &mut output });
                        Ok(())
                    })
                })
            })
        })?;
        Ok((CpuStorage::F32(output), Shape::from((ids.len(), hidden_dim))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        ids: &CudaStorage,
        ids_layout: &Layout,
        positions: &CudaStorage,
        positions_layout: &Layout,
        types: &CudaStorage,
        types_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let indices = [(ids, ids_layout), (positions, positions_layout), (types, types_layout)];
        let output = cuda::embed_norm(indices, self.0)?;
        Ok((output, Shape::from((ids_layout.shape().elem_count(), self.0.norm.hidden_dim()))))
    }
}

#[derive(Clone, Copy)]
struct Table<'a> {
    values: &'a [f32],
    hidden_dim: usize,
}

impl<'a> Table<'a> {
    fn check(self, indices: &[u32]) -> candle_core::Result<()> {
        let rows = self.values.len() / self.hidden_dim;
        match indices.iter().find(|&&index| index as usize >= rows) {
            None => Ok(()),
            Some(&index) => {
                Err(candle_core::Error::InvalidIndex { op: NAME, index: index as usize, size: rows }.bt())
            }
        }
    }

    #[inline(always)]
    fn row(self, index: u32) -> &'a [f32] {
        &self.values[index as usize * self.hidden_dim..][..self.hidden_dim]
    }
}

/// Adds three gathered rows, in the order of `sources`, and normalizes.
struct Gather<'a> {
    sources: [(Table<'a>, &'a [u32]); 3],
    norm: NormSlices<'a>,
    output: &'a mut [f32],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let hidden_dim = self.norm.weight.len();
        for (token, row) in self.output.chunks_exact_mut(hidden_dim).enumerate() {
            let [first, second, third] = self.sources.map(|(table, indices)| table.row(indices[token]));
            let sources = first.chunks(S::LANES).zip(second.chunks(S::LANES)).zip(third.chunks(S::LANES));
            for (values, ((first, second), third)) in row.chunks_mut(S::LANES).zip(sources) {
                let sum = simd.add(simd.load_or(first, 0.0), simd.load_or(second, 0.0));
                simd.store_front(simd.add(sum, simd.load_or(third, 0.0)), values);
            }
            self.norm.apply(simd, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::dispatch_to;
    use crate::testing::{Target, assert_close, norm_bound, random, targets};
    use candle_core::Device;

    const INDICES: [&[u32]; 3] = [&[8, 0, 3, 3], &[0, 1, 0, 1], &[0, 1, 4, 2]];

    struct Case {
        /// Word, token type and position, in the order of addition.
        tables: [Vec<f32>; 3],
        weight: Vec<f32>,
        bias: Vec<f32>,
    }

    impl Case {
        fn new(target: Target, hidden_dim: usize) -> Self {
            let tables =
                [(1, 9), (2, 2), (3, 5)].map(|(seed, rows)| target.held(&random(seed, rows * hidden_dim)));
            Self { tables, weight: random(4, hidden_dim), bias: random(5, hidden_dim) }
        }

        fn slices(&self) -> NormSlices<'_> {
            NormSlices { weight: &self.weight, bias: &self.bias, epsilon: 1e-12, is_centred: true }
        }

        fn run(&self, target: Target) -> Vec<f32> {
            let hidden_dim = self.weight.len();
            if let Target::Cpu(set) = target {
                let table = |i: usize| (Table { values: &self.tables[i], hidden_dim }, INDICES[i]);
                let mut output = vec![0.0; 4 * hidden_dim];
                let sources = [table(0), table(1), table(2)];
                dispatch_to(set, Gather { sources, norm: self.slices(), output: &mut output });
                return output;
            }
            let vector = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
            let norm = LayerNorm::new(&vector(&self.weight), &vector(&self.bias), 1e-12, &target.placement());
            let table = |i: usize| vector(&self.tables[i]).reshape(((), hidden_dim)).unwrap();
            let tables = [table(0), table(2), table(1)];
            let embeddings = Embeddings::new(tables, norm.unwrap(), &target.placement()).unwrap();
            let [ids, types, positions] =
                INDICES.map(|indices| Tensor::new(indices, &target.device()).unwrap());
            let indices = TokenIndices { input_ids: &ids, position_ids: &positions, type_ids: &types };
            target.values(&embeddings.forward(indices).unwrap())
        }

        /// The sum of the three rows of `token`.
        fn sums(&self, token: usize) -> Vec<f64> {
            let hidden_dim = self.weight.len();
            let at = |i: usize, column: usize| {
                f64::from(self.tables[i][INDICES[i][token] as usize * hidden_dim + column])
            };
            (0..hidden_dim).map(|column| (0..3).map(|i| at(i, column)).sum()).collect()
        }
    }

    #[test]
    fn agrees_with_the_reference_beside_vector_edges() {
        for target in targets() {
            for hidden_dim in [3, 8, 15, 16, 17, 40, 256, 264, 384, 1000] {
                let case = Case::new(target, hidden_dim);
                let expected: Vec<f64> =
                    (0..4).flat_map(|token| case.slices().reference(&case.sums(token))).collect();
                let rounded: Vec<f32> = (0..4).flat_map(|token| case.sums(token)).map(|x| x as f32).collect();
                let largest = expected.iter().fold(0.0f64, |largest, y| largest.max(y.abs()));
                let bound =
                    norm_bound(&rounded, &vec![0.0; rounded.len()], hidden_dim) + target.rounding() * largest;
                assert_close(
                    &format!("{target:?} hidden_dim {hidden_dim}"),
                    &case.run(target),
                    &expected,
                    bound,
                );
            }
        }
    }

    /// On the CPU it is an error; if candle's own gather runs, candle decides.
    #[test]
    fn on_a_gpu_an_index_beyond_its_table_takes_the_last_row() {
        for target in targets()
            .into_iter()
            .filter(|target| target.is_of_our_kernels() && !matches!(target, Target::Cpu(_)))
        {
            let table =
                |rows: usize| Tensor::from_vec(random(rows as u64, rows * 8), (rows, 8), &Device::Cpu);
            let vector = |value: f32| Tensor::full(value, 8, &Device::Cpu);
            let norm =
                LayerNorm::new(&vector(1.0).unwrap(), &vector(0.0).unwrap(), 1e-5, &target.placement());
            let tables = [table(3), table(2), table(1)].map(Result::unwrap);
            let embeddings = Embeddings::new(tables, norm.unwrap(), &target.placement()).unwrap();
            let run = |ids: [u32; 2]| {
                let ids = Tensor::new(&ids, &target.device()).unwrap();
                let zeros = ids.zeros_like().unwrap();
                let indices = TokenIndices { input_ids: &ids, position_ids: &zeros, type_ids: &zeros };
                target.values(&embeddings.forward(indices).unwrap())
            };
            assert_eq!(run([3, u32::MAX]), run([2, 2]), "{target:?}");
        }
    }

    #[test]
    fn an_index_beyond_its_table_is_an_error() {
        let table = |rows: usize| Tensor::zeros((rows, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
        let vector = Tensor::zeros(4, candle_core::DType::F32, &Device::Cpu).unwrap();
        let norm = LayerNorm::new(&vector, &vector, 1e-5, &Placement::CPU).unwrap();
        let embeddings = Embeddings::new([table(3), table(2), table(1)], norm, &Placement::CPU).unwrap();
        let indices = |values: [u32; 2]| Tensor::new(&values, &Device::Cpu).unwrap();
        let (good, bad) = (indices([0, 1]), indices([0, 3]));
        let zeros = indices([0, 0]);
        let forward = |ids, positions, types| {
            embeddings.forward(TokenIndices { input_ids: ids, position_ids: positions, type_ids: types })
        };
        assert!(forward(&good, &good, &zeros).is_ok());
        let message = forward(&bad, &good, &zeros).unwrap_err().to_string();
        assert!(message.contains("index 3"), "{message}");
        assert!(forward(&good, &good, &good).is_err());
    }
}
