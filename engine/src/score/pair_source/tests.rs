use super::*;
use crate::score::{PairSurvey, SurveyOptions};
use crate::text::Kept;
use crate::text::RecordId;

fn source(name: &str, texts: &[&str]) -> TextSource {
    TextSource::of_texts(name, texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

/// Texts whose ids are numbers; 0 is none.
fn with_ids(name: &str, ids: &[u64]) -> TextSource {
    let record = |(&id, row): (&u64, u64)| Record {
        id: if id == 0 { RecordId::Row(row - 1) } else { RecordId::Number(id.into()) },
        row,
        text: format!("text {id}"),
        has_text: true,
        kept: Kept::Nothing,
    };
    TextSource::of_records(name, ids.iter().zip(1..).map(record).collect())
}

fn string_ids(name: &str, ids: &[&str]) -> TextSource {
    let record = |(id, row): (&&str, u64)| Record {
        id: RecordId::String((*id).to_owned()),
        row,
        text: format!("text {id}"),
        has_text: true,
        kept: Kept::Nothing,
    };
    TextSource::of_records(name, ids.iter().zip(1..).map(record).collect())
}

fn pairs(candidates: TextSource, references: Vec<TextSource>) -> PairSource {
    PairSource::new(candidates, references)
}

fn named(column: &TextColumn) -> (String, TextColumn) {
    ("system".to_owned(), column.clone())
}

fn surveyed(source: &PairSource) -> Result<PairSurvey> {
    source.survey(SurveyOptions { ids: true, ..SurveyOptions::default() })
}

fn message(source: &PairSource) -> String {
    let counted = surveyed(source).unwrap_err();
    let read = source.pairs().unwrap().find_map(Result::err).expect("an error");
    assert_eq!(counted.to_string(), read.to_string());
    assert_eq!(counted.kind(), crate::ErrorKind::BadData);
    counted.to_string()
}

#[test]
fn columns_of_different_lengths_are_named_with_both_counts() {
    let candidates = || source("candidates", &["a", "b"]);
    let shorter = pairs(candidates(), vec![source("one", &["x", "y"]), source("two", &["x"])]);
    assert_eq!(message(&shorter), "two: must have as many rows as candidates, got 1 and 2");
    let longer = pairs(candidates(), vec![source("one", &["x"; 2]), source("two", &["x"; 5])]);
    assert_eq!(message(&longer), "two: must have as many rows as candidates, got 5 and 2");
    let both = pairs(candidates(), vec![source("one", &[]), source("two", &["x"; 5])]);
    assert_eq!(message(&both), "one: must have as many rows as candidates, got 0 and 2");
}

#[test]
fn no_rows_have_no_score() {
    let empty = pairs(source("candidates", &[]), vec![source("one", &[])]);
    assert_eq!(empty.count().unwrap_err().to_string(), "candidates: has no rows, so there is no score");
}

#[test]
fn blank_texts_are_references_in_the_first_column_only() {
    let references =
        vec![source("one", &["", "x"]), source("two", &["y", " \t"]), source("three", &["", "z"])];
    let pairs = pairs(source("candidates", &["a", ""]), references);
    let read: Vec<PairTexts> = pairs.pairs().unwrap().map(Result::unwrap).collect();
    assert_eq!(read, [PairTexts::new("a", ["", "y"]), PairTexts::new("", ["x", "z"])]);
    assert_eq!(pairs.survey(SurveyOptions::default()).unwrap().fewer_references.first, [0, 1]);
    let documents: Vec<Vec<String>> = documents(&pairs.references, pairs.blank_is_missing)
        .map(|texts| texts.unwrap().map(Result::unwrap).collect())
        .collect();
    assert_eq!(documents, [vec!["", "x"], vec!["y"], vec!["z"]]);
}

#[test]
fn ids_of_a_row_must_agree() {
    let swapped = pairs(with_ids("c", &[1, 2, 3]), vec![with_ids("r", &[1, 3, 2])]);
    assert_eq!(message(&swapped), "r, row 2: the id is 3, but row 2 of c has the id 2");
    assert!(swapped.count().unwrap_err().hint().is_some());
    assert_eq!(swapped.ignoring_ids().count().unwrap(), 3);
    let ids = surveyed(&swapped.ignoring_ids()).unwrap().ids;
    assert_eq!(ids, [1, 2, 3].map(|id| RecordId::Number(id.into())));
}

#[test]
fn references_must_agree_with_one_another() {
    let plain = source("c", &["a", "b"]);
    let references = vec![with_ids("one", &[7, 8]), with_ids("two", &[7, 9])];
    assert_eq!(message(&pairs(plain, references)), "two, row 2: the id is 9, but row 2 of one has the id 8");
}

#[test]
fn a_row_without_an_id_agrees_with_any() {
    let references = vec![source("plain", &["x", "y"]), with_ids("two", &[0, 8])];
    let pairs = pairs(with_ids("c", &[7, 0]), references);
    let ids = [7, 8].map(|id| RecordId::Number(id.into()));
    assert_eq!(surveyed(&pairs).unwrap().ids, ids);
    assert!(pairs.survey(SurveyOptions::default()).unwrap().ids.is_empty());
    let without = PairSource::new(source("c", &["a", "b"]), vec![source("r", &["x", "y"])]);
    assert!(surveyed(&without).unwrap().ids.is_empty());
}

#[test]
fn numbers_and_strings_are_compared_as_text() {
    assert!(pairs(with_ids("c", &[1, 2]), vec![string_ids("r", &["1", "2"])]).count().is_ok());
    let padded = pairs(with_ids("c", &[1]), vec![string_ids("r", &["01"])]);
    assert_eq!(message(&padded), "r, row 1: the id is \"01\", but row 1 of c has the id 1");
}

#[test]
fn ids_before_a_missing_row_are_reported_first() {
    let source = pairs(with_ids("c", &[1, 2, 3]), vec![with_ids("r", &[1, 3])]);
    assert!(message(&source).starts_with("r, row 2: the id is 3"));
    let source = pairs(with_ids("c", &[1, 2, 3]), vec![with_ids("r", &[1, 2])]);
    assert_eq!(message(&source), "r: must have as many rows as c, got 2 and 3");
}

#[test]
fn rows_paired_by_id_are_in_the_candidates_order() {
    let references = vec![with_ids("one", &[3, 1, 2]), string_ids("two", &["2", "3", "1"])];
    let aligned = pairs(with_ids("c", &[1, 2, 3]), references).aligned_by_ids().unwrap();
    let read: Vec<PairTexts> = aligned.pairs().unwrap().map(Result::unwrap).collect();
    let expected = ["text 1", "text 2", "text 3"].map(|text| PairTexts::new(text, [text, text]));
    assert_eq!(read, expected);
}

fn refused(candidates: TextSource, references: TextSource) -> String {
    let error = pairs(candidates, vec![references]).aligned_by_ids().unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
    error.to_string()
}

#[test]
fn ids_that_do_not_pair_are_named() {
    let three = || with_ids("c", &[1, 2, 3]);
    for (references, expected) in [
        (with_ids("r", &[3, 2, 1, 3]), "r, row 4: id 3 occurs twice; it is first in row 1"),
        (with_ids("r", &[3, 4, 1]), "r, row 2: id 4 is not in c"),
        (with_ids("r", &[3]), "c, row 1: id \"1\" is not in r, which lacks 2 of 3 ids"),
        (with_ids("r", &[2, 1]), "c, row 3: id \"3\" is not in r, which lacks 1 of 3 ids"),
        (with_ids("r", &[1, 0, 3]), "r, row 2: the row has no id, by which it could be paired"),
        (source("r", &["x"; 3]), "r, row 1: the row has no id, by which it could be paired"),
        (with_ids("r", &[]), "c, row 1: id \"1\" is not in r, which lacks 3 of 3 ids"),
    ] {
        assert_eq!(refused(three(), references), expected);
    }
    let twice = with_ids("c", &[1, 2, 1]);
    assert_eq!(refused(twice, three()), "c, row 3: id 1 occurs twice; it is first in row 1");
    let without = source("c", &["a"]);
    assert_eq!(refused(without, three()), "c, row 1: the row has no id, by which it could be paired");
}

#[test]
fn what_is_kept_for_pairing_is_bounded() {
    let source = pairs(with_ids("c", &[1, 2]), vec![with_ids("r", &[2, 1])]);
    assert!(align::by_ids(&source, 4 * 200 + 12).is_ok());
    let error = align::by_ids(&source, 4 * 192).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::BadData);
    assert!(error.to_string().starts_with("r: ids and references that are paired by id"), "{error}");
}

mod files {
    use super::*;

    fn column(input: &std::path::Path, field: Option<&str>) -> TextColumn {
        TextColumn { input: Input::File(input.to_owned()), field: field.map(str::to_owned) }
    }

    fn open(candidates: &TextColumn, references: &TextColumn) -> Result<u64> {
        PairSource::open(&[named(candidates)], std::slice::from_ref(references), &TextOptions::default())?
            .count()
    }

    #[test]
    fn one_column_on_both_sides_is_refused_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.csv"), "text,other\nx,y\n").unwrap();
        std::fs::hard_link(path("a.csv"), path("hard.csv")).unwrap();
        std::os::unix::fs::symlink("a.csv", path("soft.csv")).unwrap();
        let candidates = column(&path("a.csv"), None);
        for name in ["a.csv", "./a.csv", "hard.csv", "soft.csv"] {
            for field in [None, Some("text")] {
                let error = open(&candidates, &column(&path(name), field)).unwrap_err();
                assert_eq!(error.kind(), crate::ErrorKind::Usage, "{name}");
                assert!(error.to_string().contains("are the same texts: field `text` of "), "{error}");
            }
            assert_eq!(open(&candidates, &column(&path(name), Some("other"))).unwrap(), 1, "{name}");
        }
        std::fs::copy(path("a.csv"), path("copy.csv")).unwrap();
        assert_eq!(open(&candidates, &column(&path("copy.csv"), None)).unwrap(), 1);
    }

    #[test]
    fn lines_have_no_field_in_the_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "x\n").unwrap();
        let error = open(&column(&path, None), &column(&path, None)).unwrap_err().to_string();
        let texts = format!("candidates and references are the same texts: {};", path.display());
        assert!(error.starts_with(&texts), "{error}");
    }

    #[test]
    fn ids_are_read_from_files_of_different_formats() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("c.jsonl"), "{\"id\":5,\"text\":\"x\"}\n{\"id\":6,\"text\":\"y\"}\n").unwrap();
        std::fs::write(path("r.csv"), "id,text\n6,y\n5,x\n").unwrap();
        std::fs::write(path("r.txt"), "x\ny\n").unwrap();
        let candidates = column(&path("c.jsonl"), None);
        let error = open(&candidates, &column(&path("r.csv"), None)).unwrap_err().to_string();
        assert!(error.contains("r.csv, row 2: the id is \"6\", but row 1 of "), "{error}");
        assert_eq!(open(&candidates, &column(&path("r.txt"), None)).unwrap(), 2);
        let references = [column(&path("r.csv"), None)];
        let source = PairSource::open(&[named(&candidates)], &references, &TextOptions::default()).unwrap();
        let aligned = source.aligned_by_ids().unwrap();
        assert_eq!(aligned.references[0].field(), Some("text"));
        let read: Vec<PairTexts> = aligned.pairs().unwrap().map(Result::unwrap).collect();
        assert_eq!(read, [PairTexts::new("x", ["x"]), PairTexts::new("y", ["y"])]);
    }
}
