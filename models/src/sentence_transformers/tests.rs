use nearsay_kernels::{Activation, Pooling};

use super::*;
use crate::testing::tiny_config;
use crate::weights::test_files::{model_folder, safetensors};

const TRANSFORMER: &str = "sentence_transformers.models.Transformer";
const POOLING: &str = "sentence_transformers.models.Pooling";
const MEAN: &str = r#"{"word_embedding_dimension": 4, "pooling_mode_mean_tokens": true}"#;

/// A modules.json of these classes; module n is in the folder `n_Class`, the first one in the model's folder.
fn modules(classes: &[&str]) -> String {
    let entry = |(number, class): (usize, &&str)| {
        let last = class.rsplit('.').next().unwrap();
        let path = if number == 0 { String::new() } else { format!("{number}_{last}") };
        format!(r#"{{"idx": {number}, "name": "{number}", "path": "{path}", "type": "{class}"}}"#)
    };
    format!("[{}]", classes.iter().enumerate().map(entry).collect::<Vec<_>>().join(","))
}

/// An encoder of width 4 with 512 positions.
fn encoder() -> EncoderConfig {
    EncoderConfig { hidden_dim: 4, max_positions: 512, ..tiny_config() }
}

fn read(classes: &[&str], files: &[(&str, &str)]) -> Result<Option<SentenceTransformer>> {
    let modules = modules(classes);
    let mut all: Vec<(&str, &[u8])> = vec![("modules.json", modules.as_bytes())];
    all.extend(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    let (directory, folder) = model_folder(&all);
    let read = SentenceTransformer::read(&folder, &encoder());
    drop(directory);
    read
}

fn pooling(config: &str) -> Result<PoolingConfig> {
    read(&[TRANSFORMER, POOLING], &[("1_Pooling/config.json", config)]).map(|model| model.unwrap().pooling)
}

fn with_dense(config: &str) -> Result<SentenceTransformer> {
    let classes = [TRANSFORMER, POOLING, "sentence_transformers.models.Dense"];
    let files = [("1_Pooling/config.json", MEAN), ("2_Dense/config.json", config)];
    read(&classes, &files).map(Option::unwrap)
}

fn with_file(name: &str, text: &str) -> Result<SentenceTransformer> {
    read(&[TRANSFORMER, POOLING], &[("1_Pooling/config.json", MEAN), (name, text)]).map(Option::unwrap)
}

#[test]
fn a_model_without_modules_is_none() {
    let (_directory, folder) = model_folder(&[("config.json", b"{}")]);
    assert_eq!(SentenceTransformer::read(&folder, &encoder()).unwrap(), None);
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
    let classes = [TRANSFORMER, POOLING, "x.Normalize", "x.Dense"];
    let files = [("1_Pooling/config.json", MEAN), ("3_Dense/config.json", dense)];
    let model = read(&classes, &files).unwrap().unwrap();
    assert!(matches!(model.steps.as_slice(), [Module::Normalize, Module::Dense(_)]) && !model.normalizes());
}

#[test]
fn an_unknown_module_lists_what_is_supported() {
    for class in [
        "sentence_transformers.models.LSTM",
        "sentence_transformers.models.StaticEmbedding",
        "x.Router",
        "CNN",
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
        [&[][..], &[TRANSFORMER], &[POOLING], &[TRANSFORMER, POOLING, POOLING], &[TRANSFORMER, "x.Normalize"]]
    {
        let error = read(classes, &[("1_Pooling/config.json", MEAN)]).unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{error}");
    }
    assert!(matches!(read(&[TRANSFORMER, POOLING], &[]), Err(Error::MissingFile { .. })));
}

#[test]
fn pooling_is_read_in_its_old_schema() {
    use Pooling::{Cls, LastToken, Max, Mean, MeanSqrtLength, WeightedMean};
    let read = pooling(r#"{"word_embedding_dimension": 4, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#).unwrap();
    assert_eq!(read, PoolingConfig { modes: vec![Cls], include_prompt: true });
    assert_eq!(pooling("{}").unwrap().modes, [Mean]);
    let all = r#"{"pooling_mode_lasttoken": true, "pooling_mode_weightedmean_tokens": true, "pooling_mode_max_tokens": true,
        "pooling_mode_mean_sqrt_len_tokens": true, "pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true,
        "word_embedding_dimension": 4, "include_prompt": false}"#;
    let read = pooling(all).unwrap();
    assert_eq!(read.modes, [Cls, Max, Mean, MeanSqrtLength, WeightedMean, LastToken]);
    assert!(!read.include_prompt);
}

#[test]
fn pooling_is_read_in_its_new_schema() {
    use Pooling::{Cls, Mean, MeanSqrtLength};
    let read = pooling(r#"{"embedding_dimension": 4, "pooling_mode": "mean"}"#).unwrap();
    assert_eq!(read, PoolingConfig { modes: vec![Mean], include_prompt: true });
    let read = pooling(r#"{"pooling_mode": ["cls", "mean_sqrt_len_tokens", "mean"]}"#).unwrap();
    assert_eq!(read.modes, [Cls, Mean, MeanSqrtLength]);
}

#[test]
fn a_pooling_of_another_width_than_the_encoders_is_refused_by_field() {
    for field in ["word_embedding_dimension", "embedding_dimension"] {
        let message = pooling(&format!(r#"{{"{field}": 64}}"#)).unwrap_err().to_string();
        assert!(message.contains("1_Pooling/config.json"), "{message}");
        assert!(
            message.ends_with(&format!(
                "field {field}: it is 64, and the encoder's hidden states have 4 values"
            ))
        );
    }
}

#[test]
fn a_chain_of_dense_layers_begins_at_the_encoders_width() {
    let dense = |from: usize, to: usize| format!(r#"{{"in_features": {from}, "out_features": {to}}}"#);
    let chain = |pooling: &str, first: &str, second: &str| {
        let files = [
            ("1_Pooling/config.json", pooling),
            ("2_Dense/config.json", first),
            ("3_Dense/config.json", second),
        ];
        read(&[TRANSFORMER, POOLING, "x.Dense", "x.Dense"], &files)
    };
    let both = r#"{"pooling_mode": ["cls", "mean"]}"#;
    assert!(chain(both, &dense(8, 3), &dense(3, 2)).is_ok());
    for (pooling, first, second, parts) in [
        ("{}", dense(64, 3), dense(3, 2), ["2_Dense", "must be 4", "got 64"]),
        (both, dense(4, 3), dense(3, 2), ["2_Dense", "must be 8", "got 4"]),
        (both, dense(8, 3), dense(4, 2), ["3_Dense", "must be 3", "got 4"]),
    ] {
        let message = chain(pooling, &first, &second).unwrap_err().to_string();
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[test]
fn no_pooling_and_unknown_pooling_are_refused() {
    for config in [r#"{"pooling_mode_mean_tokens": false}"#, r#"{"pooling_mode": []}"#] {
        assert!(matches!(pooling(config), Err(Error::Config { .. })), "{config}");
    }
    let error = pooling(r#"{"pooling_mode": "attention"}"#).unwrap_err().to_string();
    assert!(error.contains("attention") && error.contains("weightedmean"), "{error}");
    assert!(matches!(pooling(r#"{"pooling_mode_attention_tokens": true}"#), Err(Error::Unsupported { .. })));
    assert!(matches!(pooling("[]"), Err(Error::Json { .. })));
}

#[test]
fn dense_layers_are_read_with_their_activation() {
    let config = r#"{"in_features": 4, "out_features": 2, "bias": false,
        "activation_function": "torch.nn.modules.activation.ReLU"}"#;
    let dense = Dense {
        folder: "2_Dense".into(),
        in_features: 4,
        out_features: 2,
        bias: false,
        activation: Activation::Relu,
    };
    assert_eq!(with_dense(config).unwrap().steps, [Module::Dense(dense)]);
    for (name, activation) in [
        ("linear.Identity", Activation::Identity),
        ("activation.Tanh", Activation::Tanh),
        ("activation.GELU", Activation::Gelu),
        ("activation.SiLU", Activation::Silu),
        ("activation.Sigmoid", Activation::Sigmoid),
    ] {
        let config = format!(
            r#"{{"in_features": 4, "out_features": 2, "activation_function": "torch.nn.modules.{name}"}}"#
        );
        let steps = with_dense(&config).unwrap().steps;
        assert!(
            matches!(&steps[..], [Module::Dense(dense)] if dense.activation == activation && dense.bias),
            "{name}"
        );
    }
}

#[test]
fn dense_layers_that_cannot_be_are_refused() {
    for name in ["torch.nn.modules.activation.PReLU", "os.Tanh", "Tanh"] {
        let config = format!(r#"{{"in_features": 4, "out_features": 2, "activation_function": "{name}"}}"#);
        let message = with_dense(&config).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains("Sigmoid"), "{message}");
    }
    for sizes in
        [r#""in_features": 0, "out_features": 2"#, r#""in_features": 4, "out_features": 1099511627776"#]
    {
        assert!(matches!(with_dense(&format!("{{{sizes}}}")), Err(Error::Config { .. })), "{sizes}");
    }
    let message = with_dense(r#"{"in_features": 5, "out_features": 2}"#).unwrap_err().to_string();
    assert!(message.contains("in_features") && message.contains('5') && message.contains('4'), "{message}");
}

#[test]
fn the_weights_of_a_dense_layer_are_in_its_folder() {
    let weights = safetensors(&[("linear.weight", &[1, 2], &[1.0, 2.0])]);
    let (_directory, folder) = model_folder(&[("2_Dense/model.safetensors", &weights)]);
    let dense = Dense {
        folder: "2_Dense".into(),
        in_features: 2,
        out_features: 1,
        bias: false,
        activation: Activation::Tanh,
    };
    assert!(dense.open(&folder).unwrap().load(Dense::WEIGHT, &[1, 2]).is_ok());
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
    // A RoBERTa with 514 positions has room for 512 tokens, and sentence-transformers writes 514.
    assert!(with_file("sentence_bert_config.json", r#"{"max_seq_length": 512}"#).is_ok());
    let message =
        with_file("sentence_bert_config.json", r#"{"max_seq_length": 513}"#).unwrap_err().to_string();
    assert!(message.ends_with("must be at most 512, the positions in config.json, got 513"), "{message}");
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
    let text = r#"{"__version__": {}, "prompts": {"query": "query: ", "document": null}, "default_prompt_name": "query",
        "similarity_fn_name": "dot", "truncate_dim": 2}"#;
    let settings = with_file("config_sentence_transformers.json", text).unwrap().settings;
    assert_eq!((settings.prompts["query"].as_str(), settings.prompts["document"].as_str()), ("query: ", ""));
    assert_eq!(settings.default_prompt_name.as_deref(), Some("query"));
    assert_eq!(settings.truncate_dim, Some(2));
    let empty = r#"{"prompts": {}, "default_prompt_name": null, "similarity_fn_name": null}"#;
    assert_eq!(with_file("config_sentence_transformers.json", empty).unwrap().settings, Settings::default());
    for text in [r#"{"default_prompt_name": "passage"}"#, r#"{"truncate_dim": 0}"#] {
        assert!(
            matches!(with_file("config_sentence_transformers.json", text), Err(Error::Config { .. })),
            "{text}"
        );
    }
}
