//! The parts of a sentence-transformers model after its transformer (pooling, dense layers, normalisation),
//! and its lengths and prompts.
//!
//! Source: `modules.json` and the configurations that it names, as sentence-transformers 2 to 6 write them,
//! with the meaning that version 6 gives them (docs/sentence-transformers.md). A field that is not known is an
//! error. These are plain descriptions; the code that runs the steps opens the weights.

mod chat_settings;
mod chat_template;
mod colbert;
mod cross_encoder;
mod dense;
mod features;
mod kind;
mod lengths;
mod logit_score;
mod normalize;
mod pooling;
mod settings;
mod splade;
mod static_queries;

use crate::files::{CONFIG_LIMIT, ModelFolder, ModuleEntry, TokenizerSettings, UnknownFields, join};
use crate::weights::Weights;
use crate::{Error, Recipe, Result};

pub use chat_template::ChatTemplate;
pub(crate) use chat_template::FILE as CHAT_TEMPLATE;
pub(crate) use colbert::ARTIFACT;
pub use colbert::{Colbert, ColbertSide, Projection};
pub use dense::Dense;
pub(crate) use dense::activation;
use kind::ModelKind;
pub use lengths::Lengths;
pub use logit_score::LogitScore;
pub use pooling::PoolingConfig;
pub(crate) use settings::FILE_NAME as SETTINGS;
pub use settings::Settings;
use settings::SettingsConfig;
pub use splade::SpladePooling;
pub(crate) use static_queries::IDF;
pub use static_queries::StaticQueries;

/// The supported modules.
const SUPPORTED: &str = "Transformer, Pooling, Dense, Normalize, MLMTransformer, SpladePooling, SparseStaticEmbedding, Router, \
     LogitScore";

/// The Transformer of jina-embeddings-v3, which chooses the adapters of a task.
const WITH_TASKS: &str = "custom_st.Transformer";

/// The start of the paths of PyLate's classes.
const PYLATE: &str = "pylate.";

/// A sentence-transformers model without its transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct SentenceTransformer {
    /// What becomes of a text's hidden states.
    pub pooling: TextPooling,
    /// The steps after pooling, in order.
    pub steps: Vec<Module>,
    /// The longest text, and whether it is lowercased.
    pub lengths: Lengths,
    /// Prompts and the author's recommendations.
    pub settings: Settings,
}

/// How the hidden states of a text's tokens become its vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPooling {
    /// By modes; the steps follow.
    Modes(PoolingConfig),
    /// By the logits of a masked-language head.
    Splade(SpladePooling),
    /// Not at all: each token has a vector, after the steps.
    Colbert(Box<Colbert>),
    /// A cross-encoder's: a pair's states become scores, by the head for sequence classification.
    Logits,
    /// A cross-encoder's: by modes, and the last step's output is the scores.
    Scores(PoolingConfig),
    /// A cross-encoder's: by logits of the next token, after the text that the template makes of a pair; without one,
    /// after both texts.
    NextToken(LogitScore, Option<Box<ChatTemplate>>),
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
    /// Reads `modules.json` and the files that it names, for this encoder and a tokenizer of these settings. Returns `None` for a model without that file.
    ///
    /// # Errors
    /// If a module, activation or pooling mode is not supported, if modules are not in the order of the model's
    /// kind (docs/sentence-transformers.md), if a field is not known, or if widths do not fit each other or the
    /// encoder.
    pub fn read(
        folder: &ModelFolder,
        encoder: &Recipe,
        tokenizer: &TokenizerSettings,
    ) -> Result<Option<Self>> {
        let Some(modules) = folder.modules()? else { return Self::of_stanford(folder, encoder, tokenizer) };
        let config = SettingsConfig::read(folder)?;
        let kind = ModelKind::of(&modules, config.model_type());
        let settings = Settings::of(&config, folder, kind)?;
        let (pooling, steps) = match kind {
            ModelKind::Sentence => sentence(folder, &modules, encoder)?,
            ModelKind::Classifier => (cross_encoder::classifier(folder, &modules)?, Vec::new()),
            ModelKind::Scorer => {
                let (pooling, steps) = cross_encoder::scorer(folder, &modules, encoder)?;
                (TextPooling::Scores(pooling), steps)
            }
            ModelKind::NextToken => {
                let score = cross_encoder::next_token(folder, &modules, encoder)?;
                let template = lengths::chat_settings(folder)?.map(|chat| ChatTemplate::read(folder, chat));
                (TextPooling::NextToken(score, template.transpose()?.map(Box::new)), Vec::new())
            }
            ModelKind::Sparse => (sparse(folder, &modules, encoder)?, Vec::new()),
            ModelKind::Colbert => {
                let colbert = Colbert::of_pylate(&config).checked(folder, encoder)?;
                (TextPooling::Colbert(Box::new(colbert)), token_steps(folder, &modules, encoder)?)
            }
        };
        Ok(Some(Self { pooling, steps, lengths: Lengths::read(folder, tokenizer, kind)?, settings }))
    }

    /// A model of Stanford's ColBERT, if it is one.
    fn of_stanford(
        folder: &ModelFolder,
        encoder: &Recipe,
        tokenizer: &TokenizerSettings,
    ) -> Result<Option<Self>> {
        let Some(colbert) = Colbert::of_stanford(folder)? else { return Ok(None) };
        let lengths = Lengths::read(folder, tokenizer, ModelKind::Colbert)?;
        let pooling = TextPooling::Colbert(Box::new(colbert.checked(folder, encoder)?));
        Ok(Some(Self { pooling, steps: Vec::new(), lengths, settings: Settings::default() }))
    }

    /// Fields of its files that are not known, where these are no error.
    pub(crate) fn unknown_fields(&self) -> Option<&UnknownFields> {
        match &self.pooling {
            TextPooling::Colbert(colbert) => colbert.unknown.as_ref(),
            _ => None,
        }
    }

    /// The pooling of a sparse encoder.
    pub(crate) fn splade(&self) -> Option<SpladePooling> {
        match &self.pooling {
            TextPooling::Splade(pooling) => Some(*pooling),
            _ => None,
        }
    }

    /// Whether it scores pairs, and has no vectors of texts.
    pub fn is_cross_encoder(&self) -> bool {
        matches!(self.pooling, TextPooling::Logits | TextPooling::Scores(_) | TextPooling::NextToken(..))
    }

    /// Whether the tokens of a prompt are pooled like the text's own.
    pub(crate) fn includes_prompt(&self) -> bool {
        match &self.pooling {
            TextPooling::Modes(pooling) => pooling.include_prompt,
            _ => true,
        }
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

/// The modules of a model whose texts have one vector.
fn sentence(
    folder: &ModelFolder,
    modules: &[ModuleEntry],
    encoder: &Recipe,
) -> Result<(TextPooling, Vec<Module>)> {
    let (pooling, steps) = dense(folder, modules, encoder)?;
    check_widths(folder, pooling.modes.len() * encoder.hidden_dim(), &steps)?;
    Ok((TextPooling::Modes(pooling), steps))
}

/// Transformer, Pooling, then any of Dense and Normalize; widths are not checked.
fn dense(
    folder: &ModelFolder,
    modules: &[ModuleEntry],
    encoder: &Recipe,
) -> Result<(PoolingConfig, Vec<Module>)> {
    let path = folder.root().join("modules.json");
    let mut modules = modules.iter();
    let transformer = modules.next();
    let is_with_tasks = transformer.is_some_and(|module| module.class_path == WITH_TASKS);
    if !is_with_tasks || encoder.adapters.is_none() {
        expect(&path, transformer, "Transformer")?;
    }
    let subfolder = &expect(&path, modules.next(), "Pooling")?.path;
    let pooling = PoolingConfig::read(folder, subfolder, encoder.hidden_dim())?;
    let steps = modules.map(|module| step(folder, module)).collect::<Result<Vec<_>>>()?;
    Ok((pooling, steps))
}

/// Transformer, then Dense modules of PyLate's, which are applied to each token's state.
fn token_steps(folder: &ModelFolder, modules: &[ModuleEntry], encoder: &Recipe) -> Result<Vec<Module>> {
    let path = folder.root().join("modules.json");
    let mut modules = modules.iter();
    expect(&path, modules.next(), "Transformer")?;
    let mut steps = Vec::new();
    for module in modules {
        let is_known = module.is_of_library() || module.class_path.starts_with(PYLATE);
        match module.class_name() {
            "Dense" if is_known => steps.push(Module::Dense(Dense::of_tokens(folder, &module.path)?)),
            _ => return Err(unsupported(&path, module)),
        }
    }
    check_widths(folder, encoder.hidden_dim(), &steps)?;
    Ok(steps)
}

/// MLMTransformer, in version 6 a Transformer, and SpladePooling.
fn sparse(folder: &ModelFolder, modules: &[ModuleEntry], encoder: &Recipe) -> Result<TextPooling> {
    let path = folder.root().join("modules.json");
    let names: Vec<&str> = modules.iter().map(ModuleEntry::class_name).collect();
    if let Some(own) = modules.iter().find(|module| !module.is_of_library()) {
        return Err(unsupported(&path, own));
    }
    let (["MLMTransformer" | "Transformer", "SpladePooling"], [_, pooling]) = (names.as_slice(), modules)
    else {
        let rule = format!(
            "a sparse encoder must have the modules MLMTransformer and SpladePooling, got {}",
            names.join(", ")
        );
        return Err(Error::Config { path, field: "type".to_owned(), rule });
    };
    let pooling = SpladePooling::read(folder, &pooling.path, encoder.vocab_size())?;
    Ok(TextPooling::Splade(pooling))
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
        Some(module) if !module.is_of_library() => Err(unsupported(path, module)),
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
        _ if !module.is_of_library() => Err(unsupported(&path, module)),
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

/// Opens the weights in a module's subfolder.
fn open_weights(folder: &ModelFolder, subfolder: &str, is_used: impl Fn(&str) -> bool) -> Result<Weights> {
    let weights = Weights::open_in(folder, subfolder)?;
    let unused = weights.names().find(|name| !is_used(name)).map(str::to_owned);
    match unused {
        None => Ok(weights),
        Some(name) => Err(Error::UnusedTensor {
            name,
            file: folder.root().join(weights.description()),
            config: join(subfolder, "config.json"),
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
