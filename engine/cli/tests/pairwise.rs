//! `nearsay score --pairwise` and `nearsay mbr`: files, rows, errors.

use nearsay_tests::desk;
use nearsay_tests::run::Desk;
use serde_json::{Value, json};

const CANDIDATES: [&str; 3] = ["a river", "the night was long", "a judge"];
const REFERENCES: [&str; 2] = ["the river", "night over the train"];

fn desk() -> Desk {
    let desk = desk!();
    desk.write("c.txt", lines(&CANDIDATES)).write("r.txt", lines(&REFERENCES));
    desk
}

fn lines(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{text}\n")).collect()
}

fn rows(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// The shape and the numbers of a .npy.
fn npy(desk: &Desk, name: &str) -> (String, Vec<f32>) {
    let bytes = std::fs::read(desk.path(name)).expect("a file");
    let header = String::from_utf8(bytes[10..128].to_vec()).expect("text");
    assert!(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': ("), "{header}");
    let shape =
        header.split_once("'shape': ").and_then(|(_, rest)| rest.split_once(", }")).expect("a shape").0;
    let numbers =
        bytes[128..].chunks_exact(4).map(|number| f32::from_le_bytes(number.try_into().expect("4")));
    (shape.to_owned(), numbers.collect())
}

/// P, R and F1 of a pair that is scored alone.
fn alone(desk: &Desk, candidate: &str, reference: &str, flags: &str) -> [f32; 3] {
    desk.write("one-c.txt", format!("{candidate}\n")).write("one-r.txt", format!("{reference}\n"));
    let line = format!("score -c one-c.txt -r one-r.txt -m BERT -l 2 --json {flags}");
    let segment = desk.run(&line).ok().json()["metrics"]["bertscore"]["segments"][0].clone();
    ["precision", "recall", "f1"].map(|part| segment[part].as_f64().expect("a number") as f32)
}

#[test]
fn two_files_are_one_matrix_of_single_pairs() {
    let desk = desk();
    let pairs = CANDIDATES.iter().flat_map(|c| REFERENCES.iter().flat_map(|r| alone(&desk, c, r, "")));
    let expected: Vec<f32> = pairs.collect();
    let run = desk.run("score --pairwise -c c.txt -r r.txt -m BERT -l 2 -o s.npy --json").ok();
    let report = run.json();
    assert_eq!(npy(&desk, "s.npy"), ("(3, 2, 3)".to_owned(), expected));
    assert_eq!(
        (&report["shape"], &report["pairs"], &report["encoded"]),
        (&json!([3, 2]), &json!(6), &json!(5))
    );
    assert!(
        report["signature"].as_str().is_some_and(|signature| signature.contains("_L2_no-idf_")),
        "{report}"
    );
    for threads in ["--threads 1", "--threads 3 --batch-tokens 1"] {
        let line =
            format!("score --pairwise -c c.txt -r r.txt -m BERT -l 2 -o again.npy --overwrite {threads}");
        desk.run(&line).ok();
        assert_eq!(
            std::fs::read(desk.path("again.npy")).expect("a file"),
            std::fs::read(desk.path("s.npy")).expect("a file")
        );
    }
}

#[test]
fn rows_have_a_matrix_each() {
    let desk = desk();
    let row = |id: &str, candidates: &[&str], references: &[&str]| json!({"id": id, "candidates": candidates, "references": references});
    let even = [row("a", &CANDIDATES[..2], &REFERENCES), row("b", &CANDIDATES[1..], &REFERENCES)];
    desk.write("even.jsonl", rows(&even));
    desk.write("odd.jsonl", rows(&[even[0].clone(), row("c", &CANDIDATES, &REFERENCES[..1])]));
    desk.run("score --pairwise -c c.txt -r r.txt -m BERT -l 2 -o all.npy").ok();
    let (_, all) = npy(&desk, "all.npy");
    let report = desk.run("score --pairwise -c even.jsonl -m BERT -l 2 -o even.npy --json").ok().json();
    assert_eq!((&report["rows"], &report["pairs"]), (&json!(2), &json!(8)));
    assert_eq!(npy(&desk, "even.npy"), ("(2, 2, 2, 3)".to_owned(), [&all[..12], &all[6..]].concat()));
    desk.run("score --pairwise -c odd.jsonl -m BERT -l 2 -o odd.npy").ends(
        65,
        &[
            "odd.jsonl, row 2: the row has 3 candidates and 1 references",
            "row 1 has 2 and 2",
            "-o scores.parquet",
        ],
    );
    assert!(!desk.path("odd.npy").exists());
    desk.run("score --pairwise -c odd.jsonl -m BERT -l 2 -o odd.parquet").ok();
    // The columns are checked next to the code that writes them.
    assert!(std::fs::read(desk.path("odd.parquet")).expect("a file").starts_with(b"PAR1"));
    let named = [json!({"hyp": ["a river"], "gold": ["the river"]})];
    let fields = "--candidate-field hyp --reference-field gold";
    let line = format!("score --pairwise -c - {fields} -m BERT -l 2 -o named.npy");
    desk.run_with(&line, rows(&named)).ok();
    assert_eq!(npy(&desk, "named.npy"), ("(1, 1, 1, 3)".to_owned(), all[..3].to_vec()));
}

#[test]
fn idf_is_that_of_all_references() {
    let desk = desk();
    desk.run("score --pairwise -c c.txt -r r.txt -m BERT -l 2 --idf -o s.npy").ok();
    // Paired scoring weights by the same references if they are the same set.
    desk.write("two.txt", lines(&CANDIDATES[..2]));
    let line = "score -c two.txt -r r.txt -m BERT -l 2 --idf --json";
    let segments = desk.run(line).ok().json()["metrics"]["bertscore"]["segments"].clone();
    let (_, numbers) = npy(&desk, "s.npy");
    for (at, place) in [(0, 0), (1, 3)] {
        let f1 = segments[at]["f1"].as_f64().expect("a number") as f32;
        assert_eq!(numbers[3 * place + 2], f1, "{at}");
    }
}

#[test]
fn wrong_requests_are_refused() {
    let desk = desk();
    desk.write("no-c.jsonl", "{\"candidates\":[],\"references\":[\"a\"]}\n");
    desk.write("no-r.jsonl", "{\"candidates\":[\"a\"],\"references\":[\"a\"]}\n{\"candidates\":[\"a\"]}\n");
    desk.write("empty.txt", "");
    for (flags, code, parts) in [
        ("-c c.txt -r r.txt", 2, &["--pairwise needs a file for its matrices", "-o scores.npy"][..]),
        ("-c c.txt -r r.txt -o s.csv", 2, &["to a .npy or .parquet file, and not to s.csv"]),
        ("-c c.txt -r r.txt -o -", 2, &["and not to standard output"]),
        ("-c c.txt c.txt -r r.txt -o s.npy", 2, &["takes one file of candidates, got 2"]),
        ("-c c.txt -r r.txt -r r.txt -o s.npy", 2, &["takes one file of references, got 2"]),
        ("-c c.txt -r r.txt -o s.npy --metric chrf", 2, &["computes only bertscore, got chrf"]),
        ("-c c.txt -r r.txt -o s.npy --segments", 2, &["'--pairwise' cannot be used with"]),
        ("-c - -r - -o s.npy", 2, &["standard input is named twice"]),
        ("-c empty.txt -r r.txt -o s.npy", 65, &["empty.txt: has no texts"]),
        ("-c absent.txt -r r.txt -o s.npy", 66, &["cannot read absent.txt"]),
        ("-c no-c.jsonl -o s.npy", 65, &["no-c.jsonl, row 1: field `candidates` has 0 texts"]),
        ("-c no-r.jsonl -o s.npy", 65, &["no-r.jsonl, row 2: no value in field `references`"]),
        ("-c no-r.jsonl -o s.npy --idf", 2, &["--idf has no effect on rows"]),
        (
            "-c c.txt -o s.npy",
            2,
            &["--pairwise needs references, and c.txt is not .jsonl", "name them with -r"],
        ),
        ("-c a=no-r.jsonl -o s.npy", 65, &["no-r.jsonl, row 2: no value in field `references`"]),
        ("-c no-r.jsonl:candidates -o s.npy", 2, &["`candidates` is one column"]),
        ("-c no-r.jsonl -o s.npy --id-field doc", 2, &["--id-field has no effect with --pairwise and no -r"]),
        ("-c no-r.jsonl -o s.npy --lossy", 2, &["--lossy has no effect with --pairwise and no -r"]),
        (
            "-c no-r.jsonl -o s.npy --candidate-field references",
            2,
            &["the candidates and the references are both in the field `references`"],
        ),
        ("-c c.txt -r r.txt -o s.npy --metric bertscore,chrf", 2, &["computes one bertscore, got 2 metrics"]),
        ("-c c.txt -r r.txt -o c.txt.npy/s.npy", 73, &["its folder c.txt.npy cannot be used"]),
    ] {
        desk.run(&format!("score --pairwise -m BERT -l 2 {flags}")).ends(code, parts);
        assert!(!desk.path("s.npy").exists(), "{flags}");
    }
    desk.write("s.npy", "mine");
    // Before a model is looked for.
    let line = "score --pairwise -c c.txt -r r.txt -m absent -l 2 -o s.npy";
    desk.run(line).ends(73, &["it exists", "--overwrite"]);
    assert_eq!(std::fs::read(desk.path("s.npy")).expect("a file"), b"mine");
}

fn samples() -> [Value; 3] {
    [
        json!({"id": 5, "candidates": ["the cat sat", "a cat sat", "the cat sat down"], "p": [1, 0, 0]}),
        json!({"candidates": ["dog", "dog", "cat"], "p": [0.25, 0.25, 1]}),
        json!({"id": "x", "candidates": ["only"], "p": [0.5]}),
    ]
}

#[test]
fn mbr_prints_the_best_candidate_of_each_row() {
    let desk = desk!();
    desk.write("n.jsonl", rows(&samples()));
    let chosen = desk.run("mbr -c n.jsonl --metric chrf").ok();
    let best = |row: &Value| (row["id"].clone(), row["index"].clone(), row["text"].clone());
    let expected = [
        (json!(5), json!(2), json!("the cat sat down")),
        (json!(1), json!(0), json!("dog")),
        (json!("x"), json!(0), json!("only")),
    ];
    assert_eq!(chosen.rows().iter().map(best).collect::<Vec<_>>(), expected);
    // "dog" is equal to two of three, and shares nothing with the third.
    assert!((chosen.rows()[1]["score"].as_f64().expect("a score") - 200.0 / 3.0).abs() < 1e-9);
    let weighted = desk.run("mbr -c n.jsonl --metric chrf --weights p").ok().rows();
    assert_eq!((&weighted[1]["index"], &weighted[1]["text"]), (&json!(2), &json!("cat")));
    // A text's BLEU has effective order, whatever the setting.
    assert!(desk.run("mbr -c n.jsonl --metric bleu").ok().stderr.contains("|eff:yes|"));
    for metric in ["bleu", "'bleu(tok=char)'", "bertscore -m BERT -l 2", "chrf++ --threads 1"] {
        let metric = metric.replace('\'', "");
        let printed = desk.run(&format!("mbr -c n.jsonl --metric {metric}")).ok();
        assert_eq!(printed.rows()[1]["text"], "dog", "{metric}");
        let piped = desk.run_with(&format!("mbr -c - --metric {metric}"), rows(&samples())).ok();
        assert_eq!(piped.stdout, printed.stdout);
        let report = desk.run(&format!("mbr -c n.jsonl --metric {metric} -o best.jsonl --overwrite --json"));
        assert_eq!(report.ok().json()["candidates"], 7);
        assert_eq!(std::fs::read(desk.path("best.jsonl")).expect("a file"), printed.stdout);
    }
}

#[test]
fn wrong_rows_of_candidates_are_refused_with_row_and_values() {
    let desk = desk!();
    let good = samples()[0].clone();
    for (row, weights, part) in [
        (json!({"candidates": []}), false, "n.jsonl, row 2: field `candidates` has 0 candidates"),
        (json!({"text": "a"}), false, "n.jsonl, row 2: no value in field `candidates`"),
        (
            json!({"candidates": ["a"], "p": [1, 2]}),
            true,
            "row 2: field `p` must have a weight for each candidate, got 2 for 1",
        ),
        (
            json!({"candidates": ["a"], "p": [-1]}),
            true,
            "row 2: weight 1 of field `p` is -1; it must be 0 or more",
        ),
        (json!({"candidates": ["a"], "p": [0]}), true, "row 2: the 1 weights of field `p` have the sum 0"),
        (json!({"candidates": ["a"]}), true, "row 2: no value in field `p`"),
    ] {
        desk.write("n.jsonl", rows(&[good.clone(), row]));
        let flags = if weights { "--weights p" } else { "" };
        let run = desk.run(&format!("mbr -c n.jsonl --metric chrf {flags}")).ends(65, &[part]);
        assert_eq!(run.rows().len(), 1, "rows before are printed");
        desk.run(&format!("mbr -c n.jsonl --metric chrf {flags} -o best.jsonl")).ends(65, &[part]);
        assert!(!desk.path("best.jsonl").exists());
    }
    desk.write("n.jsonl", rows(&samples()));
    for (flags, code, part) in [
        ("--metric ter", 2, "chosen by one of bertscore, bleu, chrf, chrf+, chrf++, got ter"),
        ("--metric cosine -m BERT", 2, "chrf++, got cosine"),
        ("--metric chrfx", 2, "chrf++, got chrfx"),
        ("--metric bleu(eff=no)", 2, "always has effective order"),
        ("--metric bertscore -m BERT -l auto", 2, "nearsay tune-layer"),
        ("--metric bertscore(layer=auto) -m BERT", 2, "nearsay tune-layer"),
        ("--metric bertscore(layer=2) -l 1 -m BERT", 2, "--layer has no effect on these metrics"),
        ("--metric chrf --weights candidates", 2, "--weights names the field `candidates`"),
        ("--metric chrf -o - --overwrite", 2, "--overwrite has no effect on standard output"),
        ("--metric chrf -o best.jsonl.gz", 73, "outputs are not compressed, and its name ends in .gz"),
        ("--metric chrf -l 2", 2, "--layer has no effect without bertscore"),
        ("--metric bertscore", 2, "bertscore needs --model"),
        ("--metric chrf -o .", 2, "is a folder"),
        (
            "--metric chrf -o ./n.jsonl --overwrite",
            2,
            "the output ./n.jsonl is the same file as the input n.jsonl",
        ),
    ] {
        desk.run(&format!("mbr -c n.jsonl {flags}")).ends(code, &[part]);
    }
    desk.run("mbr -c absent.jsonl --metric chrf").ends(66, &["cannot read absent.jsonl"]);
    desk.write("none.jsonl", "");
    desk.run("mbr -c none.jsonl --metric chrf").ends(65, &["none.jsonl: has no rows"]);
}
