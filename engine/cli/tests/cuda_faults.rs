//! Faults of CUDA devices, on emulated ones (tests/cuda_emulator): too little memory, a lost device, several
//! devices, none. Run by scripts/test-cuda, which sets up the emulator; without it these tests fail.
#![cfg(feature = "cuda")]

use std::process::Command;

use nearsay_tests::desk;
use nearsay_tests::run::{Desk, Run, finish};

const TEXTS: usize = 60;

/// A desk with `texts.txt`, of different lengths, and its copy.
fn desk() -> Desk {
    let desk = desk!();
    let line = |row: usize| format!("the river {} {row}\n", "ran over its banks ".repeat(row % 5));
    let texts: String = (0..TEXTS).map(line).collect();
    desk.write("texts.txt", &texts).write("copy.txt", &texts);
    desk
}

/// `nearsay embed` on the emulated device that `settings` describe.
fn embed(desk: &Desk, arguments: &str, settings: &[(&str, &str)]) -> Run {
    let line = format!("embed texts.txt -m BERT {arguments}");
    finish(&line, emulated(desk.command(&line), settings), None)
}

fn emulated(mut command: Command, settings: &[(&str, &str)]) -> Command {
    command.envs(settings.iter().map(|(name, value)| (format!("NEARSAY_EMULATOR_{name}"), value)));
    command
}

#[track_caller]
fn assert_code(run: &Run, code: i32) {
    assert_eq!(run.code, Some(code), "{}\n{}", run.line, run.stderr);
}

#[test]
fn auto_takes_the_gpu_and_says_so() {
    let desk = desk();
    let run = embed(&desk, "-o out.npy --json", &[]).ok();
    assert!(run.stderr.contains("running on cuda:0 ("), "{}", run.stderr);
    assert_eq!(run.json()["device"], "cuda:0");
}

#[test]
fn several_devices_write_the_bytes_of_one() {
    let desk = desk();
    embed(&desk, "-o one.npy --device cuda:0 --batch-tokens 30", &[]).ok();
    let run = embed(&desk, "-o two.npy --device cuda:1,0 --batch-tokens 30 --json", &[("DEVICES", "2")]).ok();
    assert_eq!(run.json()["device"], "cuda:1,0");
    assert_eq!(desk.read("one.npy"), desk.read("two.npy"));
}

#[test]
fn several_devices_score_as_one() {
    let desk = desk();
    let line = "score -c texts.txt -r copy.txt -m BERT -l 2 -s --batch-tokens 40";
    let one = desk.run(&format!("{line} --device cuda:0")).ok();
    let two = format!("{line} --device cuda:0,1");
    let two = finish(&two, emulated(desk.command(&two), &[("DEVICES", "2")]), None).ok();
    assert_eq!(one.text(), two.text());
}

#[test]
fn without_a_device_cuda_ends_with_a_hint_and_auto_goes_on() {
    let desk = desk();
    let none = [("DEVICES", "0")];
    let run = embed(&desk, "-o out.npy --device cuda", &none);
    assert_code(&run, 69);
    assert!(run.stderr.contains("device cuda:0 is not available: there is no CUDA device"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: run with --device cpu"), "{}", run.stderr);
    assert!(run.time.as_secs() < 2, "{:?}", run.time);
    let run = embed(&desk, "-o auto.npy", &none).ok();
    assert!(run.stderr.contains("running on the CPU: there is no CUDA device"), "{}", run.stderr);
    embed(&desk, "-o cpu.npy --device cpu", &none).ok();
    assert_eq!(desk.read("auto.npy"), desk.read("cpu.npy"));
    // The CPU is not a fallback for f16.
    let run = embed(&desk, "-o f16.npy --precision f16", &none);
    assert_code(&run, 69);
    assert!(run.stderr.contains("--precision f16 needs a GPU: there is no CUDA device"), "{}", run.stderr);
}

/// A GPU that is too old for the kernels, and a driver that is too old to compile them.
#[test]
fn what_is_too_old_is_said_and_auto_goes_on() {
    let desk = desk();
    let too_old = [
        ("COMPUTE_CAPABILITY", "75", "has compute capability 7.5: 8.0 or more is needed", "Ampere"),
        (
            "DRIVER_VERSION",
            "11080",
            "its driver, of CUDA 11.8, makes no code of this build's kernels",
            "newer driver",
        ),
    ];
    for (name, value, reason, hint) in too_old {
        let run = embed(&desk, "-o out.npy --device cuda", &[(name, value)]);
        assert_code(&run, 69);
        for part in [reason, hint, "--device cpu"] {
            assert!(run.stderr.contains(part), "{name}: {part}\n{}", run.stderr);
        }
        let run = embed(&desk, "-o auto.npy --overwrite --json", &[(name, value)]).ok();
        assert!(run.stderr.contains("running on the CPU: ") && run.stderr.contains(reason), "{}", run.stderr);
        assert_eq!(run.json()["device"], "cpu");
    }
}

#[test]
fn a_number_too_high_is_named() {
    let run = embed(&desk(), "-o out.npy --device cuda:2", &[("DEVICES", "2")]);
    assert_code(&run, 69);
    assert!(run.stderr.contains("there is no cuda:2, only cuda:0 to cuda:1"), "{}", run.stderr);
}

/// One allocation fails per run, each time a different one. Either the batch is halved and the bytes are the
/// same, or the failure was before the work and is reported.
#[test]
fn an_allocation_that_fails_halves_the_batch_or_is_told() {
    let desk = desk();
    embed(&desk, "-o expected.npy --device cuda", &[]).ok();
    let mut halved = 0;
    for number in (1..400).step_by(5) {
        let settings = [("FAIL_ALLOCATION", &*number.to_string())];
        let run = embed(&desk, "-o out.npy --overwrite --device cuda", &settings);
        match run.code {
            Some(0) => {
                assert_eq!(desk.read("out.npy"), desk.read("expected.npy"), "allocation {number}");
                halved += usize::from(run.stderr.contains("has no memory for more: going on with"));
            }
            Some(69) => assert!(run.stderr.contains("out of memory"), "allocation {number}: {}", run.stderr),
            _ => panic!("allocation {number}: {:?}\n{}", run.code, run.stderr),
        }
    }
    assert!(halved >= 3, "{halved} batches were halved");
}

#[test]
fn memory_that_is_never_enough_is_told() {
    let run = embed(&desk(), "-o out.npy --device cuda", &[("MEMORY", "1000")]);
    assert_code(&run, 69);
    assert!(run.stderr.contains("out of memory") && run.stderr.contains("hint:"), "{}", run.stderr);
}

/// There is memory for the model and for short texts.
#[test]
fn a_text_that_has_no_room_alone_is_named() {
    let desk = desk();
    desk.write("texts.txt", format!("the river ran\n{}\nover its banks\n", "the river ".repeat(40)));
    let run = embed(&desk, "-o out.npy --device cuda --precision f32", &[("MEMORY", "160000")]);
    assert_code(&run, 75);
    let named = "even a single text of 40 tokens, of the record with id 1 (row 2), does not fit";
    assert!(run.stderr.contains(named) && run.stderr.contains("--max-length"), "{}", run.stderr);
}

#[test]
fn a_lost_device_ends_the_run_and_leaves_what_was_written() {
    let desk = desk();
    let job = "-o job/ --rows-per-shard 10 --device cuda";
    embed(&desk, "-o whole/ --rows-per-shard 10 --device cuda", &[]).ok();
    let run = embed(&desk, job, &[("FAIL_LAUNCH", "100")]);
    assert_code(&run, 69);
    assert!(run.stderr.contains("cuda:0 was lost: "), "{}", run.stderr);
    assert!(run.stderr.contains("--resume"), "{}", run.stderr);
    assert!(desk.path("job/part-00000.parquet").exists(), "the first shard was finished before");
    // The finished shards are intact; the rest is missing.
    let verified = desk.run("verify job/");
    assert_code(&verified, 1);
    assert!(!verified.stderr.contains("checksum"), "{}", verified.stderr);
    let run = embed(&desk, &format!("{job} --resume --json"), &[]).ok();
    assert!(run.json()["shards_before"].as_u64().is_some_and(|shards| shards > 0), "{}", run.stderr);
    for shard in 0..6 {
        let name = format!("part-{shard:05}.parquet");
        assert_eq!(desk.read(&format!("job/{name}")), desk.read(&format!("whole/{name}")), "{name}");
    }
}

#[test]
fn a_lost_device_ends_scoring_too() {
    let desk = desk();
    let line = "score -c texts.txt -r copy.txt -m BERT -l 2 --device cuda";
    let run = finish(line, emulated(desk.command(line), &[("FAIL_LAUNCH", "20")]), None);
    assert_code(&run, 69);
    assert!(run.stderr.contains("cuda:0 was lost: "), "{}", run.stderr);
}

#[test]
fn precisions_that_a_gpu_lacks_are_refused_and_auto_avoids_them() {
    let desk = desk();
    let run = embed(&desk, "-o out.npy --device cuda --precision int8", &[]);
    assert_code(&run, 2);
    assert!(run.stderr.contains("CUDA does not multiply in int8"), "{}", run.stderr);
    let run = embed(&desk, "-o out.npy --precision int8 --json", &[]).ok();
    assert_eq!(run.json()["device"], "cpu");
    assert!(run.stderr.contains("running on the CPU: int8 is not supported on GPUs"), "{}", run.stderr);
    let run = embed(&desk, "-o f16.npy --precision f16 --device cpu", &[]);
    assert_code(&run, 2);
    assert!(run.stderr.contains("the CPU does not multiply in f16"), "{}", run.stderr);
}

/// Token level and texts without any tokens work the same way.
#[test]
fn token_level_and_empty_texts_work() {
    let desk = desk();
    desk.write("texts.txt", "\n\nthe river\n\nran over its banks\n");
    embed(&desk, "-o cuda.jsonl --level token --device cuda --precision f32", &[]).ok();
    embed(&desk, "-o cpu.jsonl --level token --device cpu --precision f32", &[]).ok();
    let rows = |name: &str| -> Vec<Vec<Vec<f64>>> {
        let text = String::from_utf8(desk.read(name)).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        rows.map(|row| serde_json::from_value(row["embeddings"].clone()).unwrap()).collect()
    };
    let (cuda, cpu) = (rows("cuda.jsonl"), rows("cpu.jsonl"));
    assert_eq!(cuda.len(), 5);
    for (cuda, cpu) in cuda.iter().zip(&cpu) {
        assert_eq!(cuda.len(), cpu.len());
        for (got, expected) in cuda.iter().flatten().zip(cpu.iter().flatten()) {
            assert!((got - expected).abs() < 1e-4, "{got} {expected}");
        }
    }
}

/// The weights of a Dense module are also on the device.
#[test]
fn memory_that_is_too_little_for_a_head_is_told() {
    let desk = desk();
    for number in ["1", "2"] {
        let line = "embed texts.txt -m STS -o out.npy --overwrite --device cuda";
        let run = finish(line, emulated(desk.command(line), &[("FAIL_ALLOCATION", number)]), None);
        assert_code(&run, 69);
        assert!(run.stderr.contains("cuda:0 is out of memory: not enough for the model"), "{}", run.stderr);
    }
}
