//! tokenizer.json: damaged, missing, crafted to panic, or for another model.

use serde_json::{Value, json};

use super::support::{Broken, Run};

const FILE: &str = "tokenizer.json";

fn with(edit: impl FnOnce(&mut Value)) -> Broken {
    let broken = Broken::new();
    broken.edit_json(FILE, edit);
    broken
}

/// The model is rejected or works; in both cases without a panic on stderr.
#[track_caller]
fn does_not_panic(run: &Run) {
    match run.code {
        Some(0) => run.says(&[]),
        _ => run.is_refused(&[FILE]),
    };
}

#[test]
fn a_file_that_is_no_tokenizer_is_refused() {
    for text in ["", "{", "[]", "null", "{}", r#"{"version":"1.0","model":{"type":"Oracle"}}"#, "\u{0}\u{1}"]
    {
        let broken = Broken::new();
        broken.write(FILE, text).embed(&[]).is_refused(&[FILE, "is not a tokenizer"]);
    }
}

#[test]
fn a_missing_tokenizer_is_named_with_the_files_that_could_replace_it() {
    let broken = Broken::new();
    broken.remove(FILE).embed(&[]).is_refused(&["has no tokenizer.json and no vocab.txt"]);
    broken.write("spiece.model", "x");
    broken.embed(&[]).is_refused(&["has no tokenizer.json", "hint: ", "spiece.model is read only for"]);
}

#[test]
fn a_tokenizer_is_built_from_its_vocabulary_and_a_damaged_one_is_refused() {
    let broken = Broken::new();
    let tokenizer = broken.json(FILE);
    let vocab = tokenizer["model"]["vocab"].as_object().expect("a vocabulary");
    let mut words = vec![""; vocab.len()];
    vocab.iter().for_each(|(word, id)| words[id.as_u64().expect("an id") as usize] = word.as_str());
    let expected = broken.embed(&[]);
    broken.remove(FILE).write("vocab.txt", words.join("\n"));
    let run = broken.embed(&["-v"]);
    assert_eq!((run.code, &run.stdout), (Some(0), &expected.stdout), "{}", run.stderr);
    run.says(&["there is no tokenizer.json: built the tokenizer from", "vocab.txt"]);
    broken.write("vocab.txt", words[2..].join("\n"));
    broken.embed(&[]).is_refused(&["vocab.txt", "must have `[UNK]`"]);
    broken.write("vocab.txt", "<html><head>");
    broken.embed(&[]).is_refused(&["vocab.txt is an HTML page, not a vocabulary", "hint: "]);
    broken.set_length("vocab.txt", 1 << 30).embed(&[]).is_refused(&["vocab.txt", "1073741824"]).is_cheap();
}

#[test]
fn a_tokenizer_of_a_gigabyte_is_refused_unread() {
    let broken = Broken::new();
    broken.set_length(FILE, 1 << 30).embed(&[]).is_refused(&[FILE, "1073741824"]).is_cheap();
}

#[test]
fn crafted_files_do_not_panic_out() {
    let unk = |id: i64| json!({"type": "Unigram", "unk_id": id, "vocab": [["a", 0.0], ["b", -1.0]], "byte_fallback": false});
    let unigram = |id| move |it: &mut Value| it["model"] = unk(id);
    let bpe = |merges: Value| {
        move |it: &mut Value| {
            it["model"] =
                json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": merges, "unk_token": "<unk>"});
        }
    };
    let charsmap = |text: &'static str| {
        move |it: &mut Value| it["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": text})
    };
    type Edit = Box<dyn FnOnce(&mut Value)>;
    let cases: Vec<(&str, Edit)> = vec![
        ("template without its tokens", Box::new(|it| it["post_processor"]["special_tokens"] = json!({}))),
        (
            "template with no ids",
            Box::new(|it| it["post_processor"]["special_tokens"]["[CLS]"]["ids"] = json!([])),
        ),
        (
            "template of other tokens",
            Box::new(|it| it["post_processor"]["single"][0]["SpecialToken"]["id"] = json!("[X]")),
        ),
        ("template of B", Box::new(|it| it["post_processor"]["single"][1]["Sequence"]["id"] = json!("B"))),
        ("template of nothing", Box::new(|it| it["post_processor"]["single"] = json!([]))),
        ("unigram, unk_id beyond", Box::new(unigram(99))),
        ("unigram, unk_id negative", Box::new(unigram(-1))),
        ("unigram, empty", Box::new(|it| it["model"] = json!({"type": "Unigram", "unk_id": 0, "vocab": []}))),
        (
            "wordpiece without unk",
            Box::new(|it| drop(it["model"]["vocab"].as_object_mut().unwrap().remove("[UNK]"))),
        ),
        ("wordpiece, unk elsewhere", Box::new(|it| it["model"]["unk_token"] = json!("[NONE]"))),
        ("bpe, absent tokens", Box::new(bpe(json!(["a b", "x y"])))),
        ("bpe, half merges", Box::new(bpe(json!(["a"])))),
        ("bpe, empty merges", Box::new(bpe(json!([["", ""]])))),
        ("bpe, no unk", Box::new(bpe(json!([])))),
        ("charsmap, no base64", Box::new(charsmap("%%%"))),
        ("charsmap, empty", Box::new(charsmap(""))),
        ("charsmap, short", Box::new(charsmap("AAAA"))),
        ("charsmap, long trie", Box::new(charsmap("/////wAAAAA="))),
        ("charsmap, garbage", Box::new(charsmap("CAAAAP////////////8="))),
        (
            "bad pattern",
            Box::new(|it| {
                it["pre_tokenizer"] = json!({"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated", "invert": false});
            }),
        ),
        (
            "hungry pattern",
            Box::new(|it| {
                it["pre_tokenizer"] =
                    json!({"type": "Split", "pattern": {"Regex": ""}, "behavior": "Removed", "invert": true});
            }),
        ),
    ];
    let mut refused = Vec::new();
    for (name, edit) in cases {
        let broken = with(edit);
        // Known words, and characters outside every vocabulary here.
        std::fs::write(broken.parent().join("texts.txt"), "the river\n\u{2603} b\u{1f600}\n").unwrap();
        let run = broken.embed(&[]);
        does_not_panic(&run);
        if run.code != Some(0) {
            refused.push(name);
        }
    }
    // At least these can never work; the first three panic inside the tokenizers crate.
    for name in [
        "template of other tokens",
        "bpe, absent tokens",
        "charsmap, garbage",
        "unigram, unk_id beyond",
        "wordpiece without unk",
        "wordpiece, unk elsewhere",
        "bad pattern",
    ] {
        assert!(refused.contains(&name), "{name} was not refused: {refused:?}");
    }
}

#[test]
fn ids_beyond_the_embeddings_are_refused_with_both_numbers() {
    let broken = with(|it| it["model"]["vocab"]["extra"] = json!(180));
    broken.embed(&[]).is_refused(&[FILE, "`extra`", "180"]);
    let token = json!({"id": 4_000_000_000_u32, "content": "[FAR]", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true});
    let broken = with(|it| it["added_tokens"].as_array_mut().unwrap().push(token));
    broken.embed(&[]).is_refused(&[FILE]);
}

#[test]
fn special_ids_of_the_template_beyond_the_embeddings_are_refused_when_loading() {
    let broken = with(|it| it["post_processor"]["special_tokens"]["[SEP]"]["ids"] = json!([180]));
    broken.embed(&[]).is_refused(&[FILE, "180"]);
    let bert = json!({"type": "BertProcessing", "sep": ["[SEP]", 7000], "cls": ["[CLS]", 2]});
    with(|it| it["post_processor"] = bert).embed(&[]).is_refused(&[FILE, "7000", "180"]);
}

#[test]
fn truncation_and_padding_of_the_file_are_replaced() {
    let broken = Broken::new();
    let long = format!("{}\nriver\n", "the river and the garden ".repeat(40));
    std::fs::write(broken.parent().join("texts.txt"), long).unwrap();
    let expected = broken.embed(&[]);
    expected.works().says(&["1 text was cut to 40 tokens"]);
    broken.edit_json(FILE, |it| {
        it["truncation"] =
            json!({"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 2});
        it["padding"] = json!({"strategy": {"Fixed": 128}, "direction": "Left", "pad_to_multiple_of": 64,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"});
    });
    let run = broken.embed(&[]);
    assert_eq!(run.works().stdout, expected.stdout);
    run.says(&["1 text was cut to 40 tokens"]);
}

#[test]
fn a_side_of_truncation_other_than_the_right_is_refused_in_either_file() {
    let truncation = json!({"direction": "Left", "max_length": 8, "strategy": "LongestFirst", "stride": 0});
    let broken = with(|it| it["truncation"] = truncation);
    broken.is_refused(&[FILE, "truncation.direction", "must be Right, got Left"]);
    broken.edit_json("tokenizer_config.json", |it| it["truncation_side"] = json!("right"));
    broken.embed(&[]).works();
    broken.edit_json("tokenizer_config.json", |it| it["truncation_side"] = json!("left"));
    broken.is_refused(&["tokenizer_config.json", "truncation_side", "must be right, got left"]);
}

#[test]
fn added_tokens_of_other_files_must_have_the_ids_that_these_state() {
    let broken = Broken::new();
    broken.write("added_tokens.json", r#"{"[RIVER]": 12}"#);
    broken.embed(&[]).is_refused(&[FILE, "[RIVER]", "180", "added_tokens.json says 12"]);
    // The next free id, but the model has no embedding for it.
    broken.write("added_tokens.json", r#"{"[RIVER]": 180}"#);
    broken.embed(&[]).is_refused(&[FILE, "[RIVER]", "180"]);
    // A special token without an embedding is left out, since no text with it can be encoded.
    let broken = Broken::new();
    let expected = broken.embed(&[]);
    broken.edit_json("tokenizer_config.json", |it| it["additional_special_tokens"] = json!(["[RIVER]"]));
    assert_eq!(broken.embed(&[]).works().stdout, expected.works().stdout);
}

#[test]
fn special_tokens_that_the_template_does_not_put_around_texts_are_refused() {
    for (field, token) in [("cls_token", "[MASK]"), ("sep_token", "[PAD]"), ("cls_token", "[NONE]")] {
        let broken = Broken::new();
        broken.edit_json("tokenizer_config.json", |it| it[field] = json!(token));
        broken.remove("special_tokens_map.json");
        broken.embed(&[]).is_refused(&[FILE, field, token]);
        // As tokenizer.json says, whatever the names of special tokens are.
        broken.edit_json("tokenizer_config.json", |it| {
            it["tokenizer_class"] = json!("PreTrainedTokenizerFast")
        });
        broken.embed(&[]).works();
    }
}
