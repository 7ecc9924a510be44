//! NEARSAY_MODEL, and scores without a layer.

use nearsay_tests::fixture;
use nearsay_tests::hub::Hub;
use nearsay_tests::run::{Desk, Run, finish};

use super::{command, desk, run};

fn with_default(desk: &Desk, line: &str, model: &str) -> Run {
    let hub = Hub::with([("x", "y")]);
    let mut prepared = command(desk, &hub, line);
    prepared.env("NEARSAY_MODEL", model);
    finish(line, prepared, None)
}

#[test]
fn the_variable_is_the_default_and_an_argument_is_stronger() {
    let desk = desk();
    let [bert, sts] = ["families/bert", "sentence-transformers/dense-prompts"].map(fixture);
    let [bert, sts] = [&bert, &sts].map(|path| path.to_str().unwrap());
    let expected = desk.run("embed in.txt -m BERT").ok().stdout;
    assert_eq!(with_default(&desk, "embed in.txt", bert).ok().stdout, expected);
    assert_eq!(with_default(&desk, "embed in.txt", &format!(" {bert}\n")).ok().stdout, expected);
    assert_eq!(with_default(&desk, "embed in.txt -m BERT", sts).ok().stdout, expected);
    let summary = with_default(&desk, "embed in.txt -o out.npy --json", bert).ok().json();
    assert_eq!(summary["model"], bert);
    let line = "score -c in.txt -r ref.txt -l 1";
    let expected = desk.run(&format!("{line} -m BERT")).ok().stdout;
    assert_eq!(with_default(&desk, line, bert).ok().stdout, expected);
    // A language chooses its model, also if a default is set.
    let chosen = with_default(&desk, "--offline score -c in.txt -r ref.txt --lang en", bert);
    chosen.ends(78, &["roberta-large", "hint: the hub was not asked, since this run is offline"]);
    // The benchmark keeps its default shape, which makes machines comparable.
    let shape = with_default(&desk, "bench --json --seconds 0 --precision f32 --lengths 8", bert).ok().json();
    assert_eq!(shape["model"]["name"], "minilm-l6");
}

#[test]
fn an_empty_name_is_refused() {
    let desk = desk();
    for line in ["embed in.txt --model=", "score -c in.txt -r ref.txt --model="] {
        desk.run(line).ends(2, &["a value is required for '--model <NAME_OR_DIR>'"]);
    }
    for (command, name) in [("inspect", "<NAME_OR_DIR>"), ("pull", "<NAME[@REV]>")] {
        let mut empty = desk.command(&format!("models {command}"));
        empty.arg("");
        finish(command, empty, None).ends(2, &["a value is required for", name]);
    }
}

#[test]
fn without_a_model_the_command_says_how_to_name_one() {
    let desk = desk();
    for blank in ["", " ", "\n"] {
        with_default(&desk, "embed in.txt -o out.npy", blank).ends(2, &["--model", "hint:", "NEARSAY_MODEL"]);
        let parts = ["--model", "--lang", "hint:", "NEARSAY_MODEL"];
        with_default(&desk, "score -c in.txt -r ref.txt", blank).ends(2, &parts);
    }
    assert_eq!(desk.names(), ["in.txt", "ref.txt"]);
    for line in ["embed --help", "score --help", "--help"] {
        assert!(desk.run(line).ok().text().contains("NEARSAY_MODEL"), "{line}");
    }
}

#[test]
fn a_score_without_a_known_layer_names_the_range_and_the_usual_one() {
    let desk = desk();
    let parts = ["no layer is known", "layers 0 (the embeddings) to 3", "hint:", "--layer 2"];
    desk.run("score -c in.txt -r ref.txt -m BERT").ends(2, &parts);
    let hub = Hub::of_folder(&fixture("families/bert"));
    run(&desk, &hub, "score -c in.txt -r ref.txt -m org/name").ends(2, &parts);
    assert!(hub.asked().iter().all(|name| !name.ends_with(".safetensors")));
    run(&desk, &hub, "score -c in.txt -r ref.txt -m org/other")
        .ends(2, &["no layer is known", "hint:", "--layer"]);
    desk.run("score -c in.txt -r ref.txt -m BERT -l 4").ends(2, &["--layer must be 0 to 3", "got 4"]);
}
