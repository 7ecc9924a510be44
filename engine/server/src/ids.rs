//! Ids of requests, and of traces.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;

/// The longest id that is taken over from a client.
const LONGEST: usize = 128;

/// A source of ids that no other process has.
#[derive(Debug)]
pub(crate) struct Ids {
    process: u64,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self { process: RandomState::new().hash_one(std::process::id()), next: AtomicU64::new(1) }
    }

    /// The id of a request: that in `x-request-id` if it is clean, else a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> String {
        let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        match given.filter(|id| is_clean(id)) {
            Some(id) => id.to_owned(),
            None => format!("{:016x}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// Whether an id may be written to headers and logs as it is.
pub(crate) fn is_clean(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(is_plain)
}

/// The `traceparent` of a request, if it has the form of W3C Trace Context: `00-32 digits-16 digits-2 digits`.
pub(crate) fn trace(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    (lengths == [2, 32, 16, 2] && parts.into_iter().all(is_hex)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn clean_ids_are_taken_over_and_others_replaced() {
        let ids = Ids::new();
        assert_eq!(ids.of(&headers("x-request-id", "req_1/a.b-c:2")), "req_1/a.b-c:2");
        let first = ids.of(&headers("x-request-id", "a b"));
        assert!(is_clean(&first) && first != ids.of(&HeaderMap::new()));
        for id in ["", "a\tb", "a\"b", "ä", &"x".repeat(129)] {
            assert!(!is_clean(id), "{id}");
        }
    }

    #[test]
    fn traces_have_the_form_of_the_standard() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace(&headers("traceparent", good)), Some(good));
        for bad in ["00-4bf9-00f0-01", &good.to_uppercase(), &format!("{good}-x"), "x"] {
            assert_eq!(trace(&headers("traceparent", bad)), None, "{bad}");
        }
    }
}
