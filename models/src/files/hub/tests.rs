use std::net::TcpListener;
use std::time::Duration;

use super::*;

/// Downloads themselves are tested with a hub in tests/tests/downloads.rs.
#[test]
fn a_hub_that_accepts_and_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let cache = tempfile::tempdir().unwrap();
    let repository = Repository::parse("org/name").unwrap();
    let fetch = Fetch::new(&repository, cache.path(), &HubOptions::default(), &endpoint);
    let signs = start(Box::new(fetch), Fetch::list);
    let result = watch(&signs, Duration::from_millis(100), &mut DownloadProgress::default(), None);
    let Err(Failure::Failed { reason, hint, .. }) = result else { panic!("it answered") };
    assert!(reason.contains("no answer") && hint.unwrap().contains("network"), "{reason}");
}
