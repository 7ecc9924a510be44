//! Checks that an output would not replace or extend an input, or replace a file of the model.

use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nearsay_models::Model;

use crate::text::{Input, TextOptions};
use crate::vectors::write::Output;
use crate::{Error, Result};

/// Rejects an output that an input pattern or folder, read with these options, has: the next run would read
/// it.
///
/// # Errors
/// [`Error::Usage`] naming both.
pub(super) fn refuse_matched_output(inputs: &[Input], output: &Output, options: &TextOptions) -> Result<()> {
    let output = match output {
        Output::Stdout => return Ok(()),
        Output::File(path) => path.clone(),
        Output::Folder(path) => path.join("part-00000.parquet"),
    };
    match inputs.iter().find(|input| input.is_pattern_of(&output, options)) {
        None => Ok(()),
        Some(pattern) => Err(Error::usage_hint(
            match pattern {
                Input::File(folder) if folder.is_dir() => {
                    format!("the input folder {pattern} holds the output {}", output.display())
                }
                _ => format!("the input pattern {pattern} matches the output {}", output.display()),
            },
            "write to a place that it does not match: the next run would read it",
        )),
    }
}

/// Rejects an output that would destroy an input.
///
/// # Errors
/// [`Error::Usage`] naming both.
pub(super) fn refuse_inputs(inputs: &[Input], output: &Output) -> Result<()> {
    match output {
        Output::File(path) => refuse_same_file(inputs, path),
        Output::Folder(path) => refuse_input_inside(inputs, path),
        Output::Stdout => refuse_stdout_into_input(inputs),
    }
}

/// Rejects an output that is also an input: by another spelling of the path, a symbolic or hard link, or as
/// redirected standard input.
///
/// # Errors
/// [`Error::Usage`] naming both.
pub fn refuse_same_file(inputs: &[Input], output: &Path) -> Result<()> {
    // An output that does not exist yet cannot be an input.
    let Ok(metadata) = output.metadata() else { return Ok(()) };
    refuse(inputs, &metadata, &format!("the output {}", output.display()))
}

/// Rejects a job folder that contains an input, which could be removed as a shard or read as part of the job
/// when it is resumed.
///
/// # Errors
/// [`Error::Usage`] naming both.
fn refuse_input_inside(inputs: &[Input], folder: &Path) -> Result<()> {
    let Ok(folder_path) = folder.canonicalize() else { return Ok(()) };
    let lies_inside = |input: &&Input| match input {
        Input::File(path) => {
            path.canonicalize().is_ok_and(|path| path.parent() == Some(folder_path.as_path()))
        }
        Input::Stdin | Input::Text(_) => false,
    };
    match inputs.iter().find(lies_inside) {
        None => Ok(()),
        Some(input) => Err(Error::usage_hint(
            format!("the output folder {} holds the input {input}", folder.display()),
            "name another folder",
        )),
    }
}

/// Whether two outputs, existing or not, are the same file.
pub fn is_same_output(left: &Path, right: &Path) -> bool {
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(folder.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
    };
    let file = |path: &Path| Input::File(path.to_owned());
    is_same_input(&file(left), &file(right))
        || place(left).zip(place(right)).is_some_and(|(left, right)| left == right)
}

/// Whether two inputs are the same file: by another spelling of the path, a symbolic or hard link, or as
/// redirected standard input.
pub fn is_same_input(left: &Input, right: &Input) -> bool {
    let metadata = |input: &Input| match input {
        Input::File(path) => path.metadata().ok(),
        Input::Stdin => stream_metadata(&std::io::stdin()),
        Input::Text(_) => None,
    };
    left == right || metadata(left).zip(metadata(right)).is_some_and(|(left, right)| same(&left, &right))
}

/// Rejects standard output redirected into an input: the program would read its own output.
///
/// # Errors
/// [`Error::Usage`] naming the input.
pub fn refuse_stdout_into_input(inputs: &[Input]) -> Result<()> {
    match stdout_metadata() {
        // A terminal or /dev/null may be both input and output.
        Some(metadata) if metadata.is_file() => refuse(inputs, &metadata, "where standard output goes"),
        _ => Ok(()),
    }
}

/// Rejects an output in the model's folder, which would replace one of its files or be read as one later, and
/// an output that is a model file by another name.
///
/// # Errors
/// [`Error::Usage`] naming both.
pub(super) fn refuse_model_file(model: &Model, output: &Path) -> Result<()> {
    if !model.folder().holds(output) && !is_read_by(model, output) {
        return Ok(());
    }
    let (output, name) = (output.display(), model.folder().name());
    Err(Error::usage_hint(
        format!("the output {output} is among the files of the model {name}"),
        "write to another folder",
    ))
}

fn is_read_by(model: &Model, output: &Path) -> bool {
    let Ok(metadata) = output.metadata() else { return false };
    let tokenizer = model.tokenizer().source().map(|source| source.paths().to_vec()).unwrap_or_default();
    let mut files = model.weights().paths().chain(tokenizer.iter().map(PathBuf::as_path));
    files.any(|file| file.metadata().is_ok_and(|found| same(&found, &metadata)))
}

fn refuse(inputs: &[Input], metadata: &Metadata, what: &str) -> Result<()> {
    let is_output = |input: &&Input| match input {
        Input::File(path) => path.metadata().is_ok_and(|input| same(&input, metadata)),
        Input::Stdin => is_stdin(metadata),
        Input::Text(_) => false,
    };
    match inputs.iter().find(is_output) {
        None => Ok(()),
        Some(input) => Err(Error::usage_hint(
            format!("{what} is the same file as the input {input}"),
            "write to another file",
        )),
    }
}

fn same(left: &Metadata, right: &Metadata) -> bool {
    left.dev() == right.dev() && left.ino() == right.ino()
}

fn is_stdin(output: &Metadata) -> bool {
    stream_metadata(&std::io::stdin()).is_some_and(|input| same(&input, output))
}

fn stdout_metadata() -> Option<Metadata> {
    stream_metadata(&std::io::stdout())
}

fn stream_metadata(stream: &impl AsFd) -> Option<Metadata> {
    let file = stream.as_fd().try_clone_to_owned().map(File::from);
    file.and_then(|file| file.metadata()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Input, is_same_input, refuse_same_file};

    fn is_refused(input: &Path, output: &Path) -> bool {
        match refuse_same_file(&[Input::Stdin, Input::File(input.to_owned())], output) {
            Ok(()) => false,
            Err(error) => {
                assert_eq!(error.kind(), crate::ErrorKind::Usage);
                let rule = format!("the output {} is the same file as the input", output.display());
                assert_eq!(error.to_string(), format!("{rule} {}", input.display()));
                true
            }
        }
    }

    #[test]
    fn one_file_by_many_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rows.jsonl");
        fs::write(&file, b"").expect("written");
        fs::create_dir(folder.path().join("inner")).expect("made");
        let (hard, soft) = (folder.path().join("hard.jsonl"), folder.path().join("soft.jsonl"));
        fs::hard_link(&file, &hard).expect("linked");
        let mut names = vec![file.clone(), folder.path().join("inner/.././rows.jsonl"), hard];
        std::os::unix::fs::symlink(&file, &soft).map(|()| names.push(soft)).expect("linked");
        for name in &names {
            assert!(is_refused(&file, name), "{}", name.display());
            assert!(is_refused(name, &file), "{}", name.display());
            assert!(is_same_input(&Input::File(name.clone()), &Input::File(file.clone())));
        }
    }

    #[test]
    fn other_files_pass() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, other) = (folder.path().join("rows.jsonl"), folder.path().join("other.jsonl"));
        fs::write(&file, b"").expect("written");
        assert!(!is_refused(&file, &other));
        fs::write(&other, b"").expect("written");
        assert!(!is_refused(&file, &other));
        assert!(!is_refused(&folder.path().join("absent"), &other));
        assert!(!is_same_input(&Input::File(file), &Input::File(other)));
    }
}
