//! `1_Pooling/config.json`.

use super::*;

#[test]
fn pooling_is_read_in_its_old_schema() {
    use Pooling::{Cls, LastToken, Max, Mean, MeanSqrtLength, WeightedMean};
    let read = pooling(r#"{"word_embedding_dimension": 4, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#).unwrap();
    assert_eq!(read, PoolingConfig { modes: vec![Cls], include_prompt: true });
    // A missing boolean is off, and all of them off is the mean.
    let off = r#"{"pooling_mode_mean_tokens": false, "pooling_mode_lasttoken": null}"#;
    for config in ["{}", off] {
        assert_eq!(pooling(config).unwrap().modes, [Mean]);
    }
    assert_eq!(pooling(r#"{"pooling_mode_cls_token": true}"#).unwrap().modes, [Cls]);
    let two = r#"{"pooling_mode_max_tokens": true, "pooling_mode_cls_token": true}"#;
    assert_eq!(pooling(two).unwrap().modes, [Cls, Max]);
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
    assert_eq!(read.modes, [Cls, MeanSqrtLength, Mean]);
    let repeated = r#"{"pooling_mode": ["mean", "cls", "mean"], "pooling_mode_max_tokens": true}"#;
    assert_eq!(pooling(repeated).unwrap().modes, [Mean, Cls, Mean]);
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
fn no_pooling_and_unknown_pooling_are_refused() {
    let endless = format!(r#"{{"pooling_mode": [{}"mean"]}}"#, r#""cls", "#.repeat(1 << 18));
    for config in [r#"{"pooling_mode": []}"#, &endless] {
        assert!(matches!(pooling(config), Err(Error::Config { .. })), "{}", &config[..18]);
    }
    assert!(matches!(pooling(r#"{"pooling_mode": "Mean"}"#), Err(Error::Unsupported { .. })));
    let error = pooling(r#"{"pooling_mode": "attention"}"#).unwrap_err().to_string();
    assert!(error.contains("attention") && error.contains("weightedmean"), "{error}");
    assert!(matches!(pooling("[]"), Err(Error::Json { .. })));
}
