//! Bad, odd and huge texts. The tiny models in tests/fixtures replace real ones.

mod characters;
mod inputs;

use std::time::Duration;

use nearsay_tests::desk;
use nearsay_tests::fixture;
use serde_json::{Value, json};

#[test]
fn empty_and_blank_texts_have_the_vector_of_no_words_and_keep_their_place() {
    let desk = desk!();
    let blank = json!({"id": "blank", "text": " \t\u{200b}\u{feff}"});
    desk.write(
        "in.jsonl",
        format!("{{\"id\":1,\"text\":\"\"}}\n{{\"id\":2,\"text\":\"a river\"}}\n{blank}\n"),
    );
    let run = desk.run("embed in.jsonl -m STS").ok();
    let vectors = run.vectors();
    assert_eq!(run.ids(), [json!(1), json!(2), json!("blank")]);
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);
    for vector in &vectors {
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "length {length}");
    }
    let alone = desk.run_with("embed - -m STS --format txt", "\n").ok().vectors();
    assert_eq!(alone, vectors[..1]);
}

#[test]
fn empty_texts_are_counted_with_a_prompt_and_without_special_tokens_too() {
    let desk = desk!();
    desk.write("in.txt", "a river\n\n \t\n\u{200b}\n").write("full.txt", "a river\nthe cat\n");
    let special =
        "3 texts are empty; the vector of an empty text comes from the special tokens and the prompt";
    for line in ["-m BERT", "-m STS --prompt-name query", "-m BERT --level token"] {
        let run = desk.run(&format!("embed in.txt {line} -o out.safetensors --json --overwrite"));
        assert_eq!(run.ends(0, &[special]).json()["empty"], 3, "{line}");
        assert!(!desk.run(&format!("embed full.txt {line}")).ok().stderr.contains("empty"), "{line}");
    }
    // A text truncated to the prompt counts as truncated, not as empty.
    let cut =
        desk.run("embed full.txt -m STS --prompt-name query --max-length 4").ends(0, &["2 texts were cut"]);
    assert!(!cut.stderr.contains("empty"), "{}", cut.stderr);

    std::fs::create_dir(desk.path("model")).expect("a folder");
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        std::fs::copy(fixture("families/bert").join(name), desk.path("model").join(name)).expect("copied");
    }
    let mut tokenizer: Value = serde_json::from_slice(&desk.read("model/tokenizer.json")).expect("JSON");
    tokenizer["post_processor"] = Value::Null;
    // BERT's class would put its special tokens around texts.
    let settings = r#"{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 40}"#;
    desk.write("model/tokenizer_config.json", settings);
    desk.write("model/tokenizer.json", tokenizer.to_string());
    let run = desk.run("embed in.txt -m ./model").ends(0, &["3 texts are empty", "vector of zeros"]);
    assert!(run.vectors()[1..].iter().flatten().all(|value| *value == 0.0));
}

#[test]
fn input_without_rows_gives_an_empty_output_with_its_width() {
    let desk = desk!();
    desk.write("e.jsonl", "").write("e.txt", "").write("e.csv", "id,text\n").write("e.tsv", "id\ttext\n");
    for input in ["e.jsonl", "e.txt", "e.csv", "e.tsv"] {
        for output in ["o.npy", "o.safetensors", "o.jsonl"] {
            desk.run(&format!("embed {input} -m BERT -o {output} --overwrite")).ends(0, &["0 rows"]);
        }
        assert!(String::from_utf8_lossy(&desk.read("o.npy")).contains("'shape': (0, 32)"), "{input}");
        let file = desk.read("o.safetensors");
        let tensors = safetensors::SafeTensors::deserialize(&file).expect("a valid file");
        assert!(tensors.tensors().iter().any(|(_, tensor)| tensor.shape() == [0, 32]), "{input}");
        assert!(desk.read("o.jsonl").is_empty(), "{input}");
    }
}

#[test]
fn ten_megabytes_without_a_blank_are_one_unknown_word_in_bounded_time_and_memory() {
    let desk = desk!();
    desk.write("long.txt", "a".repeat(10_000_000)).write("short.txt", "a\n");
    let idle = desk.run("embed short.txt -m BERT").ok().peak_mib;
    let run = desk.run("embed long.txt -m BERT --level token").ok();
    assert_eq!(run.token_ids(), [[2, 1, 3]]);
    assert!(run.time < Duration::from_secs(2), "{:?}", run.time);
    assert!(run.peak_mib < idle + 200, "{} MiB, idle {idle} MiB", run.peak_mib);
}

#[test]
fn ten_megabytes_of_words_are_cut_and_counted_in_bounded_time() {
    let desk = desk!();
    desk.write("long.txt", "a river ".repeat(1_250_000)).write("start.txt", "a river ".repeat(100));
    let run = desk.run("embed long.txt -m BERT --level token").ends(0, &["1 text was cut to 40 tokens"]);
    assert!(run.time < Duration::from_secs(2), "{:?}", run.time);
    assert!(run.peak_mib < 250, "{} MiB", run.peak_mib);
    let expected = desk.run("embed start.txt -m BERT --level token").ok().token_ids();
    assert_eq!(run.token_ids(), expected);
    assert_eq!(expected[0].len(), 40);
}

#[test]
fn a_row_of_a_gigabyte_is_refused_before_it_is_in_memory() {
    let desk = desk!();
    for name in ["huge.txt", "huge.jsonl"] {
        let file = std::fs::File::create(desk.path(name)).expect("a file");
        file.set_len(1 << 30).expect("a file with a hole");
        let run = desk.run(&format!("embed {name} -m BERT")).ends(65, &[name, "row 1", "67108864 bytes"]);
        assert!(run.peak_mib < 256, "{name}: {} MiB", run.peak_mib);
    }
}

#[test]
fn a_last_line_without_its_end_counts() {
    let desk = desk!();
    for (name, text) in [
        ("in.txt", "a\nb"),
        ("in.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}"),
        ("in.csv", "text\na\nb"),
        ("in.tsv", "text\na\nb"),
    ] {
        assert_eq!(
            desk.write(name, text).run(&format!("embed {name} -m BERT")).ok().rows().len(),
            2,
            "{name}"
        );
    }
}

#[test]
fn a_broken_row_is_named() {
    let desk = desk!();
    let nested = format!("{{\"text\":{}", "[".repeat(100_000));
    for bad in [
        "{\"text\":",
        "{\"other\":\"a\"}",
        "{\"text\":null}",
        "{\"text\":7}",
        "[\"a\"]",
        "7",
        "",
        nested.as_str(),
    ] {
        desk.write("in.jsonl", format!("{{\"text\":\"a\"}}\n{bad}\n{{\"text\":\"b\"}}\n"));
        let run = desk.run("embed in.jsonl -m BERT").ends(65, &["in.jsonl", "row 2"]);
        assert!(run.stderr.len() < 2000, "the message repeats the row");
    }
}

#[test]
fn an_id_that_occurs_twice_is_refused_with_both_rows() {
    let desk = desk!();
    desk.write(
        "in.jsonl",
        "{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"b\"}\n{\"id\":1,\"text\":\"c\"}\n",
    );
    desk.run("embed in.jsonl -m BERT").ends(65, &["in.jsonl, row 3", "id 1", "twice", "in.jsonl, row 1"]);
    desk.write("one.csv", "id,text\nx,a\n").write("two.csv", "id,text\ny,a\nx,b\n");
    desk.run("embed one.csv two.csv -m BERT").ends(65, &["two.csv, row 3", "one.csv, row 2", "twice"]);
}

#[test]
fn ids_are_kept_exactly_and_never_used_as_paths() {
    let desk = desk!();
    let long = "k".repeat(64 << 10);
    let ids = [
        json!(""),
        json!(1),
        json!("1"),
        json!(9_007_199_254_740_993_u64),
        json!("../x"),
        json!("two\nlines"),
        json!(-5),
        json!(long),
        json!("\"quoted\" \\ 😀"),
    ];
    let lines: String = ids.iter().map(|id| format!("{}\n", json!({"id": id, "text": "a"}))).collect();
    let run = desk.write("in.jsonl", lines).run("embed in.jsonl -m BERT").ok();
    assert_eq!(run.ids(), ids);
    assert_eq!(desk.names(), ["in.jsonl"]);
    desk.run("embed in.jsonl -m BERT -o out.safetensors").ok();
    assert_eq!(desk.names(), ["in.jsonl", "out.safetensors"]);
}

#[test]
fn csv_follows_its_rules_or_is_refused_with_the_row() {
    let desk = desk!();
    let quoted = desk
        .write("in.csv", "id,text\n1,\"a\nriver\"\n2,\"say \"\"hi\"\"\"\n")
        .run("embed in.csv -m BERT")
        .ok();
    assert_eq!(quoted.ids(), [json!("1"), json!("2")]);
    desk.write("same.jsonl", "{\"text\":\"a\\nriver\"}\n{\"text\":\"say \\\"hi\\\"\"}\n");
    assert_eq!(quoted.vectors(), desk.run("embed same.jsonl -m BERT").ok().vectors());
    for (text, parts) in [
        ("id,text\n1,a\n2,\"b\n3,c\n", &["in.csv", "row 3"][..]),
        ("id,text\n1,a\n2\n", &["in.csv", "row 3"]),
        ("id,text\n1,a\n2,b,c\n", &["in.csv", "row 3"]),
        ("id;text\n1;a\n", &["in.csv", "text"]),
        ("id,body\n1,a\n", &["in.csv", "text", "body"]),
    ] {
        desk.write("in.csv", text).run("embed in.csv -m BERT").ends(65, parts);
    }
}

#[test]
fn counts_that_differ_are_told_before_the_model_is_looked_for() {
    let desk = desk!();
    desk.write("c.txt", "a\nb\nc\n").write("r.txt", "a\nb\n").write("s.txt", "a\nb\nc\n");
    let run = desk.run("score -c c.txt -r r.txt -m no/such -l 1").ends(65, &["c.txt", "r.txt", " 2 ", " 3"]);
    assert!(run.stdout.is_empty());
    desk.run("score -c c.txt -r s.txt -r r.txt -m no/such -l 1").ends(65, &["r.txt", " 2 ", " 3"]);
}

#[test]
fn scores_of_empty_and_short_texts_are_finite_and_told() {
    let desk = desk!();
    desk.write("c.txt", "\na river\na\na cat\n\n").write("r.txt", "a river\n\na\na cat\n\n");
    let run = desk
        .run("score -c c.txt -r r.txt -m BERT -l 2 --json")
        .ends(0, &["3 pairs have an empty", "pairs 1, 2, 5"]);
    let segments = run.json()["metrics"]["bertscore"]["segments"].clone();
    let value = |row: usize, key: &str| segments[row][key].as_f64().expect("a number");
    for key in ["precision", "recall", "f1"] {
        for row in [0, 1, 4] {
            assert_eq!(value(row, key), 0.0, "{row} {key}");
        }
        for row in [2, 3] {
            assert!((value(row, key) - 1.0).abs() < 1e-5, "{row} {key}");
        }
    }
}

#[test]
fn order_batch_and_threads_change_no_bit() {
    let desk = desk!();
    let rows: Vec<Value> = (0..60)
        .map(|i: usize| json!({"id": i, "text": "a river and the cat over ".repeat(i % 9) + &i.to_string()}))
        .collect();
    let lines =
        |rows: &mut dyn Iterator<Item = &Value>| rows.map(|row| format!("{row}\n")).collect::<String>();
    desk.write("in.jsonl", lines(&mut rows.iter()));
    desk.write("back.jsonl", lines(&mut rows.iter().rev()));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let first = sorted(desk.run("embed in.jsonl -m BERT").ok().text());
    assert_eq!(first.len(), 60);
    for options in ["--batch-tokens 1", "--batch-tokens 7", "--batch-tokens 256 --threads 1", "--threads 16"]
    {
        for input in ["in.jsonl", "back.jsonl"] {
            let run = desk.run(&format!("embed {input} -m BERT {options}")).ok();
            assert_eq!(sorted(run.text()), first, "{input} {options}");
        }
    }
}
