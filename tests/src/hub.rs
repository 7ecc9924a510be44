//! A model hub on this machine: an HTTP server with one repository, `org/name` at one commit.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

/// The repository.
pub const NAME: &str = "org/name";
/// Its only commit.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Bytes that are sent at a time.
const BLOCK: usize = 4096;

/// How the hub answers.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// Answers that are errors, by the end of the request's path: status, and the page that comes with it.
    pub errors: Vec<(String, u16, String)>,
    /// The file whose transfer breaks off after so many bytes, as often as the last number says.
    pub breaks: Option<(String, usize, usize)>,
    /// The pause after each block of 4096 bytes.
    pub pause: Duration,
}

/// A request: its path, and its headers Range and Authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The path of its address.
    pub path: String,
    /// The bytes that it asks for.
    pub range: Option<String>,
    /// The token that it brings.
    pub authorization: Option<String>,
}

/// A running hub. It ends with the process.
pub struct Hub {
    /// Its address.
    pub endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    files: BTreeMap<String, Vec<u8>>,
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<Request>>,
}

impl Hub {
    /// A hub with these files in its repository.
    ///
    /// # Panics
    /// If no port is free.
    pub fn with<N: Into<String>, B: Into<Vec<u8>>>(files: impl IntoIterator<Item = (N, B)>) -> Self {
        let files = files.into_iter().map(|(name, bytes)| (name.into(), bytes.into())).collect();
        let shared = Arc::new(Shared { files, behaviour: Mutex::default(), requests: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let server = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                // A client that goes away is none of the hub's business.
                thread::spawn(move || server.answer(stream).ok());
            }
        });
        Self { endpoint, shared }
    }

    /// A hub with the files of a model's folder.
    ///
    /// # Panics
    /// If the folder cannot be read.
    pub fn of_folder(folder: &Path) -> Self {
        Self::with(files(folder, ""))
    }

    /// The same hub, which now behaves like this.
    ///
    /// # Panics
    /// Never.
    pub fn behave(&self, behaviour: Behaviour) -> &Self {
        *self.shared.behaviour.lock().unwrap_or_else(PoisonError::into_inner) = behaviour;
        self
    }

    /// All requests since the last call.
    ///
    /// # Panics
    /// Never.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The names of the files that were asked for since the last call, each once.
    pub fn asked(&self) -> Vec<String> {
        let requests = self.requests();
        let names = requests.iter().filter_map(|request| request.path.split_once("/resolve/main/"));
        let mut names: Vec<String> = names.map(|(_, name)| name.to_owned()).collect();
        names.dedup();
        names
    }
}

/// The files of a folder and its subfolders.
///
/// # Panics
/// If it cannot be read.
pub fn files(folder: &Path, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(files(&entry.path(), &format!("{name}/")));
        } else {
            found.push((name, std::fs::read(entry.path()).expect("read")));
        }
    }
    found
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
        let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let header = |name: &str| {
            let line = lines.iter().find(|line| line.to_ascii_lowercase().starts_with(name));
            line.and_then(|line| Some(line.split_once(": ")?.1.to_owned()))
        };
        let (range, authorization) = (header("range"), header("authorization"));
        let request = Request { path: path.clone(), range: range.clone(), authorization };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let behaviour = self.behaviour.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, status, page)) =
            behaviour.errors.iter().find(|(end, ..)| path.ends_with(end.as_str()))
        {
            return send(&mut stream, &format!("{status} -"), "", page.as_bytes(), Duration::ZERO);
        }
        if path == format!("/api/models/{NAME}/revision/main") {
            let siblings: Vec<_> =
                self.files.keys().map(|name| serde_json::json!({"rfilename": name})).collect();
            let body = serde_json::json!({"siblings": siblings, "sha": COMMIT}).to_string();
            return send(&mut stream, "200 OK", "", body.as_bytes(), Duration::ZERO);
        }
        let name = path.strip_prefix(&format!("/{NAME}/resolve/main/")).unwrap_or_default();
        match self.files.get(name) {
            None => send(&mut stream, "401 Unauthorized", "", b"", Duration::ZERO),
            Some(bytes) => self.send_file(&mut stream, name, bytes, range.as_deref(), &behaviour),
        }
    }

    fn send_file(
        &self,
        stream: &mut TcpStream,
        name: &str,
        bytes: &[u8],
        range: Option<&str>,
        behaviour: &Behaviour,
    ) -> std::io::Result<()> {
        let (start, end) =
            range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')).unwrap_or(("0", ""));
        let start: usize = start.parse().unwrap_or(0);
        let end = end.parse().map_or(bytes.len(), |last: usize| last + 1).min(bytes.len());
        if start >= end {
            return send(stream, "416 Range Not Satisfiable", "", b"", Duration::ZERO);
        }
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = format!(
            "Content-Range: bytes {start}-{}/{}\r\nETag: \"{digest}\"\r\nx-repo-commit: {COMMIT}\r\n",
            end - 1,
            bytes.len()
        );
        let part = &bytes[start..end];
        if let Some((_, after, _)) =
            behaviour.breaks.as_ref().filter(|(broken, _, left)| broken == name && *left > 0)
            && end > after + 1
        {
            if let Some((_, _, left)) =
                &mut self.behaviour.lock().unwrap_or_else(PoisonError::into_inner).breaks
            {
                *left -= 1;
            }
            let sent = &part[..after.saturating_sub(start).min(part.len())];
            return send_of(stream, "206 Partial Content", &headers, sent, part.len(), behaviour.pause);
        }
        send(stream, "206 Partial Content", &headers, part, behaviour.pause)
    }
}

fn send(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
    pause: Duration,
) -> std::io::Result<()> {
    send_of(stream, status, headers, body, body.len(), pause)
}

/// Sends `body`, after a header that promises `length` bytes.
fn send_of(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
    length: usize,
    pause: Duration,
) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    for block in body.chunks(BLOCK) {
        stream.write_all(block)?;
        stream.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}
