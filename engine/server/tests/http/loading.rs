//! Models that are loaded at their first request, and freed (row 122).

use std::time::{Duration, Instant};

use nearsay_tests::signals::wait_until;
use serde_json::json;

use crate::folder::{Folder, Openings};
use crate::served::{DIMENSIONS, MODEL, Served};

/// A server with two models, `bert` and `other`, which are loaded at their first requests.
fn lazy(openings: &Openings) -> (Folder, Served) {
    let folder = Folder::new();
    let served = Served::with(|config| {
        let mut other = folder.source();
        other.name = "other".to_owned();
        config.models.push(other);
        config.is_lazy = true;
        openings.watch(config);
    });
    (folder, served)
}

#[test]
fn a_model_is_loaded_once_at_its_first_request() {
    let openings = Openings::default();
    let let_go = openings.hold();
    let (_folder, served) = lazy(&openings);
    served.client().get("/ready").with(200);
    served.client().get("/metrics").with(200);
    let list = served.client().get("/v1/models").with(200).json();
    assert_eq!(list["data"][1], json!({"id": "other", "object": "model", "owned_by": "nearsay"}));
    let info = served.client().get("/info").with(200).json();
    assert!(info["served_model_name"] == "bert" && info.get("dimensions").is_none(), "{info}");
    assert_eq!(openings.count(), 0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answer =
                    served.client().post("/v1/embeddings", &json!({"input": "river", "model": "bert"}));
                answer.with(200);
            });
        }
        wait_until("it is being loaded", || openings.count() == 1);
        std::thread::sleep(Duration::from_millis(200));
        let_go.send(()).unwrap();
    });
    assert_eq!(openings.count(), 1);
    let list = served.client().get("/v1/models").with(200).json();
    assert_eq!(
        (&list["data"][0]["dimensions"], list["data"][1].get("dimensions")),
        (&DIMENSIONS.into(), None)
    );
    assert_eq!(served.client().get("/info").with(200).json()["dimensions"], DIMENSIONS);
}

#[test]
fn row_122_a_request_waits_for_a_load_until_its_deadline_and_others_are_served() {
    let openings = Openings::default();
    let (_folder, served) = lazy(&openings);
    served.client().post("/embed", &json!({"inputs": "river"})).with(200);
    let let_go = openings.hold();
    let body = json!({"input": "river", "model": "other"}).to_string();
    let headers = [("x-nearsay-timeout-ms", "200")];
    let start = Instant::now();
    let late = served.client().request("POST", "/v1/embeddings", &headers, body.as_bytes());
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!(late.header("retry-after"), Some("1"));
    let message = late.openai_error(503, Some("unavailable"));
    assert!(message.contains("other is being loaded"), "{message}");
    served.client().post("/embed", &json!({"inputs": "river"})).with(200);
    // The load goes on without the client that caused it.
    let_go.send(()).unwrap();
    served.client().post_text("/v1/embeddings", &body).with(200);
    assert_eq!(openings.count(), 2);
}

#[test]
fn row_122_a_load_that_fails_gives_its_reason_and_the_next_request_tries_again() {
    let openings = Openings::default();
    let (_folder, served) = lazy(&openings);
    openings.fail(true);
    let body = json!({"input": "river", "model": "other"});
    let failed = served.client().post("/v1/embeddings", &body);
    assert_eq!(failed.header("retry-after"), Some("5"));
    let message = failed.openai_error(503, Some("unavailable"));
    assert!(
        message.contains("other cannot be loaded") && message.contains("weight of this test"),
        "{message}"
    );
    served.client().get("/health").with(200);
    openings.fail(false);
    served.client().post("/v1/embeddings", &body).with(200);
}

#[test]
fn a_model_without_requests_is_freed_and_loaded_again() {
    let openings = Openings::default();
    let served = Served::with(|config| {
        config.unload_after = Some(Duration::from_secs(1));
        openings.watch(config);
    });
    let ask = || served.client().post("/embed", &json!({"inputs": "river"})).with(200).json();
    let first = ask();
    // In use, it stays.
    for _ in 0..15 {
        std::thread::sleep(Duration::from_millis(100));
        ask();
    }
    assert_eq!((openings.count(), openings.used()), (1, 1));
    // A request that takes longer than that keeps it, too.
    let mut slow = served.client();
    let message = slow.message("POST", "/embed_all", &[], b"{\"inputs\": \"river\"}");
    slow.send(&message[..message.len() - 1]);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(openings.used(), 1);
    slow.send("}");
    slow.answer().with(200);
    wait_until("it is freed", || openings.used() == 0);
    assert!(!served.client().get("/metrics").with(200).text().contains("nearsay_model_info{"));
    // It is not read while nobody needs it.
    served.control.reload();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(openings.count(), 1);
    assert_eq!(ask(), first);
    assert_eq!(openings.count(), 2);
}

#[test]
fn a_server_that_loads_at_a_request_can_be_ended() {
    let openings = Openings::default();
    let _hold = openings.hold();
    let (_folder, served) = lazy(&openings);
    let mut client = served.client();
    let headers = [("x-nearsay-timeout-ms", "500")];
    client.send(client.message("POST", "/embed", &headers, b"{\"inputs\": \"river\"}"));
    wait_until("it is being loaded", || openings.count() == 1);
    served.control.drain();
    client.answer().tei_error(503, "Unhealthy");
    let start = Instant::now();
    served.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn models_that_are_not_loaded_have_their_names() {
    let openings = Openings::default();
    let (_folder, served) = lazy(&openings);
    for name in ["bert", "text-embedding-3-small"] {
        assert_eq!(served.client().get(&format!("/v1/models/{name}")).with(200).json()["id"], "bert");
    }
    let body = json!({"input": "river", "model": "none"});
    let message = served.client().post("/v1/embeddings", &body).openai_error(404, Some("model_not_found"));
    assert!(message.contains("bert, other"), "{message}");
    assert_eq!(openings.count(), 0);
    let source = nearsay_tests::fixture(MODEL).display().to_string();
    served.client().post("/v1/embeddings", &json!({"input": "river", "model": source})).with(200);
}
