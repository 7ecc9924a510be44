//! The heads of cases (see [`cases`](crate::cases)): further tensors of `expected.safetensors`.
//!
//! | tensors | of input N |
//! |---|---|
//! | `pair_ids.N`, `pair_types.N`, `logits.N` | a pair, and its logits by the classification head |
//! | `sparse.max.N`, `sparse.sum.N`, `sparse.log1p_relu.N` | the vectors of SPLADE's poolings |
//! | `query.N`, `document.N` | the rows of text N in late interaction |
//! | `dense.N`, `sparse.N`, `tokens.N` | those of bge-m3 |

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use nearsay::embed::PoolingChoice;
use nearsay::{EmbedOptions, Pooling, Session, SessionOptions};
use nearsay_kernels::{Placement, Saturation};
use nearsay_models::sentence_transformers::SpladePooling;
use nearsay_models::{Encoder, EncoderOptions, HiddenStates, HubOptions, Model, TextIds};

use crate::cases::{Difference, relative, texts, values};
use crate::compare::dense;

/// The largest difference of a case's heads; `None` if it has none.
///
/// # Panics
/// If a head cannot be loaded.
pub fn difference(folder: &Path) -> Option<Difference> {
    let expected = candle_core::safetensors::load(folder.join("expected.safetensors"), &Device::Cpu);
    let expected = expected.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let heads = Heads { folder, expected };
    let all = [heads.logits(), heads.splade(), heads.late_interaction(), heads.bge_m3()].concat();
    all.into_iter().reduce(|worst, other| {
        if other.relative > worst.relative || other.relative.is_nan() { other } else { worst }
    })
}

struct Heads<'a> {
    folder: &'a Path,
    expected: HashMap<String, Tensor>,
}

impl Heads<'_> {
    fn has(&self, tensor: &str) -> bool {
        self.expected.contains_key(tensor)
    }

    /// The numbers N of the tensors `kind.N`, which must be those from 0 on.
    fn numbers(&self, kind: &str) -> Range<usize> {
        let of_kind = |name: &String| name.strip_prefix(kind)?.strip_prefix('.')?.parse::<usize>().ok();
        let mut numbers: Vec<usize> = self.expected.keys().filter_map(of_kind).collect();
        numbers.sort_unstable();
        let all = 0..numbers.len();
        assert!(numbers.iter().copied().eq(all.clone()), "{}, {kind}: {numbers:?}", self.folder.display());
        all
    }

    fn ids(&self, tensor: &str) -> Vec<u32> {
        let ids = self.expected[tensor].flatten_all().and_then(|ids| ids.to_dtype(DType::U32)?.to_vec1());
        ids.expect("whole numbers")
    }

    fn compared(&self, tensor: String, got: &[f32]) -> Difference {
        Difference { relative: relative(got, &values(&self.expected[&tensor])), tensor }
    }

    fn model(&self) -> (Model, Encoder) {
        let model = Model::open(&self.folder.display().to_string(), &HubOptions::default()).expect("a model");
        let encoder = model.load_encoder(&EncoderOptions::default()).expect("an encoder");
        (model, encoder)
    }

    fn logits(&self) -> Vec<Difference> {
        if !self.has("logits.0") {
            return Vec::new();
        }
        let (model, encoder) = self.model();
        let head = model.load_classifier(&Placement::CPU).expect("a classification head");
        let of_pair = |number: usize| {
            let ids = self.ids(&format!("pair_ids.{number}"));
            let second_part = self.ids(&format!("pair_types.{number}")).iter().position(|&part| part == 1);
            let states = states(&encoder, TextIds { ids: &ids, second_part, keys: None });
            let logits =
                head.forward(states.layer(encoder.loaded_layers()).expect("states")).expect("logits");
            self.compared(format!("logits.{number}"), &values(&logits))
        };
        self.numbers("logits").map(of_pair).collect()
    }

    fn splade(&self) -> Vec<Difference> {
        if !self.has("sparse.max.0") {
            return Vec::new();
        }
        let (model, encoder) = self.model();
        let mut differences = Vec::new();
        for (name, sums, saturation) in [
            ("max", false, Saturation::Log),
            ("sum", true, Saturation::Log),
            ("log1p_relu", false, Saturation::LogLog),
        ] {
            let head =
                model.load_splade_head(SpladePooling { sums, saturation }, &Placement::CPU).expect("a head");
            for number in self.numbers(&format!("sparse.{name}")) {
                let ids = self.ids(&format!("input_ids.{number}"));
                let states = states(&encoder, TextIds { ids: &ids, second_part: None, keys: None });
                let states = states.layer(encoder.loaded_layers()).expect("states");
                let vector = head.forward(states, &[&ids]).expect("a vector").remove(0);
                let got = dense(&vector, head.vocab_size());
                differences.push(self.compared(format!("sparse.{name}.{number}"), &got));
            }
        }
        differences
    }

    fn embedder(&self, pooling: PoolingChoice) -> nearsay::Embedder {
        let session = Session::with(&self.folder.display().to_string(), &SessionOptions::default());
        let mut options = EmbedOptions::default();
        options.pooling = pooling;
        session.and_then(|session| session.embedder(&options)).expect("an embedder")
    }

    /// The tensors `kind.N` as rows of the texts' tokens.
    fn token_rows(&self, embedder: &nearsay::Embedder, kind: &str) -> Vec<Difference> {
        let texts = texts(self.folder);
        let numbers = self.numbers(kind);
        // Of the first texts only, in some cases.
        assert!((1..=texts.len()).contains(&numbers.len()), "{}, {kind}: {numbers:?}", self.folder.display());
        let row = |number: usize| {
            let tokens = embedder.embed_tokens(&texts[number..=number]).expect("vectors");
            self.compared(format!("{kind}.{number}"), tokens.vectors.values())
        };
        numbers.map(row).collect()
    }

    fn late_interaction(&self) -> Vec<Difference> {
        if !self.has("query.0") {
            return Vec::new();
        }
        let documents = self.embedder(PoolingChoice::Auto);
        let queries = documents.prompt("query").expect("a prompt");
        [self.token_rows(&queries, "query"), self.token_rows(&documents, "document")].concat()
    }

    fn bge_m3(&self) -> Vec<Difference> {
        if !self.has("tokens.0") || !self.has("sparse.0") {
            return Vec::new();
        }
        let texts = texts(self.folder);
        let lexical = self.embedder(PoolingChoice::Lexical);
        let pooled = self.embedder(PoolingChoice::Mode(Pooling::Cls)).with(|options| options.normalize(true));
        let pooled = pooled.expect("an embedder");
        let mut differences = self.token_rows(&self.embedder(PoolingChoice::Colbert), "tokens");
        for number in self.numbers("sparse") {
            let text = &texts[number..=number];
            let vector = lexical.embed_sparse(text).expect("a vector").remove(0);
            differences
                .push(self.compared(format!("sparse.{number}"), &dense(&vector, lexical.dimensions())));
            let vector = pooled.embed(text).expect("a vector");
            differences.push(self.compared(format!("dense.{number}"), vector.values()));
        }
        differences
    }
}

fn states(encoder: &Encoder, text: TextIds<'_>) -> HiddenStates {
    let batch = encoder.pack_texts(&[text]).expect("a batch");
    encoder.forward(&batch, &[encoder.loaded_layers()]).expect("states")
}
