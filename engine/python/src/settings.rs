//! Arguments as the library's options.

use std::ops::ControlFlow;

use nearsay::models::ProgressListener;
use nearsay::{
    Cancel, DeviceChoice, EmbedOptions, Error, HubOptions, Precision, Result, Session, SessionOptions,
};
use pyo3::prelude::*;

/// How a model is opened.
#[derive(Debug, Clone, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ModelSettings {
    /// A folder, or a name on the hub with or without a revision.
    pub(crate) model: String,
    pub(crate) precision: String,
    pub(crate) device: String,
    /// `None`: one per core.
    pub(crate) threads: Option<usize>,
    pub(crate) offline: Option<bool>,
    pub(crate) cache_folder: Option<std::path::PathBuf>,
}

impl ModelSettings {
    /// Opens the model. No weights are loaded yet. `cancel` stops a download, and the loading of weights.
    ///
    /// # Errors
    /// For a setting that cannot be followed; those of [`Session::with`].
    pub(crate) fn open(&self, cancel: &Cancel) -> Result<Session> {
        nearsay::check_environment()?;
        let mut hub = HubOptions::from_env();
        if let Some(offline) = self.offline {
            hub.offline = offline;
        }
        if let Some(cache) = &self.cache_folder {
            hub.cache = Some(cache.clone());
        }
        let stopped = cancel.clone();
        hub.progress = Some(ProgressListener::new(move |_| match stopped.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }));
        let device: DeviceChoice = self.device.parse()?;
        let options = SessionOptions::default()
            .device(device)
            .precision(precision(&self.precision)?)
            .threads(self.threads.unwrap_or(0))
            .hub(hub)
            .cancel(cancel);
        Session::with(&self.model, &options)
    }
}

/// A precision by its name, or by torch's.
pub(crate) fn precision(name: &str) -> Result<Precision> {
    let name = match name {
        "float32" => "f32",
        "float16" => "f16",
        "bfloat16" => "bf16",
        name => name,
    };
    let all = [Precision::F32, Precision::Bf16, Precision::F16, Precision::Int8];
    let known = all.into_iter().find(|precision| precision.name() == name);
    known.ok_or_else(|| Error::Usage {
        message: format!("a precision must be one of {}, got `{name}`", all.map(Precision::name).join(", "))
            .into(),
        hint: None,
    })
}

/// How a call differs from the settings of its model.
#[derive(Debug, Clone, Default, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct CallSettings {
    prompt: Option<String>,
    prompt_name: Option<String>,
    task: Option<String>,
    normalize: Option<bool>,
    dimensions: Option<usize>,
    pooling: Option<String>,
    layer: Option<usize>,
    max_length: Option<usize>,
}

impl CallSettings {
    /// The options of the library.
    ///
    /// # Errors
    /// For a pooling that does not exist.
    pub(crate) fn options(&self) -> Result<EmbedOptions> {
        let mut options = EmbedOptions::default();
        if let Some(name) = &self.pooling {
            options.pooling = name.parse()?;
        }
        options.prompt = self.prompt.clone();
        options.prompt_name = self.prompt_name.clone();
        options.task = self.task.clone();
        options.normalize = self.normalize;
        options.dimensions = self.dimensions;
        options.layer = self.layer;
        options.max_length = self.max_length;
        Ok(options)
    }
}
