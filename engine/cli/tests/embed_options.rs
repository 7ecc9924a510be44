//! `nearsay embed` with long and repeated texts, kept columns, output types and dry runs.

use nearsay_tests::desk;
use serde_json::{Value, json};

/// A text of about 300 tokens for the tiny BERT, whose longest text has 40.
fn long_text() -> String {
    "The river ran over its banks. \"The cat saw the water!\" Was it cold? Nobody knew, é猫. ".repeat(9)
}

fn slice<'a>(text: &'a str, row: &Value) -> &'a str {
    let offset = |name: &str| row[name].as_u64().expect("an offset") as usize;
    let bytes = &text[offset("byte_start")..offset("byte_end")];
    let (start, end) = (offset("character_start"), offset("character_end"));
    assert_eq!(bytes, text.chars().skip(start).take(end - start).collect::<String>());
    bytes
}

#[test]
fn a_task_has_adapters_and_an_instruction() {
    let desk = desk!();
    let model = nearsay_tests::fixture("families/jina-v3").display().to_string();
    desk.write("in.txt", "the cat\n").write("instructed.txt", "river: the cat\n");
    let run = |rest: &str| desk.run(&format!("embed {rest} -m {model}"));
    let asked = run("in.txt --task retrieval.query").ok();
    assert!(
        asked.stderr.contains("the task's instruction is put before each text: \"river: \""),
        "{asked:?}"
    );
    let asked = asked.vectors();
    // A prompt replaces the instruction; this one is empty.
    let by_hand = run("instructed.txt --task retrieval.query --prompt-name document").ok().vectors();
    assert_eq!(asked, by_hand);
    let plain = run("in.txt").ok();
    assert!(plain.stderr.contains("without --task: it has them for retrieval.query, "), "{plain:?}");
    let others = [plain, run("in.txt --task separation").ok(), run("instructed.txt").ok()];
    assert!(others.iter().all(|other| other.vectors() != asked));
    let summary = run("in.txt --task separation -o out.npy --json").ok().json();
    assert_eq!((&summary["task"], &summary["prompt"]), (&json!("separation"), &json!("")));
    run("in.txt --task clustering")
        .ends(2, &["no task `clustering`: its tasks are retrieval.query, retrieval.passage, separation"]);
    desk.run("embed in.txt -m BERT --task separation")
        .ends(2, &["has no task `separation`: it has no tasks"]);
    let inspected = desk.run(&format!("models inspect {model} --json")).ok().json();
    assert_eq!(inspected["tasks"], json!(["retrieval.query", "retrieval.passage", "separation"]));
}

#[test]
fn queries_without_special_tokens_are_cut_and_split_like_other_texts() {
    let desk = desk!();
    let model = nearsay_tests::fixture("routed").display().to_string();
    desk.write("in.txt", "the river the garden\n");
    let run =
        |more: &str| desk.run(&format!("embed in.txt -m {model} --task query --prompt-name document {more}"));
    let cut = run("--max-length 2 -o cut.jsonl").ok();
    assert!(cut.stderr.contains("1 text was cut to 2 tokens"), "{}", cut.stderr);
    assert!(run("--max-length 4 -o whole.jsonl").ok().stderr.contains("none cut"));
    run("--max-length 2 --on-long error -o x.jsonl").ends(65, &["longer than 2 tokens"]);
    let chunks = run("--max-length 2 --on-long chunk --chunk-overlap 0 -o chunks.parquet").ok();
    assert!(chunks.stderr.contains("2 sparse rows"), "{}", chunks.stderr);
}

#[test]
fn a_corpus_of_documents_has_queries() {
    let desk = desk!();
    let model = nearsay_tests::fixture("routed").display().to_string();
    desk.write("in.txt", "the river\nthe garden\n");
    desk.run(&format!("index build in.txt -m {model} --task document --pooling mean -o a.index -q")).ok();
    let found = desk.run(&format!("search a.index river -m {model} --json")).ok();
    assert!(found.stderr.contains("task of queries: query"), "{}", found.stderr);
}

#[test]
fn a_chunk_has_the_vector_of_its_text() {
    let (desk, text) = (desk!(), long_text());
    desk.write(
        "in.jsonl",
        format!("{}\n{}\n", json!({"id": "long", "text": text}), json!({"id": 2, "text": "the cat"})),
    );
    for line in [
        "-m BERT --on-long chunk --chunk-overlap 6",
        "-m STS --on-long chunk --max-length 20 --chunk-overlap 3",
    ] {
        let rows = desk.run(&format!("embed in.jsonl {line}")).ok().rows();
        let chunks: Vec<&Value> = rows.iter().filter(|row| row["id"] == "long").collect();
        assert!(chunks.len() > 5, "{}", chunks.len());
        assert_eq!(rows.len(), chunks.len() + 1);
        let mut covered = 0;
        for (number, row) in chunks.iter().enumerate() {
            assert_eq!(row["chunk"], number);
            let start = row["byte_start"].as_u64().expect("a start") as usize;
            assert!(start <= covered || text[covered..start].trim().is_empty(), "a gap before {start}");
            covered = row["byte_end"].as_u64().expect("an end") as usize;
            let alone = json!({"text": slice(&text, row)}).to_string();
            let alone = desk.run_with(&format!("embed - --format jsonl {line}"), alone).ok().rows();
            assert_eq!(alone.len(), 1);
            assert_eq!(alone[0]["embedding"], row["embedding"], "chunk {number}");
        }
        assert!(text[covered..].trim().is_empty());
    }
}

#[test]
fn token_offsets_of_a_chunk_are_those_of_the_whole_text() {
    let (desk, text) = (desk!(), long_text());
    desk.write("in.jsonl", json!({"text": text}).to_string());
    let run = desk.run("embed in.jsonl -m BERT --on-long chunk --chunk-overlap 4 --level token").ok();
    let rows = run.rows();
    assert!(rows.len() > 5);
    for row in &rows {
        let tokens = row["tokens"].as_array().expect("tokens");
        let bytes = row["byte_offsets"].as_array().expect("offsets");
        assert_eq!(bytes.len(), tokens.len());
        assert_eq!(row["embeddings"].as_array().expect("vectors").len(), tokens.len());
        for (token, range) in tokens.iter().zip(bytes) {
            let end = |index: usize| range[index].as_u64().expect("a number") as usize;
            let token = token.as_str().expect("a token").trim_start_matches("##");
            if token.starts_with('[') {
                continue;
            }
            assert_eq!(text[end(0)..end(1)].to_lowercase().replace('é', "e"), token);
        }
    }
}

#[test]
fn merged_chunks_are_one_vector_of_length_one_where_the_model_says_so() {
    let desk = desk!();
    desk.write("in.jsonl", format!("{}\n{}\n", json!({"text": long_text()}), json!({"text": "the cat"})));
    let run = desk.run("embed in.jsonl -m BERT --normalize --on-long chunk --merge mean").ok();
    let vectors = run.vectors();
    assert_eq!(vectors.len(), 2);
    for vector in &vectors {
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
    let short = desk.run_with("embed - --format txt -m BERT --normalize", "the cat\n").ok().vectors();
    assert_eq!(vectors[1], short[0], "a text that fits is what it always was");
    assert_ne!(vectors[0], desk.run("embed in.jsonl -m BERT --normalize").ok().vectors()[0]);
}

#[test]
fn long_texts_are_refused_or_marked_on_request() {
    let desk = desk!();
    desk.write(
        "in.jsonl",
        format!("{}\n{}\n", json!({"text": "the cat"}), json!({"id": "x", "text": long_text()})),
    );
    let refused = desk.run("embed in.jsonl -m BERT --on-long error -o out.npy");
    refused.ends(
        65,
        &[
            "the text of the record with id \"x\" (row 2) is longer than 40 tokens",
            "hint:",
            "--on-long chunk",
        ],
    );
    assert_eq!(desk.names(), ["in.jsonl"]);
    let rows = desk.run("embed in.jsonl -m BERT --mark-truncated").ends(0, &["1 text was cut"]).rows();
    assert_eq!([&rows[0]["truncated"], &rows[1]["truncated"]], [false, true]);
    desk.run("embed in.jsonl -m BERT --on-long chunk --chunk-overlap 30")
        .ends(2, &["overlap", "30", "38", "hint: lower --chunk-overlap"]);
    desk.run("embed in.jsonl -m BERT --merge mean").ends(2, &["--merge", "hint:", "--on-long chunk"]);
    desk.run("embed in.jsonl -m BERT --chunk-overlap 3")
        .ends(2, &["--chunk-overlap", "hint:", "--on-long chunk"]);
    for output in ["--on-long chunk -o out.npy", "--mark-truncated -o out.npy", "--keep text -o out.npy"] {
        desk.run(&format!("embed in.jsonl -m BERT {output}")).ends(2, &["npy", "hint:", ".parquet"]);
    }
}

#[test]
fn repeated_texts_are_told_and_have_the_same_vector() {
    let desk = desk!();
    desk.write("in.txt", "the river\nthe cat\n".repeat(50));
    let run = desk
        .run("embed in.txt -m BERT -o out.npy --json")
        .ends(0, &["98 duplicate texts were not encoded again"]);
    let summary = run.json();
    assert_eq!([&summary["texts"], &summary["rows"], &summary["repeated"]], [100, 100, 98]);
    let vectors = desk.run("embed in.txt -m BERT").ok().vectors();
    assert!(vectors.chunks(2).all(|pair| pair == &vectors[..2]));
    assert_ne!(vectors[0], vectors[1]);
}

#[test]
fn a_value_of_another_type_than_the_first_rows_is_named() {
    let desk = desk!();
    let row = |row: usize| json!({"id": row, "year": 2000 + row, "text": "the river"}).to_string() + "\n";
    let first: String = (0..1100).map(row).collect();
    desk.write("in.jsonl", first + &json!({"id": 9999, "year": "MMXX", "text": ""}).to_string());
    let line = "embed in.jsonl -m BERT --keep year -o";
    desk.run(&format!("{line} out.parquet")).ends(
        65,
        &[
            "column `year` of the record with id 9999 (row 1101) is a string",
            "whole numbers",
            "hint:",
            ".jsonl",
        ],
    );
    desk.run(&format!("{line} json.parquet --json-column year")).ok();
    desk.run(&format!("{line} out.parquet --json-column month")).ends(2, &["month", "--keep month"]);
    desk.run(&format!("{line} out.jsonl")).ok();
    assert!(String::from_utf8_lossy(&desk.read("out.jsonl")).contains(r#""year":"MMXX""#));
}

#[test]
fn names_that_columns_would_share_are_refused() {
    let desk = desk!();
    desk.write("in.jsonl", r#"{"text":"a","chunk":1,"embedding":2,"truncated":3}"#);
    for (line, name) in [
        ("--keep chunk --on-long chunk", "chunk"),
        ("--keep embedding", "embedding"),
        ("--keep truncated --mark-truncated", "truncated"),
        ("--keep text --keep text", "text"),
    ] {
        desk.run(&format!("embed in.jsonl -m BERT {line}")).ends(2, &[name]);
    }
    desk.run("embed in.jsonl -m BERT --keep chunk --keep text").ok();
}

#[test]
fn calibration_by_a_file_does_not_depend_on_the_input() {
    let desk = desk!();
    desk.write("in.txt", "the river\nthe cat\n").write("one.txt", "the cat\n");
    desk.write("calibration.txt", (0..120).map(|row| format!("the river {row} cat\n")).collect::<String>());
    let line = |input: &str| format!("embed {input} -m BERT --output-type i8 --calibration calibration.txt");
    let both = desk.run(&line("in.txt")).ok();
    assert!(!both.stderr.contains("few"), "{}", both.stderr);
    let alone = desk.run(&line("one.txt")).ok();
    assert_eq!(both.rows()[1]["embedding"], alone.rows()[0]["embedding"]);
    desk.run("embed in.txt -m BERT --output-type i8").ends(0, &["come from only 2 texts; give more"]);
    desk.run("embed in.txt -m BERT --calibration calibration.txt").ends(2, &["--calibration", "hint:", "i8"]);
    desk.run("embed in.txt -m BERT --level token --output-type u8").ends(2, &["tokens", "binary"]);
}

#[test]
fn a_dry_run_tells_what_a_run_would_be_and_writes_nothing() {
    let desk = desk!();
    desk.write("in.txt", "the river ran\n".repeat(700));
    let run = desk.run("embed in.txt -m BERT -o out/ --dry-run --json").ok();
    let estimate = run.json();
    assert_eq!([&estimate["rows"], &estimate["tokens"]], [700, 700 * 6], "{estimate}");
    assert_eq!(
        [&estimate["rows_are_exact"], &estimate["output_bytes"]],
        [&json!(true), &json!(700 * 32 * 4)]
    );
    assert_eq!(desk.names(), ["in.txt"]);
    let text = desk.run("embed in.txt -m BERT --dry-run").ok();
    assert!(text.text().starts_with("rows    700 (sample: 700)\ntokens  4,200"), "{}", text.text());
    let large: String = (0..50_000).map(|row| format!("the river ran over cat {row:06}\n")).collect();
    desk.write("large.txt", large);
    let rows =
        desk.run("embed large.txt -m BERT --dry-run --json").ok().json()["rows"].as_u64().expect("rows");
    assert!((40_000..60_000).contains(&rows), "{rows}");
    let pipe = desk.run_with("embed - --format txt -m BERT --dry-run", "a\n".repeat(30_000)).ok();
    assert!(pipe.text().contains("rows    unknown"), "{}", pipe.text());
}

#[test]
fn a_flag_without_effect_is_an_error() {
    let desk = desk!();
    desk.write("in.txt", "the river\nthe cat\n").write("in.jsonl", "{\"text\":\"the river\"}\n");
    for (flags, part) in [
        ("in.txt --shard 0/2 -o out.jsonl", "--shard has no effect without a folder"),
        ("in.txt --rows-per-shard 5 -o out.parquet", "--rows-per-shard has no effect without a folder"),
        ("in.txt --resume", "--resume has no effect without a folder"),
        ("in.txt --overwrite", "--overwrite has no effect on standard output"),
        ("in.txt --text-field body", "--text-field has no effect on inputs without fields"),
        ("in.jsonl --join x", "--join has no effect on the text of a single field"),
        ("in.jsonl --keep a --json-column a -o out.jsonl", "--json-column has no effect on this output"),
        ("in.txt --level token --no-normalize", "--no-normalize has no effect with --level token"),
        // The library's own.
        ("in.txt --keep a", "which has no fields, and so none named `a` to keep"),
        ("in.txt --id-field a", "which has no fields, and so none named `a` for the id"),
        ("in.txt --level token --pooling max", "--pooling makes no sense with --level token"),
        ("in.txt --level token --dimensions 3", "--dimensions makes no sense with --level token"),
    ] {
        let run = desk.run(&format!("embed {flags} -m BERT")).ends(2, &[part]);
        assert!(run.stdout.is_empty(), "{flags}: {}", run.text());
        assert_eq!(desk.names(), ["in.jsonl", "in.txt"], "{flags}");
    }
    desk.run_with("embed - -m BERT --text-field body", "a line\n")
        .ends(2, &["--text-field has no effect on standard input, which is read as txt", "--format"]);
    let fields = desk.run_with("embed - -m BERT --text-field body", "{\"body\":\"a line\"}\n").ok();
    assert_eq!(fields.rows().len(), 1);
}

#[test]
fn a_chunk_has_its_text_and_an_id_of_its_own_in_every_format() {
    let (desk, text) = (desk!(), long_text());
    desk.write(
        "in.jsonl",
        format!(
            "{}\n{}\n",
            json!({"id": "a#0", "text": text, "n": 1}),
            json!({"id": 2, "text": "the cat", "n": 2})
        ),
    );
    let line = "embed in.jsonl -m BERT --on-long chunk --keep text --keep n";
    let rows = desk.run(line).ok().rows();
    assert!(rows.len() > 5);
    let mut ids = std::collections::HashSet::new();
    for row in &rows {
        let whole = if row["id"] == 2 { "the cat" } else { text.as_str() };
        assert_eq!(row["chunk_text"], slice(whole, row));
        assert_eq!(row["text"], row["chunk_text"], "a kept text is the chunk's");
        let id = row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned);
        assert_eq!(row["chunk_id"], format!("{id}#{}", row["chunk"]));
        assert!(ids.insert(row["chunk_id"].clone()), "twice: {}", row["chunk_id"]);
    }
    let whole = desk.run(&format!("{line} --keep-document")).ends(0, &["warning", "--keep-document"]).rows();
    assert_eq!((&whole[0]["text"], &whole[1]["text"]), (&json!(text), &json!(text)));
    assert_eq!(whole[1]["chunk_text"], rows[1]["chunk_text"]);
    for output in ["o.parquet", "o.arrow", "o.safetensors", "job/"] {
        desk.run(&format!("{line} -o {output}")).ok();
    }
    let tensors = desk.read("o.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&tensors).expect("a valid file");
    let texts: Vec<String> =
        serde_json::from_slice(tensors.tensor("chunk_text_json").expect("texts").data()).expect("JSON");
    assert_eq!(texts, rows.iter().map(|row| row["chunk_text"].as_str().expect("text")).collect::<Vec<_>>());
    desk.run("embed in.jsonl -m BERT --keep-document").ends(2, &["--keep-document", "--on-long chunk"]);
}

#[test]
fn ids_of_chunks_are_unique_if_ids_are_numbers_and_strings() {
    let desk = desk!();
    desk.write("in.jsonl", "{\"id\":1,\"text\":\"a\"}\n{\"id\":\"1\",\"text\":\"b\"}\n");
    desk.run("embed in.jsonl -m BERT --on-long chunk -o o.arrow").ok();
    let file = String::from_utf8_lossy(&desk.read("o.arrow")).into_owned();
    assert!(file.contains("1#0\"1\"#0"), "1 and \"1\" are two texts");
}

#[test]
fn the_size_and_overlap_of_chunks_can_be_set() {
    let desk = desk!();
    desk.write("in.txt", format!("{}\n", long_text()));
    let count = |options: &str| {
        let rows = desk.run(&format!("embed in.txt -m BERT --on-long chunk {options}")).ok().rows();
        rows.len()
    };
    assert!(count("--chunk-tokens 12") > 2 * count("--chunk-tokens 36"));
    assert!(count("--chunk-tokens 20 --chunk-overlap 8") > count("--chunk-tokens 20 --chunk-overlap 0"));
    assert_eq!(count("--chunk-tokens 20"), count("--max-length 20"));
    // The default overlap fits every length.
    for length in [3, 4, 5, 8, 16, 32, 40] {
        assert!(count(&format!("--max-length {length}")) > 1);
    }
    desk.run("embed in.txt -m BERT --on-long chunk --chunk-tokens 41")
        .ends(2, &["41", "40", "--chunk-tokens"]);
    desk.run("embed in.txt -m BERT --on-long chunk --chunk-tokens 2").ends(2, &["2", "--chunk-tokens"]);
    desk.run("embed in.txt -m BERT --on-long chunk --max-length 32 --chunk-overlap 16")
        .ends(2, &["overlap", "16", "30", "hint: lower --chunk-overlap"]);
    desk.run("embed in.txt -m BERT --chunk-tokens 20").ends(2, &["--chunk-tokens has no effect"]);
}

#[test]
fn documents_are_split_at_headings_and_blank_lines() {
    let desk = desk!();
    let part = |name: &str| format!("# {name}\n\n{}\n\n", "The cat saw the river. ".repeat(2).trim_end());
    desk.write("a.md", ["One", "Two", "Three"].map(part).concat()).write("b.txt", "a\n\nb\n");
    let rows = desk.run("embed a.md b.txt -m BERT --whole-files").ok().rows();
    let texts: Vec<&str> = rows.iter().map(|row| row["chunk_text"].as_str().expect("text")).collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(texts[..3].iter().all(|text| text.starts_with("# ")), "{texts:?}");
    assert_eq!((texts[3], &rows[3]["id"]), ("a\n\nb", &json!("b.txt")));
    let cut = desk.run("embed a.md -m BERT --whole-files --on-long truncate").ends(0, &["1 text was cut"]);
    assert_eq!(cut.rows().len(), 1);
    desk.run("embed a.md -m BERT --whole-files -o o.npy").ends(2, &["npy", "hint:"]);
}
