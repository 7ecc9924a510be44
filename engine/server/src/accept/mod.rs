//! Listening, and accepting connections.

mod connection;
mod watched;

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::{Semaphore, mpsc};

use crate::Error;
use crate::front::Front;
use crate::listen::Listen;
use crate::shared::{Phase, Shared};

/// Connections that the system completes before they are accepted; it lowers this to its own limit.
const BACKLOG: u32 = 4096;

/// Pauses after an error such as too many open files, the first and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// The bit of a file's mode that lets its group write, and connect to a socket.
const WRITTEN_BY_GROUP: u32 = 0o020;

/// An open socket that accepts connections.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket, which is removed if it is still ours.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode);
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("the socket {} stays: {error}", self.path.display());
        }
    }
}

impl Listener {
    /// Listens on an address or a path. A socket that nobody listens on is replaced.
    pub(crate) fn bind(listen: &Listen) -> Result<Self, Error> {
        let bound = match listen {
            Listen::Tcp(address) => bind_tcp(*address).map(Self::Tcp),
            Listen::Unix(path) => bind_unix(path),
        };
        bound.map_err(|source| Error::Address { address: listen.to_string(), source })
    }

    /// Its address, with the port that the system chose: `http://127.0.0.1:8080`, `unix:PATH`.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|error| error.to_string(), |address| format!("http://{address}")),
            Self::Unix(_, file) => format!("unix:{}", file.path.display()),
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that starts again need not wait for the connections of the last one to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn bind_unix(path: &Path) -> io::Result<Listener> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "a file that is not a socket has this path",
            ));
        }
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens on it")),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            Err(error) => return Err(error),
        },
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    let made = std::fs::symlink_metadata(path)?;
    // Only its user connects, and its group if the umask leaves it the right to write.
    let group = if made.mode() & WRITTEN_BY_GROUP == 0 { 0 } else { 0o060 };
    std::fs::set_permissions(path, Permissions::from_mode(0o600 | group))?;
    let inode = made.ino();
    Ok(Listener::Unix(listener, SocketFile { path: path.to_owned(), inode }))
}

/// A connection of either kind.
pub(crate) trait Stream:
    tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static
{
}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// Accepts connections until the server closes. `open` is held by every connection.
pub(crate) async fn accept(
    listener: Listener,
    front: Front,
    shared: Arc<Shared>,
    connections: Arc<Semaphore>,
    open: mpsc::Sender<()>,
) {
    let mut pause = PAUSES[0];
    loop {
        let next = async {
            let stream: io::Result<(Box<dyn Stream>, bool)> = match &listener {
                Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                    // Answers are written whole: waiting for more to send only delays them.
                    let _ = stream.set_nodelay(true);
                    (Box::new(stream) as Box<dyn Stream>, false)
                }),
                Listener::Unix(listener, _) => {
                    listener.accept().await.map(|(stream, _)| (Box::new(stream) as Box<dyn Stream>, true))
                }
            };
            // After it was accepted, so that a listener without clients holds no place.
            (connections.clone().acquire_owned().await, stream)
        };
        let (permit, stream) = tokio::select! {
            next = next => next,
            () = shared.reached(Phase::Closing) => return,
        };
        match stream {
            Ok((stream, is_local)) => {
                pause = PAUSES[0];
                let (front, shared, open) = (front.clone(), shared.clone(), open.clone());
                tokio::spawn(async move {
                    shared.metrics.connections.inc();
                    connection::serve(stream, is_local, front, &shared).await;
                    shared.metrics.connections.dec();
                    drop((permit, open));
                });
            }
            // The client has gone before it was accepted.
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                tracing::warn!("cannot accept connections, trying again: {error}");
                drop(permit);
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(PAUSES[1]);
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    let ends = [Errno::CONNABORTED, Errno::CONNRESET, Errno::PROTO, Errno::PERM, Errno::INTR];
    ends.iter().any(|end| error.raw_os_error() == Some(end.raw_os_error()))
}
