//! [`super::rotate`] composed of candle's operations, in f32.

use candle_core::{DType, Result, Tensor};

use super::{RotaryHeads, RotaryTable};
use crate::CuSeqlens;

pub(super) fn rotate(
    qkv: &Tensor,
    cu_seqlens: &CuSeqlens,
    heads: RotaryHeads,
    table: &RotaryTable,
) -> Result<Tensor> {
    let RotaryHeads { num_heads, head_dim } = heads;
    let (total_tokens, width) = qkv.dims2()?;
    let rotated = num_heads * head_dim;
    if total_tokens * rotated == 0 {
        return Ok(qkv.clone());
    }
    let positions: Vec<u32> = cu_seqlens.ranges().flat_map(|tokens| 0..tokens.len() as u32).collect();
    let positions = Tensor::new(&*positions, qkv.device())?;
    let [cos, sin] = [&table.cos, &table.sin].map(|angles| angles.index_select(&positions, 0)?.unsqueeze(1));
    let (cos, sin) = (cos?, sin?);
    let all = qkv.to_dtype(DType::F32)?;
    let values = all.narrow(1, 0, rotated)?.reshape((total_tokens, num_heads, head_dim))?;
    let pairs = table.pairs();
    let (x, y) = (values.narrow(2, 0, pairs)?, values.narrow(2, pairs, pairs)?);
    let first = (x.broadcast_mul(&cos)? - y.broadcast_mul(&sin)?)?;
    let second = (y.broadcast_mul(&cos)? + x.broadcast_mul(&sin)?)?;
    let mut parts = vec![first, second];
    if 2 * pairs < head_dim {
        parts.push(values.narrow(2, 2 * pairs, head_dim - 2 * pairs)?);
    }
    let heads = Tensor::cat(&parts, 2)?.reshape((total_tokens, rotated))?;
    let rows = match width - rotated {
        0 => heads,
        others => Tensor::cat(&[heads, all.narrow(1, rotated, others)?], 1)?,
    };
    rows.to_dtype(qkv.dtype())
}
