//! Vectors of late interaction, and bge-m3's sparse vectors, against their formulas in PyTorch, for tiny random models.
//!
//! Bound: a row is 11 (bge-m3: 32) sums over 32 values within 2e-5 of transformers' (see parity_encoder.rs), divided by
//! its length; the observed difference is under 3e-6.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use nearsay::embed::{EmbeddedTokens, PoolingChoice};
use nearsay::{EmbedOptions, Embedder, Session, SessionOptions};
use nearsay_tests::{fixture, json};

const BOUND: f32 = 1e-5;

struct Case {
    name: &'static str,
    texts: Vec<String>,
    expected: HashMap<String, Tensor>,
}

impl Case {
    fn open(name: &'static str) -> Self {
        let folder = fixture(&format!("late-interaction/{name}"));
        let texts = serde_json::from_value(json(&format!("late-interaction/{name}/texts.json"))).unwrap();
        let expected =
            candle_core::safetensors::load(folder.join("expected.safetensors"), &Device::Cpu).unwrap();
        Self { name, texts, expected }
    }

    fn embedder(&self, options: &EmbedOptions) -> Embedder {
        let folder = fixture(&format!("late-interaction/{}", self.name));
        let session = Session::with(folder.to_str().unwrap(), &SessionOptions::default()).unwrap();
        session.embedder(options).unwrap()
    }

    fn values(&self, tensor: &str) -> Vec<f32> {
        self.expected[tensor].flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
    }

    fn ids(&self, tensor: &str) -> Vec<u32> {
        self.values(tensor).into_iter().map(|id| id as u32).collect()
    }

    /// Compares the vectors of texts with the tensors `kind.N`, and each text alone with itself.
    fn check(&self, embedder: &Embedder, kind: &str, ids: &str, dim: usize) {
        let got = embedder.embed_tokens(&self.texts).unwrap();
        assert_eq!(embedder.hidden_dim(), dim);
        for (number, text) in self.texts.iter().enumerate() {
            let what = format!("{}, {kind}.{number}", self.name);
            let rows = rows_of(&got, number);
            let wanted = self.values(&format!("{kind}.{number}"));
            assert_eq!(rows.len(), wanted.len(), "{what}");
            let off = rows.iter().zip(&wanted).map(|(got, wanted)| (got - wanted).abs()).fold(0.0, f32::max);
            assert!(off <= BOUND, "{what}: off by {off:e}");
            let ids = self.ids(&format!("{ids}.{number}"));
            // bge-m3's first token has no vector.
            let ids = &ids[ids.len() - got.text(number).len()..];
            assert_eq!(&got.token_ids[got.text(number)], ids, "{what}");
            let alone = embedder.embed_tokens(&[text]).unwrap();
            assert_eq!(rows_of(&alone, 0), rows, "{what}: other bits alone");
        }
    }
}

fn rows_of(tokens: &EmbeddedTokens, text: usize) -> Vec<f32> {
    tokens.text(text).flat_map(|row| tokens.vectors[row].to_vec()).collect()
}

#[test]
fn queries_and_documents() {
    for name in ["pylate", "pylate-window", "stanford"] {
        let case = Case::open(name);
        let documents = case.embedder(&EmbedOptions::default());
        case.check(&documents, "document", "document_ids", 11);
        case.check(&documents.prompt("query").unwrap(), "query", "query_ids", 11);
    }
}

#[test]
fn bge_m3() {
    let case = Case::open("bge-m3");
    let mut options = EmbedOptions::default();
    options.pooling = PoolingChoice::Colbert;
    case.check(&case.embedder(&options), "tokens", "ids", 32);
    options.pooling = PoolingChoice::Lexical;
    let embedder = case.embedder(&options);
    let got = embedder.embed_sparse(&case.texts).unwrap();
    for (number, vector) in got.iter().enumerate() {
        let wanted = case.values(&format!("sparse.{number}"));
        let mut dense = vec![0.0; embedder.dimensions()];
        for (&index, &value) in vector.indices.iter().zip(&vector.values) {
            assert!(value > 0.0);
            dense[index as usize] = value;
        }
        assert!(vector.indices.is_sorted());
        let off = dense.iter().zip(&wanted).map(|(got, wanted)| (got - wanted).abs()).fold(0.0, f32::max);
        assert!(off <= BOUND, "text {number}: off by {off:e}");
    }
    let pooled = case.embedder(&EmbedOptions::default());
    assert_eq!(pooled.embed(&case.texts).unwrap().dim(), 32);
}

#[test]
fn without_its_files_there_is_no_late_interaction() {
    let folder = fixture("families/bert");
    let session = Session::with(folder.to_str().unwrap(), &SessionOptions::default()).unwrap();
    let mut options = EmbedOptions::default();
    for (pooling, head) in [
        (PoolingChoice::Colbert, "late-interaction"),
        (PoolingChoice::Lexical, "lexical"),
        (PoolingChoice::Splade, "masked-language"),
    ] {
        options.pooling = pooling;
        let error = session.embedder(&options).unwrap_err();
        assert!(error.to_string().contains(&format!("has no {head} head")), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.to_string().starts_with("use ")));
    }
}
