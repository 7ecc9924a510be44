//! Hits and their scores.

use super::*;

const QUESTION: &str = "when is bread baked?";

#[test]
fn words_find_the_rows_with_the_greatest_cosines_in_every_format() {
    let desk = desk_with_vectors();
    let rows = desk.run("embed in.jsonl -m STS --device cpu -q").ok().vectors();
    let query = run_with_text(&desk, "embed -m STS --device cpu -q --prompt-name query --text", &[QUESTION])
        .ok()
        .vectors();
    let expected = cosines(&query[0], &rows);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| expected[*b].total_cmp(&expected[*a]).then(a.cmp(b)));
    let names = ["mill", "rain", "brot", "bread", "none", "garden"];
    for corpus in ["a.parquet", "a.arrow", "a.safetensors", "job", "a.npy"] {
        let run =
            run_with_text(&desk, &format!("search {corpus} -m STS --device cpu --json"), &[QUESTION]).ok();
        let answer = run.json();
        let name = |row: usize| if corpus == "a.npy" { row.to_string() } else { names[row].to_owned() };
        assert_eq!(ids(&answer), order.iter().map(|row| name(*row)).collect::<Vec<_>>(), "{corpus}");
        for (hit, row) in answer["hits"].as_array().unwrap().iter().zip(&order) {
            assert!((hit["score"].as_f64().unwrap() - expected[*row]).abs() < 1e-5, "{corpus}: {hit}");
        }
        assert_eq!((&answer["query"], &answer["searched"]), (&QUESTION.into(), &6.into()));
        assert_eq!((&answer["matched_filter"], &answer["exact"]), (&6.into(), &true.into()));
        assert_eq!(answer["hits"][0]["rank"], 1);
        assert!(run.stderr.contains("prompt before each query: query"), "{}", run.stderr);
        let says_model = match corpus {
            "job" => "prompt",
            "a.npy" => "warning: the vectors do not record their model",
            _ => "the vectors record no SHA-256",
        };
        assert!(run.stderr.contains(says_model), "{corpus}: {}", run.stderr);
    }
}

#[test]
fn a_corpus_with_a_task_has_queries_with_the_task_for_queries() {
    let desk = desk!();
    let model = nearsay_tests::fixture("families/jina-v3").display().to_string();
    desk.write("in.txt", "The river\nThe garden and the station\n");
    desk.run(&format!("embed in.txt -m {model} --task retrieval.passage --normalize -o a.parquet -q")).ok();
    let embed = |task: &str, text: &str| {
        let line = format!("embed -m {model} --task {task} --normalize -q --text");
        run_with_text(&desk, &line, &[text]).ok().vectors().remove(0)
    };
    let rows = ["The river", "The garden and the station"].map(|text| embed("retrieval.passage", text));
    let expected = cosines(&embed("retrieval.query", QUESTION), &rows);
    let run = run_with_text(&desk, &format!("search a.parquet -m {model} --json"), &[QUESTION]).ok();
    for hit in run.json()["hits"].as_array().unwrap() {
        let row = hit["id"].as_u64().expect("a row") as usize;
        assert!((hit["score"].as_f64().unwrap() - expected[row]).abs() < 1e-5, "{hit}");
    }
    assert!(run.stderr.contains("task of queries: retrieval.query"), "{}", run.stderr);
    assert!(run.stderr.contains("prompt before each query: retrieval.query (\"river: \")"), "{}", run.stderr);
}

#[test]
fn filters_are_applied_before_ranking_and_columns_are_shown() {
    let desk = desk_with_vectors();
    for corpus in ["a.parquet", "a.arrow", "job"] {
        let line = format!("search {corpus} -m STS --device cpu --json -k 2 --columns year,lang --where");
        let answer = run_with_text(&desk, &line, &["lang = 'en' and year > 1900", QUESTION]).ok().json();
        assert_eq!(
            (answer["hits"].as_array().unwrap().len(), &answer["matched_filter"]),
            (2, &3.into()),
            "{corpus}"
        );
        for hit in answer["hits"].as_array().unwrap() {
            assert_eq!(hit["columns"]["lang"], "en");
            assert!(hit["columns"]["year"].as_u64().unwrap() > 1900);
        }
        let none = run_with_text(&desk, &line, &["year > 3000", QUESTION]).ok();
        assert!(none.json()["hits"].as_array().unwrap().is_empty());
        assert!(none.stderr.contains("no row passes the filter"), "{}", none.stderr);
    }
}

#[test]
fn the_best_sentence_is_marked() {
    let desk = desk_with_vectors();
    let line = "search job -m STS --device cpu --json";
    let answer = run_with_text(&desk, line, &["The river ran over its banks."]).ok().json();
    let rain = answer["hits"].as_array().unwrap().iter().find(|hit| hit["id"] == "rain").unwrap();
    let text = rain["text"].as_str().unwrap();
    let mark = rain["marks"][0].as_array().unwrap();
    let [start, end] = [&mark[0], &mark[1]].map(|place| place.as_u64().unwrap() as usize);
    assert!(
        ["It rained for three days.", "The river ran over its banks."].contains(&&text[start..end]),
        "{rain}"
    );
    let garden = answer["hits"].as_array().unwrap().iter().find(|hit| hit["id"] == "garden").unwrap();
    assert_eq!(garden["marks"], serde_json::json!([]));
}

#[test]
fn the_first_hundred_hits_are_marked_as_each_is_alone() {
    let desk = desk!();
    let words = ["river", "bread", "mill", "garden", "winter", "rain", "bank", "noon"];
    let sentence = |n: usize| format!("{} {}. ", words[n % 8], words[n / 8 % 8]);
    let text = |row: usize| (0..12).map(|n| sentence(row + n * (row % 5 + 1))).collect::<String>();
    let line = |row: usize| format!("{{\"id\": {row}, \"text\": \"{}\"}}\n", text(row));
    desk.write("in.jsonl", (0..110).map(line).collect::<String>());
    desk.run("embed in.jsonl -m STS --device cpu -q --keep text -o a.parquet").ok();
    let search = "search a.parquet -m STS --device cpu -q --json -k 110 bread";
    let answer = desk.run(search).ok().json();
    let hits = answer["hits"].as_array().unwrap();
    let marks = |hit: &Value| hit["marks"].as_array().unwrap().len();
    assert!(hits[..100].iter().all(|hit| marks(hit) == 1) && hits[100..].iter().all(|hit| marks(hit) == 0));
    for hit in [&hits[0], &hits[90], &hits[99]] {
        let alone = run_with_text(&desk, &format!("{search} --where"), &[&format!("id = {}", hit["id"])]);
        assert_eq!(alone.ok().json()["hits"][0]["marks"], hit["marks"]);
    }
}

#[test]
fn a_stored_text_has_neighbours_without_itself_or_a_model() {
    let desk = desk_with_vectors();
    let rows = desk.run("embed in.jsonl -m STS --device cpu -q").ok().vectors();
    let expected = cosines(&rows[3], &rows);
    for (corpus, id) in [("a.parquet", "bread"), ("job", "bread"), ("a.safetensors", "bread"), ("a.npy", "3")]
    {
        let answer = desk.run(&format!("search {corpus} --like {id} --json")).ok().json();
        assert_eq!(answer["hits"].as_array().unwrap().len(), 5, "{corpus}");
        assert!(!ids(&answer).contains(&id.to_owned()));
        let best = (0..6).filter(|row| *row != 3).map(|row| expected[row]).fold(f64::MIN, f64::max);
        assert!((answer["hits"][0]["score"].as_f64().unwrap() - best).abs() < 1e-5);
    }
}

#[test]
fn a_text_in_chunks_is_one_hit_and_each_chunk_on_request() {
    let desk = desk!();
    let long = (0..40).map(|n| format!("The river ran over bank number {n}. ")).collect::<String>();
    desk.write(
        "in.jsonl",
        format!("{{\"id\": 1, \"text\": \"{long}\"}}\n{{\"id\": 2, \"text\": \"Bread.\"}}\n"),
    );
    desk.run("embed in.jsonl -m STS --device cpu -q --on-long chunk --chunk-tokens 20 -o a.parquet").ok();
    let line = "search a.parquet -m STS --device cpu --json -k 5";
    let texts = run_with_text(&desk, line, &["river"]).ok().json();
    let mut found = ids(&texts);
    found.sort();
    assert_eq!(found, ["1", "2"]);
    let chunks = run_with_text(&desk, &format!("{line} --per-chunk"), &["river"]).ok().json();
    assert_eq!(chunks["hits"].as_array().unwrap().len(), 5);
    let best = |answer: &Value| {
        let hits = answer["hits"].as_array().unwrap().iter();
        hits.clone().find(|hit| hit["id"] == 1).unwrap()["chunk"].clone()
    };
    assert_eq!(best(&texts), best(&chunks));
    let hit = &texts["hits"].as_array().unwrap().iter().find(|hit| hit["id"] == 1).unwrap();
    let [start, end] = ["byte_start", "byte_end"].map(|name| hit[name].as_u64().unwrap() as usize);
    assert_eq!(hit["text"], long[start..end]);
}

#[test]
fn queries_of_a_file_are_answered_in_order_with_their_ids() {
    let desk = desk_with_vectors();
    let queries: String =
        (0..150).map(|n| format!("{{\"id\": \"q{n}\", \"text\": \"question {n} about bread\"}}\n")).collect();
    desk.write("q.jsonl", queries);
    let run = desk.run("search job -m STS --device cpu --queries q.jsonl --json -k 3").ok();
    let answers = run.rows();
    assert_eq!(answers.len(), 150);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer["query_id"], format!("q{number}"));
        assert_eq!(answer["hits"].as_array().unwrap().len(), 3);
    }
    let alone =
        run_with_text(&desk, "search job -m STS --device cpu --json -k 3", &["question 77 about bread"])
            .ok()
            .json();
    let scores = |answer: &Value| -> Vec<Value> {
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["score"].clone()).collect()
    };
    assert_eq!((ids(&alone), scores(&alone)), (ids(&answers[77]), scores(&answers[77])));
    let piped =
        desk.run_with("search job -m STS --device cpu --queries - --json -k 1", "bread\nriver\n").ok();
    assert_eq!(piped.rows().len(), 2);
}

#[test]
fn vectors_of_a_file_are_queries() {
    let desk = desk_with_vectors();
    for metric in ["cosine", "dot", "euclidean"] {
        let line =
            format!("search a.arrow --query-vectors a.parquet --metric {metric} --json -k 1 --threads 1");
        let answers = desk.run(&line).ok().rows();
        let names = ["mill", "rain", "brot", "bread", "none", "garden"];
        assert_eq!(answers.len(), 6);
        for (answer, name) in answers.iter().zip(names) {
            assert_eq!(
                (answer["query_id"].as_str(), ids(answer)),
                (Some(name), vec![name.to_owned()]),
                "{metric}"
            );
            if metric == "euclidean" {
                assert_eq!(answer["hits"][0]["distance"], 0.0);
            }
        }
    }
}

#[test]
fn bytes_and_bits_find_nearly_the_same_and_say_so() {
    let desk = desk!();
    let words = ["river", "bread", "mill", "garden", "winter", "rain", "bank", "noon"];
    let text = |n: usize| format!("{} {} {}", words[n % 8], words[n / 8 % 8], words[n / 3 % 8]);
    desk.write("in.txt", (0..120).map(|n| text(n) + "\n").collect::<String>());
    for output_type in ["f32", "f16", "i8", "u8", "ubinary", "binary"] {
        desk.run(&format!(
            "embed in.txt -m STS --device cpu -q --output-type {output_type} -o {output_type}.parquet"
        ))
        .ok();
    }
    let hits = |name: &str| {
        let run = desk.run(&format!("search {name}.parquet -m STS --device cpu --json garden")).ok();
        (run.json(), run.stderr)
    };
    let (exact, _) = hits("f32");
    for (name, least) in [("f16", 9), ("i8", 5), ("u8", 5), ("ubinary", 1), ("binary", 1)] {
        let (answer, stderr) = hits(name);
        let found = ids(&answer);
        let common = ids(&exact).iter().filter(|id| found.contains(id)).count();
        assert!(common >= least, "{name}: {common} of 10");
        assert_eq!(answer["exact"], name == "f16");
        assert_eq!(
            stderr.contains(&format!("approximate: the vectors are stored as {name}")),
            name != "f16",
            "{stderr}"
        );
    }
    let refused = ["i8.parquet: has vectors of bytes; vectors of f32 or f16 are needed"];
    desk.run("search f32.parquet --query-vectors i8.parquet").ends(65, &refused);
    let (ubinary, binary) = (hits("ubinary").0, hits("binary").0);
    assert_eq!(ubinary["hits"], binary["hits"]);
}

#[test]
fn diversity_and_least_scores_change_the_hits() {
    let desk = desk_with_vectors();
    let all = desk.run("search a.parquet --like rain --json").ok().json();
    let third = all["hits"][2]["score"].as_f64().unwrap();
    let reaching = desk.run(&format!("search a.parquet --like rain --json --min-score {third}")).ok().json();
    assert_eq!(reaching["hits"].as_array().unwrap().len(), 3);
    assert_eq!(ids(&reaching), ids(&all)[..3]);
    let mmr = |balance: &str| {
        ids(&desk.run(&format!("search a.parquet --like rain --json --mmr {balance}")).ok().json())
    };
    assert_eq!(mmr("1"), ids(&all));
    assert_eq!(mmr("0.3")[0], ids(&all)[0]);
    let cut = desk.run("search a.parquet --like rain --json --max-characters 20").ok().json();
    let texts: usize =
        cut["hits"].as_array().unwrap().iter().map(|hit| hit["text"].as_str().unwrap().chars().count()).sum();
    assert_eq!(texts, 20);
    assert!(cut["hits"].as_array().unwrap().iter().any(|hit| hit["continues_at"].is_u64()));
}
