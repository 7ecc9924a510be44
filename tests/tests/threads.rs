//! Callers share a session's threads. This is a separate binary because it counts the threads of its process.

use nearsay::{DeviceChoice, EmbedOptions, Session, SessionOptions};
use nearsay_tests::fixture;

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc").count()
}

#[test]
fn callers_add_no_threads() {
    let model = fixture("sentence-transformers/dense-prompts");
    let options = SessionOptions::default().device(DeviceChoice::Cpu).threads(2);
    let session = Session::with(model.to_str().unwrap(), &options).unwrap();
    let embedder = session.embedder(&EmbedOptions::default()).unwrap();
    let texts: Vec<String> = (0..300).map(|row| format!("the river {row}")).collect();
    embedder.embed(&texts).unwrap();
    let (before, callers) = (threads(), 16);
    let most = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(|| {
                    let mut most = 0;
                    for _ in 0..5 {
                        embedder.embed(&texts).unwrap();
                        most = most.max(threads());
                    }
                    most
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).max().unwrap()
    });
    assert!(most <= before + callers, "{before} threads before, then {most} with {callers} callers");
}
