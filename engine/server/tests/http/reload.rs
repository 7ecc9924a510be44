//! Keys and models are read again (rows 120, 121, 127 and 131).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearsay_server::ApiKeys;
use nearsay_tests::signals::wait_until;
use serde_json::{Value, json};

use crate::folder::{Folder, Openings};
use crate::served::Served;

struct Reloading {
    folder: Folder,
    openings: Openings,
    served: Served,
}

impl Reloading {
    fn new() -> Self {
        let (folder, openings) = (Folder::new(), Openings::default());
        let served = Served::with(|config| {
            config.models = vec![folder.source()];
            openings.watch(config);
        });
        Self { folder, openings, served }
    }

    fn vector(&self) -> Value {
        self.served.client().post("/embed", &json!({"inputs": "the old mill"})).with(200).json()
    }

    fn sha256(&self) -> Value {
        self.served.client().get("/v1/models/bert").with(200).json()["sha256"].take()
    }
}

#[test]
fn row_120_no_request_fails_while_a_model_is_replaced() {
    let reloading = Reloading::new();
    let (before, sha256) = (reloading.vector(), reloading.sha256());
    let (is_over, seen) = (AtomicBool::new(false), Mutex::new(vec![before.clone()]));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = reloading.served.client();
                while !is_over.load(Ordering::Relaxed) {
                    let body = json!({"inputs": "the old mill"});
                    let vector = client.post("/embed", &body).with(200).json();
                    let mut seen = seen.lock().unwrap();
                    if !seen.contains(&vector) {
                        seen.push(vector);
                    }
                }
            });
        }
        for _ in 0..3 {
            let old = reloading.sha256();
            reloading.folder.change_weights();
            // Twice, and once more while it reads.
            (0..3).for_each(|_| reloading.served.control.reload());
            wait_until("the model is replaced", || reloading.sha256() != old);
            reloading.served.control.reload();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(reloading.sha256() != sha256 && reloading.vector() != before);
    // The model of the start, and the three after it; none of their mixtures.
    let seen = seen.into_inner().unwrap();
    assert!((2..=4).contains(&seen.len()), "{}", seen.len());
    wait_until("the old models are freed", || reloading.openings.used() == 1);
    assert_eq!(reloading.openings.most_used(), 2);
}

#[test]
fn a_model_whose_files_are_the_same_stays() {
    let reloading = Reloading::new();
    let before = reloading.vector();
    reloading.served.control.reload();
    wait_until("the files are read", || reloading.openings.count() == 2);
    wait_until("and compared", || reloading.openings.used() == 1);
    let first = reloading.served.client().get("/v1/models/bert").with(200).json();
    // A time in whole seconds shows that it is not another copy.
    std::thread::sleep(Duration::from_millis(1100));
    reloading.served.control.reload();
    wait_until("the files are read again", || reloading.openings.count() == 3);
    wait_until("and compared again", || reloading.openings.used() == 1);
    assert_eq!(reloading.served.client().get("/v1/models/bert").with(200).json(), first);
    assert_eq!(reloading.vector(), before);
}

#[test]
fn rows_120_and_121_a_broken_model_is_not_taken() {
    let reloading = Reloading::new();
    let (before, sha256) = (reloading.vector(), reloading.sha256());
    reloading.folder.break_config();
    reloading.served.control.reload();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!((reloading.vector(), reloading.sha256()), (before.clone(), sha256.clone()));
    reloading.folder.mend_config();
    // Weights that are truncated in place, as by a copy that was broken off.
    let weights = reloading.folder.path().join("model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    reloading.served.control.reload();
    wait_until("the files are read", || reloading.openings.count() >= 2);
    wait_until("and left", || reloading.openings.used() == 1);
    assert_eq!((reloading.vector(), reloading.sha256()), (before, sha256.clone()));
    std::fs::write(&weights, &whole).unwrap();
    reloading.folder.change_weights();
    reloading.served.control.reload();
    wait_until("it is replaced", || reloading.sha256() != sha256);
}

#[test]
fn all_that_ask_while_it_reads_get_one_more_reading() {
    let reloading = Reloading::new();
    let let_go = reloading.openings.hold();
    reloading.served.control.reload();
    wait_until("it reads", || reloading.openings.count() == 2);
    (0..5).for_each(|_| reloading.served.control.reload());
    (0..5).for_each(|_| let_go.send(()).unwrap());
    wait_until("it reads once more", || reloading.openings.count() == 3);
    wait_until("and ends", || reloading.openings.used() == 1);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!((reloading.openings.count(), reloading.openings.most_used()), (3, 2));
}

#[test]
fn a_model_is_not_read_before_the_last_requests_of_the_one_before_are_done() {
    let reloading = Reloading::new();
    // A request that has its model, and whose body does not end.
    let mut slow = reloading.served.client();
    let body = json!({"inputs": "the old mill"}).to_string();
    let before = slow.post_text("/embed_all", &body).with(200).json();
    let message = slow.message("POST", "/embed_all", &[], body.as_bytes());
    slow.send(&message[..message.len() - 1]);
    std::thread::sleep(Duration::from_millis(100));
    let sha256 = reloading.sha256();
    reloading.folder.change_weights();
    reloading.served.control.reload();
    wait_until("it is replaced", || reloading.sha256() != sha256);
    reloading.folder.change_weights();
    reloading.served.control.reload();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((reloading.openings.count(), reloading.openings.used()), (2, 2));
    slow.send(&message[message.len() - 1..]);
    assert_eq!(slow.answer().with(200).json(), before);
    wait_until("it is replaced again", || reloading.openings.count() == 3 && reloading.openings.used() == 1);
}

#[test]
fn row_131_a_server_that_reads_again_can_be_ended() {
    let reloading = Reloading::new();
    let _hold = reloading.openings.hold();
    reloading.served.control.reload();
    wait_until("it reads", || reloading.openings.count() == 2);
    reloading.vector();
    reloading.served.control.drain();
    let start = Instant::now();
    reloading.served.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn row_127_keys_are_read_again_and_stay_if_that_fails() {
    let text = Arc::new(Mutex::new(Some("old\n")));
    let of_server = text.clone();
    let served = Served::with(|config| {
        config.keys = Arc::new(move || match *of_server.lock().unwrap() {
            Some(text) => Ok(ApiKeys::from_file(text).unwrap()),
            None => Err(nearsay::Error::Closed.into()),
        });
    });
    let status = |key: &str| served.client().with_key(key).get("/info").status;
    assert_eq!([status("old"), status("new")], [200, 401]);
    *text.lock().unwrap() = Some("# rotated\nnew\n");
    assert_eq!(status("old"), 200);
    served.control.reload();
    wait_until("the new key is read", || status("new") == 200);
    assert_eq!(status("old"), 401);
    *text.lock().unwrap() = None;
    served.control.reload();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!([status("old"), status("new")], [401, 200]);
}
