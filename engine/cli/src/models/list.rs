//! `nearsay models list`: families, the models in the cache, and well-known ones.

use nearsay::Model;
use nearsay_models::files::{CachedModel, KNOWN_MODELS, KnownModel, Source, cached_models};
use nearsay_models::{FAMILIES, HeadKind};
use serde_json::{Value, json};

use crate::context::Context;
use crate::print::{print_json, print_line};

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let cache = context.hub().cache;
    let cached: Vec<Cached> = cache.iter().flat_map(|cache| cached_models(cache)).map(Cached::new).collect();
    if context.global.json {
        return Ok(print_json(&families(&cached))?);
    }
    for family in FAMILIES {
        print_line(&format!("{:12} model_type {}", family.name, family.model_types.join(", ")))?;
        print_line(&format!("{:12} {}", "", family.parts))?;
        if !family.heads().is_empty() {
            print_line(&format!("{:12} heads: {}", "", heads(&family).join(", ")))?;
        }
        print_line(&format!("{:12} for example", ""))?;
        family.examples.iter().try_for_each(|name| print_line(&format!("{:14} {name}", "")))?;
    }
    print_line(
        "\nModels of every family embed and score. With a classification head they rerank, with a\n\
         masked-language head they make sparse vectors (SPLADE).\n",
    )?;
    match &cache {
        Some(cache) if cached.is_empty() => {
            print_line(&format!("no models in the cache {}", cache.display()))?
        }
        Some(cache) => print_line(&format!("in the cache {}:", cache.display()))?,
        None => print_line("no cache: no home folder is known; set HF_HOME")?,
    }
    cached.iter().try_for_each(|model| print_line(&model.line()))?;
    print_line("\nwell-known models on the hub (parameters, size in f32, dimensions, use, languages):")?;
    Ok(KNOWN_MODELS.iter().try_for_each(|model| print_line(&known_line(model)))?)
}

/// A model in the cache, and the model or why it cannot be loaded.
struct Cached {
    cached: CachedModel,
    model: Result<Model, String>,
}

impl Cached {
    fn new(cached: CachedModel) -> Self {
        let model = match (&cached.snapshot, cached.missing_part()) {
            (Some(folder), Ok(None)) => Model::read(folder.clone()).map_err(|error| reason(&error)),
            (_, Ok(Some(part))) => Err(format!("incomplete: no {part}")),
            (None, Ok(None)) => Err("no snapshot".to_owned()),
            (_, Err(error)) => Err(reason(&error)),
        };
        Self { cached, model }
    }

    fn line(&self) -> String {
        let (name, bytes) = (&self.cached.name, megabytes(self.cached.bytes));
        match &self.model {
            Ok(model) => {
                let parameters = model.recipe().parameters(model.recipe().num_layers()) as u64;
                columns(
                    name,
                    [millions(parameters), bytes, dimensions(model).to_string()],
                    model.family().name,
                )
            }
            Err(reason) => columns(name, ["-".to_owned(), bytes, "-".to_owned()], reason),
        }
    }

    fn json(&self, model: &Model) -> Value {
        let commit = match model.folder().source() {
            Source::Cache { commit, .. } => Some(commit),
            Source::Folder => None,
        };
        json!({
            "name": self.cached.name,
            "parameters": model.recipe().parameters(model.recipe().num_layers()),
            "bytes": self.cached.bytes,
            "dimensions": dimensions(model),
            "commit": commit,
            "folder": model.folder().root().display().to_string(),
        })
    }
}

/// Each family with its model types, its cached models and its well-known ones.
fn families(cached: &[Cached]) -> Vec<Value> {
    let of_family = |family: &str| -> Vec<Value> {
        let models = cached.iter().filter_map(|cached| Some((cached, cached.model.as_ref().ok()?)));
        models.filter(|(_, model)| model.family().name == family).map(|(it, model)| it.json(model)).collect()
    };
    let known = |family: &str| -> Vec<Value> {
        let models = KNOWN_MODELS.iter().filter(|model| model.family == family);
        let is_cached = |name: &str| cached.iter().any(|it| it.model.is_ok() && it.cached.name == name);
        models
            .map(|model| {
                json!({
                    "name": model.name,
                    "parameters": model.parameters,
                    "dimensions": model.dimensions,
                    "languages": model.languages,
                    "use": model.made_for.name(),
                    "cached": is_cached(model.name),
                })
            })
            .collect()
    };
    let family = |family: nearsay_models::Family| {
        json!({
            "family": family.name,
            "model_types": family.model_types,
            "parts": family.parts,
            "heads": heads(&family),
            "examples": family.examples,
            "cached": of_family(family.name),
            "well_known": known(family.name),
        })
    };
    FAMILIES.into_iter().map(family).collect()
}

/// The names of the heads that are read.
fn heads(family: &nearsay_models::Family) -> Vec<&'static str> {
    family.heads().into_iter().map(HeadKind::name).collect()
}

fn known_line(model: &KnownModel) -> String {
    let facts = [millions(model.parameters), megabytes(4 * model.parameters), model.dimensions.to_string()];
    columns(model.name, facts, &format!("{:6} {}", model.made_for.name(), model.languages))
}

/// A name, three numbers, and a remark.
fn columns(name: &str, [parameters, bytes, dimensions]: [String; 3], remark: &str) -> String {
    format!("  {name:60} {parameters:>7} {bytes:>9} {dimensions:>5}  {remark}").trim_end().to_owned()
}

fn dimensions(model: &Model) -> usize {
    model.stated_head().dimensions.min(model.stated_dimensions().unwrap_or(usize::MAX))
}

fn millions(parameters: u64) -> String {
    let millions = parameters as f64 / 1e6;
    if millions < 100.0 { format!("{millions:.1}M") } else { format!("{millions:.0}M") }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// Why a model cannot be loaded, without the file's path.
fn reason(error: &nearsay::models::Error) -> String {
    match error {
        nearsay::models::Error::Config { field, rule, .. } => format!("not supported: {field} {rule}"),
        other => other.to_string(),
    }
}
