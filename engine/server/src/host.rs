//! Which names a request may address, and which web pages may send it.
//!
//! A web page can make a browser send requests to this machine: directly, which `Origin` shows, or by a name of its own
//! that points here (DNS rebinding), which `Host` shows. Both are checked before anything else.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderValue, ORIGIN};

use crate::errors::{Reason, Refusal};
use crate::json::shown;

/// The names and origins that are allowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed {
    hosts: Vec<String>,
    origins: Vec<String>,
    /// Whether the server listens on an address that others can reach: then all addresses are allowed as names. A name
    /// of a foreign page is never an address.
    addresses: bool,
}

impl Allowed {
    pub(crate) fn new(hosts: &[String], origins: &[String], addresses: bool) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { hosts: lower(hosts), origins: lower(origins), addresses }
    }

    /// Refuses a request that is addressed to another name. `authority` is that of a request line with a whole URL.
    pub(crate) fn check_host(&self, headers: &HeaderMap, authority: Option<&str>) -> Result<(), Refusal> {
        let header = headers.get(HOST).and_then(|value| value.to_str().ok());
        let found = authority.or(header).unwrap_or_default();
        let is_single = headers.get_all(HOST).iter().count() <= 1;
        if is_single && self.has_host(found) && header.is_none_or(|header| self.has_host(header)) {
            return Ok(());
        }
        let message = format!(
            "Host must be a name of this machine's loopback or one that the server's `allow-host` names, got {}",
            shown(found)
        );
        Err(Refusal::new(Reason::Forbidden, message))
    }

    fn has_host(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        if name.is_empty() {
            return false;
        }
        if self.hosts.iter().any(|allowed| allowed == "*" || *allowed == name) {
            return true;
        }
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        match address {
            Some(address) => self.addresses || address.to_canonical().is_loopback(),
            None => name == "localhost" || name.ends_with(".localhost"),
        }
    }

    /// The origin of the web page that sends the request, if one does and it may.
    pub(crate) fn check_origin<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> Result<Option<&'a HeaderValue>, Refusal> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(None) };
        let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        if text != "null" && self.origins.contains(&text) {
            return Ok(Some(origin));
        }
        let message = format!(
            "web pages of the origin {} may not use this server: its `cors-origin` names those that may",
            shown(&text)
        );
        Err(Refusal::new(Reason::Forbidden, message))
    }
}

/// The name in `name:port` and `[address]:port`.
fn without_port(host: &str) -> &str {
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && (name.ends_with(']') || !name.contains(':')) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(allowed: &Allowed, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        allowed.check_host(&headers, None).is_ok()
    }

    #[test]
    fn loopback_has_its_names_and_no_others() {
        let allowed = Allowed::new(&["Embed.Example".to_owned()], &[], false);
        for host in [
            "localhost",
            "localhost:8080",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "a.localhost",
            "embed.example:80",
        ] {
            assert!(passes(&allowed, host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "evil.example:127.0.0.1",
            "127.0.0.1.evil.example",
            "localhost:8080:evil",
            ":80",
        ] {
            assert!(!passes(&allowed, host), "{host}");
        }
        assert!(allowed.check_host(&HeaderMap::new(), None).is_err());
        assert!(passes(&Allowed::new(&["*".to_owned()], &[], false), "evil.example"));
    }

    #[test]
    fn both_names_of_a_request_must_be_allowed() {
        let (allowed, mut headers) = (Allowed::default(), HeaderMap::new());
        headers.insert(HOST, "localhost".parse().unwrap());
        assert!(allowed.check_host(&headers, Some("localhost:80")).is_ok());
        assert!(allowed.check_host(&headers, Some("evil.example")).is_err());
        headers.append(HOST, "evil.example".parse().unwrap());
        assert!(allowed.check_host(&headers, None).is_err());
    }

    #[test]
    fn a_server_for_others_takes_addresses() {
        let allowed = Allowed::new(&[], &[], true);
        assert!(passes(&allowed, "10.0.0.1:8080") && passes(&allowed, "[2001:db8::1]:80"));
        assert!(!passes(&allowed, "evil.example"));
    }

    #[test]
    fn origins_are_those_that_are_named() {
        let allowed = Allowed::new(&[], &["https://app.example".to_owned(), "null".to_owned()], false);
        let check = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGIN, origin.parse().unwrap());
            allowed.check_origin(&headers).is_ok()
        };
        assert!(check("https://app.example") && check("HTTPS://APP.example"));
        for origin in
            ["http://app.example", "https://app.example.evil", "null", "", "https://app.example:444"]
        {
            assert!(!check(origin), "{origin}");
        }
        assert!(matches!(allowed.check_origin(&HeaderMap::new()), Ok(None)));
    }
}
