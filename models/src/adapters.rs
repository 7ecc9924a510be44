//! Low-rank adapters (LoRA: Hu et al., 2021, <https://arxiv.org/abs/2106.09685>): for each task, small matrices whose
//! product is added to a weight. They are merged when weights are loaded, so that a task costs nothing later.
//!
//! The names are those of PyTorch's parametrizations (jina-embeddings-v3). With R = rank, a weight NAME.weight
//! [out, in] is stored as `NAME.parametrizations.weight.original`, and next to it `.0.lora_A` [tasks, R, in] and
//! `.0.lora_B` [tasks, out, R]; of a table of embeddings, A is [tasks, rows, R] and B [tasks, R, width].

use candle_core::{Device, Tensor};

use crate::parameters::WeightSource;
use crate::{Error, Model, Result};

/// Ends of the names of adapters.
pub(crate) const ADAPTERS: [&str; 2] = ["lora_A", "lora_B"];

/// The adapters of a model's weights, as config.json describes them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AdaptersRecipe {
    pub(crate) tasks: Vec<Task>,
    pub(crate) rank: usize,
    /// The factor of the product.
    pub(crate) scale: f32,
}

/// A task that a model has adapters for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Task {
    pub(crate) name: String,
    /// Put before each text.
    pub(crate) instruction: String,
}

impl AdaptersRecipe {
    /// The number of the task with this name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.tasks.iter().position(|task| task.name == name)
    }
}

/// Adapters of one task, or of none: then weights are as they are stored.
#[derive(Debug, Clone)]
pub(crate) struct Adapter {
    pub(crate) recipe: AdaptersRecipe,
    pub(crate) task: Option<usize>,
}

impl Adapter {
    /// The name that `name`, which ends with `.weight`, is stored under.
    pub(crate) fn stored(name: &str) -> Option<String> {
        Some(format!("{}.parametrizations.weight.original", name.strip_suffix(".weight")?))
    }

    /// The weight `name` of this shape, stored as `stored`.
    pub(crate) fn load(
        &self,
        weights: &dyn WeightSource,
        name: &str,
        stored: &str,
        shape: &[usize],
    ) -> Result<Tensor> {
        let original = weights.load(stored, shape)?;
        let (Some(task), &[rows, width]) = (self.task, shape) else { return Ok(original) };
        let (rank, tasks) = (self.recipe.rank, self.recipe.tasks.len());
        let factors = [(rows, rank), (rank, width)];
        let is_table = name.ends_with("_embeddings.weight");
        let [first, second] = if is_table { ADAPTERS } else { [ADAPTERS[1], ADAPTERS[0]] };
        let [left, right] = [(first, factors[0]), (second, factors[1])].map(|(part, (rows, columns))| {
            let name = stored.replace("original", &format!("0.{part}"));
            let all = weights.load(&name, &[tasks, rows, columns])?;
            Ok::<_, Error>(all.get(task)?.flatten_all()?.to_vec1::<f32>()?)
        });
        let mut values = original.flatten_all()?.to_vec1::<f32>()?;
        drop(original);
        add_product(&mut values, [&left?, &right?], rank, self.recipe.scale);
        Ok(Tensor::from_vec(values, (rows, width), &Device::Cpu)?)
    }
}

/// `values` [rows, width] += `left` [rows, rank] `right` [rank, width] * `scale`; each sum goes from the rank's first
/// to its last.
fn add_product(values: &mut [f32], [left, right]: [&[f32]; 2], rank: usize, scale: f32) {
    let width = right.len() / rank;
    let mut sums = vec![0.0; width];
    for (row, left) in values.chunks_exact_mut(width).zip(left.chunks_exact(rank)) {
        sums.fill(0.0);
        for (factor, right) in left.iter().zip(right.chunks_exact(width)) {
            sums.iter_mut().zip(right).for_each(|(sum, value)| *sum += factor * value);
        }
        row.iter_mut().zip(&sums).for_each(|(value, sum)| *value += sum * scale);
    }
}

impl Model {
    /// The tasks that the model has adapters for.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        let tasks = self.recipe().adapters.iter().flat_map(|adapters| &adapters.tasks);
        tasks.map(|task| task.name.as_str())
    }

    /// The text that a task puts before each text.
    ///
    /// # Errors
    /// [`Error::NoSuchTask`].
    pub fn task_instruction(&self, task: &str) -> Result<&str> {
        let tasks = self.recipe().adapters.iter().flat_map(|adapters| &adapters.tasks);
        let mut found = tasks.filter(|known| known.name == task).map(|task| task.instruction.as_str());
        found.next().ok_or_else(|| {
            let tasks = self.tasks().map(str::to_owned).collect();
            Error::NoSuchTask { folder: self.folder().root().to_owned(), task: task.to_owned(), tasks }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_of_two_matrices_is_added() {
        let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        // [2, 1] times [1, 3], and [2, 2] times [2, 3].
        add_product(&mut values, [&[1.0, -1.0], &[2.0, 4.0, 6.0]], 1, 0.5);
        assert_eq!(values, [2.0, 4.0, 6.0, 3.0, 3.0, 3.0]);
        let mut values = [0.0; 6];
        add_product(&mut values, [&[1.0, 2.0, 0.0, 1.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], 2, 1.0);
        assert_eq!(values, [9.0, 12.0, 15.0, 4.0, 5.0, 6.0]);
    }
}
