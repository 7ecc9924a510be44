//! A sparse encoder whose queries get their weights from a table, against sentence-transformers' SparseEncoder.
//!
//! Weights of the table are copied, so queries are equal to the bit; documents are within the bound of
//! parity_sparse.rs.

use std::fs;
use std::path::Path;

use nearsay::embed::{PoolingChoice, SparseVector};
use nearsay::vectors::Level;
use nearsay::{EmbedOptions, Embedder, Error, Session, SessionOptions};
use nearsay_tests::compare::farthest;
use nearsay_tests::{copy_folder, fixture, json};
use serde_json::{Value, json};

const CASE: &str = "routed";
const BOUND: f32 = 1e-5;

fn open(folder: &Path, options: &EmbedOptions) -> nearsay::Result<Embedder> {
    Session::with(folder.to_str().unwrap(), &SessionOptions::default())?.embedder(options)
}

fn options() -> EmbedOptions {
    EmbedOptions::default()
}

fn texts() -> Vec<String> {
    serde_json::from_value(json(&format!("{CASE}/expected.json"))["texts"].clone()).unwrap()
}

fn expected(side: &str) -> Vec<SparseVector> {
    let expected = json(&format!("{CASE}/expected.json"));
    let vector = |row: &Value| SparseVector {
        indices: serde_json::from_value(row["indices"].clone()).unwrap(),
        values: serde_json::from_value(row["values"].clone()).unwrap(),
    };
    expected[side].as_array().unwrap().iter().map(vector).collect()
}

/// A copy of the case with other contents of its JSON files; a null removes the file.
fn changed(files: &[(&str, Value)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&fixture(CASE), folder.path());
    for (name, content) in files {
        match content {
            Value::Null => fs::remove_file(folder.path().join(name)).unwrap(),
            content => fs::write(folder.path().join(name), content.to_string()).unwrap(),
        }
    }
    folder
}

fn router(query: &[&str], document: &[&str], parameters: Value) -> Value {
    let class = |name: &&str| {
        let class = name.rsplit('_').next().unwrap().to_owned();
        let class = if class.is_empty() { "MLMTransformer" } else { &class };
        ((*name).to_owned(), json!(format!("sentence_transformers.sparse_encoder.models.{class}")))
    };
    let types: serde_json::Map<String, Value> = query.iter().chain(document).map(class).collect();
    json!({"types": types, "structure": {"query": query, "document": document}, "parameters": parameters})
}

const QUERY: &str = "query_0_SparseStaticEmbedding";
const DOCUMENT: [&str; 2] = ["document_0_MLMTransformer", "document_1_SpladePooling"];

#[test]
fn queries_have_the_weights_of_their_tokens_and_documents_those_of_the_encoder() {
    let folder = fixture(CASE);
    let queries = open(&folder, &options().prompt("query")).unwrap();
    assert_eq!(queries.embed_sparse(&texts()).unwrap(), expected("queries"));
    assert_eq!(queries.pooling(), ("static".to_owned(), "the model's router_config.json, for queries"));
    assert_eq!((queries.max_tokens(), queries.level()), (12, Level::Sparse));

    let documents = open(&folder, &options()).unwrap();
    let wanted = expected("documents");
    let got = documents.embed_sparse(&texts()).unwrap();
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(&wanted) {
        assert_eq!(got.indices, wanted.indices);
        let off = farthest(&got.values, &wanted.values);
        assert!(off <= BOUND, "{got:?}, {wanted:?}");
    }
    assert_eq!(documents.pooling().0, "splade max log1p_relu");
}

#[test]
fn the_side_is_that_of_the_task_then_of_the_prompt_then_the_route() {
    let folder = fixture(CASE);
    let rows = |options: &EmbedOptions| open(&folder, options).unwrap().embed_sparse(&texts()).unwrap();
    let (queries, documents) = (rows(&options().prompt("query")), rows(&options()));
    assert_eq!(rows(&options().task("query")), queries);
    assert_eq!(rows(&options().task("document")), documents);
    // The task chooses the side, and the prompt the words before each text.
    let mixed = rows(&options().task("query").prompt("document"));
    assert!(mixed != queries && mixed != documents);
    let mut asked = options();
    asked.pooling = PoolingChoice::Static;
    assert_eq!(rows(&asked), queries, "static weights are those of queries");
    let error = open(&folder, &asked.clone().task("document")).unwrap_err().to_string();
    assert!(error.contains("is for queries, and"), "{error}");

    let error = open(&folder, &options().task("passage")).unwrap_err();
    assert!(matches!(error, Error::Usage { .. }), "{error}");
    assert!(error.to_string().ends_with("has no task `passage`: its tasks are query, document"), "{error}");

    let by_default = |route: Value| changed(&[("router_config.json", router(&[QUERY], &DOCUMENT, route))]);
    let other = by_default(json!({"default_route": "query"}));
    assert_eq!(open(other.path(), &options()).unwrap().embed_sparse(&texts()).unwrap(), mixed);
    // A default prompt is words before each text, and does not choose a side.
    let settings = json!({"model_type": "SparseEncoder", "prompts": {"query": "the old "}, "default_prompt_name": "query"});
    let prompted = changed(&[("config_sentence_transformers.json", settings)]);
    let prompted = open(prompted.path(), &options()).unwrap();
    assert_eq!(
        (prompted.pooling().0.as_str(), prompted.prompt_text()),
        ("splade max log1p_relu", "the old ")
    );
    let none = by_default(json!({"default_route": null, "allow_empty_key": false}));
    let error = open(none.path(), &options()).unwrap_err();
    assert!(error.to_string().contains("its files state no default"), "{error}");
    assert!(open(none.path(), &options().task("document")).is_ok());
}

/// As in opensearch-neural-sparse-encoding-doc-v3-distill.
#[test]
fn the_encoder_may_be_in_the_models_folder_itself() {
    let of_document = ["", DOCUMENT[1]];
    let route = json!({"default_route": "document", "allow_empty_key": true});
    let folder = changed(&[("router_config.json", router(&[QUERY], &of_document, route))]);
    let below = folder.path().join(DOCUMENT[0]);
    copy_folder(&below, folder.path());
    fs::remove_dir_all(below).unwrap();
    for side in ["query", "document"] {
        let rows =
            |folder: &Path| open(folder, &options().task(side)).unwrap().embed_sparse(&texts()).unwrap();
        assert_eq!(rows(folder.path()), rows(&fixture(CASE)), "{side}");
    }
}

#[test]
fn weights_may_be_listed_by_token() {
    let weights = json!({"river": 1.5, "the": -0.5, "garden": 0.0});
    let folder = changed(&[
        (&format!("{QUERY}/config.json"), json!({"path": "idf.json"})),
        ("idf.json", weights.clone()),
    ]);
    let queries = open(folder.path(), &options().task("query").prompt("document")).unwrap();
    let file = fixture(CASE).join(QUERY).join("tokenizer.json");
    let tokenizer: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let id = |token: &str| tokenizer["model"]["vocab"][token].as_u64().unwrap() as u32;
    let mut wanted = [(id("the"), -0.5), (id("river"), 1.5)];
    wanted.sort_by_key(|(id, _)| *id);
    let got = queries.embed_sparse(&["the garden, the river"]).unwrap();
    let (indices, values) = wanted.into_iter().unzip();
    assert_eq!(got, [SparseVector { indices, values }]);

    let folder = changed(&[
        (&format!("{QUERY}/config.json"), json!({"path": "idf.json"})),
        ("idf.json", json!({"nosuchtoken": 1.0})),
    ]);
    let error = open(folder.path(), &options().task("query")).unwrap_err().to_string();
    assert!(error.contains("idf.json") && error.contains("nosuchtoken"), "{error}");
}

#[test]
fn queries_load_no_encoder_and_have_no_vectors_of_tokens() {
    let folder = changed(&[]);
    // Only the header of the encoder's weights is read.
    let weights = folder.path().join(DOCUMENT[0]).join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&weights, bytes).unwrap();
    let session = Session::with(folder.path().to_str().unwrap(), &SessionOptions::default()).unwrap();
    assert!(matches!(session.embedder(&options()), Err(Error::Model(_))));
    let queries = session.embedder(&options().task("query")).unwrap();
    assert_eq!(queries.embed_sparse(&texts()).unwrap(), expected("queries"));
    let error = queries.level_for(Level::Token).unwrap_err();
    assert!(error.to_string().starts_with("tokens have vectors in the encoder only"), "{error}");
    let error = session.embedder(&options().task("query").layer(1)).unwrap_err();
    assert!(error.to_string().contains("`layer` makes no sense with sparse vectors"), "{error}");
}

/// The tokenizer adds no special tokens: a text that ends with a word at the limit is not longer than that.
#[test]
fn a_query_is_cut_wherever_a_word_ends() {
    let folder = fixture(CASE);
    let text = "the river the garden the night";
    let with = |tokens: usize| {
        open(&folder, &options().task("query").prompt("document").max_length(tokens)).unwrap()
    };
    let whole = with(12).embed_sparse(&[text]).unwrap();
    for tokens in 1..8 {
        let cut = with(tokens).embed_sparse(&[text]).unwrap();
        assert_eq!(cut[0] == whole[0], tokens >= 6, "{tokens} tokens");
    }
}

#[test]
fn the_digest_has_the_files_of_queries() {
    let digest = |folder: &Path| {
        Session::with(folder.to_str().unwrap(), &SessionOptions::default()).unwrap().model_digest().unwrap()
    };
    let folder = changed(&[]);
    let before = digest(folder.path());
    assert_eq!(before, digest(&fixture(CASE)));
    for name in ["model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
        let folder = changed(&[]);
        let file = folder.path().join(QUERY).join(name);
        let mut bytes = fs::read(&file).unwrap();
        match name {
            "model.safetensors" => *bytes.last_mut().unwrap() ^= 1,
            _ => bytes.push(b' '),
        }
        fs::write(&file, bytes).unwrap();
        assert!(digest(folder.path()) != before, "{name}");
    }
}

#[test]
fn other_routers_are_refused_by_name() {
    let route = || json!({"default_route": "document", "allow_empty_key": true});
    let list = |modules: &[&str]| {
        let entry =
            |class: &&str| json!({"path": "", "type": format!("sentence_transformers.models.{class}")});
        Value::Array(modules.iter().map(entry).collect())
    };
    let mut other_names = router(&[QUERY], &DOCUMENT, route());
    other_names["structure"] = json!({"a": [QUERY], "document": DOCUMENT});
    let mut no_type = router(&[QUERY], &DOCUMENT, route());
    no_type["types"].as_object_mut().unwrap().remove(QUERY);
    let config = "router_config.json";
    for (name, content, parts) in [
        (config, router(&["query_0_Transformer"], &DOCUMENT, route()), ["structure.query", "Transformer"]),
        (config, router(&[QUERY, "query_1_Normalize"], &DOCUMENT, route()), ["structure.query", "Normalize"]),
        (config, router(&[QUERY], &[DOCUMENT[0]], route()), ["structure.document", "MLMTransformer"]),
        (
            config,
            router(&[QUERY], &DOCUMENT, json!({"default_route": "passage"})),
            ["default_route", "passage"],
        ),
        (
            config,
            router(&[QUERY], &DOCUMENT, json!({"route_mappings": {"('query', 'text')": "query"}})),
            ["route_mappings", "'text'"],
        ),
        (config, other_names, ["structure", "[\"a\", \"document\"]"]),
        (config, no_type, ["structure.query", "not in `types`"]),
        (config, router(&["../x_SparseStaticEmbedding"], &DOCUMENT, route()), ["structure.query", "../x"]),
        (config, json!({"types": {}, "structure": {}, "parameters": {}, "more": 1}), ["more", "unknown"]),
        (config, router(&[], &DOCUMENT, route()), ["structure.query", "got none"]),
        (config, router(&[QUERY], &[], route()), ["structure.document", "got none"]),
        (
            config,
            router(&[QUERY], &[DOCUMENT[1], DOCUMENT[0]], route()),
            ["structure.document", "SpladePooling"],
        ),
        (config, Value::Null, ["router_config.json", ""]),
        ("modules.json", list(&["Router", "Normalize"]), ["only module", "Router, Normalize"]),
    ] {
        let folder = changed(&[(name, content.clone())]);
        let error = open(folder.path(), &options()).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{content}: {error}");
    }
}
