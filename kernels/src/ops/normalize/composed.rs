//! [`super::normalize`] composed of candle's operations. The squares are summed in f32: lengths below 1e-19
//! become 0, those above 1e19 infinite.

use candle_core::{D, DType, Result, Tensor};

pub(crate) fn normalize(rows: &Tensor, epsilon: f64) -> Result<Tensor> {
    if rows.elem_count() == 0 {
        return Ok(rows.clone());
    }
    let values = rows.to_dtype(DType::F32)?;
    let lengths = values.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
    values.broadcast_div(&lengths.maximum(epsilon)?)?.to_dtype(rows.dtype())
}
