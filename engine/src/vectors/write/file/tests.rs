//! When the file appears, and what prevents it.

use std::fs;
use std::path::Path;

use super::OutputFile;

fn refused(target: &Path, overwrite: bool) -> crate::Error {
    let error = OutputFile::create(target, overwrite).map(|_| ()).expect_err("cannot be made");
    assert_eq!(error.kind(), crate::ErrorKind::CannotCreate, "{error}");
    error
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn write(target: &Path, overwrite: bool, content: &[u8]) {
    let mut file = OutputFile::create(target, overwrite).expect("made");
    file.write(content).expect("written");
    file.persist().expect("persisted");
}

#[test]
fn appears_when_it_is_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("out.npy");
    let mut file = OutputFile::create(&target, false).expect("made");
    file.write(b"xx, the rest").expect("written");
    assert!(!target.exists());
    file.rewrite_start(b"ab").expect("written");
    file.persist().expect("persisted");
    assert_eq!(fs::read(&target).expect("there"), b"ab, the rest");
    assert_eq!(names(folder.path()), ["out.npy"]);
}

#[test]
fn dropped_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = OutputFile::create(&folder.path().join("out.npy"), false).expect("made");
    file.write(b"half of it").expect("written");
    drop(file);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn existing_file_needs_overwrite() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("out.npy");
    fs::write(&target, b"old").expect("written");
    let error = refused(&target, false);
    assert_eq!(error.to_string(), format!("cannot create {}: it exists", target.display()));
    assert_eq!(error.hint().unwrap().to_string(), "pass `overwrite` to replace it");
    drop(OutputFile::create(&target, true).expect("made"));
    assert_eq!(fs::read(&target).expect("there"), b"old");
    write(&target, true, b"new");
    assert_eq!(fs::read(&target).expect("there"), b"new");
}

#[test]
fn file_that_appears_meanwhile_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("out.npy");
    let file = OutputFile::create(&target, false).expect("made");
    fs::write(&target, b"theirs").expect("written");
    assert_eq!(file.persist().expect_err("exists").kind(), crate::ErrorKind::CannotCreate);
    assert_eq!(fs::read(&target).expect("there"), b"theirs");
    assert_eq!(names(folder.path()), ["out.npy"]);
}

#[test]
fn folder_must_be_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = refused(&folder.path().join("absent/out.npy"), false).to_string();
    assert!(missing.contains("absent cannot be used: No such file"), "{missing}");
    fs::write(folder.path().join("file"), b"").expect("written");
    let error = refused(&folder.path().join("file/out.npy"), false).to_string();
    assert!(error.ends_with("file is not a folder"), "{error}");
}

#[test]
fn folder_is_no_target() {
    let folder = tempfile::tempdir().expect("a folder");
    for overwrite in [false, true] {
        assert!(refused(folder.path(), overwrite).to_string().ends_with("it is a folder"));
    }
    assert!(refused(Path::new("/"), true).to_string().ends_with("it names no file"));
}

#[test]
fn name_may_be_as_long_as_the_system_allows() {
    let folder = tempfile::tempdir().expect("a folder");
    write(&folder.path().join(format!("{}.npy", "n".repeat(251))), false, b"");
    refused(&folder.path().join(format!("{}.npy", "n".repeat(252))), false);
    refused(&folder.path().join(format!("{}.npy", "n/".repeat(4000))), false);
}

#[test]
fn bare_name_is_in_the_working_folder() {
    assert_eq!(super::folder_of(Path::new("out.npy")), Path::new("."));
}

#[cfg(target_os = "linux")]
#[test]
fn folder_that_takes_no_files_is_refused() {
    // Not even the superuser can create a file here, so the test works for any user.
    refused(Path::new("/proc/self/out.npy"), false);
}

#[cfg(target_os = "linux")]
#[test]
fn device_is_not_replaced() {
    let error = refused(Path::new("/dev/null"), true);
    assert!(error.to_string().ends_with("it exists and is not a regular file"), "{error}");
}

mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn permissions_are_those_of_any_new_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode();
        let (target, ordinary) = (folder.path().join("out.npy"), folder.path().join("ordinary"));
        write(&target, false, b"");
        fs::write(&ordinary, b"").expect("written");
        assert_eq!(mode(&target), mode(&ordinary));
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
        for kept in [0o600, 0o400, 0o640, 0o644, 0o660, 0o666, 0o755] {
            let target = folder.path().join(format!("{kept:o}.npy"));
            fs::write(&target, b"old").expect("written");
            fs::set_permissions(&target, fs::Permissions::from_mode(kept)).expect("set");
            let file = OutputFile::create(&target, true).expect("made");
            let part = names(folder.path()).into_iter().find(|name| name.ends_with(".part"));
            let temporary = folder.path().join(part.expect("a temporary file"));
            assert_eq!(mode(&temporary), kept, "while it is written");
            file.persist().expect("persisted");
            assert_eq!(mode(&target), kept);
        }
        // Nobody but its owner can read what a link leads to: nor can they read what replaces the link.
        let (behind, link) = (folder.path().join("behind"), folder.path().join("link.npy"));
        fs::write(&behind, b"old").expect("written");
        fs::set_permissions(&behind, fs::Permissions::from_mode(0o600)).expect("set");
        symlink(&behind, &link).expect("linked");
        write(&link, true, b"new");
        assert_eq!((mode(&link), mode(&behind)), (0o600, 0o600));
    }

    #[test]
    fn what_a_killed_run_left_is_removed_by_the_next_one_to_this_target() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, other) = (folder.path().join("out.npy"), folder.path().join("other.npy"));
        // Forgotten, as by a killed process: the file stays, and its lock is released with its descriptor.
        let remains = |target: &Path| {
            let file = OutputFile::create(target, true).expect("made");
            let (file, path) = file.file.into_inner().expect("flushed").keep().expect("kept");
            drop(file);
            path
        };
        let (ours, others) = (remains(&target), remains(&other));
        let count = || names(folder.path()).len();
        assert_eq!(count(), 2);
        let living = OutputFile::create(&target, true).expect("made");
        let next = OutputFile::create(&target, true).expect("made");
        assert!(!ours.exists() && others.exists(), "{:?}", names(folder.path()));
        assert_eq!(count(), 3, "those of living runs and of other targets stay");
        drop((living, next));
        assert_eq!(count(), 1);
    }

    #[test]
    fn link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (behind, link) = (folder.path().join("behind"), folder.path().join("out.npy"));
        fs::write(&behind, b"old").expect("written");
        symlink(&behind, &link).expect("linked");
        refused(&link, false);
        write(&link, true, b"new");
        assert_eq!(fs::read(&behind).expect("there"), b"old");
        assert!(fs::symlink_metadata(&link).expect("there").is_file());
    }

    #[test]
    fn link_to_nothing_is_a_file_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("out.npy");
        symlink(folder.path().join("absent"), &link).expect("linked");
        refused(&link, false);
    }

    #[test]
    fn name_need_not_be_utf8() {
        use std::os::unix::ffi::OsStringExt;
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder.path().join(std::ffi::OsString::from_vec(b"\xff \n.npy".to_vec())), false, b"");
    }
}
