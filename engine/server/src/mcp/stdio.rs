//! Messages over standard input and output: a line of JSON each, and nothing else on standard output.
//!
//! Input is read by a thread of its own, as the system cannot wait for it otherwise, and so is output written, whole lines
//! at a time. A line that is not a message is answered with an error, and the next line is read.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use nearsay::{EmbedOptions, Session};
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorData, GetMeta, JsonRpcError, ProtocolVersion,
    ServerJsonRpcMessage,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::{RoleServer, serve_server};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};

use super::engine::Engine;
use super::service::Service;
use super::toolset::Toolset;
use crate::errors::{Reason, Refusal};

/// The most bytes of a line.
const MOST_BYTES: usize = 4 << 20;

/// Values of a message, at most: more than a hundred texts with their references have, and less than would take memory many
/// times the message's size.
const MOST_VALUES: usize = 20_000;
/// Messages that wait between a thread of input or output and the others.
const WAITING: usize = 16;
/// How long calls may go on when the input has ended, and how long they have to notice that they may not.
const GRACE: Duration = Duration::from_millis(700);
const LAST: Duration = Duration::from_millis(200);
/// Threads that do the work of messages; calls have others.
const THREADS: usize = 2;

/// What is served over standard input and output.
#[derive(Debug)]
pub struct StdioOptions {
    /// The tools.
    pub toolset: Toolset,
    /// The models by name, in the order in which they are asked.
    pub models: Vec<(String, Session)>,
    /// How texts are embedded.
    pub embedding: EmbedOptions,
}

/// Ends [`serve_stdio`]. Clones control the same.
#[derive(Debug, Clone)]
pub struct StdioControl(Arc<watch::Sender<bool>>);

impl Default for StdioControl {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl StdioControl {
    /// Calls end at once, and then the server.
    pub fn end(&self) {
        self.0.send_replace(true);
    }
}

/// Answers the messages of `input` on `output` until the input ends.
///
/// # Errors
/// If the system has no threads left.
pub fn serve_stdio(
    options: StdioOptions,
    control: &StdioControl,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> nearsay::Result<()> {
    let StdioOptions { toolset, models, embedding } = options;
    let engine = Engine::new(models, &embedding)?;
    let no_threads = |source| nearsay::Error::Io { action: "creating", target: "threads".to_owned(), source };
    let runtime =
        Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().map_err(no_threads)?;
    let (lines, ended) = Lines::start(input, output).map_err(no_threads)?;
    let service = Service::new(&toolset, engine, control.0.subscribe());
    runtime.block_on(async {
        let serving = async {
            match serve_server(service, lines).await {
                Ok(running) => drop(running.waiting().await),
                // The input ended before there was a client.
                Err(error) => tracing::debug!("no session: {error}"),
            }
        };
        let stopped = async {
            let mut stop = control.0.subscribe();
            tokio::select! {
                _ = ended => tokio::time::sleep(GRACE).await,
                _ = stop.wait_for(|stop| *stop) => {}
            }
            control.end();
            tokio::time::sleep(LAST).await;
        };
        tokio::select! {
            () = serving => {}
            () = stopped => {}
        }
    });
    // A call that is still at work is left behind.
    runtime.shutdown_background();
    Ok(())
}

/// A line of the input.
enum Line {
    Bytes(Vec<u8>),
    TooLong,
}

/// A line to write, and whom to tell that it is written.
type Written = (Vec<u8>, Option<oneshot::Sender<io::Result<()>>>);

/// Lines of input and output.
struct Lines {
    input: mpsc::Receiver<Line>,
    output: Option<mpsc::Sender<Written>>,
    /// Dropped when the input has ended.
    open: Option<oneshot::Sender<()>>,
    /// Whether the client has chosen between the revisions with and without a handshake.
    is_settled: bool,
}

impl Lines {
    /// Starts the threads. The receiver ends when the input does.
    fn start(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let (read, lines) = mpsc::channel(WAITING);
        let (sender, to_write) = mpsc::channel(WAITING);
        std::thread::Builder::new().name("input".to_owned()).spawn(move || read_lines(input, &read))?;
        std::thread::Builder::new().name("output".to_owned()).spawn(move || write_lines(output, to_write))?;
        let (open, ended) = oneshot::channel();
        Ok((Self { input: lines, output: Some(sender), open: Some(open), is_settled: false }, ended))
    }

    /// Whether a message is one that rmcp expects now: before it knows the client's revision, it ends at anything but a
    /// request.
    fn is_expected(&mut self, message: &ClientJsonRpcMessage) -> bool {
        let ClientJsonRpcMessage::Request(request) = message else { return self.is_settled };
        let meta = request.request.get_meta();
        let has_meta = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
            && meta
                .protocol_version()
                .is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version));
        self.is_settled |= match &request.request {
            ClientRequest::InitializeRequest(_) => true,
            ClientRequest::DiscoverRequest(_) | ClientRequest::PingRequest(_) => false,
            _ => has_meta,
        };
        true
    }
}

impl Transport<RoleServer> for Lines {
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let output = self.output.clone();
        async move {
            let line = line_of(&item)?;
            let (written, result) = oneshot::channel();
            let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
            let output = output.ok_or_else(closed)?;
            output.send((line, Some(written))).await.map_err(|_| closed())?;
            result.await.unwrap_or_else(|_| Err(closed()))
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let Some(line) = self.input.recv().await else {
                self.open = None;
                return None;
            };
            let error = match line {
                Line::Bytes(bytes) => match parse(&bytes) {
                    Ok(Some(message)) if self.is_expected(&message) => return Some(message),
                    Ok(_) => continue,
                    Err(error) => *error,
                },
                Line::TooLong => {
                    let rule = format!("a message must have at most {MOST_BYTES} bytes, and has more");
                    JsonRpcError::new(None, ErrorData::invalid_request(rule, None))
                }
            };
            let line = line_of(&ServerJsonRpcMessage::Error(error)).ok()?;
            // Nothing is awaited after the line is taken: this future may be dropped while it waits.
            let Some(output) = &self.output else { return None };
            if output.try_send((line, None)).is_err() {
                tracing::warn!("a client that does not read its answers sends lines that are not messages");
            }
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.output = None;
        Ok(())
    }
}

fn line_of(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// The message in a line; none if it is a notification that nobody knows.
pub(super) fn parse(line: &[u8]) -> Result<Option<ClientJsonRpcMessage>, Box<JsonRpcError>> {
    let refuse = |error: ErrorData, id| Err(Box::new(JsonRpcError::new(id, error)));
    let value = match crate::json::parse(line, MOST_VALUES) {
        Ok(value) => value,
        Err(Refusal { reason: Reason::TooLarge, message, .. }) => {
            return refuse(ErrorData::invalid_request(message, None), None);
        }
        Err(Refusal { message, .. }) => {
            return refuse(ErrorData::parse_error(format!("a message must be JSON: {message}"), None), None);
        }
    };
    if !value.is_object() {
        let rule = format!("a message must be an object, got {}", crate::json::kind(&value));
        return refuse(ErrorData::invalid_request(rule, None), None);
    }
    let id = value.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
    match serde_json::from_value(value) {
        Ok(message) => Ok(Some(message)),
        Err(_) if id.is_none() => {
            let rule = "a message must be a request, a notification or a response of JSON-RPC 2.0";
            refuse(ErrorData::invalid_request(rule, None), None)
        }
        Err(_) => {
            refuse(ErrorData::invalid_request("a request must have jsonrpc \"2.0\" and a method", None), id)
        }
    }
}

fn read_lines(input: impl Read, lines: &mpsc::Sender<Line>) {
    let mut input = BufReader::with_capacity(64 << 10, input);
    loop {
        match next_line(&mut input) {
            Ok(None) => return,
            Ok(Some(Line::Bytes(bytes))) if bytes.is_empty() => {}
            Ok(Some(line)) => {
                if lines.blocking_send(line).is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!("standard input cannot be read: {error}");
                return;
            }
        }
    }
}

/// The next line without its end; none at the end of the input. The rest of a line that is too long is skipped.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(MOST_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') || line.len() <= MOST_BYTES {
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        while line.last().is_some_and(ends) {
            line.pop();
        }
        return Ok(Some(Line::Bytes(line)));
    }
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (skipped, is_end) = (end.map_or(buffer.len(), |end| end + 1), end.is_some() || buffer.is_empty());
        input.consume(skipped);
        if is_end {
            return Ok(Some(Line::TooLong));
        }
    }
}

fn write_lines(mut output: impl Write, mut lines: mpsc::Receiver<Written>) {
    while let Some((line, written)) = lines.blocking_recv() {
        let result = output.write_all(&line).and_then(|()| output.flush());
        if let Some(written) = written {
            // Whoever sent it may have gone.
            let _ = written.send(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_skipped_and_the_next_is_read() {
        let text = [b"a\r\n".as_slice(), &vec![b'x'; MOST_BYTES + 7], b"\n\nlast"].concat();
        let mut input = BufReader::new(text.as_slice());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            lines.push(match line {
                Line::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
                Line::TooLong => "too long".to_owned(),
            });
        }
        assert_eq!(lines, ["a", "too long", "", "last"]);
    }

    #[test]
    fn what_is_no_message_is_an_error_with_the_id_if_there_is_one() {
        let code = |line: &[u8]| {
            let error = parse(line).unwrap_err();
            (error.error.code.0, error.id.map(|id| id.to_string()))
        };
        for line in [b"{".as_slice(), b"not json", b"{\"a\": \"\xff\"}"] {
            assert_eq!(code(line), (-32700, None));
        }
        for line in [b"[]".as_slice(), b"7", b"{}", b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]"] {
            assert_eq!(code(line), (-32600, None));
        }
        assert_eq!(code(b"{\"id\": 3, \"method\": \"ping\"}"), (-32600, Some("3".to_owned())));
        assert!(parse(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}").unwrap().is_some());
    }
}
