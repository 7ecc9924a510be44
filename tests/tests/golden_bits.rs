//! Bits may change only together with their version: `ARITHMETIC` for the kernels, `READING` for files and
//! texts.
//!
//! `tests/data/golden_bits.json` has the digests that `golden-bits` printed on each instruction set. A commit
//! that changes them on purpose must raise the version and record them again, on a machine with the
//! instruction set:
//!
//!     cargo run --release -p nearsay-tests --bin golden-bits -- --record

use std::fs;
use std::process::Command;

use nearsay_kernels::InstructionSet;
use nearsay_tests::repository;
use serde_json::{Map, Value};

/// The recorded digests, by instruction set.
fn recorded() -> Map<String, Value> {
    let text = fs::read_to_string(repository().join("tests/data/golden_bits.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The output of `golden-bits` on an instruction set.
fn measured(set: InstructionSet) -> Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_golden-bits")).env("NEARSAY_ISA", set.name()).output().unwrap();
    assert!(output.status.success(), "{}: {}", set.name(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The places where two results differ.
fn differences(path: &str, recorded: &Value, measured: &Value, found: &mut Vec<String>) {
    match (recorded, measured) {
        (Value::Object(recorded), Value::Object(measured)) => {
            for name in recorded.keys().chain(measured.keys().filter(|name| !recorded.contains_key(*name))) {
                let [recorded, measured] =
                    [recorded, measured].map(|map| map.get(name).unwrap_or(&Value::Null));
                differences(&format!("{path}/{name}"), recorded, measured, found);
            }
        }
        _ if recorded != measured => {
            found.push(format!("{path}: {recorded} was recorded, {measured} is computed"))
        }
        _ => {}
    }
}

#[test]
fn bits_are_those_of_their_version() {
    let sets = InstructionSet::ALL.into_iter().filter(|set| set.is_available());
    let measured = sets.map(|set| (set.arithmetic().name(), measured(set)));
    let recorded = recorded();
    assert!(recorded.contains_key("portable") && recorded.contains_key("avx2"));
    let mut found = Vec::new();
    for (set, measured) in measured {
        // A set that is not recorded yet is skipped; the sets below it are still compared.
        if let Some(recorded) = recorded.get(set) {
            differences(set, recorded, &measured, &mut found);
        }
    }
    assert!(
        found.is_empty(),
        "bits changed: raise ARITHMETIC or READING and record them\n{}",
        found.join("\n")
    );
}

#[test]
fn texts_are_read_alike_on_every_instruction_set() {
    let recorded = recorded();
    let portable = &recorded["portable"];
    for (set, recorded) in &recorded {
        assert_eq!(recorded["tokens"], portable["tokens"], "{set}");
        assert_eq!(recorded["reading"], portable["reading"], "{set}");
    }
}

#[test]
fn one_other_digest_is_found() {
    let recorded = measured(InstructionSet::Portable);
    let mut other = recorded.clone();
    other["precisions"]["f32"]["models"]["families/bert"]["scores"] = "0".into();
    let mut found = Vec::new();
    differences("portable", &recorded, &other, &mut found);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("portable/precisions/f32/models/families/bert/scores: "), "{found:?}");
}
