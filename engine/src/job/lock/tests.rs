//! Who may write to a folder, and what is removed from it.

use super::*;
use crate::vectors::folder::writer_of;

#[test]
fn a_second_writer_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job");
    let first = JobFolder::open(&path, Existing::Refuse).unwrap();
    let error = JobFolder::open(&path, Existing::Resume).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::TryAgain);
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    assert_eq!(writer_of(&path), Some(format!("process {}", std::process::id())));
    drop(first);
    assert_eq!(writer_of(&path), None);
    assert!(JobFolder::open(&path, Existing::Resume).is_ok());
}

#[test]
fn litter_is_no_obstacle_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let litter = [".DS_Store", "Thumbs.db", "._part-00000.parquet", "thesis.txt~"];
    litter.iter().for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    for existing in [Existing::Refuse, Existing::Resume, Existing::Append, Existing::Overwrite] {
        JobFolder::open(folder.path(), existing).unwrap().start().unwrap();
        let names = names(folder.path()).unwrap();
        assert!(litter.iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
    }
}

#[test]
fn a_folder_with_anything_else_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
        let error = JobFolder::open(folder.path(), existing).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::CannotCreate);
        assert!(error.to_string().contains("thesis.txt"), "{error}");
    }
    assert!(folder.path().join("thesis.txt").exists());
}

#[test]
fn what_a_killed_process_left_is_removed_when_the_job_starts_and_the_job_only_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| fs::write(folder.path().join(name), "x").unwrap();
    ["part-00000.parquet", MANIFEST, ".nearsay-a1b2c3.part"].into_iter().for_each(write);
    assert_eq!(
        JobFolder::open(folder.path(), Existing::Refuse).unwrap_err().kind(),
        crate::ErrorKind::CannotCreate
    );
    let whole = names(folder.path()).unwrap();
    drop(JobFolder::open(folder.path(), Existing::Overwrite).unwrap());
    assert!(whole.iter().all(|name| names(folder.path()).unwrap().contains(name)), "nothing was started");
    JobFolder::open(folder.path(), Existing::Resume).unwrap().start().unwrap();
    assert_eq!(names(folder.path()).unwrap(), [LOCK, MANIFEST, "part-00000.parquet"]);
    JobFolder::open(folder.path(), Existing::Overwrite).unwrap().start().unwrap();
    assert_eq!(names(folder.path()).unwrap(), [LOCK]);
}

#[test]
fn a_folder_for_a_job_that_never_started_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("job");
    drop(JobFolder::open(&path, Existing::Refuse).unwrap());
    assert!(!path.exists());
    fs::create_dir(&path).unwrap();
    drop(JobFolder::open(&path, Existing::Refuse).unwrap());
    assert!(path.exists(), "it was there before");
}

#[test]
fn shards_without_a_manifest_are_somebody_elses() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("part-00000.parquet"), "x").unwrap();
    for existing in [Existing::Refuse, Existing::Resume] {
        let error = JobFolder::open(folder.path(), existing).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::CannotCreate);
        assert!(error.to_string().contains("no manifest"), "{error}");
    }
    assert!(JobFolder::open(folder.path(), Existing::Overwrite).is_ok());
}

#[test]
fn links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, outside) = (folder.path().join("job"), folder.path().join("thesis"));
    fs::write(&outside, "years of work").unwrap();
    for name in [LOCK, MANIFEST, COPY, "part-00000.parquet"] {
        fs::create_dir(&path).unwrap();
        std::os::unix::fs::symlink(&outside, path.join(name)).unwrap();
        for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
            assert_eq!(
                JobFolder::open(&path, existing).unwrap_err().kind(),
                crate::ErrorKind::CannotCreate,
                "{name}"
            );
        }
        fs::remove_dir_all(&path).unwrap();
    }
    assert_eq!(fs::read(&outside).unwrap(), b"years of work");
}
