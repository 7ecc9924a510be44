//! Embeddings as a part: LayerNorm(word + token type + position). In families with narrower embeddings a linear
//! layer brings them to the width of the hidden states, after the norm or before it.

use candle_core::{DType, Device, Tensor};
use nearsay_kernels::{Embeddings, Linear, Placement, TokenIndices, recycle};

use super::linear::LinearRecipe;
use super::norm::NormRecipe;
use crate::parameters::Parameters;
use crate::{Positions, Result};

/// Tables of one width, their norm, and the linear layer after it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EmbeddingsRecipe {
    pub(crate) word: TableRecipe,
    /// Other names of the word table, which encoders and decoders share.
    pub(crate) word_aliases: &'static [&'static str],
    /// The factor of its rows, if not 1.
    pub(crate) word_scale: Option<f64>,
    /// None where distances alone tell the order of tokens.
    pub(crate) position: Option<TableRecipe>,
    /// Positions are sinusoids, which are computed if the file has no table.
    pub(crate) has_sinusoids: bool,
    pub(crate) positions: Positions,
    pub(crate) token_type: Option<TableRecipe>,
    /// Without a bias, before the norm: tables have its input's width.
    pub(crate) inner_projection: Option<LinearRecipe>,
    /// Width of the sum.
    pub(crate) width: usize,
    pub(crate) norm: Option<NormRecipe>,
    /// After the norm.
    pub(crate) projection: Option<LinearRecipe>,
}

/// A table: name and rows. All tables have the same width.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TableRecipe {
    pub(crate) name: &'static str,
    pub(crate) rows: usize,
}

impl EmbeddingsRecipe {
    /// Rows of the table `word` and nothing else, of this width.
    pub(crate) fn of_words(word: TableRecipe, width: usize) -> Self {
        Self {
            word,
            word_aliases: &[],
            word_scale: None,
            position: None,
            has_sinusoids: false,
            positions: Positions::None,
            token_type: None,
            inner_projection: None,
            width,
            norm: None,
            projection: None,
        }
    }

    /// Width of the hidden states that enter the first layer.
    pub(crate) fn hidden_dim(&self) -> usize {
        self.projection.as_ref().map_or(self.width, |projection| projection.out_dim)
    }

    /// The longest text that the position table has rows for; `None` without one.
    pub(crate) fn tokens_with_positions(&self) -> Option<usize> {
        Some(self.position.as_ref()?.rows.saturating_sub(self.positions.first()))
    }

    /// Rows of the token type table; 0 without one.
    pub(crate) fn token_types(&self) -> usize {
        self.token_type.as_ref().map_or(0, |table| table.rows)
    }

    /// The names under which a checkpoint may have the word table.
    pub(crate) fn word_names(&self) -> impl Iterator<Item = &'static str> {
        [self.word.name].into_iter().chain(self.word_aliases.iter().copied())
    }

    /// The word table under the name that there is.
    pub(crate) fn word_in(&self, parameters: &Parameters<'_>) -> TableRecipe {
        let name = self.word_names().find(|name| parameters.contains(name));
        TableRecipe { name: name.unwrap_or(self.word.name), ..self.word }
    }

    fn table_width(&self) -> usize {
        self.inner_projection.as_ref().map_or(self.width, |projection| projection.in_dim)
    }

    pub(crate) fn parameters(&self) -> usize {
        let optional = [&self.position, &self.token_type].into_iter().flatten();
        let rows = self.word.rows + optional.map(|table| table.rows).sum::<usize>();
        let projections = [&self.inner_projection, &self.projection].into_iter().flatten();
        let projections: usize = projections.map(LinearRecipe::parameters).sum();
        let norm = self.norm.as_ref().map_or(0, NormRecipe::parameters);
        rows * self.table_width() + norm + projections
    }

    pub(crate) fn load(&self, parameters: &Parameters<'_>, placement: &Placement) -> Result<EmbeddingLayers> {
        let width = self.table_width();
        // The sum of projected rows is the projected sum: no token needs the product.
        let projection =
            self.inner_projection.as_ref().map(|linear| linear.load(parameters, &Placement::CPU));
        let projection = projection.transpose()?;
        let load = |table: &TableRecipe| -> Result<Tensor> {
            let rows = parameters.load(table.name, &[table.rows, width])?;
            Ok(match &projection {
                Some(projection) => projection.forward(&rows)?,
                None => rows,
            })
        };
        let load_or_zeros = |table: &Option<TableRecipe>| match table {
            Some(table) => load(table),
            None => Ok(Tensor::zeros((1, self.width), DType::F32, &Device::Cpu)?),
        };
        let mut word = load(&self.word_in(parameters))?;
        if let Some(scale) = self.word_scale {
            word = (word * scale)?;
        }
        let sum = match &self.norm {
            Some(norm) => {
                let tables = [word, load_or_zeros(&self.position)?, load_or_zeros(&self.token_type)?];
                Sum::Normed(Embeddings::new(tables, norm.load(parameters, placement)?, placement)?)
            }
            None => {
                let place =
                    |table: Tensor| table.to_dtype(placement.hidden_dtype())?.to_device(placement.device());
                let position = match &self.position {
                    Some(table) if self.has_sinusoids && !parameters.contains(table.name) => {
                        Some(sinusoids(table.rows, width)?)
                    }
                    table => table.as_ref().map(load).transpose()?,
                };
                Sum::Plain { word: place(word)?, position: position.map(place).transpose()? }
            }
        };
        let projection = self.projection.as_ref().map(|linear| linear.load(parameters, placement));
        Ok(EmbeddingLayers { sum, projection: projection.transpose()? })
    }
}

/// Loaded embeddings.
#[derive(Debug)]
pub(crate) struct EmbeddingLayers {
    sum: Sum,
    projection: Option<Linear>,
}

/// Rows [rows, width] of sines, then cosines, of position / 10000^(2i / width) (PEGASUS).
fn sinusoids(rows: usize, width: usize) -> Result<Tensor> {
    let half = width.div_ceil(2);
    let angle = |row: usize, i: usize| row as f64 / 10_000_f64.powf(2.0 * i as f64 / width as f64);
    let value = |row: usize, column: usize| match column < half {
        true => angle(row, column).sin() as f32,
        false => angle(row, column - half).cos() as f32,
    };
    let values = (0..rows).flat_map(|row| (0..width).map(move |column| value(row, column)));
    Ok(Tensor::from_vec(values.collect::<Vec<f32>>(), (rows, width), &Device::Cpu)?)
}

/// The sum of a token's rows.
#[derive(Debug)]
enum Sum {
    Normed(Embeddings),
    /// Without token types.
    Plain {
        word: Tensor,
        position: Option<Tensor>,
    },
}

impl Sum {
    fn forward(&self, indices: TokenIndices<'_>) -> Result<Tensor> {
        match self {
            Self::Normed(embeddings) => Ok(embeddings.forward(indices)?),
            Self::Plain { word, position } => {
                let words = word.index_select(&indices.input_ids.contiguous()?, 0)?;
                Ok(match position {
                    Some(table) => (words + table.index_select(&indices.position_ids.contiguous()?, 0)?)?,
                    None => words,
                })
            }
        }
    }
}

impl EmbeddingLayers {
    /// The states that enter the first layer, [total_tokens, hidden_dim].
    pub(crate) fn forward(&self, indices: TokenIndices<'_>) -> Result<Tensor> {
        let embedded = self.sum.forward(indices)?;
        let Some(projection) = &self.projection else { return Ok(embedded) };
        let projected = projection.forward(&embedded)?;
        recycle(embedded);
        Ok(projected)
    }
}
