//! A local hub: an HTTP server with one repository.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Repository, start, watch};
use crate::Error;
use crate::files::{HubOptions, ModelFolder, Source, Token};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const MODULES: &str =
    r#"[{"path": "", "type": "x.Transformer"}, {"path": "1_Pooling", "type": "x.Pooling"}]"#;
const INDEX: &str = r#"{"weight_map": {"a": "model-1.safetensors"}}"#;

type Files = Vec<(&'static str, &'static str)>;

/// The files of a model with a shard, and some that nearsay does not read.
fn files() -> Files {
    vec![
        ("modules.json", MODULES),
        ("config.json", "{}"),
        ("tokenizer.json", "{}"),
        ("1_Pooling/config.json", r#"{"pooling_mode_mean_tokens": true}"#),
        ("model.safetensors.index.json", INDEX),
        ("model-1.safetensors", "weights"),
        ("pytorch_model.bin", "not wanted"),
        ("onnx/model.onnx", "not wanted"),
        ("README.md", "not wanted"),
    ]
}

/// The path and authorisation of each request.
type Requests = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Starts the hub. Returns its address and its log of requests.
fn hub(files: Files) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let log = requests.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &files, &log);
        }
    });
    (address, requests)
}

fn answer(mut stream: TcpStream, files: &Files, log: &Requests) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)).map(str::to_owned) else { return };
    let header = |name: &str| {
        let line = lines.iter().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| Some(line.split_once(": ")?.1.to_owned()))
    };
    log.lock().unwrap().push((path.clone(), header("authorization")));
    let part = header("range").is_some_and(|range| range == "bytes=0-0");
    stream.write_all(response(&path, part, files).as_bytes()).ok();
}

fn response(path: &str, part: bool, files: &Files) -> String {
    if path == "/api/models/org/name/revision/main" {
        let siblings: Vec<_> = files.iter().map(|(name, _)| serde_json::json!({"rfilename": name})).collect();
        let body = serde_json::json!({"siblings": siblings, "sha": COMMIT}).to_string();
        return http("200 OK", "", &body);
    }
    let file = path.strip_prefix("/org/name/resolve/main/");
    match files.iter().find(|(name, _)| Some(*name) == file) {
        None => http("401 Unauthorized", "", ""),
        Some((_, text)) => {
            let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            let body = if part { &text[..1] } else { text };
            let range = format!("Content-Range: bytes 0-{}/{}\r\n", body.len() - 1, text.len());
            http(
                "206 Partial Content",
                &format!("{range}ETag: \"{digest}\"\r\nx-repo-commit: {COMMIT}\r\n"),
                body,
            )
        }
    }
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn options(cache: &tempfile::TempDir, endpoint: String) -> HubOptions {
    HubOptions {
        cache: Some(cache.path().to_owned()),
        endpoint: Some(endpoint),
        token: Token::new("hf_test"),
        ..HubOptions::default()
    }
}

fn asked(requests: &Requests) -> Vec<String> {
    requests.lock().unwrap().iter().map(|(path, _)| path.rsplit("main/").next().unwrap().to_owned()).collect()
}

#[test]
fn what_we_read_is_downloaded_once_and_checked() {
    let cache = tempfile::tempdir().unwrap();
    let (endpoint, requests) = hub(files());
    let folder = ModelFolder::resolve("org/name", &options(&cache, endpoint.clone())).unwrap();
    assert!(matches!(folder.source(), Source::Cache { commit, .. } if commit == COMMIT));
    for name in ["config.json", "tokenizer.json", "1_Pooling/config.json", "model-1.safetensors"] {
        assert!(folder.file(name).unwrap().is_some(), "{name}");
    }
    assert!(folder.verify().unwrap().checked.contains(&"model-1.safetensors".to_owned()));
    let names = asked(&requests);
    assert!(
        !names
            .iter()
            .any(|name| ["README.md", "onnx/model.onnx", "pytorch_model.bin"].contains(&name.as_str()))
    );
    assert!(requests.lock().unwrap().iter().all(|(_, token)| token.as_deref() == Some("Bearer hf_test")));
    let before = names.len();
    ModelFolder::resolve("org/name", &options(&cache, endpoint)).unwrap();
    assert_eq!(asked(&requests).len(), before);
}

#[test]
fn an_incomplete_snapshot_is_completed_without_what_is_there() {
    let cache = tempfile::tempdir().unwrap();
    let (endpoint, requests) = hub(files());
    let folder = ModelFolder::resolve("org/name", &options(&cache, endpoint.clone())).unwrap();
    fs::remove_file(folder.root().join("config.json")).unwrap();
    requests.lock().unwrap().clear();
    let folder = ModelFolder::resolve("org/name", &options(&cache, endpoint)).unwrap();
    assert!(folder.file("config.json").unwrap().is_some());
    assert!(!asked(&requests).contains(&"model-1.safetensors".to_owned()));
}

fn failure(endpoint: String, name: &str) -> (String, String) {
    let cache = tempfile::tempdir().unwrap();
    let error = ModelFolder::resolve(name, &options(&cache, endpoint)).unwrap_err();
    assert!(matches!(error, Error::ModelNotFound { .. }), "{error}");
    (error.to_string(), error.hint().unwrap().to_owned())
}

#[test]
fn a_model_that_the_hub_does_not_give_says_how_to_ask() {
    let (message, hint) = failure(hub(files()).0, "org/other");
    assert!(message.contains("org/other@main") && message.contains("401"), "{message}");
    assert!(hint.contains("spelling") && hint.contains("HF_TOKEN"), "{hint}");
}

#[test]
fn names_from_the_hub_stay_in_the_folder() {
    for (file, text) in [
        ("modules.json", r#"[{"path": "../..", "type": "x.Transformer"}]"#),
        ("model.safetensors.index.json", r#"{"weight_map": {"a": "../../x"}}"#),
    ] {
        let files =
            vec![("config.json", "{}"), ("tokenizer.json", "{}"), (file, text), ("../../x", "escaped")];
        let (message, _) = failure(hub(files).0, "org/name");
        assert!(message.contains(".."), "{message}");
    }
}

#[test]
fn a_hub_that_accepts_and_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let cache = tempfile::tempdir().unwrap();
    let repository = Repository::parse("org/name").unwrap();
    let signs = start(&repository, cache.path(), &options(&cache, endpoint.clone()), &endpoint);
    let reason = watch(&signs, Duration::from_millis(100)).unwrap_err();
    assert!(reason.contains("no answer"), "{reason}");
}
