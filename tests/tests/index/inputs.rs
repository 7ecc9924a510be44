//! Which texts and inputs are the same: ids, other spellings, files that change between a kill and its resumption.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nearsay::ErrorKind;
use nearsay::index::{
    DeletedTexts, IndexOptions, Prune, TextRequest, UpdateOptions, delete, info, is_index, read_text,
};
use nearsay::job::Existing;
use nearsay::session::Control;
use nearsay::text::{Input, RecordId, TextOptions};

use crate::support::{Desk, Text, found, options};

fn texts(ids: &[usize]) -> Vec<Text> {
    ids.iter().map(|id| Text::new(&format!("t{id}"), &format!("stone number {id}"), *id as i64)).collect()
}

fn without_ids(count: usize) -> Vec<Text> {
    texts(&(0..count).collect::<Vec<_>>()).into_iter().map(|text| Text { id: None, ..text }).collect()
}

fn whole_files() -> IndexOptions {
    options().reading(TextOptions::default().whole_files())
}

fn prune() -> UpdateOptions {
    UpdateOptions::default().prune(Prune::Gone)
}

/// The place of a text without an id must not be the id of another.
#[test]
fn texts_without_ids_are_not_mixed_with_numbers() {
    let desk = Desk::new();
    let numbers =
        "{\"id\": 1, \"text\": \"river\", \"year\": 1}\n{\"id\": 2, \"text\": \"stone\", \"year\": 2}\n";
    let none = "{\"text\": \"bread\", \"year\": 3}\n{\"text\": \"night\", \"year\": 4}\n";
    let write = |name: &str, lines: &str| {
        fs::write(desk.path(name), lines).unwrap();
        Input::File(desk.path(name))
    };
    for (first, second) in [(numbers, none), (none, numbers)] {
        let overwrite = options().existing(Existing::Overwrite);
        let inputs = [write("a.jsonl", first), write("b.jsonl", second)];
        desk.build("index", &inputs[..1], &overwrite).unwrap();
        let before = found(&desk.path("index"));
        for update in [UpdateOptions::default(), UpdateOptions::default().dry_run(), prune()] {
            let error = desk.update("index", &inputs[1..], update).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadData);
            assert!(error.to_string().contains("b.jsonl, row 1: the text has "), "{error}");
        }
        assert_eq!(found(&desk.path("index")), before);
        assert_eq!(desk.build("both", &inputs, &overwrite).unwrap_err().kind(), ErrorKind::BadData);
        // Nor in one file.
        let mixed = [first.lines().next().unwrap(), second.lines().next().unwrap()].join("\n");
        let error = desk.build("mixed", &[write("c.jsonl", &mixed)], &overwrite).unwrap_err();
        assert!(error.to_string().contains("c.jsonl, row 2: the "), "{error}");
    }
    // Other strings are no places.
    let inputs = [desk.write("a.jsonl", &texts(&[1, 2])), desk.write("b.jsonl", &without_ids(3))];
    assert_eq!(desk.build("strings", &inputs, &options()).unwrap().added, 5);
    let digits = desk.write("c.jsonl", &[Text::new("7", "night", 7)]);
    assert_eq!(desk.update("strings", &[digits], prune()).unwrap_err().kind(), ErrorKind::BadData);
    let ids = DeletedTexts::Ids(vec![vec![RecordId::String("t1".to_owned())]]);
    assert_eq!(delete(&desk.path("strings"), &ids, false, &Control::default()).unwrap().left, 4);
}

#[test]
fn a_folder_is_the_same_however_it_is_spelled() {
    let desk = Desk::new();
    fs::create_dir(desk.path("notes")).unwrap();
    let note = |name: &str| fs::write(desk.path("notes").join(name), format!("{name} flows")).unwrap();
    ["a.txt", "b.txt", "c.txt", "d.txt"].into_iter().for_each(note);
    symlink(desk.path("notes"), desk.path("link")).unwrap();
    let spellings = ["notes", "link", "link/../notes/.", "link/*.txt", "./not*/?.txt"];
    desk.build("index", &[Input::File(desk.path("notes"))], &whole_files()).unwrap();
    for spelling in spellings {
        let input = [Input::File(desk.path(spelling))];
        let same = desk.update("index", &input, prune()).unwrap();
        assert_eq!((same.unchanged, same.added, same.removed), (4, 0, 0), "{spelling}");
        assert_eq!(info(&desk.path("index")).unwrap().inputs.len(), 4);
        fs::remove_file(desk.path("notes/b.txt")).unwrap();
        let gone = desk.update("index", &input, prune()).unwrap();
        assert_eq!((gone.unchanged, gone.added, gone.removed), (3, 0, 1), "{spelling}");
        note("b.txt");
        desk.update("index", &[Input::File(desk.path("notes"))], prune()).unwrap();
    }
    // The ids are still the names that were given first.
    for name in ["a.txt", "b.txt", "c.txt", "d.txt"] {
        let id = RecordId::String(desk.path("notes").join(name).to_str().unwrap().to_owned());
        let text = read_text(&desk.path("index"), &TextRequest::new(&id)).unwrap().unwrap().text;
        assert_eq!(text, format!("{name} flows"));
    }
}

#[test]
fn another_file_of_the_same_name_is_refused() {
    let desk = Desk::new();
    for folder in ["x", "y"] {
        fs::create_dir(desk.path(folder)).unwrap();
    }
    desk.write("x/a.jsonl", &texts(&[1, 2]));
    let other = desk.write("y/a.jsonl", &texts(&[3]));
    let input = [Input::File(desk.path("here/a.jsonl"))];
    symlink(desk.path("x"), desk.path("here")).unwrap();
    desk.build("index", &input, &options()).unwrap();
    let before = found(&desk.path("index"));
    fs::remove_file(desk.path("here")).unwrap();
    symlink(desk.path("y"), desk.path("here")).unwrap();
    let error = desk.update("index", &input, UpdateOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadData);
    assert!(
        error.to_string().contains("another file of this name") && error.to_string().contains("x/a.jsonl")
    );
    // What the folder of that name had is not what this one has lost.
    fs::create_dir(desk.path("z")).unwrap();
    fs::rename(desk.path("y/a.jsonl"), desk.path("y/b.jsonl")).unwrap();
    let folder = Input::File(desk.path("here"));
    let summary = desk.update("index", &[folder], prune()).unwrap();
    assert_eq!((summary.added, summary.removed), (1, 0));
    fs::rename(desk.path("y/b.jsonl"), desk.path("y/a.jsonl")).unwrap();
    drop(other);
    assert!(found(&desk.path("index")).len() > before.len());
    // An index that moves together with its files keeps them.
    desk.build("moved", &input, &options()).unwrap();
    fs::rename(desk.path("y"), desk.path("z/y")).unwrap();
    fs::remove_file(desk.path("here")).unwrap();
    symlink(desk.path("z/y"), desk.path("here")).unwrap();
    let summary = desk.update("moved", &input, UpdateOptions::default()).unwrap();
    assert_eq!((summary.unchanged, summary.added), (1, 0));
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn an_index_that_is_copied_together_with_its_files_goes_on() {
    let desk = Desk::new();
    fs::create_dir(desk.path("x")).unwrap();
    desk.write("x/a.jsonl", &texts(&[1, 2]));
    symlink(desk.path("x"), desk.path("here")).unwrap();
    let input = [Input::File(desk.path("here/a.jsonl"))];
    desk.build("x/index", &input, &options()).unwrap();
    copy(&desk.path("x"), &desk.path("y"));
    fs::remove_file(desk.path("here")).unwrap();
    symlink(desk.path("y"), desk.path("here")).unwrap();
    desk.write("y/a.jsonl", &texts(&[1, 2, 3]));
    // The first index has another file of this name; its copy has this one.
    let error = desk.update("x/index", &input, prune()).unwrap_err();
    assert!(error.to_string().contains("another file of this name"), "{error}");
    let summary = desk.update("y/index", &input, prune()).unwrap();
    assert_eq!((summary.unchanged, summary.added, summary.removed), (2, 1, 0));
}

/// Keeps the first lines of both manifests, as a kill does.
fn cut(desk: &Desk, lines: usize) {
    for name in ["_manifest.jsonl", "_manifest.copy.jsonl"] {
        let path = desk.path("index").join(name);
        let manifest = fs::read_to_string(&path).unwrap();
        fs::write(path, manifest.split_inclusive('\n').take(lines).collect::<String>()).unwrap();
    }
}

#[test]
fn a_build_that_goes_on_has_what_its_changed_inputs_have() {
    let desk = Desk::new();
    let resume = options().existing(Existing::Resume);
    for prefix in [true, false] {
        let strip = |text: Text| if prefix { text } else { Text { id: None, ..text } };
        let all: Vec<Text> = texts(&(0..30).collect::<Vec<_>>()).into_iter().map(strip).collect();
        let input = [desk.write("a.jsonl", &all)];
        desk.build("index", &input, &options().existing(Existing::Overwrite)).unwrap();
        cut(&desk, 3);
        let left: Vec<Text> = all.into_iter().filter(|text| text.year % 3 != 1).collect();
        desk.write("a.jsonl", &left);
        let summary = desk.build("index", &input, &resume).unwrap();
        assert_eq!(summary.removed, 5, "of the 14 texts of two volumes");
        assert_eq!(found(&desk.path("index")), found(&desk.fresh(&left)));
        // Another spelling is another input only in name.
        cut(&desk, 3);
        fs::create_dir_all(desk.path("x")).unwrap();
        let spelled = [Input::File(desk.path("x/../a.jsonl"))];
        desk.build("index", &spelled, &resume).unwrap();
        assert_eq!(found(&desk.path("index")), found(&desk.fresh(&left)));
    }
}

#[test]
fn resuming_a_finished_build_changes_nothing() {
    let desk = Desk::new();
    let all = texts(&[0, 1, 2, 3, 4]);
    let input = [desk.write("a.jsonl", &all)];
    desk.build("index", &input, &options()).unwrap();
    let whole = found(&desk.path("index"));
    let resume = options().existing(Existing::Resume);
    assert_eq!(desk.build("index", &input, &resume).unwrap().unchanged, 5);
    let mut changed = all.clone();
    changed[2].text = "bread".to_owned();
    for other in [&all[1..], &[&all[..], &texts(&[9])].concat(), &changed] {
        desk.write("a.jsonl", other);
        let error = desk.build("index", &input, &resume).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadData);
        assert!(error.to_string().contains("has changed since the index"), "{error}");
        assert_eq!(found(&desk.path("index")), whole);
    }
}

#[test]
fn a_build_that_was_killed_before_its_first_line_is_as_if_it_had_not_been() {
    let desk = Desk::new();
    let input = [desk.write("a.jsonl", &texts(&[0, 1]))];
    desk.build("index", &input, &options()).unwrap();
    let (whole, manifest) =
        (found(&desk.path("index")), fs::read(desk.path("index/_manifest.jsonl")).unwrap());
    let first = manifest.iter().position(|byte| *byte == b'\n').unwrap();
    for length in [0, 5, 40, first] {
        for existing in [Existing::Refuse, Existing::Resume, Existing::Overwrite] {
            for has_copy in [false, true] {
                fs::write(desk.path("index/_manifest.jsonl"), &manifest[..length]).unwrap();
                fs::remove_file(desk.path("index/_manifest.copy.jsonl")).unwrap();
                if has_copy {
                    fs::write(desk.path("index/_manifest.copy.jsonl"), "").unwrap();
                }
                assert_eq!(desk.build("index", &input, &options().existing(existing)).unwrap().added, 2);
                assert_eq!(found(&desk.path("index")), whole);
            }
        }
    }
    // Other files of these names are left alone.
    for other in ["not a manifest", "{\"entry\":{\"begin\":{\"format", "line\n"] {
        fs::remove_dir_all(desk.path("index")).unwrap();
        fs::create_dir(desk.path("index")).unwrap();
        fs::write(desk.path("index/_manifest.jsonl"), other).unwrap();
        for existing in [Existing::Refuse, Existing::Resume] {
            assert!(desk.build("index", &input, &options().existing(existing)).is_err(), "{other}");
            assert_eq!(fs::read_to_string(desk.path("index/_manifest.jsonl")).unwrap(), other);
        }
        assert!(!is_index(&desk.path("index")).unwrap());
    }
}
