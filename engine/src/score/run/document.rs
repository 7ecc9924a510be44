//! `run.json`: the settings, inputs and scores of a run, and the digests of its other files.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::score::RowWeights;
use crate::text::read_small;
use crate::vectors::write::hexadecimal;
use crate::{Error, Result};

/// The version of the format of a run's folder.
pub(super) const FORMAT_VERSION: u64 = 1;
/// The file's name.
pub(super) const RUN_JSON: &str = "run.json";
/// No run of sane size has more.
const MAX_BYTES: u64 = 64 << 20;
/// The last key, whose value is the SHA-256 of all bytes before its line.
const OWN_DIGEST: &str = "sha256";

/// The contents of `run.json`, in the order of its keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunDocument {
    pub(super) format_version: u64,
    /// The version of the program.
    pub(super) nearsay: String,
    /// The arguments that the scores depend on.
    pub(super) command: Vec<String>,
    pub(super) fingerprint: String,
    pub(super) rows: u64,
    /// How rows were paired, and which references count.
    pub(super) pairing: Pairing,
    pub(super) references: Vec<InputDocument>,
    pub(super) systems: Vec<InputDocument>,
    pub(super) metrics: Vec<MetricDocument>,
    /// By system and metric.
    pub(super) scores: BTreeMap<String, BTreeMap<String, Value>>,
    pub(super) warnings: Vec<WarningDocument>,
    pub(super) files: BTreeMap<String, FileDocument>,
}

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarningDocument {
    /// The key of the metric that it is about; `null` if it is about the texts.
    pub metric: Option<String>,
    /// The warning as a sentence.
    pub message: String,
}

/// How rows were read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pairing {
    /// `rows`, `ids`, or `agreeing` if rows were paired by position and ids had to agree.
    pub by: String,
    /// Whether blank references count as missing.
    pub blank_is_missing: bool,
    /// The field of the rows' groups.
    pub group_field: Option<String>,
    /// The weights of the rows in the scores, if they have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_weights: Option<RowWeightsDocument>,
}

/// The weights of rows, which are in `statistics.parquet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RowWeightsDocument {
    /// Their name in signatures.
    pub name: String,
    /// The SHA-256 of the weights.
    pub sha256: String,
}

impl From<&RowWeights> for RowWeightsDocument {
    fn from(weights: &RowWeights) -> Self {
        Self { name: weights.name().to_owned(), sha256: weights.sha256().to_owned() }
    }
}

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputDocument {
    /// The name of a system, or `reference1` and so on.
    pub name: String,
    /// The file.
    pub input: String,
    /// The field or column of the texts; `null` if they are lines.
    pub field: Option<String>,
    /// The SHA-256 of the texts.
    pub sha256: String,
    /// References that do not exist.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricDocument {
    /// The name in results.
    pub key: String,
    /// The metric and its settings.
    pub spec: String,
    /// The signature.
    pub signature: String,
    /// The names of its statistics.
    pub statistics: Vec<String>,
}

/// A file of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileDocument {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl RunDocument {
    /// The bytes of the file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::Bug(error.to_string()))?;
        // Without the last brace and the newline before it.
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(b",\n");
        let digest = hexadecimal(&Sha256::digest(&bytes));
        bytes.extend_from_slice(format!("  \"{OWN_DIGEST}\": \"{digest}\"\n}}\n").as_bytes());
        Ok(bytes)
    }

    /// Checks what no run of this program lacks.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let twice = |names: &[&str]| {
            let is_twice = |(at, name): &(usize, &&str)| names[..*at].contains(name);
            names.iter().enumerate().find(is_twice).map(|(_, name)| (*name).to_owned())
        };
        let names: Vec<&str> = self.systems.iter().map(|system| system.name.as_str()).collect();
        let keys: Vec<&str> = self.metrics.iter().map(|metric| metric.key.as_str()).collect();
        if names.is_empty() || keys.is_empty() || self.references.is_empty() {
            return Err("must have systems, metrics and references".to_owned());
        }
        if let Some(name) = twice(&names).or_else(|| twice(&keys)) {
            return Err(format!("has `{name}` twice"));
        }
        let rows = u64::try_from(names.len()).ok().and_then(|systems| systems.checked_mul(self.rows));
        rows.map(drop).ok_or_else(|| format!("has {} rows, which is too many", self.rows))
    }

    /// Whether a text looks like the start of a run's description, so that a damaged one is known as such.
    pub(super) fn is_start(text: &[u8]) -> bool {
        text.trim_ascii_start()
            .strip_prefix(b"{")
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"format_version\""))
    }

    /// Reads `run.json` in a folder.
    ///
    /// # Errors
    /// [`Error::NoInput`] if it cannot be read; [`Error::NewerFormat`] if a later version wrote it;
    /// [`Error::BadInput`] if it is damaged.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(RUN_JSON);
        let text = read_small(&path, "a run's description", MAX_BYTES)?;
        let bad = |rule: String| Error::BadInput { input: path.display().to_string(), rule };
        let mut value: Value =
            serde_json::from_str(&text).map_err(|error| bad(format!("is not JSON: {error}")))?;
        match value.get("format_version").and_then(Value::as_u64) {
            Some(FORMAT_VERSION) => {}
            Some(newer) if newer > FORMAT_VERSION => {
                return Err(Error::NewerFormat { path, recorded: newer, known: FORMAT_VERSION });
            }
            found => {
                let found = found.map_or("none".to_owned(), |found| found.to_string());
                return Err(bad(format!("format_version must be {FORMAT_VERSION}, got {found}")));
            }
        }
        check_digest(&text).map_err(bad)?;
        if let Some(object) = value.as_object_mut() {
            object.remove(OWN_DIGEST);
        }
        serde_json::from_value(value).map_err(|error| bad(format!("is not a run's description: {error}")))
    }
}

fn check_digest(text: &str) -> std::result::Result<(), String> {
    let start = text.rfind(&format!("  \"{OWN_DIGEST}\": ")).ok_or("has no sha256 of its own at its end")?;
    let digest = hexadecimal(&Sha256::digest(&text.as_bytes()[..start]));
    let expected = format!("  \"{OWN_DIGEST}\": \"{digest}\"\n}}\n");
    if text[start..] == expected {
        Ok(())
    } else {
        Err(format!("does not have the SHA-256 in its last line; it is {digest}"))
    }
}
