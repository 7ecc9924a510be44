//! The rules of builds, updates and deletions.

use std::fs;

use nearsay::ErrorKind;
use nearsay::index::{
    self, DeletedTexts, IndexOptions, IndexWriter, Prune, StoredType, TextRequest, UpdateOptions,
    build_from_vectors, compact, delete, info, read_text,
};
use nearsay::job::{CorpusOptions, Existing};
use nearsay::search::{Metric, SearchOptions};
use nearsay::session::Control;
use nearsay::text::RecordId;
use sha2::{Digest, Sha256};

use crate::support::{Desk, Text, embedder, found, options};

fn texts(count: usize) -> Vec<Text> {
    (0..count).map(|id| Text::new(&format!("t{id}"), &format!("stone number {id}"), id as i64)).collect()
}

fn id(text: &str) -> RecordId {
    RecordId::String(text.to_owned())
}

#[test]
fn an_update_that_would_remove_too_much_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    let input = desk.write("a.jsonl", &texts(9));
    desk.build("index", std::slice::from_ref(&input), &options()).unwrap();
    let before = fs::read(desk.path("index/_manifest.jsonl")).unwrap();
    for left in [0, 4] {
        let input = desk.write("a.jsonl", &texts(left));
        let error = desk.update("index", &[input], UpdateOptions::default().prune(Prune::Gone)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadData);
        assert!(error.to_string().contains('9'), "{error}");
        assert_eq!(fs::read(desk.path("index/_manifest.jsonl")).unwrap(), before);
    }
    let input = desk.write("a.jsonl", &texts(5));
    let prune = UpdateOptions::default().prune(Prune::Gone);
    let counted = desk.update("index", std::slice::from_ref(&input), prune.dry_run()).unwrap();
    assert_eq!((counted.unchanged, counted.removed), (5, 4));
    assert_eq!(fs::read(desk.path("index/_manifest.jsonl")).unwrap(), before);
    assert_eq!(desk.update("index", &[input], prune).unwrap().removed, 4);
    let input = desk.write("a.jsonl", &[]);
    assert_eq!(
        desk.update("index", &[input], UpdateOptions::default().prune(Prune::All)).unwrap().removed,
        5
    );
    assert_eq!(index::open(&desk.path("index"), None).unwrap().rows(), 0);
}

#[test]
fn rows_of_inputs_that_were_not_read_stay_and_files_that_left_a_folder_go() {
    let desk = Desk::new();
    fs::create_dir(desk.path("notes")).unwrap();
    for name in ["one", "two", "three"] {
        fs::write(desk.path("notes").join(format!("{name}.md")), format!("# {name}\n\nA note.\n")).unwrap();
    }
    let reading = nearsay::text::TextOptions::default().whole_files();
    let options = options().reading(reading);
    let folder = nearsay::text::Input::File(desk.path("notes"));
    desk.build("index", std::slice::from_ref(&folder), &options).unwrap();
    fs::remove_file(desk.path("notes/two.md")).unwrap();
    let prune = UpdateOptions::default().prune(Prune::Gone);
    let summary = desk.update("index", &[folder], prune).unwrap();
    assert_eq!((summary.unchanged, summary.removed, summary.added), (2, 1, 0));
    assert_eq!(info(&desk.path("index")).unwrap().texts, 2);
}

#[test]
fn inputs_that_changed_are_stale_and_the_stored_text_is_found() {
    let desk = Desk::new();
    let input = desk.write("a.jsonl", &texts(3));
    desk.build("index", std::slice::from_ref(&input), &options()).unwrap();
    let index = desk.path("index");
    assert!(index::open(&index, None).unwrap().stale().is_empty());
    desk.write("a.jsonl", &texts(2));
    let corpus = index::open(&index, None).unwrap();
    assert_eq!((corpus.stale().len(), corpus.rows()), (1, 3));
    fs::remove_file(desk.path("a.jsonl")).unwrap();
    let corpus = index::open(&index, None).unwrap();
    let search = corpus.search(&SearchOptions::default()).unwrap();
    let answer = search.answer(&search.like(0).unwrap()).unwrap();
    assert_eq!((answer.stale.len(), answer.hits.len()), (1, 2));
    assert!(answer.hits[0].text.as_deref().unwrap().starts_with("stone"));
}

#[test]
fn an_id_twice_is_refused_with_both_places() {
    let desk = Desk::new();
    let first = desk.write("a.jsonl", &texts(2));
    desk.build("index", &[first], &options()).unwrap();
    let second = desk.write("b.jsonl", &texts(1));
    let error = desk.update("index", &[second], UpdateOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadData);
    assert!(error.to_string().contains("a.jsonl") && error.to_string().contains("b.jsonl"), "{error}");
}

#[test]
fn another_metric_a_newer_format_and_a_second_writer_are_refused() {
    let desk = Desk::new();
    let input = desk.write("a.jsonl", &texts(3));
    desk.build("index", std::slice::from_ref(&input), &options()).unwrap();
    let index = desk.path("index");
    assert_eq!(index::open(&index, Some(Metric::Dot)).unwrap_err().kind(), ErrorKind::Model);
    assert!(index::open(&index, Some(Metric::Cosine)).is_ok());
    let other = options().metric(Metric::Dot).existing(Existing::Resume);
    assert_eq!(
        desk.build("index", std::slice::from_ref(&input), &other).unwrap_err().kind(),
        ErrorKind::Model
    );
    let error = desk.build("index", std::slice::from_ref(&input), &options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CannotCreate);
    let writer = IndexWriter::update(&index, std::slice::from_ref(&input), UpdateOptions::default()).unwrap();
    assert_eq!(compact(&index, &Control::default()).unwrap_err().kind(), ErrorKind::TryAgain);
    assert_eq!(found(&index).len(), found(&index).len(), "readers take no lock");
    drop(writer);
    assert!(compact(&index, &Control::default()).is_ok());
    let session = embedder().session();
    let shorter = session.embedder(&nearsay::EmbedOptions::default().max_length(20)).unwrap();
    let writer = IndexWriter::update(&index, &[input], UpdateOptions::default()).unwrap();
    assert_eq!(writer.run(&shorter, &()).unwrap_err().kind(), ErrorKind::Model);
}

#[test]
fn purged_texts_leave_no_byte() {
    let desk = Desk::new();
    let mut own = texts(20);
    own[4].text = "my secret garden".to_owned();
    let input = desk.write("a.jsonl", &own);
    desk.build("index", &[input], &options()).unwrap();
    let index = desk.path("index");
    let has_secret = || {
        let mut folders = vec![index.clone()];
        let mut is_there = false;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                match entry.path().is_dir() {
                    true => folders.push(entry.path()),
                    false => {
                        is_there |= fs::read(entry.path()).unwrap().windows(6).any(|part| part == b"secret")
                    }
                }
            }
        }
        is_there
    };
    assert!(has_secret());
    let texts = DeletedTexts::Ids(vec![vec![id("t4")], vec![id("none")]]);
    let deletion = delete(&index, &texts, false, &Control::default()).unwrap();
    assert_eq!((deletion.texts, deletion.missing), (1, vec![id("none")]));
    assert!(has_secret(), "deleted, not purged");
    let again = DeletedTexts::Ids(vec![vec![id("t5")]]);
    assert_eq!(delete(&index, &again, true, &Control::default()).unwrap().left, 18);
    assert!(!has_secret());
    own.drain(4..6);
    assert_eq!(found(&index), found(&desk.fresh(&own)));
}

#[test]
fn sixteen_bits_are_stored_rounded_and_survive_a_compaction() {
    let desk = Desk::new();
    let input = desk.write("a.jsonl", &texts(30));
    for stored in [StoredType::F16, StoredType::Bf16] {
        let name = stored.name();
        desk.build(name, std::slice::from_ref(&input), &options().vectors(stored)).unwrap();
        let before = found(&desk.path(name));
        delete(&desk.path(name), &DeletedTexts::Where("year = 29".to_owned()), true, &Control::default())
            .unwrap();
        compact(&desk.path(name), &Control::default()).unwrap();
        let after = found(&desk.path(name));
        let bits = |found: &[serde_json::Value], id: &str| {
            found.iter().find(|hit| hit["id"] == id).map(|hit| hit["bits"].clone())
        };
        let shared: Vec<&str> = after.iter().filter_map(|hit| hit["id"].as_str()).take(10).collect();
        assert!(
            shared.iter().all(|id| bits(&before, id).is_none_or(|was| Some(was) == bits(&after, id))),
            "{name}"
        );
    }
}

#[test]
fn a_text_is_returned_whole_or_around_a_chunk() {
    let desk = Desk::new();
    let long = "Wörter über Flüsse. ".repeat(20);
    let input = desk.write("a.jsonl", &[Text::new("a", &long, 1), Text::new("b", "short", 2)]);
    desk.build("index", &[input], &options()).unwrap();
    let index = desk.path("index");
    let whole = read_text(&index, &TextRequest::new(&id("a"))).unwrap().unwrap();
    assert_eq!((whole.text.as_str(), whole.bytes, whole.chunk), (long.as_str(), long.len(), None));
    assert!(whole.chunks > 2);
    let mut request = TextRequest::new(&id("a"));
    request.chunk = Some(1);
    let chunk = read_text(&index, &request).unwrap().unwrap();
    let [start, end] = chunk.chunk.unwrap();
    assert_eq!(chunk.text, &long[start as usize..end as usize]);
    request.around = 3;
    let around = read_text(&index, &request).unwrap().unwrap();
    assert_eq!(around.text.chars().count(), chunk.text.chars().count() + 6);
    request.max_characters = Some(5);
    let cut = read_text(&index, &request).unwrap().unwrap();
    assert_eq!(cut.text.chars().count(), 5);
    request.from = cut.continues_at.unwrap();
    request.max_characters = None;
    let rest = read_text(&index, &request).unwrap().unwrap();
    assert_eq!(cut.text + &rest.text, around.text);
    request.chunk = Some(999);
    assert_eq!(read_text(&index, &request).unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(read_text(&index, &TextRequest::new(&id("c"))).unwrap(), None);
}

#[test]
fn an_index_of_vectors_finds_what_an_index_of_their_texts_finds() {
    let desk = Desk::new();
    let mut own = texts(20);
    own[3].text = "the river flows at night and the bread is stone ".repeat(6);
    let input = desk.write("a.jsonl", &own);
    let nearsay::text::Input::File(path) = &input else { unreachable!("a file") };
    for output in ["a.parquet", "a.arrow", "job/"] {
        let corpus =
            CorpusOptions::default().reading(options().reading).on_long(options().on_long).rows_per_shard(6);
        let vectors = desk.path(output);
        let target = format!("{}{}", vectors.display(), if output.ends_with('/') { "/" } else { "" });
        embedder().embed_files([path], &target, &corpus).unwrap();
        let index = desk.path("vectors");
        let overwrite = IndexOptions::default().texts_per_volume(7).bits().existing(Existing::Overwrite);
        let summary = build_from_vectors(&index, &[vectors], None, &overwrite, &Control::default()).unwrap();
        assert_eq!(summary.added, 20, "{output}");
        assert_eq!(found(&index), found(&desk.fresh(&own)), "{output}");
        let long = read_text(&index, &TextRequest::new(&id("t3"))).unwrap().unwrap();
        assert_eq!(long.text, own[3].text.trim_end(), "{output}");
        let error =
            desk.update("vectors", std::slice::from_ref(&input), UpdateOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
    let missing = build_from_vectors(
        &desk.path("other"),
        &[desk.path("a.parquet")],
        Some("body"),
        &IndexOptions::default(),
        &Control::default(),
    );
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::Usage);
    assert!(!desk.path("other").exists());
    let twice = [desk.path("a.parquet"), desk.path("a.parquet")];
    let error =
        build_from_vectors(&desk.path("other"), &twice, None, &IndexOptions::default(), &Control::default());
    assert!(error.unwrap_err().to_string().contains("occurs twice"));
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let desk = Desk::new();
    let input = desk.write("a.jsonl", &texts(2));
    desk.build("index", std::slice::from_ref(&input), &options()).unwrap();
    let manifest = fs::read_to_string(desk.path("index/_manifest.jsonl")).unwrap();
    let first = manifest.lines().next().unwrap();
    let (body, _) = first.strip_prefix("{\"entry\":").unwrap().rsplit_once(",\"sha256\"").unwrap();
    let newer = body.replace("\"format_version\":1", "\"format_version\":2");
    let digest: String = Sha256::digest(&newer).iter().map(|byte| format!("{byte:02x}")).collect();
    let line = format!("{{\"entry\":{newer},\"sha256\":\"{digest}\"}}\n{{}}\n");
    ["_manifest.jsonl", "_manifest.copy.jsonl"]
        .iter()
        .for_each(|name| fs::write(desk.path("index").join(name), &line).unwrap());
    let index = desk.path("index");
    let kinds = [
        index::open(&index, None).map(drop).unwrap_err().kind(),
        info(&index).map(drop).unwrap_err().kind(),
        compact(&index, &Control::default()).map(drop).unwrap_err().kind(),
        desk.update("index", &[input], UpdateOptions::default()).map(drop).unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Model; 4]);
    assert_eq!(fs::read_to_string(desk.path("index/_manifest.jsonl")).unwrap(), line);
}
