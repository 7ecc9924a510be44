//! An agent's end of two pipes.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::thread::JoinHandle;

use nearsay::{EmbedOptions, Result, Session};
use nearsay_server::{StdioControl, StdioOptions, Toolset, serve_stdio};
use serde_json::{Value, json};

use crate::corpus::{MODEL, session};

pub(crate) const VERSION: &str = "2026-07-28";

/// The metadata of a request without a handshake.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    })
}

/// A client of tools that are served by a thread of this process.
pub(crate) struct Agent {
    input: Option<PipeWriter>,
    output: BufReader<PipeReader>,
    thread: Option<JoinHandle<Result<()>>>,
    last_id: u64,
}

impl Agent {
    pub(crate) fn new(toolset: Toolset) -> Self {
        Self::with_models(toolset, vec![("bert".to_owned(), session(MODEL))])
    }

    pub(crate) fn with_models(toolset: Toolset, models: Vec<(String, Session)>) -> Self {
        let (input, to_server) = std::io::pipe().unwrap();
        let (from_server, output) = std::io::pipe().unwrap();
        let options = StdioOptions { toolset, models, embedding: EmbedOptions::default() };
        let serve = move || serve_stdio(options, &StdioControl::default(), input, output);
        let thread = Some(std::thread::spawn(serve));
        Self { input: Some(to_server), output: BufReader::new(from_server), thread, last_id: 0 }
    }

    pub(crate) fn send_line(&mut self, line: impl AsRef<[u8]>) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_ref()).unwrap();
        input.write_all(b"\n").unwrap();
    }

    /// The next message, which is JSON-RPC, on one line.
    pub(crate) fn next(&mut self) -> Value {
        self.next_line().unwrap_or_else(|| panic!("the output ended"))
    }

    fn next_line(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).unwrap();
        let message: Value = (read > 0)
            .then(|| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")))?;
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        Some(message)
    }

    /// Sends a request without a handshake; returns its id.
    pub(crate) fn start(&mut self, method: &str, params: Value) -> u64 {
        let mut params = params;
        let given = params["_meta"].take();
        params["_meta"] = meta();
        if let Some(given) = given.as_object() {
            params["_meta"].as_object_mut().unwrap().extend(given.clone());
        }
        self.start_as_it_is(method, &params)
    }

    pub(crate) fn start_as_it_is(&mut self, method: &str, params: &Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send_line(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        id
    }

    /// The answer to a request.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params);
        let answer = self.next();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// The result of a request.
    pub(crate) fn result(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].take()
    }

    /// The error of a request: its code and message.
    pub(crate) fn error(&mut self, method: &str, params: Value) -> (i64, String) {
        let answer = self.request(method, params);
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap_or_else(|| panic!("no error: {answer}"));
        (error["code"].as_i64().unwrap(), message.to_owned())
    }

    /// The result of a tool, which is as its schema says.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.result("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(result["isError"], false, "{tool}: {result}");
        assert!(!text_of(&result).is_empty(), "{result}");
        result["structuredContent"].clone()
    }

    /// The sentence with which a tool refuses its arguments.
    pub(crate) fn refusal(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.result("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(result["isError"], true, "{tool}: {result}");
        assert!(result.get("structuredContent").is_none(), "{result}");
        let message = text_of(&result);
        for part in ["::", "Option<", "usize", "variant", "struct ", "\n"] {
            assert!(!message.contains(part), "{message}");
        }
        message
    }

    /// Ends the input. The answers that are left.
    pub(crate) fn end(mut self) -> Vec<Value> {
        self.input = None;
        let mut rest = Vec::new();
        while let Some(message) = self.next_line() {
            rest.push(message);
        }
        self.thread.take().unwrap().join().unwrap().unwrap();
        rest
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.input = None;
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(std::thread::panicking() || matches!(ended, Ok(Ok(()))), "{ended:?}");
        }
    }
}

/// The text of a result, for people.
pub(crate) fn text_of(result: &Value) -> String {
    let content = result["content"].as_array().unwrap();
    assert!(content.len() == 1 && content[0]["type"] == "text", "{result}");
    content[0]["text"].as_str().unwrap().to_owned()
}
