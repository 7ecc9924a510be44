//! Files of other programs, which are not text: known by their extension or their first bytes, with the way to
//! turn them into text.

use std::path::Path;

/// A kind of file that is not read.
struct Foreign {
    /// As in a message: "looks like ..".
    name: &'static str,
    extensions: &'static [&'static str],
    /// Possible first bytes; empty if they are not known.
    magic: &'static [&'static [u8]],
    remedy: &'static str,
}

const FOREIGN: [Foreign; 7] = [
    Foreign {
        name: "PDF",
        extensions: &["pdf"],
        magic: &[b"%PDF-"],
        remedy: "turn it into text first: pdftotext FILE.pdf FILE.txt",
    },
    Foreign {
        name: "a spreadsheet",
        extensions: &["xlsx", "xls", "xlsm", "ods", "numbers"],
        magic: &[],
        remedy: "save the sheet as CSV in UTF-8",
    },
    Foreign {
        name: "a document of an office program",
        extensions: &["docx", "doc", "odt", "rtf", "pptx", "ppt", "odp", "epub", "pages"],
        magic: &[b"{\\rtf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"],
        remedy: "turn it into text first: save it as plain text in UTF-8, or pandoc -t plain FILE -o FILE.txt",
    },
    Foreign {
        name: "an archive, or a document or spreadsheet of an office program",
        extensions: &["zip", "tar", "tgz", "7z", "rar", "jar"],
        magic: &[b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"],
        remedy: "unpack it and name its folder; save a document as plain text, a spreadsheet as CSV",
    },
    Foreign {
        name: "an image",
        extensions: &["png", "jpg", "jpeg", "gif", "webp", "tif", "tiff", "bmp", "heic"],
        magic: &[b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"],
        remedy: "recognize its text first: tesseract FILE OUTPUT",
    },
    Foreign {
        name: "sound or video",
        extensions: &["mp3", "wav", "flac", "ogg", "m4a", "mp4", "mkv", "mov", "avi", "webm"],
        magic: &[b"ID3\x03", b"ID3\x04", b"fLaC", b"OggS\0"],
        remedy: "transcribe it first",
    },
    Foreign {
        name: "a compressed file of a kind that is not read",
        extensions: &["bz2", "xz", "lz4", "br"],
        magic: &[b"BZh91AY&SY", b"\xfd7zXZ\0"],
        remedy: "decompress it, or compress it with gzip or zstd instead",
    },
];

/// The way to turn a file with this extension into text, if it is one of these kinds.
pub(super) fn remedy(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?;
    let is_it = |foreign: &&Foreign| foreign.extensions.iter().any(|it| extension.eq_ignore_ascii_case(it));
    FOREIGN.iter().find(is_it).map(|foreign| foreign.remedy)
}

/// The kind of a file with these first bytes, and the way to turn it into text.
pub(super) fn recognize(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_it = |foreign: &&Foreign| foreign.magic.iter().any(|magic| head.starts_with(magic));
    FOREIGN.iter().find(is_it).map(|foreign| (foreign.name, foreign.remedy))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{recognize, remedy};

    #[test]
    fn kinds_are_known_by_name_and_by_content() {
        for (name, word) in [
            ("a.PDF", "pdftotext"),
            ("a.docx", "pandoc"),
            ("a.xlsx", "CSV"),
            ("a.zip", "unpack"),
            ("a.jpeg", "tesseract"),
            ("a.jsonl.bz2", "gzip"),
        ] {
            assert!(remedy(Path::new(name)).is_some_and(|remedy| remedy.contains(word)), "{name}");
        }
        assert_eq!((remedy(Path::new("a.log")), remedy(Path::new("pdf"))), (None, None));
        assert_eq!(recognize(b"%PDF-1.7\n").map(|(name, _)| name), Some("PDF"));
        assert!(recognize(b"PK\x03\x04\x14").is_some_and(|(name, _)| name.contains("archive")));
        assert_eq!(recognize(b"%PD, he said"), None);
    }
}
