//! Sending signals to running processes.

use std::io::{Read, Write};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Waits, for at most 20 seconds, until a condition is true.
///
/// # Panics
/// If it never is.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a signal (`-TERM`).
///
/// # Panics
/// If it cannot be sent.
pub fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

/// Sends a signal and returns the exit code and stderr.
///
/// # Panics
/// If the process is still running after five seconds, or panicked.
pub fn end_by(signal: &str, mut child: Child) -> (Option<i32>, String) {
    send(signal, &child);
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("waited") {
            Some(status) => break status,
            None if start.elapsed() > Duration::from_secs(5) => {
                child.kill().expect("killed");
                panic!("still there 5 s after {signal}");
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let mut stderr = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut stderr).expect("read");
    assert!(!stderr.contains("panicked at"), "{stderr}");
    (status.code(), stderr)
}

/// Feeds rows for as long as the process reads them.
///
/// # Panics
/// If the process has no pipe as its standard input.
pub fn feed_for_ever(child: &mut Child) {
    let mut stdin = child.stdin.take().expect("stdin");
    std::thread::spawn(move || while stdin.write_all(&b"a river over the cat\n".repeat(1000)).is_ok() {});
}
