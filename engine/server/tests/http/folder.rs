//! A model in a folder of its own, whose files change while a server has it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use nearsay::session::SessionWatch;
use nearsay::{Devices, Error, Session, SessionOptions};
use nearsay_server::{Config, ModelSource};
use nearsay_tests::fixture;

use crate::served::MODEL;

/// A copy of the tiny model.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for file in std::fs::read_dir(fixture(MODEL)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn source(&self) -> ModelSource {
        ModelSource { name: "bert".to_owned(), source: self.path().display().to_string() }
    }

    /// Replaces the weights by others: some are halved.
    pub(crate) fn change_weights(&self) {
        let path = self.path().join("model.safetensors");
        let mut bytes = std::fs::read(&path).unwrap();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        for value in bytes[header..].chunks_exact_mut(4).step_by(7) {
            let half = f32::from_le_bytes(value.try_into().unwrap()) / 2.0;
            value.copy_from_slice(&half.to_le_bytes());
        }
        let new = self.path().join("new");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    /// Writes a config that no model has.
    pub(crate) fn break_config(&self) {
        std::fs::write(self.path().join("config.json"), "{\"model_type\": \"bert\"}").unwrap();
    }

    pub(crate) fn mend_config(&self) {
        std::fs::copy(fixture(MODEL).join("config.json"), self.path().join("config.json")).unwrap();
    }
}

/// What a server has opened, and when it may go on.
#[derive(Clone, Default)]
pub(crate) struct Openings(Arc<State>);

#[derive(Default)]
struct State {
    count: AtomicUsize,
    sessions: Mutex<Vec<SessionWatch>>,
    most_used: Mutex<usize>,
    gate: Mutex<Option<mpsc::Receiver<()>>>,
    fails: Mutex<bool>,
}

impl Openings {
    /// Watches the models of this configuration.
    pub(crate) fn watch(&self, config: &mut Config) {
        let this = self.clone();
        config.open = Arc::new(move |name| this.open(name));
    }

    fn open(&self, name: &str) -> nearsay::Result<Session> {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        let session = Session::with(name, &SessionOptions::default().devices(Devices::cpu()))?;
        self.0.sessions.lock().unwrap().push(session.watch());
        if let Some(gate) = &*self.0.gate.lock().unwrap() {
            let _ = gate.recv();
        }
        let used = self.used();
        let mut most = self.0.most_used.lock().unwrap();
        *most = used.max(*most);
        match *self.0.fails.lock().unwrap() {
            true => Err(Error::NonFinite { what: "a weight of this test".to_owned() }),
            false => Ok(session),
        }
    }

    /// From now on, each opening waits for a message.
    pub(crate) fn hold(&self) -> mpsc::Sender<()> {
        let (sender, gate) = mpsc::channel();
        *self.0.gate.lock().unwrap() = Some(gate);
        sender
    }

    /// From now on, opening fails, or does not.
    pub(crate) fn fail(&self, fails: bool) {
        *self.0.fails.lock().unwrap() = fails;
    }

    /// How often a model was opened, or could not be.
    pub(crate) fn count(&self) -> usize {
        self.0.count.load(Ordering::SeqCst)
    }

    /// How many of the models that were opened are in memory.
    pub(crate) fn used(&self) -> usize {
        self.0.sessions.lock().unwrap().iter().filter(|session| session.is_used()).count()
    }

    /// The most that were in memory at once.
    pub(crate) fn most_used(&self) -> usize {
        *self.0.most_used.lock().unwrap()
    }
}
