//! `nearsay export`: its files, and what it refuses.

use std::fs;

use nearsay_tests::desk;
use nearsay_tests::run::Desk;

/// A folder with vectors of three texts.
fn desk_with_vectors() -> Desk {
    let desk = desk!();
    desk.write(
        "in.jsonl",
        "{\"id\":\"a\",\"text\":\"The mill\",\"year\":1820}\n{\"id\":\"b\",\"text\":\"Rain\\u0000\",\"year\":null}\n",
    );
    for (output, flags) in [
        ("a.parquet", ""),
        ("job/", ""),
        ("bits.parquet", "--output-type ubinary"),
        ("i8.parquet", "--output-type i8"),
    ] {
        desk.run(&format!(
            "embed in.jsonl -m STS --device cpu -q --keep text --keep year {flags} -o {output}"
        ))
        .ok();
    }
    desk.run("embed in.jsonl -m STS --device cpu -q -o a.npy").ok();
    desk
}

#[test]
fn a_summary_names_the_files_and_what_was_unusual() {
    let desk = desk_with_vectors();
    let run = desk.run("export job/ --to pgvector -o out --replace-nul --table Handbook --json").ok();
    let summary = run.json();
    assert_eq!(summary["files"], serde_json::json!(["rows.pgcopy", "schema.sql", "load.sh"]));
    assert_eq!((&summary["rows"], &summary["replaced_nul"]), (&2.into(), &1.into()));
    assert!(
        run.stderr.contains("2 rows -> out: 2 x vector(")
            && run.stderr.contains("load it with: sh out/load.sh"),
        "{}",
        run.stderr
    );
    let schema = fs::read_to_string(desk.path("out/schema.sql")).expect("a schema");
    assert!(schema.contains("CREATE TABLE \"Handbook\" (") && schema.contains("\"year\" bigint"), "{schema}");
    // Formats without columns have the rows' numbers alone.
    desk.run("export a.npy --to pgvector -o npy/").ok();
    desk.run("export bits.parquet --to pgvector -o bits/ --replace-nul").ok();
    assert!(fs::read_to_string(desk.path("bits/schema.sql")).expect("a schema").contains(" bit("));
}

#[test]
fn what_a_database_cannot_store_is_refused_and_leaves_nothing() {
    let desk = desk_with_vectors();
    desk.run("export a.parquet --to pgvector -o out/")
        .ends(65, &["a.parquet, row 2: column `text`: the text has a NUL character", "hint: --replace-nul"]);
    desk.run("export i8.parquet --to pgvector -o out/").ends(65, &["i8.parquet: has vectors of i8"]);
    desk.run("export i8.parquet --to documents -o i8/").ok();
    desk.run("export a.npy --to documents -o out/").ends(65, &["a.npy: has no column `text`", "--keep text"]);
    assert!(!desk.path("out").exists());
}

#[test]
fn databases_that_load_parquet_have_one_file() {
    let desk = desk_with_vectors();
    for (name, section) in [
        ("qdrant", "qdrant"),
        ("lance", "lancedb"),
        ("duckdb", "duckdb"),
        ("milvus", "milvus"),
        ("chroma", "chroma"),
    ] {
        let run = desk.run(&format!("export job/ --to {name} -o {name}/ --json")).ok();
        assert_eq!(run.json()["files"], serde_json::json!(["rows.parquet"]), "{name}");
        let section = format!("how to load it: docs/databases.md#{section}");
        assert!(run.stderr.contains("2 rows -> ") && run.stderr.contains(&section), "{}", run.stderr);
        // The file is one of vectors: it can be searched and exported again.
        let run = desk.run(&format!("search {name}/rows.parquet --like a --json")).ok();
        assert_eq!(run.json()["hits"][0]["id"], "b", "{name}");
        desk.run(&format!("export {name}/rows.parquet --to {name} -o again/"))
            .ends(65, &["\"nearsay_row\"", "would have one name"]);
        for vectors in ["bits", "i8"] {
            let run = desk.run(&format!("export {vectors}.parquet --to {name} -o {vectors}-{name}/"));
            match (vectors, name) {
                ("bits", "lance" | "duckdb") => drop(run.ok()),
                ("bits", _) => {
                    drop(run.ends(65, &["bits.parquet: has vectors of ", "has floats, f32 or f16"]))
                }
                _ => drop(run.ends(65, &["i8.parquet: has vectors of i8"])),
            }
        }
        desk.run(&format!("export a.npy --to {name} -o npy-{name}/")).ok();
    }
    assert!(!desk.path("again").exists());
}

#[test]
fn chunks_of_an_index_have_keys_of_their_own() {
    let desk = desk!();
    desk.write("in.jsonl", "{\"id\":\"a\",\"text\":\"The mill by the river, the garden and the station\"}\n");
    desk.run("index build in.jsonl -m STS --device cpu -q --chunk-tokens 6 --chunk-overlap 0 -o i").ok();
    desk.run("export i --to opensearch -o os/").ok();
    let body = fs::read_to_string(desk.path("os/bulk-00000.ndjson")).expect("a body");
    let ids: Vec<&str> = body.lines().step_by(2).collect();
    assert!(ids.len() > 1, "{body}");
    for (number, line) in ids.iter().enumerate() {
        assert_eq!(*line, format!("{{\"create\":{{\"_id\":\"a#{number}\"}}}}"));
    }
    desk.run("export i --to chroma -o chroma/").ok();
}

#[test]
fn sections_of_the_page_have_the_names_that_are_printed() {
    let page = fs::read_to_string(nearsay_tests::repository().join("docs/databases.md")).expect("a page");
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    let anchors: Vec<String> = headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    for database in nearsay::export::Database::ALL {
        let (file, anchor) = database.section().split_once('#').expect("a section");
        assert_eq!(file, "docs/databases.md");
        assert!(anchors.iter().any(|known| known == anchor), "{anchor} is not one of {anchors:?}");
    }
}

#[test]
fn outputs_and_names_are_checked_first() {
    let desk = desk_with_vectors();
    for (line, parts) in [
        ("--to pgvector -o out/ --table a;b", &["must be an SQL identifier", "\"a;b\""][..]),
        ("--to pgvector -o out/ --table 1a", &["must be an SQL identifier"]),
        ("--to opensearch -o -", &["written to a folder", "standard output"]),
        ("--to duckdb -o -", &["written to a folder", "standard output"]),
        ("--to redis -o out/", &["invalid value 'redis'", "pgvector"]),
        ("--to opensearch -o out/ --table t", &["--table has no effect without --to pgvector"]),
        ("--to lance -o out/ --table t", &["--table has no effect without --to pgvector"]),
        ("--to milvus -o out/ --serverless", &["--serverless has no effect without --to opensearch"]),
        ("--to chroma -o out/ --replace-nul", &["--replace-nul has no effect without --to pgvector"]),
        ("--to pgvector -o - --json", &["--json has no effect"]),
    ] {
        desk.run(&format!("export a.parquet {line}")).ends(2, parts);
    }
    desk.run("export a.parquet --to opensearch -o full/").ok();
    desk.run("export a.parquet --to opensearch -o full/")
        .ends(73, &["exists and is not empty", "--overwrite"]);
    desk.run("export a.parquet --to opensearch -o full/ --overwrite").ok();
    desk.run("export a.parquet --to opensearch -o in.jsonl").ends(73, &["not a folder"]);
    desk.run("export missing.parquet --to pgvector -o out/").ends(66, &["missing.parquet"]);
    assert!(!desk.path("out").exists());
}
