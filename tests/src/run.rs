//! Runs the program in a separate folder and checks its results.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixture;

/// The folder of one test, in which the program runs.
pub struct Desk {
    folder: tempfile::TempDir,
    program: PathBuf,
}

/// A [`run::Desk`](Desk) for the program `nearsay` of the calling package.
#[macro_export]
macro_rules! desk {
    () => {
        $crate::run::Desk::new(env!("CARGO_BIN_EXE_nearsay"))
    };
}

/// The result of a run.
#[derive(Debug)]
pub struct Run {
    /// The arguments, for messages.
    pub line: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its output on stdout.
    pub stdout: Vec<u8>,
    /// Its output on stderr.
    pub stderr: String,
    /// How long it took.
    pub time: Duration,
    /// Its peak memory in MiB; 0 if the system has no /proc.
    pub peak_mib: u64,
}

impl Desk {
    /// An empty folder in which `program` runs.
    ///
    /// # Panics
    /// If no folder can be made.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), program: program.into() }
    }

    /// The program that runs here.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join(name.as_ref())
    }

    /// Writes a file into the folder.
    ///
    /// # Panics
    /// If that fails.
    pub fn write(&self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), bytes).expect("written");
        self
    }

    /// The bytes of a file in the folder.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The names in the folder, hidden ones too, sorted.
    ///
    /// # Panics
    /// If it cannot be listed.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// The program with arguments split at blanks. `FIXTURE:NAME` is replaced by the path of that fixture,
    /// `BERT` by the tiny BERT's, `STS` by the tiny sentence-transformers model's.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(line.split_whitespace().map(argument));
        command
            .current_dir(self.folder.path())
            .env("HF_HUB_OFFLINE", "1")
            .env_remove("NEARSAY_ISA")
            .env_remove("NEARSAY_COMPOSED");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program on a new terminal. The terminal's text, stderr included, is in the run's `stdout`.
    pub fn run_on_terminal(&self, line: &str) -> Run {
        const SPAWN: &str =
            "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
        let prepared = self.command(line);
        let mut command = Command::new("python3");
        command.args(["-c", SPAWN]).arg(&self.program).args(prepared.get_args());
        command
            .current_dir(self.folder.path())
            .env("HF_HUB_OFFLINE", "1")
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(line, command, None)
    }

    /// Runs the program with nothing on standard input.
    pub fn run(&self, line: &str) -> Run {
        finish(line, self.command(line), None)
    }

    /// Runs the program with `input` on standard input.
    pub fn run_with(&self, line: &str, input: impl AsRef<[u8]>) -> Run {
        finish(line, self.command(line), Some(input.as_ref().to_vec()))
    }
}

fn argument(word: &str) -> std::ffi::OsString {
    match (word, word.strip_prefix("FIXTURE:")) {
        (_, Some(name)) => fixture(name).into(),
        ("BERT", _) => fixture("families/bert").into(),
        ("STS", _) => fixture("sentence-transformers/dense-prompts").into(),
        _ => word.into(),
    }
}

/// Runs a prepared command to its end, with `input` on standard input.
///
/// # Panics
/// If it cannot be run, or if it panicked: no input may cause a panic.
pub fn finish(line: &str, mut command: Command, input: Option<Vec<u8>>) -> Run {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let start = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let stdin = child.stdin.take();
    // The program may exit before it has read everything, which is not checked here.
    let writer = std::thread::spawn(move || {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            let _ = stdin.write_all(&input);
        }
    });
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_kib(child.id()));
        match child.try_wait().expect("the program can be waited for") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let time = start.elapsed();
    writer.join().expect("written");
    let read = |reader: Option<std::thread::JoinHandle<Vec<u8>>>| {
        reader.map(|reader| reader.join().expect("read")).unwrap_or_default()
    };
    let (stdout, stderr) = (read(stdout), String::from_utf8_lossy(&read(stderr)).into_owned());
    assert!(!stderr.contains("panicked at"), "{line}: {stderr}");
    Run { line: line.to_owned(), code: status.code(), stdout, stderr, time, peak_mib: peak / 1024 }
}

fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

fn peak_kib(process: u32) -> u64 {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

impl Run {
    /// Checks that it exited with `code` and wrote each of `parts` to stderr, and that it printed no result
    /// on failure.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn ends(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "nearsay {}\n{}", self.line, self.stderr);
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "nearsay {}\nsays nothing of {part:?}:\n{}",
                self.line,
                self.stderr
            );
        }
        self
    }

    /// Checks that it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.ends(0, &[])
    }

    /// Its output as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("UTF-8")
    }

    /// The JSON that it printed.
    ///
    /// # Panics
    /// If it is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The .jsonl rows that it printed.
    ///
    /// # Panics
    /// If a row is not JSON.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        self.text().split_terminator('\n').map(|line| serde_json::from_str(line).expect("a row")).collect()
    }

    /// The vectors that it printed, all finite.
    ///
    /// # Panics
    /// If they are not.
    #[track_caller]
    pub fn vectors(&self) -> Vec<Vec<f32>> {
        let numbers = |row: Value| -> Vec<f32> {
            let values = row["embedding"].as_array().expect("an embedding");
            values.iter().map(|value| value.as_f64().expect("a finite number") as f32).collect()
        };
        self.rows().into_iter().map(numbers).collect()
    }

    /// The token ids that it printed with `--level token`.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn token_ids(&self) -> Vec<Vec<u64>> {
        let ids = |row: Value| -> Vec<u64> {
            let ids = row["token_ids"].as_array().expect("token ids");
            ids.iter().map(|id| id.as_u64().expect("an id")).collect()
        };
        self.rows().into_iter().map(ids).collect()
    }

    /// The ids that it printed.
    #[track_caller]
    pub fn ids(&self) -> Vec<Value> {
        self.rows().into_iter().map(|row| row["id"].clone()).collect()
    }
}
