//! `nearsay serve`: the process, its output and its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout};
use std::time::{Duration, Instant};

use nearsay_tests::run::Desk;
use nearsay_tests::signals::{end_by, send, wait_until};
use nearsay_tests::{desk, fixture};
use serde_json::Value;

/// A process that serves, and its output.
struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
}

impl Serving {
    fn new(desk: &Desk, line: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = desk.command(&format!("serve --listen 127.0.0.1:0 {line}"));
        let mut child = command.envs(variables.iter().copied()).spawn().expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let listening: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let address = listening["listening"][0].as_str().unwrap().trim_start_matches("http://").to_owned();
        Self { child, stdout, address }
    }

    /// The status line of the answer to a request, and all of the answer.
    fn request(&self, head: &str, body: &str) -> (String, String) {
        self.request_with("the-secret-key", head, body)
    }

    /// `head` is the method and the path; more headers may be in further lines.
    fn request_with(&self, key: &str, head: &str, body: &str) -> (String, String) {
        let (line, headers) = head.split_once('\n').unwrap_or((head, "x-none: 1"));
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let length = body.len();
        let message = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\r\n\
             authorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(message.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        (answer.lines().next().unwrap_or_default().to_owned(), answer)
    }

    /// Sends a signal; returns the exit code, and stderr.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let ended = end_by(signal, self.child);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "stdout has one line");
        ended
    }
}

#[test]
fn row_103_it_says_where_it_listens_logs_no_text_and_no_key_and_ends_well() {
    let desk = desk!();
    let key = [("NEARSAY_API_KEY", "the-secret-key\r\n")];
    let serving = Serving::new(&desk, "-m BERT --alias ada=bert", &key);
    let (status, answer) =
        serving.request("POST /v1/embeddings", r#"{"model": "ada", "input": "a private text"}"#);
    assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
    serving.request("POST /embed?x=%0aPOST", r#"{"inputs": ["a private text"], "private": 1}"#);
    let mut without_key = TcpStream::connect(&serving.address).unwrap();
    without_key.write_all(b"GET /info HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    without_key.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let (code, stderr) = serving.end("-TERM");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("private") && !stderr.contains("secret"), "{stderr}");
    let lines: Vec<&str> = stderr.lines().filter(|line| line.contains(" id=")).collect();
    assert_eq!(lines.len(), 3, "{stderr}");
    assert!(lines[0].contains(" POST /v1/embeddings 200 texts=1 tokens="), "{}", lines[0]);
    assert!(lines[1].contains(" POST /embed 400 total="), "{}", lines[1]);
    assert!(lines[2].contains(" GET /info 401 total="), "{}", lines[2]);
}

#[test]
fn the_log_may_be_json_or_nothing() {
    let desk = desk!();
    let serving = Serving::new(&desk, "-m BERT --log json", &[]);
    serving.request("GET /health", "");
    let (code, stderr) = serving.end("-INT");
    let line = stderr.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{stderr}"));
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((code, &line["route"], &line["status"]), (Some(0), &"/health".into(), &200.into()));
    let serving = Serving::new(&desk, "-m BERT -q", &[]);
    serving.request("GET /health", "");
    assert_eq!(serving.end("-TERM"), (Some(0), String::new()));
}

#[test]
fn options_can_be_set_in_the_environment_and_empty_ones_are_unset() {
    let desk = desk!();
    let variables = [
        ("NEARSAY_MAX_INPUTS", "1"),
        ("NEARSAY_REFUSE_EMPTY", "1"),
        ("NEARSAY_ALLOW_HOST", "one.example,two.example"),
        ("NEARSAY_MAX_BODY", ""),
        ("NEARSAY_API_KEY", ""),
    ];
    let serving = Serving::new(&desk, "-m BERT", &variables);
    let (_, answer) = serving.request("POST /embed", r#"{"inputs": ["a", "b"]}"#);
    assert!(answer.contains("at most 1 texts"), "{answer}");
    let (_, answer) = serving.request("POST /embed", r#"{"inputs": ""}"#);
    assert!(answer.contains("is empty"), "{answer}");
    serving.end("-TERM");
    let run = {
        let mut command = desk.command("serve -m BERT --listen 127.0.0.1:0");
        command.env("NEARSAY_MAX_BODY", "much");
        nearsay_tests::run::finish("serve", command, None)
    };
    run.ends(2, &["much"]);
}

#[test]
fn a_second_signal_ends_at_once() {
    let desk = desk!();
    let serving = Serving::new(&desk, "-m BERT --drain-delay 60", &[]);
    send("-TERM", &serving.child);
    wait_until("it is ending", || serving.request("GET /ready", "").0 == "HTTP/1.1 503 Service Unavailable");
    let start = Instant::now();
    let (code, _) = serving.end("-TERM");
    assert_eq!(code, Some(143));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn row_101_what_cannot_be_listened_on_ends_the_command() {
    let desk = desk!();
    desk.run("serve -m BERT --listen 0.0.0.0:0")
        .ends(2, &["0.0.0.0:0 can be reached by other machines", "--insecure"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    desk.run(&format!("serve -m BERT --listen {address}")).ends(69, &["cannot listen on", &address]);
    desk.run("serve -m BERT --listen 8080").ends(2, &["an address must be IP:PORT"]);
    desk.run("serve --listen 127.0.0.1:0 -m /no/such/model").ends(78, &["/no/such/model"]);
    desk.run("serve --listen 127.0.0.1:0 -m BERT --api-key-file none").ends(66, &["none"]);
    desk.write("keys", "# only a comment\n");
    desk.run("serve --listen 127.0.0.1:0 -m BERT --api-key-file keys").ends(78, &["keys", "no key"]);
    desk.run("serve --listen 127.0.0.1:0 -m BERT --alias x=y")
        .ends(2, &["the alias x refers to y, which is not a model"]);
    desk.run("serve --listen 127.0.0.1:0 -m a=x -m a=y").ends(2, &["a is given twice"]);
}

/// A copy of the tiny model in the desk's folder.
fn copy_model(desk: &Desk) {
    std::fs::create_dir(desk.path("model")).unwrap();
    for file in std::fs::read_dir(fixture("families/bert")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), desk.path("model").join(file.file_name())).unwrap();
    }
}

#[test]
fn rows_120_and_127_a_hangup_reads_keys_and_models_again() {
    let desk = desk!();
    copy_model(&desk);
    desk.write("keys", "first\n");
    std::fs::set_permissions(desk.path("keys"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let serving = Serving::new(&desk, "-m model --api-key-file keys", &[]);
    let status = |key: &str| serving.request_with(key, "POST /embed", r#"{"inputs": "a"}"#).0;
    let is_good = |key: &str| status(key) == "HTTP/1.1 200 OK";
    assert!(is_good("first") && !is_good("second"));
    let config = desk.read("model/config.json");
    desk.write("keys", "second\n").write("model/config.json", "{}");
    send("-HUP", &serving.child);
    wait_until("the second key is read", || is_good("second"));
    assert!(!is_good("first"));
    // Another hangup is heard when all of the first was done.
    desk.write("keys", "third\n");
    send("-HUP", &serving.child);
    wait_until("the third key is read", || is_good("third"));
    desk.write("keys", "# none\n").write("model/config.json", config);
    send("-HUP", &serving.child);
    wait_until("the model is read", || serving.request_with("third", "GET /info", "").0.contains("200"));
    assert!(is_good("third"));
    std::thread::sleep(Duration::from_millis(300));
    let (code, stderr) = serving.end("-TERM");
    assert_eq!(code, Some(0), "{stderr}");
    for part in [
        "the model model was not read again, and stays as it is",
        "the keys were not read again",
        "no key",
        "warning: all users",
    ] {
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
    assert!(!stderr.contains("third") && !stderr.contains("second"), "{stderr}");
}

#[test]
fn a_lazy_server_listens_at_once_and_says_why_it_has_no_model() {
    let desk = desk!();
    let serving = Serving::new(&desk, "--lazy -m /no/such/model --unload-after 1m", &[]);
    let (status, answer) = serving.request("POST /embed", r#"{"inputs": "a"}"#);
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(answer.contains("cannot be loaded") && answer.contains("retry-after: 5"), "{answer}");
    let (code, stderr) = serving.end("-TERM");
    assert!(
        code == Some(0) && stderr.contains("error: the model /no/such/model cannot be loaded"),
        "{stderr}"
    );
    desk.run("serve -m BERT --unload-after 10").ends(2, &["--unload-after", "a number with s, m or h"]);
}

#[test]
fn closing_the_terminal_ends_the_server() {
    const SCRIPT: &str = "
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
text = b''
while b'listening' not in text:
    text += os.read(terminal, 1000)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";
    let desk = desk!();
    let serve = desk.command("serve -m BERT --listen 127.0.0.1:0");
    let mut command = std::process::Command::new("python3");
    command.args(["-c", SCRIPT]).arg(desk.program()).args(serve.get_args());
    nearsay_tests::run::finish("serve", command, None).ok();
}

#[test]
fn the_routes_can_be_printed_without_a_model() {
    let document = desk!().run("serve --openapi").ok().json();
    assert!(document["paths"]["/bertscore"]["post"]["requestBody"].is_object());
}

#[test]
fn a_file_in_the_way_and_a_missing_one_have_their_exit_codes() {
    let desk = desk!();
    desk.write("file", "text");
    let model = fixture("families/bert").display().to_string();
    desk.run(&format!("serve -m {model} --listen unix:file"))
        .ends(73, &["a file that is not a socket", "remove the file"]);
    desk.run(&format!("serve -m {model} --api-key-file none")).ends(66, &["none"]);
}

/// A collector that answers one message, and returns it: its request line and its body.
#[cfg(feature = "otlp")]
fn collector() -> (String, std::thread::JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let receive = move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let (mut first, mut length) = (String::new(), 0);
        stream.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            match line.trim().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        (first.trim().to_owned(), body)
    };
    (address, std::thread::spawn(receive))
}

#[cfg(feature = "otlp")]
#[test]
fn requests_are_spans_of_the_clients_trace() {
    const TRACE: [u8; 16] = *b"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36";
    const PARENT: [u8; 8] = *b"\x00\xf0\x67\xaa\x0b\xa9\x02\xb7";
    let (address, received) = collector();
    let serving = Serving::new(&desk!(), "-m BERT", &[("OTEL_EXPORTER_OTLP_ENDPOINT", &address)]);
    let head = "POST /embed\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (status, _) = serving.request(head, r#"{"inputs": "river"}"#);
    assert!(status.contains("200"), "{status}");
    assert_eq!(serving.end("-TERM").0, Some(0));
    let (line, body) = received.join().unwrap();
    assert_eq!(line, "POST /v1/traces HTTP/1.1");
    let has = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    assert!(has(&TRACE) && has(&PARENT));
    for part in ["POST /embed", "http.route", "nearsay.tokens", "service.name", "nearsay"] {
        assert!(has(part.as_bytes()), "{part}");
    }
    assert!(!has(b"river"), "a text");
}
