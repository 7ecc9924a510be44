//! Files whose content does not fit their name: a pointer, a web page, another format.
//!
//! Asked only after a file could not be read, so that no file that can be read is refused.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::Error;

/// Bytes that are looked at.
const HEAD: usize = 512;

/// The kind of a file, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A pointer of Git LFS: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
    LfsPointer,
    /// An HTML page.
    Html,
    /// An XML document, as storage services answer errors.
    Xml,
    /// A JSON document where there must be another format.
    Json,
    /// Nothing.
    Empty,
    /// Zeros, as a crash leaves them.
    Zeros,
    /// Data of another format, by its name with an article.
    Format(&'static str),
}

pub(crate) const SAFETENSORS: &str = "a safetensors file";
const GZIP: &str = "a gzip file";
const ZSTD: &str = "a Zstandard file";
const XZ: &str = "an xz file";
const BZIP2: &str = "a bzip2 file";
/// What PyTorch writes: since version 1.6 a zip archive, before that a pickle.
pub(crate) const ZIP: &str = "a zip archive";
pub(crate) const PICKLE: &str = "a pickle";

/// Formats by their first bytes.
const MAGIC: [(&[u8], &str); 11] = [
    (b"GGUF", "a GGUF file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x1f\x8b", GZIP),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"\xfd7zXZ\0", XZ),
    (b"BZh", BZIP2),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PK\x03\x04", ZIP),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
];

impl Content {
    /// What these first bytes of a file are, if that is known.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let starts = |with: &str| {
            let start = text.get(..with.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes())) && !head.contains(&0)
        };
        Some(match () {
            () if head.is_empty() => Self::Empty,
            () if head.iter().all(|&byte| byte == 0) => Self::Zeros,
            () if starts("version https://git-lfs") || starts("version https://hawser") => Self::LfsPointer,
            () if ["<!doctype", "<html", "<head", "<!--"].into_iter().any(starts) => Self::Html,
            () if starts("<?xml") || starts("<error") => Self::Xml,
            () if starts("{") || starts("[") => Self::Json,
            // The length of a safetensors header, then the header.
            () if head.get(8..10).is_some_and(|bytes| bytes == b"{\"") => Self::Format(SAFETENSORS),
            () => Self::Format(MAGIC.iter().find(|(magic, _)| head.starts_with(magic))?.1),
        })
    }

    /// `is a Git LFS pointer, not a tokenizer`.
    pub(crate) fn described(self, expected: &str) -> String {
        let found = match self {
            Self::Empty => return format!("is not {expected}: it is empty"),
            Self::Zeros => return format!("is not {expected}: it starts with {HEAD} zeros"),
            Self::LfsPointer => "a Git LFS pointer",
            Self::Html => "an HTML page",
            Self::Xml => "an XML document",
            Self::Json => "a JSON document",
            Self::Format(name) => name,
        };
        format!("is {found}, not {expected}")
    }

    /// What to do about it, if that is known.
    pub(crate) fn hint(self) -> Option<&'static str> {
        match self {
            Self::LfsPointer => Some(
                "fetch the files with `git lfs install` and `git lfs pull` in the model's folder, or download the model \
                 again",
            ),
            Self::Html => Some(
                "a login, error or proxy page was saved in the file's place: download the file again (on the hub from \
                 its /resolve/ address, not /blob/)",
            ),
            Self::Xml | Self::Empty | Self::Zeros => {
                Some("the file was not written whole: download it again")
            }
            Self::Format(SAFETENSORS) => Some("name it model.safetensors"),
            Self::Format(ZIP | PICKLE) => {
                Some("PyTorch writes such files: name it pytorch_model.bin if it is one")
            }
            Self::Format(GZIP | ZSTD | XZ | BZIP2) => Some("decompress it"),
            Self::Json | Self::Format(_) => None,
        }
    }
}

/// `error`, or that the file is something else than `expected` if its first bytes say so. `own` is what it
/// may be.
pub(crate) fn or_other(path: &Path, error: Error, expected: &'static str, own: &[Content]) -> Error {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    match Content::of(&head).filter(|content| read.is_ok() && !own.contains(content)) {
        Some(content) => Error::OtherContent { path: path.to_owned(), expected, content },
        None => error,
    }
}

/// The kind of a file that is not valid JSON, if its first bytes show it.
pub fn other_than_json(path: &Path, expected: &'static str) -> Option<Error> {
    let unknown = Error::MissingFile { path: path.to_owned() };
    match or_other(path, unknown, expected, &[Content::Json]) {
        Error::MissingFile { .. } => None,
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_recognized_by_their_first_bytes() {
        let cases: [(&[u8], Option<Content>); 19] = [
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
                Some(Content::LfsPointer),
            ),
            (b"version https://git-lfs.github.com/spec/v1\r\n", Some(Content::LfsPointer)),
            (b"version 2", None),
            (b"<!DOCTYPE html><html>", Some(Content::Html)),
            (b"\xef\xbb\xbf\n <!doctype HTML>", Some(Content::Html)),
            (b"<html lang=en>", Some(Content::Html)),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied", Some(Content::Xml)),
            (b"{\"error\":\"Repository not found\"}", Some(Content::Json)),
            (b"", Some(Content::Empty)),
            (&[0; 64], Some(Content::Zeros)),
            (b"GGUF\x03\0\0\0", Some(Content::Format("a GGUF file"))),
            (b"\x89HDF\r\n\x1a\n", Some(Content::Format("an HDF5 file"))),
            (b"\x1f\x8b\x08", Some(Content::Format(GZIP))),
            (b"PK\x03\x04", Some(Content::Format(ZIP))),
            (b"\x80\x02}q", Some(Content::Format(PICKLE))),
            (b"\x40\0\0\0\0\0\0\0{\"a\":", Some(Content::Format(SAFETENSORS))),
            // A safetensors header of 123 bytes, which starts like JSON.
            (b"{\0\0\0\0\0\0\0 {\"a\":", None),
            (b"Entry not found", None),
            (b"\x7fELF", None),
        ];
        for (head, expected) in cases {
            assert_eq!(Content::of(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
