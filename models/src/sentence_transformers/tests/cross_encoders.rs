//! Cross-encoders: which modules they may have, and in which settings they may differ from other models.

use super::*;

const SETTINGS: &str = "config_sentence_transformers.json";
const CROSS_ENCODER: &str =
    r#"{"model_type": "CrossEncoder", "activation_fn": "torch.nn.modules.linear.Identity"}"#;
const SCORES: &str = r#"{"in_features": 4, "out_features": 1, "module_output_name": "scores"}"#;

fn classifier(settings: &str, transformer: &str) -> Result<SentenceTransformer> {
    let files = [(SETTINGS, settings), ("sentence_bert_config.json", transformer)];
    read(&[TRANSFORMER], &files).map(Option::unwrap)
}

fn scorer(classes: &[&str]) -> Result<SentenceTransformer> {
    let files = [(SETTINGS, CROSS_ENCODER), ("1_Pooling/config.json", MEAN), ("2_Dense/config.json", SCORES)];
    read(classes, &files).map(Option::unwrap)
}

#[test]
fn a_transformer_alone_has_the_scores() {
    let task = r#"{"transformer_task": "sequence-classification", "module_output_name": "scores",
        "modality_config": {"text": {"method": "forward", "method_output_name": "logits"}}}"#;
    for transformer in ["{}", task] {
        let model = classifier(CROSS_ENCODER, transformer).unwrap();
        assert_eq!((&model.pooling, model.is_cross_encoder()), (&TextPooling::Logits, true));
    }
    let message = classifier(CROSS_ENCODER, r#"{"transformer_task": "fill-mask"}"#).unwrap_err().to_string();
    assert!(message.contains("sequence-classification") && message.contains("fill-mask"), "{message}");
}

#[test]
fn else_a_dense_layer_has_them() {
    let model = scorer(&[TRANSFORMER, POOLING, DENSE]).unwrap();
    assert!(matches!(&model.pooling, TextPooling::Scores(pooling) if pooling.modes == [Pooling::Mean]));
    assert!(matches!(model.steps.as_slice(), [Module::Dense(dense)] if dense.out_features == 1));
    let normalize = "sentence_transformers.models.Normalize";
    for classes in [&[TRANSFORMER, POOLING][..], &[TRANSFORMER, POOLING, normalize], &[POOLING, DENSE], &[]] {
        let error = scorer(classes).unwrap_err();
        assert!(matches!(&error, Error::Config { field, .. } if field == "type"), "{error}");
    }
    let message = scorer(&[TRANSFORMER, POOLING, "my.Dense"]).unwrap_err().to_string();
    assert!(message.contains("modules.json") && message.contains("my.Dense"), "{message}");
}

#[test]
fn or_logits_of_the_next_token_are_the_score() {
    const SCORE: &str = "sentence_transformers.cross_encoder.modules.logit_score.LogitScore";
    let of = |classes: &[&str], score: &str| {
        let transformer = r#"{"transformer_task": "text-generation", "module_output_name": "causal_logits"}"#;
        let files = [
            (SETTINGS, CROSS_ENCODER),
            ("sentence_bert_config.json", transformer),
            ("1_LogitScore/config.json", score),
        ];
        read(classes, &files).map(Option::unwrap)
    };
    let model = of(&[TRANSFORMER, SCORE], r#"{"true_token_id": 3}"#).unwrap();
    assert!(matches!(model.pooling, TextPooling::NextToken(score, None)
        if (score.true_token, score.false_token) == (3, None)));
    assert!(model.is_cross_encoder());
    for (classes, score, part) in [
        (&[TRANSFORMER, POOLING, SCORE][..], "{}", "Transformer, Pooling, LogitScore"),
        (&[TRANSFORMER, "my.LogitScore"], "{}", "my.LogitScore"),
        (&[TRANSFORMER, SCORE], r#"{"false_token_id": 3}"#, "true_token_id"),
        (&[TRANSFORMER, SCORE], r#"{"true_token_id": 3, "false_token_id": 1000000}"#, "false_token_id"),
        (&[TRANSFORMER, SCORE], r#"{"true_token_id": 3, "threshold": 1}"#, "threshold"),
    ] {
        let message = of(classes, score).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn settings_of_another_kind_are_refused() {
    let prompt =
        r#"{"model_type": "CrossEncoder", "prompts": {"query": "q: "}, "default_prompt_name": "query"}"#;
    assert_eq!(classifier(prompt, "{}").unwrap().settings.default_prompt(), Some("q: "));
    for field in
        [r#""activation_fn": "torch.nn.modules.linear.Identity""#, r#""keep_in_fp32_modules": ["1.linear"]"#]
    {
        assert!(classifier(&format!(r#"{{"model_type": "CrossEncoder", {field}}}"#), "{}").is_ok());
        let message = with_file(SETTINGS, &format!("{{{field}}}")).unwrap_err().to_string();
        assert!(message.contains("is for cross-encoders only"), "{message}");
    }
    let message = read(
        &[TRANSFORMER, POOLING, DENSE],
        &[(SETTINGS, "{}"), ("1_Pooling/config.json", MEAN), ("2_Dense/config.json", SCORES)],
    )
    .unwrap_err()
    .to_string();
    assert!(message.contains("module_output_name") && message.ends_with("got scores"), "{message}");
}
