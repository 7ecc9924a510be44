//! Vectors of late interaction, and bge-m3's sparse vectors, against their formulas in PyTorch, for tiny random models.
//!
//! Bound: a row is 11 (bge-m3: 32) sums over 32 values within 2e-5 of transformers' (see parity_encoder.rs), divided by
//! its length; the observed difference is under 3e-6.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use nearsay::embed::{EmbeddedTokens, PoolingChoice};
use nearsay::{EmbedOptions, Embedder, Session, SessionOptions};
use nearsay_tests::compare::{dense, farthest};
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
            let off = farthest(&rows, &wanted);
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
fn the_marker_is_part_of_a_length() {
    let case = Case::open("stanford");
    let lengths = |embedder: &Embedder| (embedder.max_tokens(), embedder.provenance().max_length);
    let documents = case.embedder(&EmbedOptions::default());
    assert_eq!(lengths(&documents), (24, 24));
    assert_eq!(lengths(&documents.prompt("query").unwrap()), (12, 12));
    let short = case.embedder(&EmbedOptions::default().max_length(8));
    assert_eq!(lengths(&short), (8, 8));
    let long = "the river ran over its banks ".repeat(20);
    assert_eq!(short.embed_tokens(&[&long]).unwrap().token_ids.len(), 8);
    assert_eq!(short.prompt("query").unwrap().embed_tokens(&["river"]).unwrap().token_ids.len(), 8);
    // The marker and two special tokens leave no room.
    let error =
        Session::with(fixture("late-interaction/stanford").to_str().unwrap(), &SessionOptions::default())
            .and_then(|session| session.embedder(&EmbedOptions::default().max_length(3)))
            .unwrap_err();
    assert_eq!(error.to_string(), "the longest text must have more than the 3 special tokens, got 3");
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
    assert_eq!(got.len(), case.texts.len());
    for (number, vector) in got.iter().enumerate() {
        let wanted = case.values(&format!("sparse.{number}"));
        let off = farthest(&dense(vector, embedder.dimensions()), &wanted);
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
