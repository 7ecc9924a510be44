//! Starting, ending, and sockets (rows 93, 101).

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use nearsay_server::{Error, Listen, ModelSource, Server};
use nearsay_tests::signals::wait_until;
use serde_json::json;

use crate::served::{Served, config};

#[test]
fn a_server_listens_while_it_loads_and_says_so() {
    let (let_go, gate) = mpsc::channel::<()>();
    let (sender, ready) = mpsc::channel();
    let gate = Mutex::new(gate);
    let served = Served::starting(
        |config| {
            let open = config.open.clone();
            config.open = Arc::new(move |name| {
                let _ = gate.lock().unwrap().recv();
                open(name)
            });
        },
        move || sender.send(()).unwrap(),
    );
    served.client().get("/health").with(200);
    served.client().get("/ready").with(503);
    let answer = served.client().post("/v1/embeddings", &json!({"input": "a"}));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.openai_error(503, Some("unavailable")).contains("being loaded"));
    served.client().post("/embed", &json!({"inputs": "a"})).tei_error(503, "Unhealthy");
    let_go.send(()).unwrap();
    ready.recv_timeout(Duration::from_secs(30)).unwrap();
    wait_until("ready", || served.client().get("/ready").status == 200);
    served.client().post("/embed", &json!({"inputs": "a"})).with(200);
}

#[test]
fn a_model_that_cannot_be_loaded_ends_the_server() {
    let served = Served::starting(
        |config| {
            config.models = vec![ModelSource { name: "bert".into(), source: "/no/such/folder".into() }];
        },
        || panic!("it is never ready"),
    );
    let Err(Error::Engine(error)) = served.join() else { panic!("it has ended well") };
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}

#[test]
fn row_93_requests_in_flight_finish_and_new_ones_are_refused() {
    let served = Served::with(|config| config.limits.drain_delay = Duration::from_secs(3));
    let texts: Vec<String> = (0..1000).map(|number| format!("river {number} the old mill")).collect();
    let body = json!({ "inputs": texts }).to_string();
    let mut idle = served.client();
    idle.get("/ready").with(200);
    let mut busy = served.client();
    busy.send(busy.message("POST", "/embed", &[], body.as_bytes()));
    served.control.drain();
    // Until the delay is over, requests are served, but the system is told to send no more.
    idle.get("/ready").with(503);
    idle.post("/embed", &json!({"inputs": "river"})).with(200);
    assert_eq!(busy.answer().with(200).json().as_array().unwrap().len(), 1000);
    assert!(idle.is_closed());
    let address = served.address.clone();
    let start = Instant::now();
    served.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    let refused = std::net::TcpStream::connect(address.trim_start_matches("http://"));
    assert!(refused.is_err());
}

#[test]
fn row_93_a_server_that_loads_can_be_ended() {
    let (_hold, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let served = Served::starting(
        |config| {
            let open = config.open.clone();
            config.open = Arc::new(move |name| {
                let _ = gate.lock().unwrap().recv_timeout(Duration::from_secs(20));
                open(name)
            });
        },
        || panic!("it is never ready"),
    );
    served.control.drain();
    let start = Instant::now();
    served.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn row_101_an_address_in_use_is_named() {
    let served = Served::new();
    let taken = served.address.trim_start_matches("http://").to_owned();
    let mut second = config();
    second.listen = vec![taken.parse().unwrap()];
    let Err(Error::Address { address, .. }) = Server::bind(second) else { panic!("bound twice") };
    assert_eq!(address, taken);
}

#[test]
fn row_101_ipv6_and_several_addresses() {
    let mut both = config();
    both.listen = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    let server = match Server::bind(both) {
        // This machine has no IPv6.
        Err(Error::Address { address, .. }) if address == "[::1]:0" => return,
        server => server.unwrap(),
    };
    let addresses = server.addresses();
    assert!(addresses[0].starts_with("http://127.0.0.1:") && addresses[1].starts_with("http://[::1]:"));
    assert!(!addresses.iter().any(|address| address.ends_with(":0")), "{addresses:?}");
}

#[test]
fn a_unix_socket_is_made_used_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("embed.sock");
    // A socket that nobody listens on is left by a process that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let served = Served::with(|config| config.listen.push(Listen::Unix(path.clone())));
    let mut second = config();
    second.listen = vec![Listen::Unix(path.clone())];
    assert!(matches!(Server::bind(second), Err(Error::Address { .. })));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert!([0o600, 0o660].contains(&mode), "{mode:o}");
    let mut stream = UnixStream::connect(&path).unwrap();
    // A proxy in front of it passes on the name that it was asked by.
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: embed.example\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    drop(served);
    assert!(!path.exists());
    let mut third = config();
    std::fs::write(&path, "a file").unwrap();
    third.listen = vec![Listen::Unix(path.clone())];
    assert!(Server::bind(third).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"a file");
}

#[test]
fn names_of_models_are_distinct_and_aliases_have_one() {
    for (alias, of) in [("bert", "bert"), ("other", "none"), ("", "bert")] {
        let mut bad = config();
        bad.aliases = vec![(alias.to_owned(), of.to_owned())];
        assert!(matches!(Server::bind(bad), Err(Error::Engine(_))), "{alias}={of}");
    }
}
