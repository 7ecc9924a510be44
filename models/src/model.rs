//! A model's files, read and checked. Encoder and head are loaded from them on request.

use std::collections::BTreeMap;
use std::iter;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::adapters::Adapter;
use crate::families::{self, Family};
use crate::files::{HubOptions, ModelFolder, Source, WEIGHT_FILES, Wanted, join};
use crate::heads::HEAD_FILES;
use crate::parameters::Parameters;
use crate::sentence_transformers::{Module, SentenceTransformer, Settings, StaticQueries, TextPooling};
use crate::tokenizers::TokenizerFiles;
use crate::weights::Weights;
use crate::{Encoder, EncoderOptions, Error, Recipe, Result, Stop, UnknownFields};

/// A model's files. Weights are not in memory yet.
#[derive(Debug)]
pub struct Model {
    folder: ModelFolder,
    family: Family,
    recipe: Recipe,
    tokenizer: TokenizerFiles,
    sentence: Option<SentenceTransformer>,
    pub(crate) queries: Option<StaticQueries>,
    weights: Weights,
    unknown: Vec<UnknownFields>,
}

impl Model {
    /// Finds the model `name` (a folder, or a name on the hub) and reads everything but its weights. If it
    /// must be downloaded, its configurations and tokenizer come first, and a model that they show to be
    /// unsupported is refused before its weights are downloaded. Fields that are not known are in
    /// [`Model::unknown_fields`].
    ///
    /// # Errors
    /// If it is not found, or a file breaks a rule.
    pub fn open(name: &str, options: &HubOptions) -> Result<Self> {
        Self::open_if(name, options, |_| Ok(()))
    }

    /// The same, if `accepts` its description, before its weights are downloaded.
    ///
    /// # Errors
    /// As [`Model::open`], and those of `accepts`, which is not called if nothing must be downloaded.
    pub fn open_if(name: &str, options: &HubOptions, accepts: impl Fn(&Self) -> Result<()>) -> Result<Self> {
        let check = |folder: &ModelFolder| accepts(&Self::read_description(folder.clone())?);
        Self::read(ModelFolder::find(name, options, Wanted::Everything, &check)?)
    }

    /// Finds the model `name` like [`Model::open`], but downloads no weights: [`Weights::is_there`] is false
    /// unless the cache has them already.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn describe(name: &str, options: &HubOptions) -> Result<Self> {
        let folder = ModelFolder::find(name, options, Wanted::Description, &|_| Ok(()))?;
        let model = Self::read_description(folder)?;
        let weights = match Weights::open(&model.folder) {
            Ok(weights) => weights,
            Err(Error::NoWeights { .. } | Error::MissingFile { .. } | Error::Io { .. })
                if model.is_cached() =>
            {
                Weights::absent()
            }
            Err(error) => return Err(error),
        };
        Ok(model.with_weights(weights))
    }

    /// Reads the model in `folder`.
    ///
    /// # Errors
    /// If a file is missing or breaks a rule.
    pub fn read(folder: ModelFolder) -> Result<Self> {
        let model = Self::read_description(folder)?;
        let weights = Weights::open(&model.folder)?;
        Ok(model.with_weights(weights))
    }

    /// The same with these weights, which tell apart encoders with the same config.json.
    fn with_weights(self, weights: Weights) -> Self {
        Self { recipe: self.recipe.for_weights(&weights), weights, ..self }
    }

    /// Reads everything but the weights and their headers.
    fn read_description(folder: ModelFolder) -> Result<Self> {
        let path = folder.transformer_file("config.json")?;
        let path = path.ok_or_else(|| Error::MissingFile { path: folder.root().join("config.json") })?;
        if let Some(path) = folder.transformer_file("adapter_config.json")? {
            return Err(Error::Adapter { path });
        }
        let config: Option<Value> = folder.read_transformer_json("config.json")?;
        let config = config.unwrap_or_default();
        let located = |error: Error| error.in_config(&path);
        let family = families::find(&config).map_err(located)?;
        let unknown = unknown_fields(&path, &config, family);
        let tokenizer = TokenizerFiles::read(folder.clone(), &config)?;
        let recipe = (family.recipe)(&config).map_err(located)?;
        // The model's digest does not depend on which of its heads are used.
        for name in HEAD_FILES.into_iter().filter(|name| matches!(folder.transformer_file(name), Ok(Some(_))))
        {
            folder.mark_read(&join(folder.transformer_prefix(), name));
        }
        let queries = folder.routes()?.map(|routes| StaticQueries::read(&folder, routes, &config));
        let queries = queries.transpose()?;
        let of_queries = queries.iter().map(StaticQueries::tokenizer);
        let of_tokenizers =
            iter::once(&tokenizer).chain(of_queries).flat_map(|files| files.settings().unknown.clone());
        let sentence = SentenceTransformer::read(&folder, &recipe, tokenizer.settings())?;
        let of_sentence = sentence.as_ref().and_then(SentenceTransformer::unknown_fields).cloned();
        Ok(Self {
            family,
            sentence,
            unknown: unknown.into_iter().chain(of_tokenizers).chain(of_sentence).collect(),
            tokenizer,
            queries,
            recipe,
            weights: Weights::absent(),
            folder,
        })
    }

    /// Fields of config.json, the tokenizer's files and artifact.metadata that are not known, by file. They have no effect.
    pub fn unknown_fields(&self) -> &[UnknownFields] {
        &self.unknown
    }

    /// Reports unknown fields: as an error if `strict`, else one warning per file.
    ///
    /// # Errors
    /// [`Error::UnknownFields`] of the first file.
    pub fn report_unknown_fields(&self, strict: bool) -> Result<()> {
        for unknown in &self.unknown {
            if strict {
                return Err(Error::UnknownFields(unknown.clone()));
            }
            tracing::warn!("{unknown} and ignored");
        }
        Ok(())
    }

    /// Where the files are.
    pub fn folder(&self) -> &ModelFolder {
        &self.folder
    }

    /// The model's family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The parts of the encoder, their sizes and settings.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The tokenizer's files; of a model with [`Model::static_queries`], those of documents.
    pub fn tokenizer(&self) -> &TokenizerFiles {
        &self.tokenizer
    }

    /// The weights on disk.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Loads the encoder as `options` says. Files that the cache pins by a SHA-256 are checked first.
    ///
    /// # Errors
    /// If a checksum differs, the model has fewer layers, a weight is missing, not finite, or not of the shape
    /// in config.json, or a layer has a weight that its family does not have; [`Error::NoSuchTask`].
    pub fn load_encoder(&self, options: &EncoderOptions) -> Result<Encoder> {
        if self.is_cached() {
            self.folder.verify(&options.stop)?;
        }
        let parameters = self.parameters_for(options.task.as_deref())?;
        let encoder = Encoder::load(&parameters, self.recipe.clone(), options)?;
        let unused = self.unused_tensors(encoder.loaded_layers());
        self.refuse_inner(&unused)?;
        if !unused.is_empty() {
            tracing::warn!(
                "{}: {} not used: {}",
                self.weights.description(),
                if unused.len() == 1 {
                    "1 tensor is".to_owned()
                } else {
                    format!("{} tensors are", unused.len())
                },
                shortened(&unused)
            );
        }
        Ok(encoder)
    }

    /// `encoder`, which must be this model's, with at least its first `num_layers` layers. Loaded layers are
    /// shared, the rest are read.
    ///
    /// # Errors
    /// As [`Model::load_encoder`], except checksums.
    pub fn grow_encoder(&self, encoder: &Encoder, num_layers: usize, stop: &Stop) -> Result<Encoder> {
        encoder.grown(&self.parameters_for(encoder.task())?, num_layers, stop)
    }

    pub(crate) fn parameters(&self) -> Result<Parameters<'_>> {
        self.parameters_for(None)
    }

    /// The weights with the adapters of this task.
    fn parameters_for(&self, task: Option<&str>) -> Result<Parameters<'_>> {
        task.map_or(Ok(""), |task| self.task_instruction(task))?;
        if !self.weights.is_there() {
            let folder = self.folder.root().join(self.folder.transformer_prefix());
            return Err(Error::NoWeights { folder, looked: WEIGHT_FILES.join(", ") });
        }
        let plain: Vec<&str> = self.recipe.embeddings.word_names().collect();
        let names = plain.iter().filter(|_| self.recipe.adapters.is_some());
        let with_adapters: Vec<String> = names.filter_map(|name| Adapter::stored(name)).collect();
        let landmarks: Vec<&str> = with_adapters.iter().map(String::as_str).chain(plain).collect();
        let found = Parameters::find(&self.weights, self.family.prefixes, &landmarks)?;
        let Some(adapters) = &self.recipe.adapters else { return Ok(found) };
        let task = task.and_then(|name| adapters.find(name));
        match with_adapters.iter().find(|landmark| task.is_some() && !found.contains(landmark)) {
            Some(missing) => Err(found.missing(missing)),
            None => Ok(found.with_adapter(Adapter { recipe: adapters.clone(), task })),
        }
    }

    /// The SHA-256 of the model's configurations, tokenizer and weights. Reads all these files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn digest(&self) -> Result<String> {
        let dense = match &self.sentence {
            Some(sentence) => sentence.open_dense(&self.folder)?,
            None => Vec::new(),
        };
        let static_weights = self.static_weight_paths()?;
        let paths = self.weights.paths().chain(dense.iter().flat_map(Weights::paths));
        self.folder.digest(paths.chain(static_weights.iter().map(PathBuf::as_path)))
    }

    /// Whether the files define how to compute a text's vector (modules.json).
    pub fn has_modules(&self) -> bool {
        self.sentence.is_some()
    }

    /// Whether the files are in the Hugging Face cache, where a snapshot may have only the files that another
    /// program requested.
    pub fn is_cached(&self) -> bool {
        matches!(self.folder.source(), Source::Cache { .. })
    }

    /// Whether modules.json names Dense layers.
    pub fn has_dense(&self) -> bool {
        let is_dense = |module: &Module| matches!(module, Module::Dense(_));
        self.sentence.as_ref().is_some_and(|sentence| sentence.steps.iter().any(is_dense))
    }

    /// The contents of modules.json and the files that it names, if there is one.
    pub fn sentence_transformer(&self) -> Option<&SentenceTransformer> {
        self.sentence.as_ref()
    }

    /// Whether its files ask for a vector for each token.
    pub fn is_late_interaction(&self) -> bool {
        let pooling = self.sentence.as_ref().map(|sentence| &sentence.pooling);
        matches!(pooling, Some(TextPooling::Colbert(_)))
    }

    /// Whether a sentence-transformers folder asks for lowercased texts.
    pub fn lower_cases(&self) -> bool {
        self.sentence.as_ref().is_some_and(|sentence| sentence.lengths.do_lower_case)
    }

    /// The prompts in the files.
    pub fn prompts(&self) -> BTreeMap<String, String> {
        self.sentence.as_ref().map(|sentence| sentence.settings.prompts.clone()).unwrap_or_default()
    }

    /// The prompt of this name; `query` and `document` always exist, and are empty if the files do not name
    /// them.
    pub fn prompt(&self, name: &str) -> Option<String> {
        let of_nothing = Settings::default();
        let settings = self.sentence.as_ref().map_or(&of_nothing, |sentence| &sentence.settings);
        settings.prompt(name).map(str::to_owned)
    }

    /// The prompt put before every text by default.
    pub fn default_prompt(&self) -> Option<&str> {
        self.sentence.as_ref()?.settings.default_prompt()
    }

    /// The name of the prompt put before every text by default.
    pub fn default_prompt_name(&self) -> Option<&str> {
        self.sentence.as_ref()?.settings.default_prompt_name.as_deref()
    }

    /// How vectors are compared, according to the files: `cosine`, `dot`, `euclidean` or `manhattan`.
    pub fn similarity(&self) -> Option<&str> {
        self.sentence.as_ref()?.settings.similarity.as_deref()
    }

    /// How many values of each vector to keep, according to the files (`truncate_dim`).
    pub fn stated_dimensions(&self) -> Option<usize> {
        self.sentence.as_ref()?.settings.truncate_dim
    }

    /// Refuses a tensor inside a layer that nothing reads: the layer computes something else then.
    fn refuse_inner(&self, unused: &[String]) -> Result<()> {
        let blocks = &self.recipe.blocks;
        let is_inner = |name: &&String| blocks.iter().any(|block| is_inside(name, &block.prefix));
        match unused.iter().find(is_inner) {
            None => Ok(()),
            Some(name) => Err(Error::UnreadTensor {
                name: name.clone(),
                file: self.weights.description().to_owned(),
                family: self.family.name,
            }),
        }
    }

    /// Tensors that the encoder did not load, except known extras (training heads, poolers, buffers) and the
    /// layers above `num_layers`.
    fn unused_tensors(&self, num_layers: usize) -> Vec<String> {
        let above = &self.recipe.blocks[self.recipe.blocks_of(num_layers)..];
        let above = |name: &str| above.iter().any(|block| is_inside(name, &block.prefix));
        let unused = self.weights.unused().into_iter();
        let unread = |name: &str| self.recipe.unread.iter().any(|unread| name.ends_with(unread));
        unused.filter(|name| !above(name) && !unread(name) && !families::is_known_extra(name)).collect()
    }
}

/// The fields of config.json, at `path`, that are not known. It is an object.
fn unknown_fields(path: &Path, config: &Value, family: Family) -> Option<UnknownFields> {
    let fields: BTreeMap<String, ()> = config
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys())
        .map(|name| (name.clone(), ()))
        .collect();
    UnknownFields::of(path, &fields, |name| family.knows(name))
}

/// Whether the name of a tensor is below `part`, under any prefix; a `*` stands for one part of a name.
fn is_inside(name: &str, part: &str) -> bool {
    if let Some(number) = part.strip_prefix('*') {
        return name.contains(&format!("{number}."));
    }
    let found = name.split_once(part);
    found.is_some_and(|(prefix, rest)| rest.starts_with('.') && (prefix.is_empty() || prefix.ends_with('.')))
}

/// The first few of many names.
fn shortened(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    if names.len() > 5 { format!("{}, ..", first.join(", ")) } else { first.join(", ") }
}
