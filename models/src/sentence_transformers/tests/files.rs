//! `sentence_bert_config.json` and `config_sentence_transformers.json`.

use super::*;

#[test]
fn settings_of_the_transformer_that_change_vectors_are_refused() {
    let file = "sentence_bert_config.json";
    for (config, field) in [
        (r#"{"transformer_task": "fill-mask"}"#, "transformer_task"),
        (r#"{"modality_config": {"image": {}}}"#, "modality_config"),
        (r#"{"module_output_name": "scores"}"#, "module_output_name"),
        (r#"{"processing_kwargs": {"text": {"max_length": 3}}}"#, "processing_kwargs"),
        (r#"{"query_length": 32}"#, "query_length"),
        (r#"{"document_length": 32}"#, "document_length"),
        (r#"{"query_expansion": {"length": 32}}"#, "query_expansion"),
        (r#"{"tokenizer_name_or_path": "other"}"#, "tokenizer_name_or_path"),
        (r#"{"model_args": {"add_pooling_layer": true}}"#, "model_args.add_pooling_layer"),
        (r#"{"tokenizer_args": {"model_max_length": 7}}"#, "tokenizer_args.model_max_length"),
        (r#"{"processor_kwargs": {"do_lower_case": true}}"#, "processor_kwargs.do_lower_case"),
        (r#"{"config_kwargs": {"num_hidden_layers": 1}}"#, "config_kwargs.num_hidden_layers"),
    ] {
        let message = with_file(file, config).unwrap_err().to_string();
        assert!(message.contains(file) && message.contains(field), "{message}");
    }
    let plain = r#"{"transformer_task": "feature-extraction", "module_output_name": "token_embeddings",
        "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        "query_length": null, "unpad_inputs": true, "model_args": {"torch_dtype": "float16"}, "config_args": {}}"#;
    assert!(with_file(file, plain).is_ok());
}

#[test]
fn the_length_comes_from_the_model_before_the_tokenizer() {
    let tokenizer = ("tokenizer_config.json", r#"{"model_max_length": 512}"#);
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<usize>);
    let cases: [Case<'_>; 5] = [
        (
            &[("sentence_bert_config.json", r#"{"max_seq_length": 256, "do_lower_case": false}"#), tokenizer],
            Some(256),
        ),
        (&[("sentence_bert_config.json", r#"{"do_lower_case": false}"#), tokenizer], Some(512)),
        (&[("sentence_bert_config.json", r#"{"max_seq_length": null}"#), tokenizer], Some(512)),
        (&[tokenizer], Some(512)),
        (&[], None),
    ];
    for (files, expected) in cases {
        let files = [&[("1_Pooling/config.json", MEAN)], files].concat();
        let lengths = read(&[TRANSFORMER, POOLING], &files).unwrap().unwrap().lengths;
        let stated_in = (expected == Some(256)).then_some("sentence_bert_config.json");
        assert_eq!(lengths, Lengths { max_seq_length: expected, stated_in, do_lower_case: false });
    }
    let lower = with_file("sentence_roberta_config.json", r#"{"max_seq_length": 75, "do_lower_case": true}"#)
        .unwrap();
    let stated_in = Some("sentence_roberta_config.json");
    assert_eq!(lower.lengths, Lengths { max_seq_length: Some(75), stated_in, do_lower_case: true });
    // More than the positions: the encoder caps it.
    let long = with_file("sentence_bert_config.json", r#"{"max_seq_length": 513}"#).unwrap();
    assert_eq!(long.lengths.max_seq_length, Some(513));
    for value in ["0", "-1", "1.5"] {
        let text = format!(r#"{{"max_seq_length": {value}}}"#);
        assert!(
            matches!(with_file("sentence_bert_config.json", &text), Err(Error::Config { .. })),
            "{value}"
        );
    }
}

#[test]
fn settings_are_read_and_a_null_prompt_is_empty() {
    let text = r#"{"__version__": {}, "model_type": "SentenceTransformer", "requirements": {"x": ">1"}, "prompts": {"query": "query: ", "document": null}, "default_prompt_name": "query",
        "similarity_fn_name": "dot", "truncate_dim": 2}"#;
    let settings = with_file("config_sentence_transformers.json", text).unwrap().settings;
    assert_eq!((settings.prompts["query"].as_str(), settings.prompts["document"].as_str()), ("query: ", ""));
    assert_eq!(settings.default_prompt_name.as_deref(), Some("query"));
    assert_eq!(settings.truncate_dim, Some(2));
    let empty = r#"{"prompts": {}, "default_prompt_name": null, "similarity_fn_name": null}"#;
    assert_eq!(with_file("config_sentence_transformers.json", empty).unwrap().settings, Settings::default());
    let default = r#"{"default_prompt_name": "document"}"#;
    let settings = with_file("config_sentence_transformers.json", default).unwrap().settings;
    assert_eq!(settings.default_prompt(), Some(""));
    for text in [
        r#"{"default_prompt_name": "passage"}"#,
        r#"{"truncate_dim": 0}"#,
        r#"{"model_type": "SparseEncoder"}"#,
        r#"{"model_type": "ColBERT"}"#,
    ] {
        assert!(
            matches!(with_file("config_sentence_transformers.json", text), Err(Error::Config { .. })),
            "{text}"
        );
    }
}
