//! The tools at `/mcp` of a server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nearsay::{Devices, EmbedOptions, Session, SessionOptions};
use nearsay_server::{ApiKeys, Config, Error, Limits, ModelSource, Server, ServerControl};
use nearsay_tests::fixture;
use serde_json::{Value, json};

use crate::agent::{Agent, VERSION, meta};
use crate::corpus::{Desk, MODEL};

/// A running server.
struct Served {
    address: String,
    control: ServerControl,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

/// An answer: its status, its headers in lower case, and its body.
struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Served {
    fn new(desk: &Desk, change: impl FnOnce(&mut Config)) -> Self {
        let source = fixture(MODEL).display().to_string();
        let mut config = Config {
            models: vec![ModelSource { name: "bert".to_owned(), source }],
            aliases: Vec::new(),
            open: Arc::new(|name| Session::with(name, &SessionOptions::default().devices(Devices::cpu()))),
            embedding: EmbedOptions::default(),
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            keys: Arc::new(|| Ok(ApiKeys::default())),
            is_lazy: false,
            unload_after: None,
            insecure: false,
            open_models: false,
            allowed_hosts: Vec::new(),
            origins: Vec::new(),
            takes_token_ids: false,
            refuses_empty: false,
            vector_cache: 0,
            limits: Limits { drain: Duration::from_secs(5), ..Limits::default() },
            log: None,
            mcp: Some(desk.toolset()),
        };
        change(&mut config);
        let server = Server::bind(config).unwrap();
        let (address, control) = (server.addresses()[0].clone(), server.control());
        let (sender, ready) = mpsc::channel();
        let run = move || {
            server.run(|_| {
                sender.send(()).unwrap();
                Ok(())
            })
        };
        let thread = Some(std::thread::spawn(run));
        ready.recv_timeout(Duration::from_secs(30)).expect("the server is ready");
        Self { address: address.trim_start_matches("http://").to_owned(), control, thread }
    }

    fn connect(&self, method: &str, headers: &[(&str, &str)], body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let length = body.len().to_string();
        let mut all = vec![
            ("host", "localhost"),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("content-length", &length),
            ("connection", "close"),
        ];
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        let lines: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        stream.write_all(format!("{method} /mcp HTTP/1.1\r\n{lines}\r\n{body}").as_bytes()).unwrap();
        BufReader::new(stream)
    }

    fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.connect(method, headers, body);
        let mut status = String::new();
        stream.read_line(&mut status).unwrap();
        let (mut lines, mut line) = (String::new(), String::new());
        while stream.read_line(&mut line).unwrap() > 2 {
            lines.push_str(&line.to_ascii_lowercase());
            line.clear();
        }
        let mut body = Vec::new();
        stream.read_to_end(&mut body).unwrap();
        let mut body = String::from_utf8(body).unwrap();
        if lines.contains("transfer-encoding: chunked") {
            body = chunks(&body);
        }
        Answer { status: status.split(' ').nth(1).unwrap().parse().unwrap(), headers: lines, body }
    }

    /// A request of the revision without a handshake.
    fn request(&self, method: &str, params: Value) -> Answer {
        let (body, name) = message(method, params);
        let mut headers = vec![("mcp-protocol-version", VERSION), ("mcp-method", method)];
        if let Some(name) = &name {
            headers.push(("mcp-name", name));
        }
        self.send("POST", &headers, &body)
    }
}

/// The body of a request, and what it names.
fn message(method: &str, mut params: Value) -> (String, Option<String>) {
    let given = params["_meta"].take();
    params["_meta"] = meta();
    if let Some(given) = given.as_object() {
        params["_meta"].as_object_mut().unwrap().extend(given.clone());
    }
    let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).map(str::to_owned);
    (json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string(), name)
}

/// A body without its chunks' lengths.
fn chunks(body: &str) -> String {
    let (mut whole, mut rest) = (String::new(), body);
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        whole.push_str(&after[..length]);
        rest = &after[(length + 2).min(after.len())..];
    }
    whole
}

impl Drop for Served {
    fn drop(&mut self) {
        self.control.drain();
        let ended = self.thread.take().unwrap().join();
        assert!(std::thread::panicking() || matches!(ended, Ok(Ok(()))), "{ended:?}");
    }
}

#[test]
fn the_tools_are_those_of_standard_input_and_output() {
    let desk = Desk::new();
    let served = Served::new(&desk, |_| ());
    let mut agent = Agent::new(desk.toolset());
    let listed = served.request("tools/list", json!({}));
    assert_eq!(listed.status, 200, "{}", listed.body);
    assert_eq!(listed.json()["result"].to_string(), agent.result("tools/list", json!({})).to_string());
    for (tool, arguments) in [
        ("search", json!({"query": "bread", "k": 2})),
        ("read", json!({"uri": "nearsay://notes/bread"})),
        ("related", json!({"id": "mill"})),
        ("rerank", json!({"query": "bread", "texts": ["a mill", "a baker"]})),
        ("similarity", json!({"texts": ["a mill", "a baker"]})),
        ("score", json!({"candidates": ["a mill"], "references": ["a baker"], "layer": 2})),
        ("corpora", json!({})),
        ("count_tokens", json!({"texts": ["a mill"]})),
    ] {
        let answer = served.request("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(answer.status, 200, "{tool}: {}", answer.body);
        assert!(answer.headers.contains("content-type: application/json"), "{}", answer.headers);
        assert_eq!(answer.json()["result"]["structuredContent"], agent.call(tool, arguments), "{tool}");
    }
    let unknown = served.request("tools/call", json!({"name": "delete", "arguments": {}}));
    assert_eq!(unknown.json()["error"]["code"], -32602, "{}", unknown.body);
    let missing = served.request("resources/read", json!({"uri": "nearsay://notes/none"}));
    assert_eq!(missing.json()["error"]["code"], -32602, "{}", missing.body);
    assert_eq!(served.request("tools/run", json!({})).status, 404);
}

#[test]
fn older_clients_are_served_without_sessions() {
    let desk = Desk::new();
    let served = Served::new(&desk, |_| ());
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string();
    let answer = served.send("POST", &[], &body);
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25", "{}", answer.body);
    assert!(!answer.headers.contains("mcp-session-id"), "{}", answer.headers);
    let notice = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    assert_eq!(served.send("POST", &[("mcp-protocol-version", "2025-11-25")], &notice).status, 202);
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "corpora", "arguments": {}}});
    let answer = served.send("POST", &[("mcp-protocol-version", "2025-11-25")], &call.to_string());
    assert_eq!(
        answer.json()["result"]["structuredContent"]["corpora"][0]["name"],
        "notes",
        "{}",
        answer.body
    );
    for method in ["GET", "DELETE"] {
        let answer = served.send(method, &[("content-length", "")], "");
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.headers.contains("allow: post"), "{}", answer.headers);
    }
}

#[test]
fn row_142_names_origins_keys_and_headers_are_checked() {
    let desk = Desk::new();
    let served =
        Served::new(&desk, |config| config.keys = Arc::new(|| Ok(ApiKeys::from_file("secret-key").unwrap())));
    let (body, _) = message("tools/list", json!({}));
    let key = ("authorization", "Bearer secret-key");
    let modern = [("mcp-protocol-version", VERSION), ("mcp-method", "tools/list")];
    let status =
        |headers: &[(&str, &str)]| served.send("POST", &[headers, &modern[..]].concat(), &body).status;
    assert_eq!(status(&[]), 401);
    assert_eq!(status(&[("authorization", "Bearer other")]), 401);
    assert_eq!(status(&[key]), 200);
    assert_eq!(status(&[key, ("host", "evil.example")]), 403);
    assert_eq!(status(&[key, ("origin", "http://evil.example")]), 403);
    for headers in [
        [("mcp-protocol-version", VERSION), ("mcp-method", "tools/call")],
        [("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/list")],
    ] {
        let answer = served.send("POST", &[&[key][..], &headers].concat(), &body);
        assert_eq!(
            (answer.status, &answer.json()["error"]["code"]),
            (400, &json!(-32020)),
            "{}",
            answer.body
        );
    }
    let (call, _) = message("tools/call", json!({"name": "corpora", "arguments": {}}));
    let headers =
        [key, ("mcp-protocol-version", VERSION), ("mcp-method", "tools/call"), ("mcp-name", "search")];
    let answer = served.send("POST", &headers, &call);
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(-32020)), "{}", answer.body);
}

#[test]
fn what_is_no_message_is_refused_as_json() {
    let desk = Desk::new();
    let served = Served::new(&desk, |config| config.limits.body_bytes = 10_000);
    for (body, code) in [("not json", -32700), ("[]", -32600), ("{}", -32600), ("{\"id\": 1}", -32600)] {
        let answer = served.send("POST", &[], body);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(code)), "{}", answer.body);
    }
    let long = served.send("POST", &[], &"x".repeat(20_000));
    assert!(long.status == 413 && long.json()["error"]["message"].is_string(), "{}", long.body);
    let typed = served.send("POST", &[("content-type", "text/plain")], "{}");
    assert!(typed.status == 415 && typed.json()["error"]["message"].is_string(), "{}", typed.body);
    let (body, _) = message("tools/list", json!({}));
    let version = served.send("POST", &[("mcp-protocol-version", "1900-01-01")], &body);
    assert!(
        version.status == 400 && version.json()["error"].is_object(),
        "{} {}",
        version.status,
        version.body
    );
    // Without an Accept header, too.
    let headers = [("accept", ""), ("mcp-protocol-version", VERSION), ("mcp-method", "tools/list")];
    assert_eq!(served.send("POST", &headers, &body).status, 200);
}

#[test]
fn without_tools_there_is_no_such_route() {
    let desk = Desk::new();
    let served = Served::new(&desk, |config| config.mcp = None);
    assert_eq!(served.request("tools/list", json!({})).status, 404);
}

#[test]
fn progress_comes_as_a_stream_of_events() {
    let desk = Desk::new();
    let served = Served::new(&desk, |_| ());
    let texts: Vec<String> =
        (0..100).map(|number| format!("{number} {}", "by the river ".repeat(20))).collect();
    let params = json!({
        "name": "rerank", "arguments": {"query": "x", "texts": texts}, "_meta": {"progressToken": 7},
    });
    let answer = served.request("tools/call", params);
    assert!(answer.headers.contains("content-type: text/event-stream"), "{}", answer.headers);
    let events: Vec<Value> = answer
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .filter_map(|data| serde_json::from_str(data.trim()).ok())
        .collect();
    assert_eq!(events[0]["params"]["progressToken"], 7, "{}", answer.body);
    assert_eq!(events.last().unwrap()["result"]["isError"], false);
}

#[test]
fn row_139_a_client_that_goes_away_stops_its_work() {
    let desk = Desk::new();
    let served = Served::new(&desk, |_| ());
    let texts: Vec<String> =
        (0..80).map(|number| format!("{number} {}", "by the river ".repeat(6_000))).collect();
    let params = json!({"name": "count_tokens", "arguments": {"texts": texts}});
    let start = Instant::now();
    assert_eq!(served.request("tools/call", params.clone()).status, 200);
    let alone = start.elapsed();
    let (body, _) = message("tools/call", params);
    let headers =
        [("mcp-protocol-version", VERSION), ("mcp-method", "tools/call"), ("mcp-name", "count_tokens")];
    for _ in 0..6 * std::thread::available_parallelism().unwrap().get() {
        drop(served.connect("POST", &headers, &body));
    }
    let start = Instant::now();
    let params = json!({"name": "count_tokens", "arguments": {"texts": ["the river"]}});
    assert_eq!(served.request("tools/call", params).status, 200);
    assert!(start.elapsed() < 3 * alone + Duration::from_secs(1), "{:?}, alone {alone:?}", start.elapsed());
}
