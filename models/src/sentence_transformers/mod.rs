//! The parts of a sentence-transformers model after its transformer (pooling, dense layers, normalisation),
//! and its lengths and prompts.
//!
//! Source: `modules.json` and the configurations that it names, as sentence-transformers 2 to 6 write them,
//! with the meaning that version 6 gives them (docs/sentence-transformers.md). A field that is not known is an
//! error. These are plain descriptions; the code that runs the steps opens the weights.

mod dense;
mod lengths;
mod normalize;
mod pooling;
mod settings;

use crate::files::{CONFIG_LIMIT, ModelFolder, ModuleEntry, TokenizerSettings};
use crate::weights::Weights;
use crate::{Error, Recipe, Result};

pub use dense::Dense;
pub(crate) use dense::activation;
pub use lengths::Lengths;
pub use pooling::PoolingConfig;
pub use settings::Settings;

/// The supported modules.
const SUPPORTED: &str = "Transformer, Pooling, Dense, Normalize";

/// The start of the paths of the library's own classes. Others are code of the model's folder.
const LIBRARY: &str = "sentence_transformers.";

/// The Transformer of jina-embeddings-v3, which chooses the adapters of a task.
const WITH_TASKS: &str = "custom_st.Transformer";

/// The feature that is a text's vector.
const VECTOR: &str = "sentence_embedding";

/// A sentence-transformers model without its transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct SentenceTransformer {
    /// Turns a text's hidden states into its vector.
    pub pooling: PoolingConfig,
    /// The steps after pooling, in order.
    pub steps: Vec<Module>,
    /// The longest text, and whether it is lowercased.
    pub lengths: Lengths,
    /// Prompts and the author's recommendations.
    pub settings: Settings,
}

/// One step after pooling.
#[derive(Debug, Clone, PartialEq)]
pub enum Module {
    /// A linear layer and its activation.
    Dense(Dense),
    /// Division by the Euclidean norm.
    Normalize,
}

impl SentenceTransformer {
    /// Reads `modules.json` and the files that it names, for this encoder and a tokenizer of these settings. Returns
    /// `None` for a model without that file.
    ///
    /// # Errors
    /// If a module, activation or pooling mode is not supported, if modules are not in the order Transformer,
    /// Pooling, then any of Dense and Normalize, if a field is not known, or if widths do not fit each other
    /// or the encoder.
    pub fn read(
        folder: &ModelFolder,
        encoder: &Recipe,
        tokenizer: &TokenizerSettings,
    ) -> Result<Option<Self>> {
        let hidden_dim = encoder.hidden_dim();
        let Some(modules) = folder.modules()? else { return Ok(None) };
        let path = folder.root().join("modules.json");
        let mut modules = modules.iter();
        let transformer = modules.next();
        let is_with_tasks = transformer.is_some_and(|module| module.class_path == WITH_TASKS);
        if !is_with_tasks || encoder.adapters.is_none() {
            expect(&path, transformer, "Transformer")?;
        }
        let subfolder = &expect(&path, modules.next(), "Pooling")?.path;
        let pooling = PoolingConfig::read(folder, subfolder, hidden_dim)?;
        let steps = modules.map(|module| step(folder, module)).collect::<Result<Vec<_>>>()?;
        check_widths(folder, pooling.modes.len() * hidden_dim, &steps)?;
        let lengths = Lengths::read(folder, tokenizer)?;
        Ok(Some(Self { pooling, steps, lengths, settings: Settings::read(folder)? }))
    }

    /// The weights of the Dense layers.
    ///
    /// # Errors
    /// If a file is missing or breaks a rule.
    pub fn open_dense(&self, folder: &ModelFolder) -> Result<Vec<Weights>> {
        let dense = self.steps.iter().filter_map(|step| match step {
            Module::Dense(dense) => Some(dense.open(folder)),
            Module::Normalize => None,
        });
        dense.collect()
    }

    /// Whether the last step leaves vectors of length one.
    pub fn normalizes(&self) -> bool {
        self.steps.last() == Some(&Module::Normalize)
    }
}

/// The module that must be here.
fn expect<'a>(
    path: &std::path::Path,
    module: Option<&'a ModuleEntry>,
    class: &str,
) -> Result<&'a ModuleEntry> {
    let rule = |found: &str| Error::Config {
        path: path.to_owned(),
        field: "type".to_owned(),
        rule: format!(
            "the modules must be Transformer, Pooling, then Dense and Normalize; {found} is where {class} should be"
        ),
    };
    match module {
        Some(module) if !module.class_path.starts_with(LIBRARY) => Err(unsupported(path, module)),
        Some(module) if module.class_name() == class => Ok(module),
        Some(module) if SUPPORTED.split(", ").any(|name| name == module.class_name()) => {
            Err(rule(module.class_name()))
        }
        Some(module) => Err(unsupported(path, module)),
        None => Err(rule("nothing")),
    }
}

fn unsupported(path: &std::path::Path, module: &ModuleEntry) -> Error {
    let name = module.class_path.clone();
    Error::Unsupported { path: path.to_owned(), what: "module", name, supported: SUPPORTED.to_owned() }
}

fn step(folder: &ModelFolder, module: &ModuleEntry) -> Result<Module> {
    let path = folder.root().join("modules.json");
    match module.class_name() {
        _ if !module.class_path.starts_with(LIBRARY) => Err(unsupported(&path, module)),
        "Dense" => Dense::read(folder, &module.path).map(Module::Dense),
        "Normalize" => normalize::check(folder, &module.path).map(|()| Module::Normalize),
        // A second one of these is in the wrong place.
        "Transformer" | "Pooling" => {
            expect(&path, Some(module), "Dense or Normalize").map(|_| Module::Normalize)
        }
        _ => Err(unsupported(&path, module)),
    }
}

/// Each dense layer's input width must match the output width before it, which is `pooled` for the first.
fn check_widths(folder: &ModelFolder, pooled: usize, steps: &[Module]) -> Result<()> {
    let mut width = pooled;
    for step in steps {
        let Module::Dense(dense) = step else { continue };
        if width != dense.in_features {
            return Err(Error::Config {
                path: folder.root().join(&dense.folder).join("config.json"),
                field: "in_features".to_owned(),
                rule: format!("must be {width}, the output of the module before, got {}", dense.in_features),
            });
        }
        width = dense.out_features;
    }
    Ok(())
}

/// The features that a module after pooling reads and writes must be the text's vector. The output is the
/// input's if it is not named.
fn check_features(path: &std::path::Path, input: Option<String>, output: Option<String>) -> Result<()> {
    let names = [("module_input_name", input), ("module_output_name", output)];
    let other = names.into_iter().find_map(|(field, name)| Some((field, name.filter(|it| it != VECTOR)?)));
    match other {
        None => Ok(()),
        Some((field, name)) => Err(Error::Config {
            path: path.to_owned(),
            field: field.to_owned(),
            rule: format!("it must be {VECTOR} and is {name}"),
        }),
    }
}

/// A module's required configuration.
fn read_config<T: serde::de::DeserializeOwned>(folder: &ModelFolder, relative: &str) -> Result<T> {
    let missing = || Error::MissingFile { path: folder.root().join(relative) };
    folder.read_json(relative, CONFIG_LIMIT)?.ok_or_else(missing)
}

#[cfg(test)]
mod tests;
