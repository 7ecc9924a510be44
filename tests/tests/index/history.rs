//! Histories: builds, updates, deletions, compactions and kills in any order.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use nearsay::index::{DeletedTexts, IndexWriter, Prune, UpdateOptions, compact, delete};
use nearsay::job::Existing;
use nearsay::session::Control;
use nearsay::text::RecordId;

use crate::support::{Desk, Text, embedder, found, options};

/// A generator of numbers: SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ value >> 31) % limit as u64) as usize
    }

    /// A few words; some texts are long, some are equal.
    fn text(&mut self) -> String {
        const WORDS: [&str; 8] = ["the", "river", "bread", "stone", "zebra", "flows", "at", "night."];
        let count = [1, 2, 5, 40][self.below(4)];
        (0..count).map(|_| WORDS[self.below(8)]).collect::<Vec<_>>().join(" ")
    }

    fn year(&mut self) -> i64 {
        self.below(8) as i64
    }
}

/// What the index should have: texts in their order, each with its input.
#[derive(Clone, Default)]
struct Expected {
    texts: Vec<(String, Text)>,
}

impl Expected {
    /// Follows an update by the rules of its documentation; returns the texts that have to be encoded.
    fn update(&mut self, input: &str, texts: &[Text], prunes: bool) -> u64 {
        let mut is_seen = vec![false; self.texts.len()];
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let (mut encoded, mut added) = (0, Vec::new());
        for text in texts {
            let nth = counts.entry(text.text.clone()).or_default();
            *nth += 1;
            let same = |(own_input, own): &(String, Text)| {
                own_input == input && own.id == text.id && (text.id.is_some() || own.text == text.text)
            };
            let skipped = if text.id.is_some() { 0 } else { *nth - 1 };
            let place = (0..self.texts.len()).filter(|place| same(&self.texts[*place])).nth(skipped);
            match place {
                Some(place) => {
                    is_seen[place] = true;
                    encoded += u64::from(self.texts[place].1 != *text);
                    self.texts[place].1 = text.clone();
                }
                None => {
                    encoded += 1;
                    added.push((input.to_owned(), text.clone()));
                }
            }
        }
        if prunes {
            let mut place = 0;
            self.texts.retain(|(own, _)| {
                place += 1;
                own != input || is_seen[place - 1]
            });
        }
        self.texts.extend(added);
        encoded
    }

    fn plain(&self) -> Vec<Text> {
        self.texts.iter().map(|(_, text)| text.clone()).collect()
    }
}

/// Changes some texts, removes some and adds some.
fn edited(random: &mut Random, texts: &[Text], input: &str, has_ids: bool, next: &mut usize) -> Vec<Text> {
    let mut edited = Vec::new();
    for text in texts {
        match random.below(10) {
            0 => {}
            1 => edited.push(Text { text: random.text(), ..text.clone() }),
            2 => edited.push(Text { year: random.year(), ..text.clone() }),
            _ => edited.push(text.clone()),
        }
    }
    for _ in 0..random.below(8) {
        *next += 1;
        let id = has_ids.then(|| format!("{input}{next}"));
        let at = random.below(edited.len() + 1);
        edited.insert(at, Text { id, text: random.text(), year: random.year() });
    }
    edited
}

/// Copies a folder's files over another's, the manifests excepted.
fn copy_parts(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_parts(&entry.path(), &target);
        } else if !target.exists() {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Whether the file of deleted rows is there that the last complete line with one names.
fn has_deleted_rows(manifest: &[u8], index: &Path) -> bool {
    let mut number = None;
    for line in String::from_utf8_lossy(manifest).split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (kind, entry) = line["entry"].as_object().unwrap().iter().next().unwrap();
        let own = entry["deleted"]["number"].as_u64();
        number = if kind == "compact" { own } else { own.or(number) };
    }
    number.is_none_or(|number| index.join(format!("deleted-{number:05}.bits")).exists())
}

/// Makes a folder what a process leaves that is killed before the last lines of the manifest were written: `before` is a
/// copy of the folder from before the change.
fn kill(random: &mut Random, before: &Path, index: &Path) {
    copy_parts(before, index);
    let old = fs::read(before.join("_manifest.jsonl")).unwrap();
    let new = fs::read(index.join("_manifest.jsonl")).unwrap();
    let mut length = old.len() + random.below(new.len() - old.len() + 1);
    // Deleted rows that a later line replaces were still there when the process was killed before that line; here they
    // are gone.
    while !has_deleted_rows(&new[..length], index) {
        length = old.len() + random.below(new.len() - old.len() + 1);
    }
    fs::write(index.join("_manifest.jsonl"), &new[..length]).unwrap();
    // The copy has the same lines, or one fewer; never part of a line that the first does not have.
    let lines = new[..length].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let fewer =
        new[..lines.saturating_sub(1)].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let copied = if random.below(2) == 0 { lines } else { fewer.max(old.len()) };
    fs::write(index.join("_manifest.copy.jsonl"), &new[..copied]).unwrap();
    fs::create_dir_all(index.join(".nearsay-volume-00099.part")).unwrap();
}

/// A history of `steps` changes; after each, searches find what they find in an index that is built at once.
fn history(seed: u64, steps: usize, has_ids: bool) {
    let (desk, mut random) = (Desk::new(), Random(seed));
    let (index, before) = (desk.path("index"), desk.path("before"));
    let (mut files, mut next): (BTreeMap<String, Vec<Text>>, usize) = (BTreeMap::new(), 0);
    let names = ["a.jsonl", "b.jsonl"];
    for name in names {
        let texts = edited(&mut random, &[], name, has_ids, &mut next);
        files.insert(name.to_owned(), texts);
    }
    // An empty input has no types.
    files.get_mut("a.jsonl").unwrap().push(Text {
        id: has_ids.then(|| "first".to_owned()),
        text: "the first".to_owned(),
        year: 1,
    });
    let inputs: Vec<_> = files.iter().map(|(name, texts)| desk.write(name, texts)).collect();
    desk.build("index", &inputs, &options()).unwrap();
    let mut expected = Expected::default();
    for (name, texts) in &files {
        expected.update(name, texts, false);
    }
    for step in 0..steps {
        let _ = fs::remove_dir_all(&before);
        fs::create_dir_all(&before).unwrap();
        copy_parts(&index, &before);
        let is_killed = random.below(4) == 0;
        let choice = random.below(6);
        let name = names[random.below(2)];
        match choice {
            0..=2 => {
                let texts = edited(&mut random, &files[name], name, has_ids, &mut next);
                let input = desk.write(name, &texts);
                let prune = if random.below(2) == 0 { Prune::All } else { Prune::Nothing };
                let update = UpdateOptions::default().prune(prune);
                let summary = desk.update("index", std::slice::from_ref(&input), update).unwrap();
                if is_killed {
                    kill(&mut random, &before, &index);
                    desk.update("index", &[input], update).unwrap();
                }
                let encoded = expected.update(name, &texts, prune == Prune::All);
                assert_eq!(summary.counts.texts, encoded, "step {step}");
                files.insert(name.to_owned(), texts);
            }
            3 => {
                let remove = |texts: &mut Vec<(String, Text)>| texts.retain(|(_, text)| text.year != 2);
                let texts = DeletedTexts::Where("year = 2".to_owned());
                let purges = random.below(2) == 0;
                delete(&index, &texts, purges, &Control::default()).unwrap();
                if is_killed && !purges {
                    kill(&mut random, &before, &index);
                    delete(&index, &texts, false, &Control::default()).unwrap();
                }
                remove(&mut expected.texts);
            }
            4 if !expected.texts.is_empty() => {
                let place = random.below(expected.texts.len());
                let id = match &expected.texts[place].1.id {
                    Some(id) => RecordId::String(id.clone()),
                    None => RecordId::Number(place.into()),
                };
                let texts = DeletedTexts::Ids(vec![vec![id]]);
                let deletion = delete(&index, &texts, false, &Control::default()).unwrap();
                assert_eq!((deletion.texts, deletion.missing.len()), (1, 0), "step {step}");
                expected.texts.remove(place);
            }
            _ => {
                compact(&index, &Control::default()).unwrap();
                if is_killed {
                    let changed = fs::read(before.join("_manifest.jsonl")).unwrap().len()
                        < fs::read(index.join("_manifest.jsonl")).unwrap().len();
                    if changed {
                        kill(&mut random, &before, &index);
                        compact(&index, &Control::default()).unwrap();
                    }
                }
            }
        }
        if expected.texts.is_empty() {
            // Nothing says which types its columns have.
            assert_eq!(nearsay::index::open(&index, None).unwrap().rows(), 0);
            continue;
        }
        let fresh = desk.fresh(&expected.plain());
        assert_eq!(found(&index), found(&fresh), "seed {seed}, step {step}, change {choice}");
    }
}

#[test]
fn after_any_history_of_texts_with_ids_the_hits_are_those_of_one_build() {
    (0..10).for_each(|seed| history(seed, 25, true));
}

#[test]
fn after_any_history_of_texts_without_ids_the_hits_are_those_of_one_build() {
    (100..110).for_each(|seed| history(seed, 25, false));
}

#[test]
fn a_killed_build_goes_on() {
    let desk = Desk::new();
    let mut random = Random(7);
    let texts: Vec<Text> =
        (0..40).map(|id| Text::new(&id.to_string(), &random.text(), random.year())).collect();
    let input = desk.write("a.jsonl", &texts);
    desk.build("index", std::slice::from_ref(&input), &options()).unwrap();
    let whole = found(&desk.path("index"));
    let lines = fs::read_to_string(desk.path("index/_manifest.jsonl")).unwrap();
    let index = desk.path("index");
    for kept in 1..lines.lines().count() {
        let part: String = lines.split_inclusive('\n').take(kept).collect();
        ["_manifest.jsonl", "_manifest.copy.jsonl"]
            .iter()
            .for_each(|name| fs::write(index.join(name), &part).unwrap());
        let summary =
            desk.build("index", std::slice::from_ref(&input), &options().existing(Existing::Resume)).unwrap();
        assert_eq!(summary.unchanged, 7 * (kept as u64 - 1).min(40 / 7) + if kept > 6 { 5 } else { 0 });
        assert_eq!(found(&index), whole, "{kept}");
    }
    let writer = IndexWriter::build(&index, &[input], &options().existing(Existing::Resume)).unwrap();
    assert_eq!(writer.run(embedder(), &()).unwrap().counts.texts, 0, "nothing is left to do");
}
