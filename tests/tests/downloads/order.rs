//! The order of a download, and what ends it early.

use std::fs;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use nearsay_models::files::{DownloadProgress, ProgressListener, Source};
use nearsay_models::{Error, Model, ModelFolder, Stop};
use nearsay_tests::fixture;
use nearsay_tests::hub::{Behaviour, COMMIT, Hub, NAME, files};

use super::{STS, WEIGHTS, folder, options};

/// A hub with the files of a fixture after `edit`.
fn edited(name: &str, edit: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Hub {
    let mut files = files(&fixture(name), "");
    edit(&mut files);
    Hub::with(files)
}

fn is_weights(name: &str) -> bool {
    [".safetensors", ".bin"].iter().any(|end| name.ends_with(end))
}

#[test]
fn the_description_comes_first_and_everything_only_once() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
    let options = options(cache.path(), &hub);
    let model = Model::open(NAME, &options).unwrap();
    assert!(matches!(model.folder().source(), Source::Cache { commit, .. } if commit == COMMIT));
    let asked = hub.asked();
    let first = asked.iter().position(|name| is_weights(name)).expect("weights");
    assert!(asked[first..].iter().all(|name| is_weights(name)), "{asked:?}");
    assert_eq!(asked.last().map(String::as_str), Some(WEIGHTS), "the weights that show completeness");
    for name in ["config.json", "tokenizer.json", "1_Pooling/config.json", "2_Dense/model.safetensors"] {
        assert!(asked.iter().any(|it| it == name), "{name}: {asked:?}");
    }
    assert!(model.folder().verify(&Stop::default()).unwrap().checked.contains(&WEIGHTS.to_owned()));
    Model::open(NAME, &options).unwrap();
    assert!(hub.requests().is_empty(), "a complete model needs no hub");
}

#[test]
fn a_router_leads_to_the_files_of_queries_and_of_documents() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture("routed")));
    let options = options(cache.path(), &hub);
    let model = Model::open(NAME, &options).unwrap();
    let asked = hub.asked();
    for name in [
        "router_config.json",
        "query_0_SparseStaticEmbedding/tokenizer.json",
        "query_0_SparseStaticEmbedding/model.safetensors",
        "document_0_MLMTransformer/config.json",
        "document_0_MLMTransformer/model.safetensors",
        "document_1_SpladePooling/config.json",
    ] {
        assert!(asked.iter().any(|it| it == name), "{name}: {asked:?}");
    }
    assert_eq!(model.load_static_head(|_| None).unwrap().vocab_size(), model.recipe().vocab_size());
    Model::open(NAME, &options).unwrap();
    assert!(hub.requests().is_empty(), "a complete model needs no hub");
    let weights = "query_0_SparseStaticEmbedding/model.safetensors";
    fs::remove_file(model.folder().root().join(weights)).unwrap();
    Model::open(NAME, &options).unwrap();
    assert_eq!(hub.asked(), [weights], "only what is missing");
}

#[test]
fn a_description_has_no_weights_and_they_can_follow() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
    let options = options(cache.path(), &hub);
    let model = Model::describe(NAME, &options).unwrap();
    assert!(!model.weights().is_there());
    assert!(hub.asked().iter().all(|name| !is_weights(name)));
    let head = model.stated_head();
    Model::describe(NAME, &options).unwrap();
    assert!(hub.requests().is_empty());
    let error = model.load_encoder(&nearsay_models::EncoderOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NoWeights { .. }), "{error}");
    let model = Model::open(NAME, &options).unwrap();
    assert!(hub.asked().iter().all(|name| is_weights(name)));
    let loaded = model.load_head(&nearsay_kernels::Placement::CPU).unwrap();
    assert_eq!(
        (head.description, head.dimensions, head.is_normalized),
        (loaded.description(), loaded.output_dim(), loaded.is_normalized())
    );
    // Offline, the description is enough for a description only.
    let mut offline = options.clone();
    offline.offline = true;
    fs::remove_file(model.folder().root().join(WEIGHTS)).unwrap();
    assert!(!Model::describe(NAME, &offline).unwrap().weights().is_there());
    let message = Model::open(NAME, &offline).unwrap_err().to_string();
    assert!(message.contains("has no weights"), "{message}");
}

#[test]
fn what_cannot_be_loaded_is_refused_before_its_weights() {
    let config =
        |text: &'static str| move |files: &mut Vec<(String, Vec<u8>)>| replace(files, "config.json", text);
    type Edit = Box<dyn FnOnce(&mut Vec<(String, Vec<u8>)>)>;
    let cases: [(&str, Edit, &str, Option<&str>); 9] = [
        ("family", Box::new(config(r#"{"model_type": "gpt2"}"#)), "`gpt2`", None),
        ("no family", Box::new(config("{}")), "model_type", None),
        ("a page", Box::new(config("<!doctype html>")), "an HTML page", Some("/resolve/")),
        ("sizes", Box::new(config(r#"{"model_type": "bert", "hidden_size": 0}"#)), "must be", None),
        (
            "no config",
            Box::new(|files| files.retain(|(name, _)| !name.ends_with("config.json"))),
            "no config.json",
            None,
        ),
        (
            "adapter",
            Box::new(|files| {
                files.retain(|(name, _)| name == "tokenizer.json");
                files.push(("adapter_config.json".to_owned(), b"{}".to_vec()));
                files.push(("adapter_model.safetensors".to_owned(), b"x".to_vec()));
            }),
            "no config.json",
            Some("merge it into its base model"),
        ),
        (
            "ONNX",
            Box::new(|files| {
                files.retain(|(name, _)| !is_weights(name));
                files.push(("onnx/model.onnx".to_owned(), b"x".to_vec()));
            }),
            "no safetensors or PyTorch weights",
            Some("ONNX"),
        ),
        (
            "SentencePiece",
            Box::new(|files| rename(files, "tokenizer.json", "sentencepiece.bpe.model")),
            "no tokenizer.json",
            Some("sentencepiece.bpe.model is read only for"),
        ),
        (
            "module",
            Box::new(|files| replace(files, "modules.json", r#"[{"path": "", "type": "x.LSTM"}]"#)),
            "x.LSTM",
            None,
        ),
    ];
    for (case, edit, part, hinted) in cases {
        let (cache, hub) = (folder(), edited(STS, edit));
        let error = Model::open(NAME, &options(cache.path(), &hub)).unwrap_err();
        assert!(error.to_string().contains(part), "{case}: {error}");
        let hint = error.hint().unwrap_or_default();
        assert!(hinted.is_none_or(|part| hint.contains(part)), "{case}: {hint}");
        let asked = hub.asked();
        assert!(asked.iter().all(|name| !is_weights(name) && !name.ends_with(".onnx")), "{case}: {asked:?}");
    }
}

fn replace(files: &mut [(String, Vec<u8>)], name: &str, text: &str) {
    let file = files.iter_mut().find(|(known, _)| known == name).unwrap();
    file.1 = text.as_bytes().to_vec();
}

fn rename(files: &mut [(String, Vec<u8>)], name: &str, to: &str) {
    let file = files.iter_mut().find(|(known, _)| known == name).unwrap();
    file.0 = to.to_owned();
}

#[test]
fn a_vocabulary_is_fetched_if_there_is_no_tokenizer_json() {
    let words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    let with_words = |files: &mut Vec<(String, Vec<u8>)>| files.push(("vocab.txt".to_owned(), words.into()));
    let (cache, hub) = (folder(), edited(STS, with_words));
    Model::open(NAME, &options(cache.path(), &hub)).unwrap();
    assert!(!hub.asked().contains(&"vocab.txt".to_owned()), "tokenizer.json is there");

    let replaced = |files: &mut Vec<(String, Vec<u8>)>| {
        replace(files, "tokenizer.json", words);
        rename(files, "tokenizer.json", "vocab.txt");
    };
    let (cache, hub) = (folder(), edited(STS, replaced));
    let options = options(cache.path(), &hub);
    let model = Model::open(NAME, &options).unwrap();
    let source = model.tokenizer().source().unwrap();
    assert!(matches!(&source.paths(), [path] if path.ends_with("vocab.txt")), "{source:?}");
    assert!(hub.asked().contains(&"vocab.txt".to_owned()));
    Model::open(NAME, &options).unwrap();
    assert!(hub.requests().is_empty(), "the commit is known to have no tokenizer.json");
    // Another program fetched these files, and may not have asked for tokenizer.json.
    let noted = cache.path().join("models--org--name/.no_exist").join(COMMIT).join("tokenizer.json");
    fs::remove_file(&noted).unwrap();
    Model::open(NAME, &options).unwrap();
    assert!(!hub.requests().is_empty() && noted.is_file());
    // Without the hub, the vocabulary will do.
    fs::remove_file(&noted).unwrap();
    let mut offline = options.clone();
    offline.offline = true;
    Model::open(NAME, &offline).unwrap();
    offline = options.clone();
    offline.endpoint = Some("http://127.0.0.1:9".to_owned());
    Model::open(NAME, &offline).unwrap();
}

#[test]
fn names_from_the_hub_stay_in_the_folder() {
    for (file, text) in [
        ("modules.json", r#"[{"path": "../..", "type": "x.Transformer"}]"#),
        ("model.safetensors.index.json", r#"{"weight_map": {"a": "../../x"}}"#),
    ] {
        let hub = Hub::with([
            ("config.json", "{}"),
            ("tokenizer.json", "{}"),
            (file, text),
            ("../../x", "escaped"),
        ]);
        let cache = folder();
        let error = ModelFolder::resolve(NAME, &options(cache.path(), &hub)).unwrap_err();
        assert!(error.to_string().contains(".."), "{error}");
        assert!(hub.asked().iter().all(|name| !name.contains("..")));
    }
}

#[test]
fn a_listener_gets_bytes_and_can_stop() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
    let mut options = options(cache.path(), &hub);
    let heard: Arc<Mutex<Vec<DownloadProgress>>> = Arc::default();
    let log = heard.clone();
    options.progress = Some(ProgressListener::new(move |progress| {
        log.lock().unwrap().push(progress.clone());
        ControlFlow::Continue(())
    }));
    Model::open(NAME, &options).unwrap();
    let heard = heard.lock().unwrap().clone();
    let size = fs::read(fixture(STS).join(WEIGHTS)).unwrap().len() as u64;
    assert!(heard.iter().any(|it| it.file == WEIGHTS && it.bytes == size && it.total == size), "{heard:?}");
    assert!(heard.iter().all(|it| it.model == "org/name@main" && it.cache == cache.path()));
    let cache = folder();
    options.cache = Some(cache.path().to_owned());
    options.progress = Some(ProgressListener::new(|progress| match progress.file.as_str() {
        WEIGHTS => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    }));
    let error = Model::open(NAME, &options).unwrap_err();
    assert!(matches!(error, Error::DownloadStopped { .. }), "{error}");
}

#[test]
fn the_newest_commit_is_asked_for_only_if_wanted() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
    let mut options = options(cache.path(), &hub);
    Model::open(NAME, &options).unwrap();
    hub.requests();
    options.refresh = true;
    Model::open(NAME, &options).unwrap();
    let paths: Vec<String> = hub.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/models/org/name/revision/main"], "the list, and no file again");
    Model::open(&format!("{NAME}@{COMMIT}"), &options).unwrap();
    assert!(hub.requests().is_empty(), "a commit does not change");
    hub.behave(Behaviour { errors: vec![("main".to_owned(), 503, String::new())], ..Behaviour::default() });
    Model::open(NAME, &options).unwrap();
}
