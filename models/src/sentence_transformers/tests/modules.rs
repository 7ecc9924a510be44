//! `modules.json`: which modules there are, in which order, and fields that no file of theirs may have.

use super::*;

#[test]
fn a_model_without_modules_is_none() {
    let (_directory, folder) = model_folder(&[("config.json", b"{}")]);
    let read = SentenceTransformer::read(&folder, &encoder(), &TokenizerSettings::default());
    assert_eq!(read.unwrap(), None);
}

#[test]
fn modules_are_known_by_the_last_segment_and_stay_in_order() {
    let old = [TRANSFORMER, POOLING, "sentence_transformers.models.Normalize"];
    let new = [
        "sentence_transformers.base.modules.transformer.Transformer",
        "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
        "sentence_transformers.sentence_transformer.modules.normalize.Normalize",
    ];
    for classes in [old, new] {
        let model = read(&classes, &[("1_Pooling/config.json", MEAN)]).unwrap().unwrap();
        assert_eq!(model.steps, [Module::Normalize]);
        assert!(model.normalizes());
    }
    let dense =
        r#"{"in_features": 4, "out_features": 2, "activation_function": "torch.nn.modules.linear.Identity"}"#;
    let classes = [TRANSFORMER, POOLING, "sentence_transformers.x.Normalize", DENSE];
    let files = [("1_Pooling/config.json", MEAN), ("3_Dense/config.json", dense)];
    let model = read(&classes, &files).unwrap().unwrap();
    assert!(matches!(model.steps.as_slice(), [Module::Normalize, Module::Dense(_)]) && !model.normalizes());
}

#[test]
fn an_unknown_module_lists_what_is_supported() {
    for class in [
        "sentence_transformers.models.LSTM",
        "sentence_transformers.models.StaticEmbedding",
        "sentence_transformers.models.Dropout",
        "CNN",
        // Code of the model's own, whatever it is called.
        "custom_st.Transformer",
        "pooling.Pooling",
        "Dense",
    ] {
        for classes in [&[class][..], &[TRANSFORMER, class], &[TRANSFORMER, POOLING, class]] {
            let error = read(classes, &[("1_Pooling/config.json", MEAN)]).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains(class) && error.to_string().contains(SUPPORTED));
        }
    }
}

#[test]
fn modules_in_another_order_are_refused() {
    for classes in
        [&[][..], &[TRANSFORMER], &[POOLING], &[TRANSFORMER, POOLING, POOLING], &[TRANSFORMER, DENSE]]
    {
        let error = read(classes, &[("1_Pooling/config.json", MEAN)]).unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{error}");
    }
    assert!(matches!(read(&[TRANSFORMER, POOLING], &[]), Err(Error::MissingFile { .. })));
}

#[test]
fn modules_of_other_features_than_the_vector_are_refused() {
    for field in ["module_input_name", "module_output_name"] {
        let config = format!(r#"{{"in_features": 4, "out_features": 2, "{field}": "token_embeddings"}}"#);
        let message = with_dense(&config).unwrap_err().to_string();
        assert!(message.contains(field) && message.ends_with("got token_embeddings"), "{message}");
        let normalize = |value: &str| {
            let config = format!(r#"{{"{field}": "{value}"}}"#);
            let files = [("1_Pooling/config.json", MEAN), ("2_Normalize/config.json", config.as_str())];
            read(&[TRANSFORMER, POOLING, "sentence_transformers.models.Normalize"], &files)
        };
        let message = normalize("token_embeddings").unwrap_err().to_string();
        assert!(message.contains("2_Normalize/config.json") && message.contains(field), "{message}");
        assert!(normalize("sentence_embedding").is_ok());
    }
}

#[test]
fn an_unknown_field_of_a_module_file_is_refused_by_name() {
    let files = [
        ("1_Pooling/config.json", r#"{"embedding_dimension": 4}"#),
        ("2_Dense/config.json", r#"{"in_features": 4, "out_features": 2}"#),
        ("3_Normalize/config.json", "{}"),
        ("sentence_bert_config.json", r#"{"max_seq_length": 8}"#),
        ("config_sentence_transformers.json", r#"{"prompts": {}}"#),
    ];
    let classes = [TRANSFORMER, POOLING, DENSE, "sentence_transformers.models.Normalize"];
    assert!(read(&classes, &files).is_ok());
    for broken in 0..files.len() {
        let mut files = files.map(|(name, text)| (name, text.to_owned()));
        files[broken].1 = files[broken].1.replacen('{', r#"{"wavelength": 5, "#, 1).replace(", }", "}");
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let message = read(&classes, &files).unwrap_err().to_string();
        assert!(message.contains(files[broken].0) && message.contains("wavelength"), "{message}");
    }
}
