//! pytorch_model.bin: nothing in it is ever executed.

use std::io::Write;
use std::process::{Command, Stdio};

use super::support::Broken;

const FILE: &str = "pytorch_model.bin";

/// A zip archive of stored members. The checksums are left out: nothing reads them.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let offset = (file.len() as u32).to_le_bytes();
        let size = (bytes.len() as u32).to_le_bytes();
        let name_length = (name.len() as u16).to_le_bytes();
        // Version, flags, method, time and date; checksum; both sizes; lengths of the name and of the extra
        // field.
        let common =
            [&[10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0], &[0; 4][..], &size, &size, &name_length, &[0; 2]].concat();
        file.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        directory.extend([b"PK\x01\x02\x0a\x00", &common[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let (size, offset) = ((directory.len() as u32).to_le_bytes(), (file.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06", &[0; 4][..], &count, &count, &size, &offset, &[0; 2]].concat();
    [file, directory, end].concat()
}

/// A copy of the fixture whose archive contains this pickle.
fn with(pickle: &[u8]) -> Broken {
    let broken = Broken::of("loaders/pickle");
    broken.write(FILE, archive(&[("archive/data.pkl", pickle), ("archive/data/0", &[0; 64])]));
    broken
}

fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

#[test]
fn a_pickle_that_runs_code_is_refused_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let touched = folder.path().join("touched");
    let command = text(&format!("touch {}", touched.display()));
    let call =
        |module: &str| [b"\x80\x02c", module.as_bytes(), b"\nsystem\n", &command[..], b"\x85R."].concat();
    let new = [b"\x80\x04", &text("os")[..], &text("system"), b"\x93", &command, b"\x85R."].concat();
    let hidden = [b"\x80\x02}", &text("a")[..], b"cposix\nsystem\n", &command, b"\x85Rs."].concat();
    for (pickle, found) in [(call("posix"), "posix.system"), (new, "os.system"), (hidden, "posix.system")] {
        let broken = with(&pickle);
        broken.is_refused(&[FILE, found, "nothing was executed"]);
        assert!(!touched.exists(), "{found}");
        // Python does run it: this is not a harmless file.
        let mut python = Command::new("python3");
        python.args(["-c", "import pickle, sys; pickle.load(sys.stdin.buffer)"]).stdin(Stdio::piped());
        let mut python = python.spawn().unwrap();
        python.stdin.take().unwrap().write_all(&pickle).unwrap();
        assert!(python.wait().unwrap().success());
        std::fs::remove_file(&touched).unwrap();
    }
}

#[test]
fn what_is_no_tensor_or_no_pickle_is_refused() {
    for (pickle, part) in [
        (&b"\x80\x02N."[..], "dictionary of tensors"),
        (b"\x80\x02}", "damaged"),
        (b"", "damaged"),
        (b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\x7f", "damaged"),
        (b"\x80\x02i", "opcode 0x69"),
        (b"\x80\x02cbuiltins\neval\n.", "builtins.eval"),
    ] {
        with(pickle).embed(&[]).is_refused(&[FILE, part]).is_cheap();
    }
    with(&b"(".repeat(500_000)).embed(&[]).is_refused(&[FILE]).is_cheap();
    with(&vec![b'N'; 600_000]).embed(&[]).is_refused(&[FILE, "600000"]).is_cheap();
}

#[test]
fn an_archive_that_is_damaged_is_refused() {
    let whole = Broken::of("loaders/pickle").read(FILE);
    for length in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        let broken = Broken::of("loaders/pickle");
        broken.write(FILE, &whole[..length]).embed(&[]).is_refused(&[FILE]).is_cheap();
    }
    let broken = Broken::of("loaders/pickle");
    broken.write(FILE, archive(&[("archive/other", b"")])).is_refused(&[FILE, "data.pkl"]);
    broken.write(FILE, b"\x80\x02}.").is_refused(&[FILE, "bare pickle"]);
}
