//! A small HTTP/1.1 client, which can also send what a good one would not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.text());
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The answer if it has this status.
    pub(crate) fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The message of a refusal in OpenAI's form, with this status and code.
    pub(crate) fn openai_error(self, status: u16, code: Option<&str>) -> String {
        let error = self.with(status).json()["error"].take();
        assert_eq!(error["code"].as_str(), code, "{error}");
        assert!(error["type"].is_string() && error.get("param").is_some(), "{error}");
        sentence(&error["message"])
    }

    /// The message of a refusal in the form of text-embeddings-inference, with this status and type.
    pub(crate) fn tei_error(self, status: u16, kind: &str) -> String {
        let body = self.with(status).json();
        assert_eq!(body["error_type"], kind, "{body}");
        sentence(&body["error"])
    }
}

/// A message for people, without names of this program's types.
fn sentence(message: &Value) -> String {
    let message = message.as_str().unwrap();
    for part in ["::", "Value", "Option<", "u32", "usize", "variant", "untagged", "struct "] {
        assert!(!message.contains(part), "{message}");
    }
    assert!(!message.is_empty() && !message.contains('\n'));
    message.to_owned()
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    key: Option<String>,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address.trim_start_matches("http://")).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { stream: BufReader::new(stream), key: None }
    }

    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("sent");
    }

    /// Sends bytes as they are, unless the server has closed the connection.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Whether the server closes the connection without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// The status of the next answer; `None` if the connection ends without one.
    pub(crate) fn status_or_end(&mut self) -> Option<u16> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        line.split(' ').nth(1)?.parse().ok()
    }

    /// A request with these headers.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.send(self.message(method, path, headers, body));
        self.answer_to(method)
    }

    /// The bytes of a request; a header in `headers` replaces the usual one, an empty one leaves it out.
    pub(crate) fn message(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut all = vec![("host", "localhost".to_owned())];
        if let Some(key) = &self.key {
            all.push(("authorization", format!("Bearer {key}")));
        }
        if method == "POST" {
            all.push(("content-type", "application/json".to_owned()));
            all.push(("content-length", body.len().to_string()));
        }
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        let given = headers.iter().filter(|(_, value)| !value.is_empty());
        all.extend(given.map(|(name, value)| (*name, (*value).to_owned())));
        let lines: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        [format!("{method} {path} HTTP/1.1\r\n{lines}\r\n").as_bytes(), body].concat()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, &[], body.to_string().as_bytes())
    }

    pub(crate) fn post_text(&mut self, path: &str, body: &str) -> Answer {
        self.request("POST", path, &[], body.as_bytes())
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    /// Reads an answer.
    pub(crate) fn answer(&mut self) -> Answer {
        self.answer_to("POST")
    }

    fn answer_to(&mut self, method: &str) -> Answer {
        let status_line = self.line();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("no status: {status_line:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        if method != "HEAD" && status != 204 && status != 100 {
            answer.body = self.body(&answer);
        }
        answer
    }

    fn body(&mut self, answer: &Answer) -> Vec<u8> {
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(&self.line(), 16).expect("a chunk's length");
                let mut chunk = vec![0; length];
                self.stream.read_exact(&mut chunk).unwrap();
                self.line();
                body.extend(chunk);
                if length == 0 {
                    return body;
                }
            }
        }
        let length = answer.header("content-length").expect("a length").parse().unwrap();
        body.resize(length, 0);
        self.stream.read_exact(&mut body).expect("the body");
        body
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}
