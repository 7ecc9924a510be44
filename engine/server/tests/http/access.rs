//! Keys, names and origins (rows 94 and 95).

use std::sync::Arc;

use nearsay_server::{ApiKeys, Config, Error, Server};
use serde_json::json;

use crate::served::{Served, config};

const KEY: &str = "a-good-key";

fn with_key(config: &mut Config) {
    config.keys = Arc::new(|| Ok(ApiKeys::default().with(KEY).unwrap()));
}

const METHODS: [&str; 7] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"];

/// The paths of all routes, and some that are none.
fn paths() -> Vec<(String, &'static str)> {
    let routes = nearsay_server::routes().map(|(path, methods)| (path.replace("{*name}", "bert"), methods));
    let others =
        ["/docs", "/unknown", "/v1", "/v1/unknown", "/embed/", "/health/", "/metrics/x", "/favicon.ico"];
    routes.chain(others.map(|path| (path.to_owned(), ""))).collect()
}

#[test]
fn every_route_and_method_needs_a_key_except_bare_health_and_ready() {
    let served = Served::with(with_key);
    for (path, methods) in paths() {
        for method in METHODS {
            let call = |key: Option<&str>| {
                let client = served.client();
                let mut client = match key {
                    Some(key) => client.with_key(key),
                    None => client,
                };
                client.request(method, &path, &[], b"{}")
            };
            let is_open = ["/health", "/ready"].contains(&path.as_str()) && ["GET", "HEAD"].contains(&method);
            for wrong in [None, Some("a-bad-key"), Some("A-GOOD-KEY"), Some("a-good-ke"), Some("a-good-key2")]
            {
                let answer = call(wrong);
                let expected = if is_open { 200 } else { 401 };
                assert_eq!(answer.status, expected, "{method} {path} with {wrong:?}: {}", answer.text());
                if expected == 401 {
                    assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {path}");
                    assert!(!answer.text().contains("a-good-key"));
                }
            }
            let answer = call(Some(KEY));
            assert!(!methods.is_empty() || answer.status == 404, "{method} {path}: {}", answer.status);
            match methods.split(", ").any(|known| known == method) {
                true => {
                    assert!([200, 400, 424].contains(&answer.status), "{method} {path}: {}", answer.text())
                }
                false if methods.is_empty() => {}
                false => {
                    assert_eq!(answer.status, 405, "{method} {path}");
                    assert_eq!(answer.header("allow"), Some(methods), "{method} {path}");
                }
            }
        }
    }
}

#[test]
fn a_key_may_be_in_either_header_and_models_may_be_open() {
    let served = Served::with(|config| {
        with_key(config);
        config.open_models = true;
    });
    let body = json!({"inputs": "river"}).to_string();
    let post =
        |headers: &[(&str, &str)]| served.client().request("POST", "/embed", headers, body.as_bytes()).status;
    assert_eq!(post(&[("x-api-key", KEY)]), 200);
    assert_eq!(post(&[("authorization", &format!("bearer {KEY}"))]), 200);
    assert_eq!(post(&[("authorization", KEY)]), 401);
    assert_eq!(served.client().get("/v1/models").status, 200);
    assert_eq!(served.client().request("HEAD", "/v1/models", &[], b"").status, 200);
    assert_eq!(served.client().get("/v1/models/bert").status, 200);
    assert_eq!(served.client().get("/info").status, 401);
    let message = served.client().get("/info").tei_error(401, "Validation");
    assert_eq!(message, "a key of this server is needed, as Authorization: Bearer KEY or X-API-Key: KEY");
    let message =
        served.client().post("/v1/embeddings", &json!({})).openai_error(401, Some("invalid_api_key"));
    assert!(message.starts_with("a key"));
}

#[test]
fn foreign_names_and_pages_are_refused_before_any_work() {
    let served = Served::with(|config| {
        config.allowed_hosts = vec!["embed.example".to_owned()];
        config.origins = vec!["https://app.example".to_owned()];
    });
    let get = |headers: &[(&str, &str)]| served.client().request("GET", "/health", headers, b"");
    for host in ["evil.example", "evil.example:8080", "", "127.0.0.1.evil.example", "10.1.2.3"] {
        let answer = get(&[("host", host)]);
        assert_eq!(answer.status, 403, "{host}");
        assert!(answer.header("access-control-allow-origin").is_none());
    }
    for host in ["localhost:1", "127.0.0.1", "[::1]:8080", "embed.example"] {
        assert_eq!(get(&[("host", host)]).status, 200, "{host}");
    }
    for origin in ["https://evil.example", "null", "http://localhost:3000"] {
        let answer = get(&[("origin", origin)]);
        assert_eq!(answer.status, 403, "{origin}");
        assert!(answer.header("access-control-allow-origin").is_none());
    }
    let allowed = get(&[("origin", "https://app.example")]).with(200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(allowed.header("vary"), Some("origin"));
    let message = served.client().request("GET", "/v1/models", &[("host", "evil.example")], b"");
    assert!(message.openai_error(403, Some("forbidden")).contains("got \"evil.example\""));
    let whole_url = served.client().request("GET", "http://evil.example/health", &[], b"");
    assert_eq!(whole_url.status, 403);
}

#[test]
fn browsers_may_ask_before_they_send_without_a_key() {
    let served = Served::with(|config| {
        with_key(config);
        config.origins = vec!["https://app.example".to_owned()];
    });
    let ask = |origin: &str, headers: &[(&str, &str)]| {
        let headers = [&[("origin", origin)], headers].concat();
        served.client().request("OPTIONS", "/v1/embeddings", &headers, b"")
    };
    let preflight = [("access-control-request-method", "POST")];
    let answer = ask("https://app.example", &preflight).with(204);
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(ask("https://evil.example", &preflight).status, 403);
    let without_key = ask("https://app.example", &[]).with(401);
    assert_eq!(without_key.header("access-control-allow-origin"), Some("https://app.example"));
}

#[test]
fn other_machines_need_a_key_or_the_wish_for_none() {
    let bind = |change: fn(&mut Config)| {
        let mut config = config();
        config.listen = vec!["0.0.0.0:0".parse().unwrap()];
        change(&mut config);
        Server::bind(config)
    };
    assert!(matches!(bind(|_| ()), Err(Error::OpenToOthers { address }) if address == "0.0.0.0:0"));
    assert!(bind(with_key).is_ok());
    assert!(bind(|config| config.insecure = true).is_ok());
}
