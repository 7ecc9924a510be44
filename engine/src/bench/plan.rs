//! The plan of a measurement.

use nearsay_models::Recipe;

use super::options::BenchOptions;
use super::workload::Workload;
use crate::Result;

/// Tokens per pass: 32 texts of 128.
const PASS_TOKENS: usize = 4096;

/// Tokens per pass for each thread, if that is more: eight micro-batches, so that the last ones end together.
const THREAD_TOKENS: usize = 8 * crate::session::DEFAULT_BATCH_TOKENS;

/// Micro-batches per pass for each GPU: several for each of its lanes.
const GPU_BATCHES: usize = 16;

/// Lengths of single texts: a query, and a paragraph.
const SINGLE_TEXTS: [usize; 2] = [12, 128];

/// The work for every precision.
pub(super) struct BenchPlan {
    pub(super) layer: usize,
    pub(super) workloads: Vec<Workload>,
    pub(super) single_texts: Vec<Workload>,
}

impl BenchPlan {
    pub(super) fn new(recipe: &Recipe, options: &BenchOptions, threads: usize) -> Result<Self> {
        let tokens = if options.devices.are_gpus() {
            let batch_tokens = options.batch_tokens.unwrap_or(crate::session::DEFAULT_GPU_BATCH_TOKENS);
            options.devices.count() * GPU_BATCHES * batch_tokens
        } else {
            PASS_TOKENS.max(threads * THREAD_TOKENS)
        };
        let lengths = options.lengths_of(recipe)?;
        let mut workloads: Vec<Workload> = lengths
            .into_iter()
            .map(|length| Workload::equal((tokens / length).max(1), length, recipe))
            .collect();
        workloads.push(Workload::natural_mix(tokens, recipe));
        let fitting = SINGLE_TEXTS.into_iter().filter(|&length| length <= recipe.usual_tokens());
        let single_texts = fitting.map(|length| Workload::equal(1, length, recipe)).collect();
        Ok(Self { layer: options.layer_of(recipe)?, workloads, single_texts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_models::Shape;

    fn plan(options: &BenchOptions, threads: usize) -> Result<BenchPlan> {
        BenchPlan::new(&Shape::find("roberta-base").unwrap().recipe().unwrap(), options, threads)
    }

    #[test]
    fn passes_have_work_for_every_thread() {
        for (threads, texts) in [(1, 32), (2, 32), (96, 1536)] {
            let plan = plan(&BenchOptions::default(), threads).unwrap();
            assert_eq!(plan.workloads[3].name, format!("{texts} x 128"));
            assert_eq!(plan.workloads[3].tokens(), texts * 128);
            assert_eq!(plan.workloads.len(), 7);
        }
    }

    #[test]
    fn what_the_model_cannot_do_is_refused() {
        let lengths = |length| BenchOptions { lengths: Some(vec![16, length]), ..BenchOptions::default() };
        assert!(plan(&lengths(512), 1).is_ok());
        for length in [0, 513] {
            let error = plan(&lengths(length), 1).err().unwrap();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(error.to_string().contains(&format!("1 to 512 for this model, got {length}")), "{error}");
        }
        let error = plan(&BenchOptions { layer: Some(13), ..BenchOptions::default() }, 1).err().unwrap();
        assert_eq!(error.to_string(), "`layer` must be 0 to 12 for this model, got 13");
    }
}
