//! Files that operating systems, file systems and editors leave in any folder.

/// Names, in lower case.
const NAMES: [&str; 22] = [
    // macOS
    ".ds_store",
    ".localized",
    ".spotlight-v100",
    ".fseventsd",
    ".trashes",
    ".temporaryitems",
    ".documentrevisions-v100",
    ".appledouble",
    "icon\r",
    // Windows
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    // Linux, network disks, synchronization
    "lost+found",
    ".directory",
    ".snapshot",
    ".snapshots",
    ".zfs",
    "@eadir",
    ".dropbox",
    ".stfolder",
];
/// Starts of names: macOS' resource forks, files that are deleted but open on network disks, trash folders,
/// locks of editors and office programs.
const PREFIXES: [&str; 8] = ["._", ".nfs", ".fuse_hidden", ".trash-", ".#", ".~lock.", "~$", ".smbdelete"];
/// Ends of names: backups and swap files of editors.
const SUFFIXES: [&str; 6] = ["~", ".swp", ".swo", ".swx", ".bak", ".orig"];

/// Whether a job may ignore a file of this name in its folder: nobody put it there on purpose. A job
/// neither reads nor removes it.
pub(crate) fn is_litter(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_autosave = name.len() > 2 && name.starts_with('#') && name.ends_with('#');
    is_autosave
        || NAMES.contains(&name.as_str())
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::is_litter;

    #[test]
    fn litter_is_known_by_its_name() {
        let litter = [
            ".DS_Store",
            "._part-00000.parquet",
            "Thumbs.db",
            "THUMBS.DB",
            "desktop.ini",
            "Desktop.ini",
            ".nfs0000000000a1b2c300000001",
            "lost+found",
            ".directory",
            ".Trash-1000",
            "notes.txt~",
            "._manifest.jsonl",
            ".#notes.txt",
            "#notes.txt#",
            ".notes.swp",
            "_manifest.jsonl.bak",
            "@eaDir",
            ".fuse_hidden0000001",
            "~$notes.docx",
            "Icon\r",
            "$RECYCLE.BIN",
            ".~lock.notes.ods#",
        ];
        for name in litter {
            assert!(is_litter(name), "{name}");
        }
        for name in
            ["thesis.txt", "part-00000.parquet", "_manifest.jsonl", ".nearsay-lock", ".git", "nfs", "a#"]
        {
            assert!(!is_litter(name), "{name}");
        }
    }
}
