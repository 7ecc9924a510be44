//! Packs with other bytes than were written, or of a later version.

use super::*;

#[test]
fn every_flipped_byte_is_noticed() {
    let desk = Desk::with(&TEXTS);
    let (path, whole) = (desk.only_file(), fs::read(desk.only_file()).unwrap());
    let (mut refused, mut incomplete) = (0, 0);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        desk.files().iter().for_each(|file| fs::remove_file(file).unwrap());
        fs::write(&path, &bytes).unwrap();
        match desk.try_open(1 << 30, 1) {
            Err(error) => {
                assert!(matches!(error, Error::NewerFormat { .. }), "byte {at}: {error}");
                assert_eq!(fs::read(&path).unwrap(), bytes);
                refused += 1;
            }
            Ok((folder, store)) => {
                let count = read_all(&store);
                let report = folder.finish().unwrap();
                assert_eq!(report.damaged.len(), 1, "byte {at}");
                assert_eq!(report.damaged[0].file, path.display().to_string());
                let lost = report.damaged[0].entries.unwrap_or(3);
                assert_eq!(count as u64 + lost, 3, "byte {at}");
                incomplete += 1;
                // The damaged entries are gone, and the others are still there.
                let (folder, store) = desk.open();
                assert_eq!(read_all(&store), count);
                assert!(folder.finish().unwrap().damaged.is_empty(), "byte {at}");
            }
        }
    }
    // The number of the version is one byte of the head.
    assert!(refused <= 1 && refused + incomplete == whole.len(), "{refused} of {}", whole.len());
}

#[test]
fn a_pack_of_any_other_length_is_damaged() {
    let desk = Desk::with(&TEXTS);
    let (path, whole) = (desk.only_file(), fs::read(desk.only_file()).unwrap());
    let longer = [&whole[..], b"\n"].concat();
    for bytes in (0..whole.len()).map(|length| &whole[..length]).chain([&longer[..]]) {
        desk.files().iter().for_each(|file| fs::remove_file(file).unwrap());
        fs::write(&path, bytes).unwrap();
        let (folder, store) = desk.open();
        assert_eq!(read_all(&store), 0);
        let report = folder.finish().unwrap();
        assert_eq!((report.damaged.len(), report.damaged[0].entries), (1, None), "{} bytes", bytes.len());
        assert!(!path.exists());
    }
}

#[test]
fn a_damaged_entry_is_added_again() {
    let desk = Desk::with(&TEXTS);
    let path = desk.only_file();
    let mut bytes = fs::read(&path).unwrap();
    // In the first entry.
    bytes[4200] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (folder, store) = desk.open();
    assert_eq!(read_all(&store), 2);
    store.add(TEXTS[0].0, Role::Reference, &small(TEXTS[0].1)).unwrap();
    let report = folder.finish().unwrap();
    assert_eq!((report.references.encoded, report.references.cached), (1, 2));
    assert_eq!(report.damaged[0].entries, Some(1));
    assert!(!path.exists());
    let (folder, store) = desk.open();
    assert_eq!(read_all(&store), 3);
    assert!(folder.finish().unwrap().damaged.is_empty());
    assert_eq!(desk.files().len(), 1);
}

#[test]
fn a_later_version_is_refused_and_left_as_it_is() {
    for layer in [1, 2] {
        let desk = Desk::with(&TEXTS);
        let path = desk.only_file();
        let text = "{\"format_version\":2,\"kind\":\"bertscore cache\",\"news\":[1]}\n\u{1}\u{2}";
        fs::write(&path, text).unwrap();
        let error = desk.try_open(1_000_000, layer).map(drop).unwrap_err();
        assert!(matches!(&error, Error::NewerFormat { recorded: 2, known: 1, .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Model);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    // One that appears during a run does not make room for others.
    let desk = Desk::new();
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    let other = desk.path().join("0".repeat(32));
    fs::create_dir(&other).unwrap();
    let newer = [&b"{\"format_version\":2}"[..], &vec![0; 995_000]].concat();
    fs::write(other.join("references-0.pack"), &newer).unwrap();
    store.add("a", Role::Reference, &encoded(40, 64, DType::F32)).unwrap();
    assert_eq!(folder.finish().unwrap().not_kept, 1);
    assert_eq!(fs::read(other.join("references-0.pack")).unwrap(), newer);
}
