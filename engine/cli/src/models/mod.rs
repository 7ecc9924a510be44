//! `nearsay models`.

mod list;
mod pull;

use nearsay::Model;
use nearsay_kernels::Activation;
use nearsay_models::files::Source;
use nearsay_models::sentence_transformers::TextPooling;
use nearsay_models::weights::Weights;
use nearsay_models::{Side, Stop};
use serde_json::{Map, Value, json};

use crate::arguments::{ModelsAction, ModelsArguments};
use crate::context::Context;
use crate::print::{print_json, print_line};

pub(crate) fn run(context: &Context, arguments: ModelsArguments) -> anyhow::Result<()> {
    match arguments.action.unwrap_or(ModelsAction::List) {
        ModelsAction::List => list::run(context),
        ModelsAction::Inspect { model, verify } => inspect(context, &model, verify),
        ModelsAction::Pull { model } => pull::run(context, &model),
    }
}

fn inspect(context: &Context, name: &str, verify: bool) -> anyhow::Result<()> {
    let hub = context.hub();
    let opened = if verify { Model::open(name, &hub) } else { Model::describe(name, &hub) };
    let model = opened.map_err(nearsay::Error::from)?;
    model.report_unknown_fields(verify || context.global.strict).map_err(nearsay::Error::from)?;
    let mut facts = describe(&model);
    if verify {
        facts.extend(check(&model)?);
    }
    if context.global.json {
        let object: Map<String, Value> =
            facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        return Ok(print_json(&object)?);
    }
    for (name, value) in &facts {
        let value = match (*name, value) {
            ("weights" | "tensors", Value::Null) => "not downloaded".to_owned(),
            (_, value) => plain(value),
        };
        print_line(&format!("{:22} {value}", name.replace('_', " ")))?;
    }
    Ok(())
}

/// Facts about a model: names and values, in the order they are printed.
type Facts = Vec<(&'static str, Value)>;

fn describe(model: &Model) -> Facts {
    let (recipe, head) = (model.recipe(), model.stated_head());
    let weights = Some(model.weights()).filter(|weights| weights.is_there());
    let pooling = match model.has_modules() {
        true if model.static_queries().is_some() => format!("{}; for queries static", head.description),
        true => head.description,
        false => {
            format!("{} (the model has no modules.json; the mean is the usual default)", head.description)
        }
    };
    let dimensions = head.dimensions.min(model.stated_dimensions().unwrap_or(usize::MAX));
    vec![
        ("name", json!(model.folder().name())),
        ("found", json!(found(model))),
        ("folder", json!(model.folder().root().display().to_string())),
        ("family", json!(model.family().name)),
        ("weights", json!(weights.map(Weights::description))),
        ("tensors", json!(weights.map(|weights| weights.names().count()))),
        ("parameters", json!(recipe.parameters(recipe.num_layers()))),
        ("num_layers", json!(recipe.num_layers())),
        ("hidden_dim", json!(recipe.hidden_dim())),
        ("num_heads", json!(recipe.num_heads())),
        ("intermediate_dim", json!(recipe.intermediate_dim())),
        ("vocab_size", json!(recipe.vocab_size())),
        ("activation", json!(activation_name(recipe.activation()))),
        ("positions", json!(recipe.max_tokens())),
        ("tokenizer_max_length", json!(model.tokenizer().settings().model_max_length)),
        ("embedding_max_length", json!(model.sentence_length().tokens)),
        ("pooling", json!(pooling)),
        ("normalized", json!(head.is_normalized && dimensions == head.dimensions)),
        ("dimensions", json!(dimensions)),
        ("prompts", json!(model.prompts())),
        ("tasks", json!(tasks(model))),
        ("default_task", json!(default_task(model))),
        ("query_max_length", json!(query_length(model))),
        ("bertscore_layer", json!(nearsay::score::bertscore::default_layer(model.folder().name()))),
    ]
}

/// The tasks that `embed --task` knows.
fn tasks(model: &Model) -> Vec<&str> {
    match model.static_queries().is_some() || model.is_late_interaction() {
        true => Side::ALL.map(Side::name).to_vec(),
        false => model.tasks().collect(),
    }
}

/// The task of texts without `--task`, of a model that treats queries and documents differently.
fn default_task(model: &Model) -> Option<&'static str> {
    let stated = model.static_queries().map(|queries| queries.default);
    let has_sides = stated.is_some() || model.is_late_interaction();
    has_sides.then(|| stated.flatten().unwrap_or(Side::Document).name())
}

/// The longest query in tokens, where it is not that of other texts.
fn query_length(model: &Model) -> Option<usize> {
    let pooling = model.sentence_transformer().map(|sentence| &sentence.pooling);
    match (model.static_queries(), pooling) {
        (Some(queries), _) => queries.tokenizer().settings().model_max_length,
        (None, Some(TextPooling::Colbert(colbert))) => colbert.query.length,
        (None, _) => None,
    }
}

/// The name of an activation in config.json.
fn activation_name(activation: Activation) -> &'static str {
    match activation {
        Activation::Identity => "identity",
        Activation::Gelu => "gelu",
        Activation::GeluTanh => "gelu_new",
        Activation::Relu => "relu",
        Activation::Silu => "silu",
        Activation::Tanh => "tanh",
        Activation::Sigmoid => "sigmoid",
    }
}

fn found(model: &Model) -> String {
    match model.folder().source() {
        Source::Folder => "a folder".to_owned(),
        Source::Cache { revision, commit, .. } => {
            format!("the Hugging Face cache, revision {revision}, commit {commit}")
        }
    }
}

/// Verifies checksums, and reads every weight once.
fn check(model: &Model) -> nearsay::Result<Facts> {
    let verification = model.folder().verify(&Stop::default())?;
    let encoder = model.load_encoder(&nearsay_models::EncoderOptions::default())?;
    model.check_head(&nearsay_kernels::Placement::CPU)?;
    Ok(vec![
        ("checksums_right", json!(verification.checked)),
        ("without_checksum", json!(verification.unpinned)),
        ("layers_loaded", json!(encoder.loaded_layers())),
    ])
}

/// Formats a value for people.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(entries) if entries.is_empty() => "none".to_owned(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
