//! What is removed, and what stays.

use super::*;

fn large() -> EncodedText {
    encoded(100, 250, DType::F32)
}

#[test]
fn the_least_recently_used_goes_first_and_what_is_in_use_stays() {
    let desk = Desk::new();
    let hour = Duration::from_secs(3600);
    let mut packs = Vec::new();
    for (age, text) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
        store.add(text, Role::Reference, &large()).unwrap();
        folder.finish().unwrap();
        let new = desk.files().into_iter().find(|file| !packs.contains(file)).unwrap();
        // The later it was written, the longer ago it seems to have been used.
        let file = fs::File::options().append(true).open(&new).unwrap();
        file.set_modified(SystemTime::now() - hour * (age as u32 + 1)).unwrap();
        packs.push(new);
    }
    let there = || packs.iter().map(|pack| pack.exists()).collect::<Vec<_>>();
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    // The oldest is used now.
    assert!(store.get("e", Role::Reference).is_some());
    for text in 0..5 {
        store.add(&format!("new {text}"), Role::Reference, &large()).unwrap();
    }
    assert_eq!(there(), [true, true, true, false, true], "ten fit in all, with their heads nine");
    for text in 5..20 {
        store.add(&format!("new {text}"), Role::Reference, &large()).unwrap();
    }
    let report = folder.finish().unwrap();
    assert_eq!(there(), [false, false, false, false, true]);
    assert!(report.not_kept >= 11 && desk.bytes() <= 1_000_000, "{report:?}, {} bytes", desk.bytes());
    // The next run finds what there is room for, instead of removing it text by text.
    let kept = 20 - report.not_kept;
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    for text in 0..20 {
        let text = format!("new {text}");
        if store.get(&text, Role::Reference).is_none() {
            store.add(&text, Role::Reference, &large()).unwrap();
        }
    }
    assert!(folder.finish().unwrap().references.cached >= kept - 1);
    // A smaller bound holds from the start.
    let size = desk.bytes();
    drop((folder, store));
    let smaller = Desk { folder: desk.folder };
    assert!(size > 500_000);
    let options = CacheOptions::default().bytes(1_000_000);
    CacheFolder::open(smaller.path(), options).unwrap();
    assert_eq!(smaller.bytes(), size);
    let error = CacheFolder::open(smaller.path(), options.bytes(999_999)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[test]
fn references_take_the_room_of_candidates() {
    let desk = Desk::new();
    let (folder, store) = desk.try_open(1_000_000, 1).unwrap();
    for text in 0..12 {
        store.add(&format!("candidate {text}"), Role::Candidate, &large()).unwrap();
    }
    let before = folder.finish().unwrap().not_kept;
    assert_eq!(before, 3, "ten fit in all, with their heads nine");
    for text in 0..6 {
        store.add(&format!("reference {text}"), Role::Reference, &large()).unwrap();
    }
    store.add("candidate 12", Role::Candidate, &large()).unwrap();
    assert_eq!(folder.finish().unwrap().not_kept, before + 1);
    assert!(desk.bytes() <= 1_000_000);
    let count = |role: Role, what: &str| {
        (0..12).filter(|text| store.get(&format!("{what} {text}"), role).is_some()).count()
    };
    assert_eq!([count(Role::Reference, "reference"), count(Role::Candidate, "candidate")], [6, 3]);
}

#[test]
fn a_text_that_was_removed_is_a_text_that_is_not_there() {
    let desk = Desk::with(&TEXTS);
    let (folder, store) = desk.open();
    fs::remove_file(desk.only_file()).unwrap();
    assert_eq!(read_all(&store), 0);
    assert!(folder.finish().unwrap().damaged.is_empty());
}

#[test]
fn many_small_packs_become_one() {
    let desk = Desk::new();
    for number in 0..40 {
        let (folder, store) = desk.open();
        store.add(&format!("text {number}"), Role::Reference, &small(number + 1)).unwrap();
        folder.finish().unwrap();
        assert!(desk.files().len() <= 16, "{}", desk.files().len());
    }
    let (_, store) = desk.open();
    for number in 0..40 {
        assert_same(&store.get(&format!("text {number}"), Role::Reference).unwrap(), &small(number + 1));
    }
}

#[test]
fn what_killed_processes_left_is_removed() {
    let desk = Desk::with(&TEXTS);
    let folder = desk.only_file().parent().unwrap().to_owned();
    let remains = folder.join(".nearsay-0123456789ab-abc.part");
    fs::write(&remains, "half of a pack").unwrap();
    let living = crate::vectors::write::OutputFile::create(&folder.join("references-1.pack"), false).unwrap();
    let (_, store) = desk.open();
    assert_eq!(read_all(&store), 3);
    assert!(!remains.exists());
    assert_eq!(desk.files().len(), 2, "that of a living process stays");
    drop(living);
}
