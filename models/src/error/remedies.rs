//! The causes of errors that a caller can do something about, and the hints that say so.

use nearsay_kernels::device::DeviceFailure;

use super::{Error, HubSetting};
use crate::files::diagnosis;

impl Error {
    /// The device failure that caused this error, if any.
    pub fn device_failure(&self) -> Option<DeviceFailure> {
        match self {
            Self::Kernel(nearsay_kernels::Error::Tensor(error)) | Self::Tensor(error) => {
                nearsay_kernels::device::failure_of(error)
            }
            _ => None,
        }
    }

    /// The option that caused the error, if one did.
    pub fn setting(&self) -> Option<HubSetting> {
        match self {
            Self::ModelNotFound { offline: true, .. } => Some(HubSetting::Offline),
            Self::LinkOutsideFolder { .. } => Some(HubSetting::FollowLinks),
            _ => None,
        }
    }

    /// What the user can do about it, if the cause is known. Looks into the folder of a missing file.
    pub fn hint(&self) -> Option<String> {
        let known = match self {
            Self::ModelNotFound { hint, .. } => return hint.clone(),
            Self::MissingFile { path } => return diagnosis::missing_file(path),
            Self::MissingTokenizer { folder, .. } => return diagnosis::no_tokenizer(folder),
            Self::NoWeights { folder, .. } => return diagnosis::no_weights(folder),
            Self::OtherContent { content, .. } => content.hint()?,
            Self::Adapter { .. } => {
                "merge it into its base model with peft's merge_and_unload(), and save the result with its tokenizer"
            }
            Self::LinkOutsideFolder { .. } => "follow such links if you trust where this one leads",
            Self::Incomplete { .. } | Self::Checksum { .. } => "delete the file and download the model again",
            Self::RefusedPickle { .. } => {
                "use the model's safetensors, and do not unpickle this file unless you trust its author"
            }
            Self::SeveralEncoders { .. } => {
                "save the one that you mean as a model, with transformers' save_pretrained"
            }
            Self::ShapeMismatch { .. } => "check that config.json belongs to these weights",
            Self::UnsupportedType { .. } => "convert the weights to F32, F16 or BF16",
            Self::NoHead { head, .. } => head.hint(),
            Self::NoStaticWeights { .. } => {
                "use a model whose router_config.json has a SparseStaticEmbedding for queries, such as \
                 opensearch-project/opensearch-neural-sparse-encoding-doc-v3-distill"
            }
            Self::NoVectors { .. } => {
                "rerank with it, score with the metric cross_encoder, or use an embedding model"
            }
            Self::UnreadTensor { .. } => {
                "the weights are of another architecture than config.json says, or have adapters: merge these first"
            }
            Self::NonFinite { .. } => "the file is damaged or its training diverged: use another copy",
            _ => return None,
        };
        Some(known.to_owned())
    }
}
