//! The whole program with operations composed from candle's, as on Metal, but on the CPU: the same numbers as
//! the kernels' within the precision.

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run, finish};
use serde_json::Value;

const MODELS: [&str; 6] = [
    "FIXTURE:families/bert",
    "FIXTURE:families/bert-odd",
    "FIXTURE:families/bert-gelu-new",
    "FIXTURE:families/bert-relu",
    "FIXTURE:families/roberta",
    "STS",
];

/// Each precision, and the smallest cosine allowed to the kernels' f32.
const PRECISIONS: [(&str, f64); 2] = [("f32", 0.999_999), ("f16", 0.999_5)];

fn desk() -> Desk {
    let words = ["a river", "ran", "over its banks,", "and the flood", "came at night", "slowly"];
    let text = |number: usize| {
        let count = 1 + number * 5 % 13;
        (0..count).map(|i| words[(number + i * i) % words.len()]).collect::<Vec<_>>().join(" ")
    };
    let lines: Vec<String> = (0..17).map(text).chain(["!".to_owned(), words.join(" ").repeat(9)]).collect();
    let desk = desk!();
    desk.write("a.txt", lines.join("\n"));
    desk.write("b.txt", lines.iter().rev().cloned().collect::<Vec<_>>().join("\n"));
    desk
}

fn composed(desk: &Desk, line: &str) -> Run {
    let mut command = desk.command(line);
    command.env("NEARSAY_COMPOSED", "1");
    finish(line, command, None)
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().expect("a vector").iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn cosine(left: &[f64], right: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[test]
fn vectors_are_the_kernels_to_the_precision() {
    let desk = desk();
    for model in MODELS {
        let expected = desk.run(&format!("embed a.txt -m {model}")).ok().rows();
        for (precision, smallest) in PRECISIONS {
            let line = format!("embed a.txt -m {model} --precision {precision} --batch-tokens 60");
            let got = composed(&desk, &line).ok().rows();
            assert_ne!(got, expected, "{model}: these are the kernels' bits");
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(&expected) {
                let cosine = cosine(&numbers(&got["embedding"]), &numbers(&expected["embedding"]));
                assert!(cosine >= smallest, "{model} {precision} {}: {cosine}", got["id"]);
            }
        }
    }
}

#[test]
fn scores_are_the_kernels_to_the_precision() {
    let desk = desk();
    let line = "score -c a.txt -r b.txt -m BERT -l 2 --json";
    let f1 = |run: Run| -> Vec<f64> {
        let found = run.ok().json();
        let segments = found["metrics"]["bertscore"]["segments"].as_array().expect("segments").clone();
        segments.iter().map(|segment| segment["f1"].as_f64().expect("a number")).collect()
    };
    let expected = f1(desk.run(line));
    for (precision, bound) in [("f32", 2e-5), ("f16", 3e-3)] {
        let got = f1(composed(&desk, &format!("{line} --precision {precision}")));
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() <= bound, "{precision}: {got} for {expected}");
        }
    }
}

#[test]
fn precisions_that_metal_lacks_are_refused() {
    for precision in ["bf16", "int8"] {
        composed(&desk(), &format!("embed a.txt -m BERT --precision {precision}")).ends(2, &[precision]);
    }
}
