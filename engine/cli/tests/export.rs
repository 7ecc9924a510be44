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
fn outputs_and_names_are_checked_first() {
    let desk = desk_with_vectors();
    for (line, parts) in [
        ("--to pgvector -o out/ --table a;b", &["must be an SQL identifier", "\"a;b\""][..]),
        ("--to pgvector -o out/ --table 1a", &["must be an SQL identifier"]),
        ("--to opensearch -o -", &["several files", "standard output"]),
        ("--to redis -o out/", &["invalid value 'redis'", "pgvector"]),
        ("--to opensearch -o out/ --table t", &["--table has no effect without --to pgvector"]),
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
