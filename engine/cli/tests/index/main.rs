//! `nearsay index`, and `search`, `get` and `verify` on an index.

use std::fs;

use nearsay_tests::desk;
use nearsay_tests::run::Desk;
use serde_json::json;

const TEXTS: &str = r#"{"id": "mill", "text": "The mill on the river was built in 1820. It grinds corn.", "year": 1820}
{"id": "rain", "text": "It rained for three days. The river ran over its banks.", "year": 1953}
{"id": "bread", "text": "Bread is baked on Fridays. It is sold at noon.", "year": 1990}
{"id": 7, "text": "The garden is closed in winter.", "year": 2001}
"#;

/// A folder with texts and an index of them.
fn built() -> Desk {
    let desk = desk!();
    desk.write("in.jsonl", TEXTS);
    let line =
        "index build in.jsonl -m STS --device cpu --keep year --chunk-tokens 12 --chunk-overlap 2 -o i";
    desk.run(line).ends(0, &["4 added"]);
    desk
}

#[test]
fn an_index_is_built_searched_and_described() {
    let desk = built();
    let answer =
        desk.run("search i river --device cpu --json --columns year --where year<1960").ends(0, &[]).json();
    assert_eq!(answer["hits"].as_array().map(Vec::len), Some(2));
    let hit = &answer["hits"][0];
    assert!(hit["chunk"].is_u64() && hit["byte_end"].is_u64() && hit["columns"]["year"].is_u64(), "{hit}");
    assert_eq!((&answer["stale"], &answer["exact"]), (&json!([]), &json!(true)));
    let near = desk.run("search i --like 7 --json --context 5").ends(0, &[]).json();
    assert_eq!(near["like"], 7);
    assert!(near["hits"][0]["before"].is_string());
    let info = desk.run("index info i --json").ends(0, &[]).json();
    assert_eq!(
        (&info["texts"], &info["metric"], &info["vectors"]),
        (&json!(4), &json!("cosine"), &json!("f32"))
    );
    assert!(desk.run("index info i").ends(0, &[]).text().contains("in.jsonl"));
    assert!(desk.run("verify i").ends(0, &[]).text().contains("every checksum holds"));
    desk.run("index build in.jsonl -m STS --device cpu -o i")
        .ends(73, &["holds an index", "--resume", "--overwrite"]);
}

#[test]
fn an_update_encodes_what_has_changed_and_says_so() {
    let desk = built();
    desk.write("in.jsonl", TEXTS.replace("Fridays", "Mondays").replace("{\"id\": 7", "{\"id\": 8"));
    let stale = desk.run("search i --like mill --json").ends(0, &["in.jsonl has changed or is gone"]).json();
    assert_eq!((&stale["stale"], &stale["stale_count"]), (&json!(["in.jsonl"]), &json!(1)));
    let counted =
        desk.run("index update i in.jsonl --prune --dry-run --json").ends(0, &["nothing was done"]).json();
    for (key, count) in
        [("unchanged", 2), ("changed", 1), ("added", 1), ("removed", 1), ("encoded_tokens", 0)]
    {
        assert_eq!(counted[key], count, "{key}");
    }
    let done = desk.run("index update i in.jsonl --prune --json").ends(0, &[]).json();
    desk.write(
        "two.jsonl",
        TEXTS.replace("Fridays", "Mondays").lines().skip(2).collect::<Vec<_>>().join("\n"),
    );
    let line = "index build two.jsonl -m STS --device cpu --keep year --chunk-tokens 12 --chunk-overlap 2 -o j --json";
    assert_eq!(
        done["encoded_tokens"],
        desk.run(line).ends(0, &[]).json()["encoded_tokens"],
        "only two texts"
    );
    let again = desk.run("index update i in.jsonl --prune --json").ends(0, &[]).json();
    assert_eq!((&again["unchanged"], &again["encoded_tokens"]), (&json!(4), &json!(0)));
    desk.run("get i bread").ends(0, &[]);
    assert_eq!(desk.run("get i bread").ok().text(), "Bread is baked on Mondays. It is sold at noon.\n");
    desk.run("get i bread --chunk 9").ends(2, &["the text has no chunk 9: it has "]);
    desk.run("get i 7").ends(2, &["no text with the id"]);
    desk.write("in.jsonl", "");
    desk.run("index update i in.jsonl --prune").ends(65, &["in.jsonl", "has no rows", "--prune=all"]);
}

#[test]
fn texts_are_deleted_by_id_and_by_condition() {
    let desk = built();
    desk.write("ids.txt", "7\nnope\n");
    desk.run("index delete i --ids ids.txt").ends(0, &["1 text deleted, 3 left", "\"nope\""]);
    desk.run("index delete i --where year=1990 --purge").ends(0, &["1 text deleted, 2 left"]);
    let rows = fs::read(desk.path("i/volume-00001/rows.arrow")).unwrap();
    assert!(!rows.windows(5).any(|part| part == b"baked"));
    desk.run("embed in.jsonl -m STS --device cpu -o i --resume")
        .ends(73, &["volume-0000", "not part of a job"]);
    desk.run("status i").ends(65, &["the folder holds an index, not a job"]);
    desk.run("index delete i --where nope=1").ends(2, &["no column `nope`"]);
    desk.run("index compact i").ends(0, &["before"]);
    assert!(desk.run("verify i").ends(0, &[]).text().contains("complete, every checksum holds"));
}

#[test]
fn an_answer_names_the_first_stale_inputs_and_counts_all() {
    let desk = desk!();
    let names: Vec<String> = (10..22).map(|number| format!("{number}.txt")).collect();
    for name in &names {
        desk.write(name, format!("bread {name}\n"));
    }
    desk.run(&format!("index build {} -m STS --device cpu -q -o i", names.join(" "))).ok();
    for name in &names {
        desk.write(name, "other words\n");
    }
    let line = "search i --like 0 --json";
    let answer = desk.run(line).ends(0, &["10.txt and 11 other inputs have changed"]).json();
    assert_eq!((&answer["stale"], &answer["stale_count"]), (&json!(names[..10]), &json!(12)));
}

#[test]
fn a_damaged_manifest_whose_copy_is_used_is_reported() {
    for name in ["_manifest.jsonl", "_manifest.copy.jsonl"] {
        let desk = built();
        let path = desk.path("i").join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, bytes).unwrap();
        let warning = format!("warning: line 1 of {name} is damaged");
        let run = desk.run("search i --like 7 --json").ends(0, &[&warning, "index update"]);
        assert_eq!(run.json()["searched"], built().run("search i --like 7 --json").ok().json()["searched"]);
        desk.run("index update i in.jsonl -q").ok();
        let repaired = desk.run("search i --like 7").ok();
        assert!(!repaired.stderr.contains("damaged"), "{}", repaired.stderr);
    }
}

#[test]
fn other_models_metrics_and_folders_are_refused() {
    let desk = built();
    desk.run("search i river --device cpu -m FIXTURE:sentence-transformers/old-layout")
        .ends(78, &["SHA-256"]);
    desk.run("index update i in.jsonl -m FIXTURE:sentence-transformers/old-layout").ends(78, &["SHA-256"]);
    desk.run("search i river --metric dot").ends(78, &["the metric cosine", "dot"]);
    desk.run("index info in.jsonl").ends(66, &["in.jsonl"]);
    desk.run("index info .").ends(65, &["not an index"]);
    desk.run("index build in.jsonl -o j").ends(2, &["no model is named"]);
    desk.run("index build missing.npy -o j --pooling cls").ends(2, &["--pooling has no effect on vectors"]);
}

#[test]
fn vectors_become_an_index() {
    let desk = desk!();
    desk.write("in.jsonl", TEXTS);
    desk.run("embed in.jsonl -m STS --device cpu -q --keep text --keep year -o a.parquet").ok();
    desk.run("index build a.parquet -o i").ends(0, &["4 texts"]);
    let of =
        |place: &str| desk.run(&format!("search {place} --like mill --json")).ok().json()["hits"].clone();
    let (own, file) = (of("i"), of("a.parquet"));
    for (own, file) in own.as_array().unwrap().iter().zip(file.as_array().unwrap()) {
        assert_eq!((&own["id"], &own["score"], &own["text"]), (&file["id"], &file["score"], &file["text"]));
    }
    desk.run("index update i in.jsonl").ends(2, &["built from vectors"]);
    for place in ["i", "a.parquet"] {
        desk.run(&format!("export {place} --to documents -o of-{place}")).ends(0, &["4 rows"]);
        let documents = fs::read_to_string(desk.path(format!("of-{place}/documents.jsonl")));
        assert_eq!(documents.expect("documents").lines().count(), 4);
    }
}
