//! Inputs compressed as a whole: gzip and Zstandard, recognized by the name or, failing that, by the first
//! bytes.
//!
//! Both may consist of several members or frames, one after the other. Memory is bounded regardless of the
//! input's headers: gzip needs 32 KiB, and a Zstandard frame with a window above 128 MiB (`zstd --long=28`
//! and more) is refused.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::InputFormat;

/// The largest window of a Zstandard frame, as a power of two: 128 MiB, the limit of the zstd tool without
/// `--long`.
const MAX_WINDOW_LOG: u32 = 27;
/// Decompressed bytes per read.
const BUFFER_BYTES: usize = 64 << 10;

/// A compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstandard,
}

const ALL: [Compression; 2] = [Compression::Gzip, Compression::Zstandard];

/// The compression according to an input's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedCompression {
    /// It has the extension of this compression.
    Compressed(Compression),
    /// It has the extension of a format, so it is not compressed.
    Plain,
    /// The name does not tell: the first bytes decide.
    Nothing,
}

impl NamedCompression {
    /// The compression according to a file's name.
    pub(super) fn by(path: &Path) -> Self {
        let extension = path.extension();
        match Compression::split(path) {
            (_, Some(compression)) => Self::Compressed(compression),
            _ if extension.and_then(InputFormat::from_extension).is_some() => Self::Plain,
            _ => Self::Nothing,
        }
    }

    /// The compression of an input that starts with `head`.
    ///
    /// # Errors
    /// The rule that is broken if name and first bytes contradict each other.
    pub(super) fn resolve(self, head: &[u8]) -> Result<Option<Compression>, String> {
        let seen = Compression::sniff(head);
        match (self, seen) {
            (Self::Compressed(named), _) if head.is_empty() => {
                Err(format!("is empty; a file compressed by {named} is not, even without a row"))
            }
            (Self::Compressed(named), Some(other)) if named != other => Err(format!(
                "looks {other}-compressed, but its name says {named}; rename it to end in .{}",
                other.extension()
            )),
            (Self::Compressed(named), _) if !named.may_start(head) => {
                Err(format!("is not compressed with {named}, despite its name; rename it"))
            }
            (Self::Compressed(named), _) => Ok(Some(named)),
            (Self::Plain, Some(seen)) => Err(format!(
                "looks {seen}-compressed, but its name does not say so; rename it to end in .{}",
                seen.extension()
            )),
            (Self::Plain, None) => Ok(None),
            (Self::Nothing, seen) => Ok(seen),
        }
    }
}

impl Compression {
    /// Bytes at the start of an input that [`sniff`](Self::sniff) looks at.
    pub(super) const MAGIC_BYTES: usize = 4;

    /// A path's last component without a compression's extension, and that compression.
    pub(super) fn split(path: &Path) -> (OsString, Option<Self>) {
        let compression = path
            .extension()
            .and_then(|extension| ALL.into_iter().find(|it| extension.eq_ignore_ascii_case(it.extension())));
        let name = if compression.is_some() { path.file_stem() } else { path.file_name() };
        (name.unwrap_or_default().to_owned(), compression)
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Zstandard => "zst",
        }
    }

    fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b",
            Self::Zstandard => b"\x28\xb5\x2f\xfd",
        }
    }

    /// Whether a stream may start with `head`, or with bytes that start with `head`.
    fn may_start(self, head: &[u8]) -> bool {
        // Skippable frames: pzstd writes one first.
        let skippable = |byte: u8| self == Self::Zstandard && byte >> 4 == 5;
        let first = head.first().is_some_and(|byte| skippable(*byte));
        head.starts_with(self.magic())
            || self.magic().starts_with(head)
            || first && b"\x2a\x4d\x18".starts_with(&head[1..])
    }

    fn sniff(head: &[u8]) -> Option<Self> {
        ALL.into_iter().find(|compression| head.starts_with(compression.magic()))
    }

    /// Decompresses the bytes of `reader`.
    pub(super) fn decode(self, reader: Box<dyn BufRead + Send>) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(match self {
            Self::Gzip => buffered(flate2::bufread::MultiGzDecoder::new(reader)),
            Self::Zstandard => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                buffered(decoder)
            }
        })
    }

    /// The rule that a stream breaks if its decoder fails with `error`.
    pub(super) fn broken(self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                format!("the {self} stream ends too early; the file is not complete")
            }
            _ => format!("the {self} stream cannot be decompressed: {error}"),
        }
    }
}

fn buffered(reader: impl io::Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstandard => "zstd",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Compression, NamedCompression};

    #[test]
    fn names_tell() {
        for (name, named) in [
            ("a.jsonl.GZ", NamedCompression::Compressed(Compression::Gzip)),
            ("x.zst", NamedCompression::Compressed(Compression::Zstandard)),
            ("a.txt", NamedCompression::Plain),
            ("a.json", NamedCompression::Plain),
            ("a.pdf", NamedCompression::Nothing),
            ("/dev/fd/63", NamedCompression::Nothing),
            (".gz", NamedCompression::Nothing),
        ] {
            assert_eq!(NamedCompression::by(Path::new(name)), named, "{name}");
        }
    }

    #[test]
    fn name_and_first_bytes_must_agree() {
        let gzip = b"\x1f\x8b\x08\0";
        assert_eq!(NamedCompression::Nothing.resolve(gzip), Ok(Some(Compression::Gzip)));
        assert_eq!(NamedCompression::Nothing.resolve(b"(\xb5/\xfd"), Ok(Some(Compression::Zstandard)));
        assert_eq!(NamedCompression::Nothing.resolve(b""), Ok(None));
        assert_eq!(NamedCompression::Plain.resolve(b"a"), Ok(None));
        let zstandard = NamedCompression::Compressed(Compression::Zstandard);
        for head in [b"(".as_slice(), b"(\xb5/\xfd", b"\x50", b"\x5f\x2a\x4d\x18"] {
            assert_eq!(zstandard.resolve(head), Ok(Some(Compression::Zstandard)), "{head:?}");
        }
        assert_eq!(
            zstandard.resolve(b"Post"),
            Err("is not compressed with zstd, despite its name; rename it".to_owned())
        );
        assert_eq!(
            NamedCompression::Plain.resolve(gzip),
            Err("looks gzip-compressed, but its name does not say so; rename it to end in .gz".to_owned())
        );
        assert_eq!(
            NamedCompression::Compressed(Compression::Zstandard).resolve(gzip),
            Err("looks gzip-compressed, but its name says zstd; rename it to end in .gz".to_owned())
        );
        assert_eq!(
            NamedCompression::Compressed(Compression::Gzip).resolve(b""),
            Err("is empty; a file compressed by gzip is not, even without a row".to_owned())
        );
    }
}
