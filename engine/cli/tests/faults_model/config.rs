//! Invalid config.json files and module configurations.

use serde_json::{Value, json};

use super::support::{Broken, Run};

const CONFIG: &str = "config.json";

/// A copy whose config.json has one field changed.
fn with(field: &str, value: Value) -> Broken {
    let broken = Broken::new();
    broken.edit_json(CONFIG, |config| config[field] = value);
    broken
}

#[test]
fn absurd_sizes_are_refused_by_field_at_once() {
    let cases = [
        ("num_attention_heads", json!(0), "got 0"),
        ("num_attention_heads", json!(3), "got 16"),
        ("num_attention_heads", json!(-2), "got -2"),
        ("hidden_size", json!(0), "got 0"),
        ("hidden_size", json!(-16), "got -16"),
        ("hidden_size", json!(1_u64 << 40), "got 1099511627776"),
        ("hidden_size", json!(16.5), "got 16.5"),
        ("hidden_size", json!("16"), "got \"16\""),
        ("hidden_size", Value::Null, "got null"),
        ("num_hidden_layers", json!(1_000_000_000), "got 1000000000"),
        ("num_hidden_layers", json!(5000), "got 5000"),
        ("intermediate_size", json!(1_u64 << 40), "got 1099511627776"),
        ("vocab_size", json!(u64::MAX), "got 18446744073709551615"),
        ("max_position_embeddings", json!(0), "got 0"),
        ("type_vocab_size", json!(1_u64 << 40), "got 1099511627776"),
        ("layer_norm_eps", json!(-1.0), "got -1"),
        ("layer_norm_eps", json!("small"), "got \"small\""),
    ];
    for (field, value, shown) in cases {
        let shown_field = if shown == "got 16" { "hidden_size" } else { field };
        with(field, value).embed(&[]).is_refused(&[CONFIG, shown_field, shown]).is_cheap();
    }
}

#[test]
fn sizes_that_the_weights_do_not_back_are_refused_before_they_are_allocated() {
    // Each size is within its limit, but together they are petabytes.
    let broken = Broken::new();
    broken.edit_json(CONFIG, |config| {
        config["hidden_size"] = json!(1 << 24);
        config["intermediate_size"] = json!(1 << 24);
        config["num_hidden_layers"] = json!(4096);
        config["vocab_size"] = json!(1 << 24);
    });
    broken.embed(&[]).is_refused(&["word_embeddings", "[180, 16]", "[16777216, 16777216]"]).is_cheap();
    with("num_hidden_layers", json!(4096)).embed(&[]).is_refused(&["encoder.layer.2.", "missing"]).is_cheap();
}

#[test]
fn a_config_that_is_no_object_is_refused() {
    for text in ["[]", "5", "null", "\"bert\"", "", "{", "{}x", "{\"model_type\": 5}"] {
        let broken = Broken::new();
        broken.write(CONFIG, text);
        let run = broken.embed(&[]);
        run.is_refused(&[CONFIG]).is_cheap();
        assert!(!run.stderr.contains("field .") && !run.stderr.contains("field ?"), "{run:#?}");
    }
    let broken = Broken::new();
    broken.write(CONFIG, "[".repeat(200_000)).embed(&[]).is_refused(&[CONFIG]).is_cheap();
}

#[test]
fn a_config_of_a_gigabyte_is_refused_unread_and_a_missing_one_by_name() {
    let broken = Broken::new();
    broken.set_length(CONFIG, 1 << 30);
    broken.embed(&[]).is_refused(&[CONFIG, "1073741824", "16777216"]).is_cheap();
    broken.remove(CONFIG).is_refused(&[CONFIG, "missing"]);
}

#[test]
fn what_is_not_supported_is_refused_with_what_is() {
    let cases = [
        ("hidden_act", json!("mish"), ["`mish`", "gelu_new"]),
        ("hidden_act", json!(7), ["got 7", "gelu_new"]),
        ("model_type", json!("gpt2"), ["`gpt2`", "bert, "]),
        ("model_type", json!(7), ["model_type", "bert, "]),
        ("position_embedding_type", json!("sinusoids"), ["`sinusoids`", "relative_key_query"]),
        ("is_decoder", json!(true), ["got true", "false"]),
        (
            "auto_map",
            json!({"AutoModel": "modeling_bert.JinaBertModel"}),
            ["modeling_bert.JinaBertModel", "bert"],
        ),
    ];
    for (field, value, parts) in cases {
        let broken = with(field, value);
        broken.is_refused(&[CONFIG, field]);
        broken.embed(&[]).is_refused(&parts).is_cheap();
    }
}

#[test]
fn modules_poolings_and_activations_that_we_lack_are_refused_with_what_there_is() {
    let dense = || Broken::of("sentence-transformers/dense-prompts");
    let pooling = "1_Pooling/config.json";

    let broken = dense();
    broken
        .edit_json("modules.json", |modules| modules[2]["type"] = json!("sentence_transformers.models.LSTM"));
    broken.is_refused(&["modules.json", "models.LSTM", "Transformer, Pooling, Dense, Normalize"]);

    let broken = dense();
    broken.edit_json(pooling, |config| config["pooling_mode"] = json!("attention"));
    broken.is_refused(&[
        pooling,
        "attention",
        "cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken",
    ]);

    let broken = dense();
    broken.write(pooling, r#"{"word_embedding_dimension":16,"pooling_mode_wishful_tokens":true}"#);
    broken.is_refused(&[pooling, "pooling_mode_wishful_tokens", "pooling_mode_cls_token"]);

    let broken = dense();
    broken.edit_json(pooling, |config| config["pooling_mode"] = json!([]));
    broken.is_refused(&[pooling, "pooling_mode", "must have 1 to"]);

    let broken = dense();
    broken.edit_json("2_Dense/config.json", |config| config["activation_function"] = json!("os.system"));
    broken.is_refused(&["2_Dense/config.json", "os.system", "Tanh"]);
}

#[test]
fn a_length_beyond_the_positions_is_capped_with_a_note() {
    let file = "sentence_bert_config.json";
    let broken = Broken::of("sentence-transformers/dense-prompts");
    let expected = broken.write(file, r#"{"max_seq_length": 40}"#).embed(&[]);
    let is_quiet = |run: &Run| !run.stderr.contains("max_seq_length");
    assert!(is_quiet(expected.works()), "{expected:#?}");
    broken.write(file, r#"{"max_seq_length": 512}"#);
    let run = broken.embed(&[]);
    assert_eq!(run.works().stdout, expected.stdout);
    run.says(&[file, "max_seq_length", "512", "room for 40"]);
    // The user's length decides, and a score has the tokenizer's.
    assert!(is_quiet(broken.embed(&["--max-length", "20"]).works()));
    assert!(is_quiet(broken.score().works()));
    // A tokenizer's length is capped, not rejected: it does not depend on the encoder.
    broken.write(file, "{}").edit_json("tokenizer_config.json", |it| it["model_max_length"] = json!(512));
    broken.embed(&[]).works();
}

#[test]
fn a_length_that_no_file_states_is_said_to_be_assumed() {
    let broken = Broken::of("families/t5");
    let is_quiet = |run: &Run| !run.stderr.contains("states its longest text");
    assert!(is_quiet(broken.embed(&[]).works()));
    broken.edit_json("tokenizer_config.json", |it| it["model_max_length"] = json!(1e30));
    for run in [broken.embed(&[]), broken.score()] {
        run.works();
        run.says(&["no file of the model states its longest text", "512 tokens"]);
    }
    assert!(is_quiet(broken.embed(&["--max-length", "3000"]).works()));
    // Positions state it.
    let broken = Broken::new();
    broken.edit_json("tokenizer_config.json", |it| it["model_max_length"] = json!(null));
    assert!(is_quiet(broken.embed(&[]).works()));
}

#[test]
fn a_length_too_short_for_a_token_is_the_fault_of_the_file_that_states_it() {
    let settings = "tokenizer_config.json";
    let broken = Broken::new();
    broken.edit_json(settings, |it| it["model_max_length"] = json!(2));
    broken.embed(&[]).is_refused(&[settings, "model_max_length", "2 special tokens", "got 2"]);
    broken.score().is_refused(&[settings, "model_max_length", "got 2"]);
    broken.embed(&["--max-length", "8"]).works();

    let broken = Broken::of("sentence-transformers/dense-prompts");
    let sentence = "sentence_bert_config.json";
    broken.write(sentence, r#"{"max_seq_length": 1}"#);
    broken.embed(&[]).is_refused(&[sentence, "max_seq_length", "2 special tokens", "got 1"]);
    broken.score().works();
}

#[test]
fn a_truncation_beyond_the_width_keeps_the_whole_vector_and_is_told() {
    let broken = Broken::of("sentence-transformers/dense-prompts");
    let file = "config_sentence_transformers.json";
    broken.edit_json(file, |it| it["truncate_dim"] = json!(24));
    let whole = broken.embed(&[]);
    broken.edit_json(file, |it| it["truncate_dim"] = json!(800));
    let run = broken.embed(&[]);
    assert_eq!(run.works().stdout, whole.works().stdout);
    run.says(&["truncate_dim", "800", "24"]);
}

#[test]
fn an_unknown_field_of_a_module_is_refused_and_one_of_the_config_is_reported() {
    let broken = Broken::of("sentence-transformers/dense-prompts");
    let expected = broken.embed(&[]);
    for file in ["1_Pooling/config.json", "2_Dense/config.json", "config_sentence_transformers.json"] {
        let broken = Broken::of("sentence-transformers/dense-prompts");
        broken.edit_json(file, |it| it["wavelength"] = json!(null)).is_refused(&[file, "wavelength"]);
    }
    let broken = Broken::of("sentence-transformers/dense-prompts");
    broken
        .edit_json("modules.json", |it| it[1]["wavelength"] = json!(5))
        .is_refused(&["modules.json", "wavelength"]);
    let broken = Broken::of("sentence-transformers/dense-prompts");
    broken.edit_json("tokenizer.json", |it| it["wavelength"] = json!(5));
    broken.embed(&[]).is_refused(&["tokenizer.json", "is not a tokenizer"]);
    for file in [CONFIG, "tokenizer_config.json", "special_tokens_map.json"] {
        let broken = Broken::of("sentence-transformers/dense-prompts");
        broken.edit_json(file, |it| it["wavelength"] = json!(5));
        let run = broken.embed(&[]);
        assert_eq!(run.works().stdout, expected.works().stdout);
        run.says(&[file, "the field wavelength is not known"]);
        assert_eq!(run.stderr.matches("wavelength").count(), 1, "{run:#?}");
        broken.inspect(&[]).works().says(&["wavelength"]);
        broken.score().works().says(&["wavelength"]);
        broken.embed(&["--strict"]).is_refused(&[file, "wavelength", "strict"]);
        broken.inspect(&["--verify"]).is_refused(&[file, "wavelength"]);
        let root = broken.root();
        let bench = ["bench", "-m", root.to_str().unwrap(), "--seconds", "0", "--lengths", "8"];
        Run::of(&[&bench[..], &["--strict"]].concat(), &[]).is_refused(&[file, "wavelength", "strict"]);
    }
}

#[test]
fn an_adapter_next_to_the_weights_is_refused() {
    let broken = Broken::new();
    broken.write("adapter_config.json", r#"{"peft_type": "LORA"}"#);
    broken.is_refused(&["adapter_config.json", "adapter", "hint: merge"]);
}

#[test]
fn dense_layers_that_are_left_out_are_reported() {
    let broken = Broken::of("sentence-transformers/dense-prompts");
    let is_quiet = |run: &Run| !run.stderr.contains("Dense");
    assert!(is_quiet(broken.embed(&[]).works()));
    broken.embed(&["--pooling", "cls"]).works().says(&["Dense layers are left out"]);
    broken.embed(&["--level", "token"]).works().says(&["Dense layers are left out"]);
    broken.embed(&["--layer", "1"]).works().says(&["Dense layers are applied to layer 1"]);
    assert!(is_quiet(Broken::new().embed(&["--pooling", "cls"]).works()));
}

#[test]
fn shortened_vectors_are_normalized_again_only_if_asked() {
    let broken = Broken::of("sentence-transformers/dense-prompts");
    let length = |run: &Run| -> f64 {
        let row: Value = serde_json::from_str(run.works().stdout.lines().next().unwrap()).unwrap();
        let values = row["embedding"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let run = broken.embed(&["--dimensions", "8"]);
    assert!(length(run.says(&["not normalized again", "--normalize"])) < 0.99);
    assert!((length(&broken.embed(&["--dimensions", "8", "--normalize"])) - 1.0).abs() < 1e-6);
    broken.edit_json("config_sentence_transformers.json", |it| it["truncate_dim"] = json!(8));
    let stated = broken.embed(&[]);
    assert_eq!(stated.works().stdout, run.stdout);
    stated.says(&["not normalized again"]);
}

#[test]
fn widths_that_do_not_fit_each_other_are_refused() {
    let dense = || Broken::of("sentence-transformers/dense-prompts");
    let config = "2_Dense/config.json";

    let broken = dense();
    broken.edit_json(config, |config| config["in_features"] = json!(17));
    broken.is_refused(&[config, "in_features", "17", "16"]);

    let broken = dense();
    broken.edit_json(config, |config| config["out_features"] = json!(1_u64 << 40));
    broken.embed(&[]).is_refused(&["2_Dense", "1099511627776"]).is_cheap();

    let broken = dense();
    broken.edit_json("1_Pooling/config.json", |config| config["embedding_dimension"] = json!(12));
    broken.edit_json(config, |config| config["in_features"] = json!(12));
    broken.is_refused(&["1_Pooling/config.json", "embedding_dimension", "12", "16"]);

    // Without a width in the file, the encoder's is compared.
    let broken = dense();
    broken.write("1_Pooling/config.json", r#"{"pooling_mode": "mean"}"#);
    broken.edit_json(config, |config| config["in_features"] = json!(64));
    broken.is_refused(&[config, "in_features", "64", "16"]);

    let broken = dense();
    broken.remove("2_Dense/model.safetensors").is_refused(&["2_Dense", "no weights", "model.safetensors"]);
    let broken = dense();
    broken.remove("1_Pooling/config.json").is_refused(&["1_Pooling/config.json", "missing"]);
}
