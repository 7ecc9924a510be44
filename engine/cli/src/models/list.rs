//! `nearsay models list`: families, the models in the cache, and well-known ones.

use console::measure_text_width;
use nearsay::Model;
use nearsay_models::files::{CachedModel, KNOWN_MODELS, KnownModel, Source, cached_models};
use nearsay_models::{FAMILIES, Family, HeadKind};
use serde_json::{Value, json};

use crate::context::Context;
use crate::print::{print_json, print_line};

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let cache = context.hub().cache;
    let cached: Vec<Cached> = cache.iter().flat_map(|cache| cached_models(cache)).map(Cached::new).collect();
    if context.global.json {
        return Ok(print_json(&families(&cached))?);
    }
    FAMILIES.iter().flat_map(family_lines).try_for_each(|line| print_line(&line))?;
    print_line(
        "\nModels of every family embed and score. With a classification head they rerank,\n\
         with a masked-language head they make sparse vectors (SPLADE).\n",
    )?;
    match &cache {
        Some(cache) if cached.is_empty() => {
            print_line(&format!("no models in the cache {}", cache.display()))?
        }
        Some(cache) => print_line(&format!("in the cache {}:", cache.display()))?,
        None => print_line("no cache: no home folder is known; set HF_HOME")?,
    }
    cached.iter().flat_map(Cached::lines).try_for_each(|line| print_line(&line))?;
    print_line("\nwell-known models on the hub (parameters, size in f32, dimensions, use,\nlanguages):")?;
    Ok(KNOWN_MODELS.iter().flat_map(known_lines).try_for_each(|line| print_line(&line))?)
}

/// Columns that a line has at most, unless a name alone is longer.
const WIDTH: usize = 80;

fn family_lines(family: &Family) -> Vec<String> {
    let mut facts = vec![format!("model_type {}", family.model_types.join(", ")), family.parts.to_owned()];
    if !family.heads().is_empty() {
        facts.push(format!("heads: {}", heads(family).join(", ")));
    }
    facts.push("for example".to_owned());
    let facts = facts.iter().flat_map(|fact| wrapped(fact, WIDTH - 13));
    let facts = facts.chain(family.examples.iter().map(|name| format!("  {name}")));
    facts
        .enumerate()
        .map(|(row, fact)| format!("{:12} {fact}", if row == 0 { family.name } else { "" }))
        .collect()
}

/// The words of a text in lines of at most `width` columns.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
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

    fn lines(&self) -> Vec<String> {
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
    let family = |family: Family| {
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
fn heads(family: &Family) -> Vec<&'static str> {
    family.heads().into_iter().map(HeadKind::name).collect()
}

fn known_lines(model: &KnownModel) -> Vec<String> {
    let facts = [millions(model.parameters), megabytes(4 * model.parameters), model.dimensions.to_string()];
    columns(model.name, facts, &format!("{:6} {}", model.made_for.name(), model.languages))
}

/// A name, and below it three numbers and a remark, which may be long.
fn columns(name: &str, [parameters, bytes, dimensions]: [String; 3], remark: &str) -> Vec<String> {
    let facts = format!("    {parameters:>7} {bytes:>9} {dimensions:>5}  ");
    let remarks = wrapped(remark, WIDTH - facts.len());
    let lines = remarks.iter().enumerate().map(|(row, remark)| {
        let start = if row == 0 { facts.as_str() } else { "" };
        format!("{start:width$}{remark}", width = facts.len())
    });
    [format!("  {name}")].into_iter().chain(lines).collect()
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
