//! Headers that claim more data than the file has are refused without allocating memory for the claim.
//!
//! A separate binary, because it measures its peak memory.

use std::fs;
use std::path::{Path, PathBuf};

use nearsay::ErrorKind;
use nearsay::vectors::read::VectorFile;

/// The peak memory of this process, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

fn npy(shape: &str) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([0; 64]);
    bytes
}

fn safetensors(shape: &str, end: u64) -> Vec<u8> {
    let header = format!(r#"{{"embeddings":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}"#);
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 64]);
    bytes
}

/// The error of a file that must not be read.
fn refusal(path: &Path) -> nearsay::Error {
    let read = |path: &Path| -> nearsay::Result<()> {
        for batch in VectorFile::open(path)?.batches()? {
            batch?;
        }
        Ok(())
    };
    read(path).expect_err(&path.display().to_string())
}

#[test]
fn headers_that_promise_too_much_are_refused_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let before = peak_memory();
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    let mut add = |name: String, bytes| files.push((folder.path().join(name), bytes));
    for (index, shape) in [
        "(4, 0)",
        "(1, 2147483648)",
        "(2147483648, 2147483648)",
        "(18446744073709551615, 16)",
        "(99999999999999999999999, 1)",
        "(5, 4)",
        "(0, 0)",
        "(-1, 16)",
        "(16,)",
        "()",
    ]
    .into_iter()
    .enumerate()
    {
        add(format!("{index}.npy"), npy(shape));
    }
    for (index, (shape, end)) in [
        ("[4,0]", 0),
        ("[1,2147483648]", 8_589_934_592),
        ("[1,2147483648]", 64),
        ("[4294967296,4294967296]", 64),
        ("[18446744073709551615,16]", 64),
        ("[5,4]", 80),
        ("[5,4]", 64),
        ("[4,4]", u64::MAX),
        ("[16]", 64),
    ]
    .into_iter()
    .enumerate()
    {
        add(format!("{index}.safetensors"), safetensors(shape, end));
    }
    // A header with an impossible length.
    let mut long = u64::MAX.to_le_bytes().to_vec();
    long.extend([b'{'; 64]);
    add("long.safetensors".to_owned(), long);
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    long.extend([b'{'; 64]);
    add("long.npy".to_owned(), long);
    // Footers of Parquet and Arrow that claim two thousand million bytes.
    for (name, magic) in [("long.parquet", &b"PAR1"[..]), ("long.arrow", b"ARROW1")] {
        let mut bytes = magic.to_vec();
        bytes.extend([0; 64]);
        bytes.extend(0x7fff_ffff_u32.to_le_bytes());
        bytes.extend(magic);
        add(name.to_owned(), bytes);
    }
    for (path, bytes) in files {
        fs::write(&path, bytes).unwrap();
        let error = refusal(&path);
        assert_eq!(error.kind(), ErrorKind::BadData, "{}: {error}", path.display());
        let text = error.to_string();
        assert!(text.contains(path.file_name().unwrap().to_str().unwrap()), "{text}");
        assert!(!text.contains('\n') && text.len() < 400, "{text}");
    }
    let used = peak_memory() - before;
    assert!(used < 100 << 20, "{} MiB", used >> 20);
}
