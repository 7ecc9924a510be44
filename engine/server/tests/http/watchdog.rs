//! An encoder that hangs ends the server (row 118).

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use nearsay::{Devices, EmbedOptions, Session, SessionOptions, Workers};
use nearsay_server::Error;
use serde_json::json;

use crate::served::Served;

#[test]
fn row_118_an_encoder_that_hangs_ends_the_server() {
    let one = std::num::NonZero::<usize>::MIN;
    let workers = Workers::new(Some(one));
    let session = Arc::new(Mutex::new(None));
    let of_server = session.clone();
    let served = Served::with(|config| {
        config.limits.hang = Duration::from_secs(1);
        config.open = Arc::new(move |name| {
            let options = SessionOptions::default().devices(Devices::cpu()).workers(workers.clone());
            let session = Session::with(name, &options)?;
            *of_server.lock().unwrap() = Some(session.clone());
            Ok(session)
        });
    });
    served.client().post("/embed", &json!({"inputs": "river"})).with(200);
    // The only thread that encodes waits for a message, which never comes.
    let (sender, never) = mpsc::channel::<()>();
    let never = Mutex::new(never);
    let session: Session = session.lock().unwrap().take().unwrap();
    let embedder = session.embedder(&EmbedOptions::default()).unwrap();
    let embedder = embedder.with_progress(move |_| {
        let _ = never.lock().unwrap().recv();
    });
    std::thread::spawn(move || embedder.embed(&["the old mill"; 100]));
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    let waiting = served.client().post("/embed", &json!({"inputs": "river"}));
    let message = waiting.tei_error(503, "Unhealthy");
    assert!(message.contains("the encoder hangs"), "{message}");
    assert!((1000..10_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    let Err(Error::Hung { what, seconds, limit }) = served.join() else { panic!("it ended well") };
    // The thread tokenizes, too.
    assert!(what == "tokenization" || what.contains("tokens"), "{what}");
    assert!(seconds > limit && limit >= 1.0, "{seconds} {limit}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    drop(sender);
}
