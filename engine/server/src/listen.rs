//! Addresses that a server listens on.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// An address or a socket to listen on: `127.0.0.1:8080`, `[::1]:8080`, `unix:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// The path of a Unix socket, which is created.
    Unix(PathBuf),
}

impl Listen {
    /// Whether other machines can reach it.
    pub fn is_open_to_others(&self) -> bool {
        match self {
            Self::Tcp(address) => !address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => false,
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("the path after `unix:` is missing".to_owned()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let with_name = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let address = with_name.as_deref().unwrap_or(text).parse();
        address.map(Self::Tcp).map_err(|_| {
            format!("an address must be IP:PORT, as 127.0.0.1:8080 or [::1]:8080, or unix:PATH, got `{text}`")
        })
    }
}

/// As [`FromStr`] reads it.
impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_are_read_and_written() {
        for text in ["127.0.0.1:8080", "[::1]:0", "0.0.0.0:80", "unix:/run/nearsay.sock"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        assert_eq!("localhost:80".parse::<Listen>().unwrap().to_string(), "127.0.0.1:80");
        for text in ["8080", "unix:", "example.org:80", "127.0.0.1", "127.0.0.1:65536", "::1:80:", ""] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_and_sockets_are_closed_to_others() {
        let open = |text: &str| text.parse::<Listen>().unwrap().is_open_to_others();
        assert!(["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "[2001:db8::1]:80"].into_iter().all(open));
        let closed = ["127.0.0.1:80", "127.8.0.1:80", "[::1]:80", "unix:a", "[::ffff:127.0.0.1]:80"];
        assert!(!closed.into_iter().any(open));
    }
}
