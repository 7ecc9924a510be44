//! API keys.

use std::fmt;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use subtle::{Choice, ConstantTimeEq};

/// Reads the accepted keys: at the start, and at each reload.
pub type ReadKeys = Arc<dyn Fn() -> Result<ApiKeys, crate::Error> + Send + Sync>;

/// The accepted keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ApiKeys(Vec<String>);

impl ApiKeys {
    /// The keys in a file: one per line, without blank lines and those that start with `#`. Blanks and carriage returns at
    /// the ends of lines are not part of a key.
    ///
    /// # Errors
    /// A sentence about the first line that cannot be a key, which does not repeat it; about a file without keys.
    pub fn from_file(text: &str) -> Result<Self, String> {
        let mut keys = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let key = line.trim();
            if !key.is_empty() && !key.starts_with('#') {
                keys = keys.with(key).map_err(|rule| format!("line {number}: {rule}"))?;
            }
        }
        match keys.is_empty() {
            true => Err("it has no key: one key per line is needed".to_owned()),
            false => Ok(keys),
        }
    }

    /// These keys and another.
    ///
    /// # Errors
    /// A sentence if it cannot be sent in a header.
    pub fn with(mut self, key: &str) -> Result<Self, String> {
        let key = key.trim();
        let is_sent = |c: char| c.is_ascii_graphic();
        match key.chars().position(|c| !is_sent(c)) {
            _ if key.is_empty() => Err("a key must have at least one character, got none".to_owned()),
            Some(place) => Err(format!(
                "a key must be printable ASCII without blanks, and character {} is not",
                place + 1
            )),
            None => {
                self.0.push(key.to_owned());
                Ok(self)
            }
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the request may go on: no key is asked for, or it has one of them, as `Authorization: Bearer KEY` or
    /// `X-API-Key: KEY`. The time does not depend on where a key differs.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        if self.is_empty() {
            return true;
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        let header = headers.get("x-api-key").map(|value| value.as_bytes());
        [bearer, header].into_iter().flatten().any(|given| self.has(given))
    }

    fn has(&self, given: &[u8]) -> bool {
        let found = self.0.iter().fold(Choice::from(0), |found, key| found | key.as_bytes().ct_eq(given));
        found.into()
    }
}

/// The number of keys, not the keys.
impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} keys", self.0.len())
    }
}

/// The key of `Bearer KEY`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(keys: &ApiKeys, name: &'static str, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        keys.admit(&headers)
    }

    #[test]
    fn a_key_is_compared_whole_and_by_case() {
        let keys = ApiKeys::from_file("# two\r\nfirst-key\r\n\r\n  second \n").unwrap();
        assert_eq!(format!("{keys:?}"), "2 keys");
        for (name, value) in [
            ("authorization", "Bearer first-key"),
            ("authorization", "bearer second"),
            ("authorization", "Bearer  second "),
            ("x-api-key", "second"),
        ] {
            assert!(admits(&keys, name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("authorization", "Bearer First-Key"),
            ("authorization", "Bearer first-ke"),
            ("authorization", "Bearer first-key-"),
            ("authorization", "first-key"),
            ("authorization", "Basic first-key"),
            ("authorization", "Bearer "),
            ("x-api-key", "SECOND"),
            ("x-api-key", "# two"),
            ("api-key", "second"),
        ] {
            assert!(!admits(&keys, name, value), "{name}: {value}");
        }
        assert!(!keys.admit(&HeaderMap::new()) && ApiKeys::default().admit(&HeaderMap::new()));
    }

    #[test]
    fn a_file_without_keys_or_with_a_bad_one_is_refused() {
        assert!(ApiKeys::from_file("# none\n\n").unwrap_err().contains("no key"));
        let error = ApiKeys::from_file("good\nnot good\n").unwrap_err();
        assert_eq!(error, "line 2: a key must be printable ASCII without blanks, and character 4 is not");
    }
}
