//! An opened model at work: tokenizer, weights on their devices, and long-lived threads.
//!
//! A [`Session`] is opened once and used in many ways, from any number of threads. The parts that an
//! [`Embedder`](crate::Embedder) or a [`Scorer`](crate::Scorer) needs are loaded on first use and then
//! shared: an encoder has as many layers as have been asked for. Everything above this room (embeddings,
//! scores, jobs) builds on [`TextEncoder::encode`].
//!
//! A [`scheduler`] puts the texts of many callers into common batches, with priorities and limits.
//!
//! Also public here are the parts that a face of the library needs on their own: [`Devices`], [`Workers`],
//! and the ways to stop a call, [`Cancel`] and [`Control`]. [`EncodedBatch`] exposes types of nearsay-models.

mod control;
mod device_choice;
mod devices;
mod distinct;
mod encoder;
mod forked;
mod gpu;
mod heads;
mod layer_pass;
mod listener;
mod memory;
mod micro_batches;
mod occurrences;
mod options;
mod pipeline;
mod prompts;
pub mod scheduler;
mod windows;
mod workers;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use nearsay_kernels::{Placement, Precision};
use nearsay_models::files::other_than_json;
use nearsay_models::{
    Encoder, EncoderOptions, Model, Recipe, StatedLength, Stop, TokenizerFiles, TokenizerSource,
};

pub use control::{Cancel, Control};
pub use device_choice::DeviceChoice;
pub use devices::Devices;
pub(crate) use devices::name_of;
pub(crate) use distinct::{Distinct, Places};
pub(crate) use encoder::split;
pub use encoder::{DEFAULT_BATCH_TOKENS, DEFAULT_GPU_BATCH_TOKENS, EncodedBatch, TextEncoder};
pub use gpu::{FEATURES, Gpu};
pub use layer_pass::LayerPass;
pub(crate) use listener::Listener;
pub(crate) use memory::in_halves;
pub use occurrences::Occurrences;
pub use options::SessionOptions;
pub(crate) use pipeline::pipeline;
pub(crate) use prompts::named_prompt;
pub(crate) use windows::{Measured, WindowLimits, Windows};
pub use workers::Workers;

use crate::error::phrase;
use crate::tokens::{TextTokenizer, TokenizerLimits};
use crate::{Error, Result, Setting};
use encoder::EncodingResources;
use heads::LoadedHeads;

/// The longest query in tokens if no file of the model states one. No encoder runs for it.
const LONGEST_QUERY: usize = 8192;

/// An opened model. Cloning shares everything.
#[derive(Debug, Clone)]
pub struct Session(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    model: Arc<Model>,
    devices: Devices,
    resources: Arc<EncodingResources>,
    batch_tokens: Option<NonZero<usize>>,
    /// What may stop the loading of weights.
    stop: Stop,
    /// Without a length limit; read on first use.
    tokenizer: Mutex<Option<TextTokenizer>>,
    /// By task, on each device; none until a layer is needed.
    replicas: Mutex<BTreeMap<Option<String>, Arc<[Encoder]>>>,
    heads: LoadedHeads,
    digest: Mutex<Option<String>>,
    /// Whether it was said that no file states the longest text.
    warned_of_length: AtomicBool,
}

/// Tells whether a session is still used: by a clone, an embedder or a call. Its weights are in memory until then.
#[derive(Debug, Clone)]
pub struct SessionWatch(Weak<Opened>);

impl SessionWatch {
    /// Whether it is.
    pub fn is_used(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl Session {
    /// Opens the model `name`: a folder, a name in the Hugging Face cache, or one on the hub, each according
    /// to the environment, on a GPU if there is one. `NAME@REVISION` asks for a branch, a tag or a commit. No
    /// weights are loaded yet.
    ///
    /// # Errors
    /// If the model is not found or its files break a rule.
    pub fn open(name: &str) -> Result<Self> {
        Self::with(name, &SessionOptions::default())
    }

    /// Like [`Session::open`], with `options`.
    ///
    /// # Errors
    /// As [`Session::open`]; if a device is missing, or does not multiply in the precision.
    pub fn with(name: &str, options: &SessionOptions) -> Result<Self> {
        let devices = options.open_devices()?;
        let model = Model::open(name, &options.hub)?;
        model.report_unknown_fields(options.strict)?;
        tracing::info!(
            family = model.family().name,
            weights = model.weights().description(),
            folder = %model.folder().root().display(),
            "model"
        );
        Ok(Self::new(Arc::new(model), devices, options.batch_tokens, options.start_workers(), options.stop()))
    }

    fn new(
        model: Arc<Model>,
        devices: Devices,
        batch_tokens: Option<NonZero<usize>>,
        workers: Workers,
        stop: Stop,
    ) -> Self {
        let resources = EncodingResources::new(&devices, batch_tokens.map(NonZero::get), workers);
        Self(Arc::new(Opened {
            resources: Arc::new(resources),
            model,
            devices,
            batch_tokens,
            stop,
            tokenizer: Mutex::default(),
            replicas: Mutex::default(),
            heads: LoadedHeads::default(),
            digest: Mutex::default(),
            warned_of_length: AtomicBool::default(),
        }))
    }

    /// The same model, devices and threads in another precision; its weights are loaded again.
    ///
    /// # Errors
    /// [`Error::Usage`] if the devices do not multiply in it.
    pub fn with_precision(&self, precision: Precision) -> Result<Self> {
        let Opened { model, devices, batch_tokens, stop, .. } = &*self.0;
        let devices = devices.with_precision(precision)?;
        Ok(Self::new(model.clone(), devices, *batch_tokens, self.workers().clone(), stop.clone()))
    }

    /// Tells whether this session is still used, without keeping it.
    pub fn watch(&self) -> SessionWatch {
        SessionWatch(Arc::downgrade(&self.0))
    }

    /// The model's files.
    pub fn model(&self) -> &Model {
        &self.0.model
    }

    /// Sizes and settings of the encoder.
    pub fn recipe(&self) -> &Recipe {
        self.0.model.recipe()
    }

    /// Where the encoder runs, and in which precision.
    pub fn devices(&self) -> &Devices {
        &self.0.devices
    }

    /// The threads for work on the CPU.
    pub fn workers(&self) -> &Workers {
        self.0.resources.workers()
    }

    /// The SHA-256 of the model's configurations, tokenizer and weights. Reads all these files, once.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn model_digest(&self) -> Result<String> {
        once(&self.0.digest, || Ok(self.0.model.digest()?))
    }

    /// The encoder with its layers up to `layer`, loaded unless they have been asked for before.
    ///
    /// # Errors
    /// [`Error::Usage`] if the model has no such layer; if a weight is missing, has another shape than the
    /// model's config says, or is not finite; [`Error::DeviceMemory`] if a device has no room.
    pub fn encoder(&self, layer: usize) -> Result<TextEncoder> {
        self.encoder_for(layer, None)
    }

    /// The same with the model's adapters for `task` in its weights, which are loaded for each task.
    pub(crate) fn encoder_for(&self, layer: usize, task: Option<&str>) -> Result<TextEncoder> {
        self.check_layer(layer)?;
        let replicas = self.replicas(layer, task)?;
        Ok(TextEncoder::with_resources(replicas, self.0.resources.clone()))
    }

    /// Refuses a layer that the model lacks; 0 is the embeddings.
    pub(crate) fn check_layer(&self, layer: usize) -> Result<()> {
        let layers = self.recipe().num_layers();
        if layer <= layers {
            return Ok(());
        }
        let rule = format!(" must be 0 to {layers} for this model, got {layer}");
        Err(Error::usage(phrase![Setting::Layer, rule]))
    }

    fn replicas(&self, layer: usize, task: Option<&str>) -> Result<Arc<[Encoder]>> {
        let Opened { model, devices, stop, .. } = &*self.0;
        let task = task.map(str::to_owned);
        let mut of_tasks = lock(&self.0.replicas);
        let replicas = of_tasks.get(&task).cloned().unwrap_or_default();
        let is_enough = replicas.first().is_some_and(|encoder| encoder.loaded_layers() >= layer);
        if is_enough {
            return Ok(replicas);
        }
        let workers = self.workers();
        let grown: Vec<Encoder> = if replicas.is_empty() {
            let load = |placement: &Placement| {
                let options = EncoderOptions {
                    num_layers: Some(layer),
                    placement: placement.clone(),
                    task: task.clone(),
                    stop: stop.clone(),
                };
                model.load_encoder(&options).map_err(|error| no_room_for_model(error, placement))
            };
            workers.run(|| devices.placements().iter().map(load).collect())?
        } else {
            let grow = |encoder: &Encoder| {
                let grown = model.grow_encoder(encoder, layer, stop);
                grown.map_err(|error| no_room_for_model(error, encoder.placement()))
            };
            workers.run(|| replicas.iter().map(grow).collect())?
        };
        let replicas: Arc<[Encoder]> = grown.into();
        of_tasks.insert(task, replicas.clone());
        Ok(replicas)
    }

    /// The model's tokenizer, cutting texts to the length asked for, else to the one in the model's files.
    ///
    /// # Errors
    /// If tokenizer.json, or the vocabulary that replaces it, is missing, invalid, or does not fit the model;
    /// a length beyond the positions, or too short for a token.
    pub(crate) fn tokenizer(
        &self,
        asked: Option<usize>,
        stated: StatedLength,
        lower_case: bool,
    ) -> Result<TextTokenizer> {
        let max_tokens = asked.map_or(Ok(stated.tokens), |length| self.within_positions(length))?;
        if asked.is_none() && stated.is_assumed && !self.0.warned_of_length.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "no file of the model states its longest text: texts are cut to {max_tokens} tokens, unless another \
                 length is asked for"
            );
        }
        let limited = self.full_tokenizer()?.with_limits(max_tokens, lower_case);
        limited.map_err(|error| match (error, asked) {
            (Error::LengthTooShort { length, special_tokens }, None) => {
                too_short(stated, length, special_tokens)
            }
            (error, _) => error,
        })
    }

    /// The tokenizer of queries whose sparse vectors come from a table: no special tokens, and as long as asked for,
    /// else as the tokenizer's files state, if they do.
    ///
    /// # Errors
    /// If the model has no such table, or a file of the tokenizer is missing or invalid; a length of 0.
    pub(crate) fn query_tokenizer(&self, asked: Option<usize>) -> Result<TextTokenizer> {
        let Some(queries) = self.model().static_queries() else {
            let folder = self.model().folder().root().to_owned();
            return Err(nearsay_models::Error::NoStaticWeights { folder }.into());
        };
        let files = queries.tokenizer();
        let length = asked.or(files.settings().model_max_length).unwrap_or(LONGEST_QUERY);
        self.open_tokenizer(files)?.without_special_tokens()?.with_max_tokens(length)
    }

    fn full_tokenizer(&self) -> Result<TextTokenizer> {
        once(&self.0.tokenizer, || self.open_tokenizer(self.model().tokenizer()))
    }

    /// A tokenizer of the model, without a length limit.
    fn open_tokenizer(&self, files: &TokenizerFiles) -> Result<TextTokenizer> {
        let vocab_size = self.recipe().vocab_size();
        let limits = TokenizerLimits { max_tokens: usize::MAX, vocab_size, lower_case: false };
        let settings = files.settings();
        let path = match files.source()? {
            TokenizerSource::File(path) => path,
            TokenizerSource::Vocabulary(files) => {
                return self.workers().run(|| TextTokenizer::build(files, settings, limits));
            }
        };
        let opened = self.workers().run(|| TextTokenizer::open(&path, settings, limits));
        // A pointer or a page in the file's place is a better explanation than the parser's.
        opened.map_err(|error| match (other_than_json(&path, "a tokenizer"), error) {
            (Some(other), Error::Tokenizer { .. }) => other.into(),
            (_, error) => error,
        })
    }

    fn within_positions(&self, length: usize) -> Result<usize> {
        let recipe = self.recipe();
        let Some(most) = recipe.max_tokens().filter(|&most| length > most) else { return Ok(length) };
        let reason = match recipe.is_limited_by_positions() {
            true => "the tokens that this model has positions for",
            false => "the longest text that this model supports",
        };
        let rule = format!(" must be at most {most}, {reason}, got {length}");
        Err(Error::usage(phrase![Setting::MaxLength, rule]))
    }
}

/// The user did not choose this length: the fault is in the model's files.
fn too_short(stated: StatedLength, length: usize, special_tokens: usize) -> Error {
    let StatedLength { path, field, .. } = stated;
    let rule = format!("must leave room for more than the {special_tokens} special tokens, got {length}");
    Error::Model(nearsay_models::Error::Config { path, field: field.to_owned(), rule })
}

/// A loading error, as the device's failure if it is one.
fn no_room_for_model(error: nearsay_models::Error, placement: &Placement) -> Error {
    Error::from(error).on_device(&name_of(placement.device()), || "the model".to_owned())
}

/// The value in `slot`, made by `load` if there is none yet.
fn once<T: Clone>(slot: &Mutex<Option<T>>, load: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut slot = lock(slot);
    match &*slot {
        Some(value) => Ok(value.clone()),
        None => Ok(slot.insert(load()?).clone()),
    }
}

/// A panic in another call leaves the data whole: values are stored only when they are complete.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
