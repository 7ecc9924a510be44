//! A copy of a fixture to break, and runs of the program on it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nearsay_tests::fixture;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A program that runs longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Memory limit for the most hostile files, in KiB.
const MEMORY: u64 = 100 << 10;

/// A copy of a model's folder that a test may break.
pub(crate) struct Broken {
    directory: TempDir,
}

impl Broken {
    /// A copy of tests/fixtures/loaders/single.
    pub(crate) fn new() -> Self {
        Self::of("loaders/single")
    }

    /// A copy of a fixture.
    pub(crate) fn of(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        copy(&fixture(name), &directory.path().join("model"));
        fs::write(directory.path().join("texts.txt"), "the river\nthe garden and the night station\n")
            .unwrap();
        Self { directory }
    }

    /// The folder of the model and of the texts.
    pub(crate) fn parent(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("model")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    pub(crate) fn remove(&self, name: &str) -> &Self {
        fs::remove_file(self.path(name)).unwrap();
        self
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub(crate) fn edit_json(&self, name: &str, edit: impl FnOnce(&mut Value)) -> &Self {
        let mut value = self.json(name);
        edit(&mut value);
        self.write(name, value.to_string())
    }

    /// Sets the length of a file without writing to it.
    pub(crate) fn set_length(&self, name: &str, length: u64) -> &Self {
        fs::File::options().create(true).append(true).open(self.path(name)).unwrap().set_len(length).unwrap();
        self
    }

    /// Rewrites model.safetensors after its header and its data were edited.
    pub(crate) fn edit_weights(&self, edit: impl FnOnce(&mut Map<String, Value>, &mut Vec<u8>)) -> &Self {
        let bytes = self.read("model.safetensors");
        let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
        let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
        let (mut header, mut data) = (serde_json::from_slice(header).unwrap(), data.to_vec());
        edit(&mut header, &mut data);
        self.write("model.safetensors", container(&Value::Object(header).to_string(), &data))
    }

    /// `nearsay embed` on two texts.
    pub(crate) fn embed(&self, extra: &[&str]) -> Run {
        self.embed_as(self.root().to_str().unwrap(), extra, &[])
    }

    /// `nearsay embed` of a model by its name, in this environment.
    pub(crate) fn embed_as(&self, model: &str, extra: &[&str], variables: &[(&str, &str)]) -> Run {
        let texts = self.directory.path().join("texts.txt");
        let arguments = ["embed", "--threads", "2", "-m", model, texts.to_str().unwrap()];
        Run::of(&[&arguments, extra].concat(), variables)
    }

    /// `nearsay score` of two texts against themselves, at layer 1.
    pub(crate) fn score(&self) -> Run {
        let (root, folder) = (self.root(), self.directory.path());
        let (texts, copy) = (folder.join("texts.txt"), folder.join("copy.txt"));
        fs::copy(&texts, &copy).unwrap();
        let [root, texts, copy] = [&root, &texts, &copy].map(|path| path.to_str().unwrap());
        Run::of(&["score", "-m", root, "-l", "1", "-c", texts, "-r", copy], &[])
    }

    /// `nearsay models inspect`.
    pub(crate) fn inspect(&self, extra: &[&str]) -> Run {
        let root = self.root();
        Run::of(&[&["models", "inspect", root.to_str().unwrap()], extra].concat(), &[])
    }

    /// Both commands reject the model with exit code 78 and a message with these parts.
    #[track_caller]
    pub(crate) fn is_refused(&self, parts: &[&str]) {
        self.embed(&[]).is_refused(parts);
        self.inspect(&["--verify"]).is_refused(parts);
    }
}

/// A safetensors file with this header and data.
pub(crate) fn container(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// The entry of a tensor in a header.
pub(crate) fn entry(dtype: &str, shape: &[u64], start: u64, end: u64) -> Value {
    json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]})
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            fs::write(target, fs::read(item.path()).unwrap()).unwrap();
        }
    }
}

/// Result of a run of the program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    time: Duration,
    peak_kib: u64,
}

impl Run {
    pub(crate) fn of(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nearsay"));
        command.args(arguments).env("HF_HUB_OFFLINE", "1").env_remove("RUST_BACKTRACE");
        for name in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        let start = Instant::now();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let stdout = thread::spawn(move || text(&mut stdout));
        let stderr = thread::spawn(move || text(&mut stderr));
        let (code, peak_kib) = watch(&mut child, start);
        let time = start.elapsed();
        Self { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap(), time, peak_kib }
    }

    #[track_caller]
    pub(crate) fn is_refused(&self, parts: &[&str]) -> &Self {
        assert_eq!(self.code, Some(78), "{self:#?}");
        assert!(self.stdout.is_empty() && self.stderr.contains("error: "), "{self:#?}");
        self.says(parts)
    }

    #[track_caller]
    pub(crate) fn works(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.says(&[])
    }

    /// Checks that stderr has these parts, and no panic.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) -> &Self {
        assert!(!self.stderr.contains("panicked at"), "{self:#?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part} is missing: {self:#?}");
        }
        self
    }

    /// Checks that the program needed little time and memory.
    #[track_caller]
    pub(crate) fn is_cheap(&self) -> &Self {
        // One second is the promise, but other tests run at the same time.
        assert!(self.time < Duration::from_secs(5) && self.peak_kib < MEMORY, "{self:#?}");
        self
    }
}

fn text(reader: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for a program; returns its exit code and the peak memory seen.
fn watch(child: &mut Child, start: Instant) -> (Option<i32>, u64) {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        peak = peak.max(high_water_mark(&fs::read_to_string(&status).unwrap_or_default()));
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), peak);
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn high_water_mark(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
