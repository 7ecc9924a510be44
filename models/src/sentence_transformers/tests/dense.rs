//! Dense layers: their configuration, their widths and their tensors.

use super::*;

#[test]
fn a_chain_of_dense_layers_starts_at_the_encoders_width() {
    let dense = |from: usize, to: usize| format!(r#"{{"in_features": {from}, "out_features": {to}}}"#);
    let chain = |pooling: &str, first: &str, second: &str| {
        let files = [
            ("1_Pooling/config.json", pooling),
            ("2_Dense/config.json", first),
            ("3_Dense/config.json", second),
        ];
        read(&[TRANSFORMER, POOLING, DENSE, DENSE], &files)
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
fn dense_layers_are_read_with_their_activation() {
    let config = r#"{"in_features": 4, "out_features": 2, "bias": false,
        "activation_function": "torch.nn.modules.activation.ReLU"}"#;
    let dense = Dense {
        folder: "2_Dense".into(),
        in_features: 4,
        out_features: 2,
        bias: false,
        activation: Activation::Relu,
        use_residual: false,
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
        use_residual: false,
    };
    assert!(dense.open(&folder).unwrap().load(Dense::WEIGHT, &[1, 2]).is_ok());
}

#[test]
fn a_tensor_that_a_dense_layer_does_not_use_is_refused() {
    let open = |names: &[&str], bias, use_residual, out_features| {
        let tensors: Vec<(&str, &[usize], &[f32])> =
            names.iter().map(|name| (*name, &[1_usize][..], &[1.0_f32][..])).collect();
        let weights = safetensors(&tensors);
        let (_directory, folder) = model_folder(&[("2_Dense/model.safetensors", &weights)]);
        let (name, activation) = ("2_Dense".to_owned(), Activation::Tanh);
        let dense = Dense { folder: name, in_features: 2, out_features, bias, activation, use_residual };
        dense.open(&folder).map(drop)
    };
    let (weight, bias, residual) = (Dense::WEIGHT, Dense::BIAS, Dense::RESIDUAL);
    assert!(open(&[weight, bias, residual], true, true, 1).is_ok());
    for (names, has_bias, use_residual, out_features, unused) in [
        (&[weight, residual][..], true, false, 1, residual),
        (&[weight, residual], true, true, 2, residual),
        (&[weight, bias], false, false, 1, bias),
        (&[weight, "linear.scale"], true, true, 1, "linear.scale"),
    ] {
        let message = open(names, has_bias, use_residual, out_features).unwrap_err().to_string();
        assert!(message.contains("2_Dense/model.safetensors") && message.contains(unused), "{message}");
    }
}

#[test]
fn a_residual_has_a_weight_if_the_widths_differ() {
    for (out_features, projects) in [(2, true), (4, false)] {
        let config = format!(r#"{{"in_features": 4, "out_features": {out_features}, "use_residual": true}}"#);
        let steps = with_dense(&config).unwrap().steps;
        let [Module::Dense(dense)] = &steps[..] else { panic!("{steps:?}") };
        assert!(dense.use_residual && dense.projects_residual() == projects);
    }
}
