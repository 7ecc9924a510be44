//! A line of a manifest: an entry as JSON, and the SHA-256 of that JSON.
//!
//! `{"entry":{..},"sha256":"64 digits"}`: no change to a line goes unnoticed.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::vectors::write::hexadecimal;
use crate::{Error, Result};

const BEGIN: &str = "{\"entry\":";
const MIDDLE: &str = ",\"sha256\":\"";
const END: &str = "\"}";
const DIGITS: usize = 64;

/// An entry as a line, its newline included.
pub(super) fn encode(entry: &impl Serialize) -> Result<String> {
    let json =
        serde_json::to_string(entry).map_err(|error| Error::Bug(format!("a manifest entry: {error}")))?;
    let digest = hexadecimal(&Sha256::digest(&json));
    Ok(format!("{BEGIN}{json}{MIDDLE}{digest}{END}\n"))
}

/// The entry of a line without its newline; `None` if any byte of it has changed.
pub(super) fn decode<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = std::str::from_utf8(line).ok()?;
    let body = line.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let (json, digest) = body.split_at_checked(body.len().checked_sub(DIGITS)?)?;
    let json = json.strip_suffix(MIDDLE)?;
    (hexadecimal(&Sha256::digest(json)) == digest).then(|| serde_json::from_str(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn an_entry_comes_back() {
        let line = encode(&vec!["é", "b\n"]).expect("a line");
        assert!(line.ends_with("\"}\n"));
        assert_eq!(decode::<Vec<String>>(line.trim_end().as_bytes()).expect("an entry"), ["é", "b\n"]);
    }

    #[test]
    fn any_other_byte_is_noticed() {
        let line = encode(&vec!["é", "b"]).expect("a line").trim_end().as_bytes().to_vec();
        for position in 0..line.len() {
            for bit in 0..8 {
                let mut other = line.clone();
                other[position] ^= 1 << bit;
                assert!(decode::<Vec<String>>(&other).is_none(), "byte {position}, bit {bit}");
            }
            assert!(decode::<Vec<String>>(&line[..position]).is_none());
        }
    }
}
