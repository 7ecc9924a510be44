//! Of `serve`.

use super::Line;

pub(super) const LINES: &[Line] = &[
    ("serve", "insecure", "serve -m M --insecure", "serve -m M --insecure --listen 0.0.0.0:80"),
    ("serve", "insecure", "serve -m M --insecure --listen unix:s", "serve -m M --insecure --listen [::]:80"),
    #[cfg(feature = "mcp")]
    ("serve", "corpus", "serve -m M --corpus a=a.index", "serve -m M --mcp --corpus a=a.index"),
];
