//! The files of a folder and its folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{no_input, not_found, sorted};
use crate::text::remarks::remark;
use crate::text::{InputFormat, TextOptions, foreign};
use crate::{Error, Phrase, Result};

/// Most kinds of files in a remark.
const MOST_KINDS: usize = 8;

/// The files that are read of a folder, sorted; the others are counted in a remark.
pub(super) fn files(folder: &Path, options: &TextOptions) -> Result<Vec<PathBuf>> {
    let mut walk = Walk { options, files: Vec::new(), others: BTreeMap::new(), links: 0 };
    walk.visit(folder)?;
    let left_out = walk.left_out();
    if walk.files.is_empty() {
        let what = if options.whole_files { ".txt, .md or .html file" } else { "file of a known format" };
        let rest = left_out.map(|left_out| format!(" ({left_out})")).unwrap_or_default();
        let error = not_found(folder, format!("it is a folder without a {what}{rest}"));
        return Err(error.with_hint(walk.remedy().map(Phrase::from)));
    }
    if let Some(left_out) = left_out {
        remark(format!("not read in the folder {}: {left_out}", folder.display()));
    }
    Ok(sorted(walk.files))
}

/// Whether a file at `path`, which need not exist, would be read with `folder`.
pub(super) fn would_read(folder: &Path, path: &Path, options: &TextOptions) -> bool {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut existing = parent.ancestors().filter_map(|parent| Some((parent, parent.canonicalize().ok()?)));
    let (Some((ancestor, real)), Ok(folder)) = (existing.next(), folder.canonicalize()) else { return false };
    // Folders of a job are made when they are needed.
    let missing = path.strip_prefix(ancestor).unwrap_or(path);
    let inside = real.join(missing).strip_prefix(&folder).map(Path::to_owned);
    inside.is_ok_and(|inside| {
        let is_hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
        !inside.components().any(is_hidden) && is_read(path, options)
    })
}

struct Walk<'a> {
    options: &'a TextOptions,
    files: Vec<PathBuf>,
    /// Files that are not read, by extension.
    others: BTreeMap<String, u64>,
    links: u64,
}

impl Walk<'_> {
    fn visit(&mut self, folder: &Path) -> Result<()> {
        let failed = |error| -> Error { no_input(folder, error) };
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let (path, file_type) = (entry.path(), entry.file_type().map_err(failed)?);
            if file_type.is_symlink() {
                self.links += 1;
            } else if file_type.is_dir() {
                self.visit(&path)?;
            } else if file_type.is_file() && is_read(&path, self.options) {
                self.files.push(path);
            } else {
                *self.others.entry(kind_of(&path)).or_default() += 1;
            }
        }
        Ok(())
    }

    /// What to do with the first kind of files that has a remedy.
    fn remedy(&self) -> Option<&'static str> {
        self.others.keys().find_map(|kind| foreign::remedy(Path::new(&format!("file{kind}"))))
    }

    fn left_out(&self) -> Option<String> {
        let mut parts: Vec<String> =
            self.others.iter().take(MOST_KINDS).map(|(kind, count)| format!("{count} {kind}")).collect();
        let more: u64 = self.others.values().skip(MOST_KINDS).sum();
        if more > 0 {
            parts.push(format!("{more} others"));
        }
        match self.links {
            0 => {}
            1 => parts.push("1 link".to_owned()),
            links => parts.push(format!("{links} links")),
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Whether a file is read: one of any name if the format is given, else of a known one.
fn is_read(path: &Path, options: &TextOptions) -> bool {
    let format = match options.format {
        Some(_) => return true,
        None => InputFormat::from_path(path),
    };
    let is_whole = |format: InputFormat| format == InputFormat::Txt || format.is_document();
    format.is_ok_and(|format| !options.whole_files || is_whole(format))
}

fn kind_of(path: &Path) -> String {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if extension.len() <= 12 => format!(".{}", extension.to_lowercase()),
        _ => "without an extension".to_owned(),
    }
}
