//! The origin of vectors: everything besides the texts that their numbers depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use nearsay_kernels::Precision;

use super::{Level, OutputType, Ranges};
use crate::{Error, Result};

/// Properties of an output, by name: a [`Provenance`] in Parquet, Arrow and safetensors files, and a job's
/// settings in its manifest.
pub type Metadata = BTreeMap<String, String>;

/// The origin of vectors: with it, whoever opens a file of vectors can embed a query that fits them, or say
/// why not.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Provenance {
    /// The version of nearsay. No number depends on it.
    pub version: String,
    /// The version of the arithmetic's bits for this precision and kind of device (`ARITHMETIC`).
    pub arithmetic: u32,
    /// The version of how model files and texts are read (`READING`).
    pub reading: u32,
    /// The model's name as given.
    pub model: String,
    /// Its commit, if it came from the hub; else empty.
    pub revision: String,
    /// The SHA-256 of its files, if they were digested.
    pub model_sha256: Option<String>,
    /// The number format of the encoder's products.
    pub precision: Precision,
    /// How products were computed in it: `f32`, `bf16 instruction`, ..
    pub precision_arithmetic: String,
    /// The kind of device: `cpu`, `cuda (NVIDIA H200)`.
    pub device: String,
    /// The target that the kernels were compiled for: the CPU's instruction set, or the GPU's architecture.
    pub instruction_set: String,
    /// The library that computed products on GPUs, if it is not nearsay's.
    pub product_library: Option<String>,
    /// Whether a vector is a text's or a token's, or sparse.
    pub level: Level,
    /// The layer whose hidden states were used.
    pub layer: usize,
    /// How tokens became one vector, in words; `none` at token level.
    pub pooling: String,
    /// Whether vectors have length 1.
    pub normalized: bool,
    /// Whether vectors are the first values of vectors of length 1.
    pub normalized_whole: bool,
    /// Values in a vector, before conversion to the output type.
    pub dimensions: usize,
    /// The text put before each text.
    pub prompt: String,
    /// The task whose adapters were part of the model's weights, if any.
    pub task: Option<String>,
    /// The longest text in tokens.
    pub max_length: usize,
    /// The treatment of longer texts, in words.
    pub on_long: String,
    /// The number type of the output.
    pub output_type: OutputType,
    /// For bytes: the range of each dimension's values.
    pub ranges: Option<Ranges>,
}

/// The version of a file or a manifest without one, from before there were versions.
const FIRST_VERSION: u32 = 1;

/// Settings that no number depends on.
const WITHOUT_EFFECT: [&str; 3] = ["version", "model", "revision"];

/// The names of versions, which are [`FIRST_VERSION`] if missing.
const VERSIONS: [&str; 2] = ["arithmetic", "reading"];

impl Provenance {
    /// Every property by name. Names and values are a format: see docs/formats.md.
    pub fn to_metadata(&self) -> Metadata {
        let entries = [
            ("version", self.version.clone()),
            ("arithmetic", self.arithmetic.to_string()),
            ("reading", self.reading.to_string()),
            ("model", self.model.clone()),
            ("revision", self.revision.clone()),
            ("precision", self.precision.name().to_owned()),
            ("precision_arithmetic", self.precision_arithmetic.clone()),
            ("device", self.device.clone()),
            ("instruction_set", self.instruction_set.clone()),
            ("level", self.level.to_string()),
            ("layer", self.layer.to_string()),
            ("pooling", self.pooling.clone()),
            ("normalized", self.normalized.to_string()),
            ("dimensions", self.dimensions.to_string()),
            ("prompt", self.prompt.clone()),
            ("max_length", self.max_length.to_string()),
            ("on_long", self.on_long.clone()),
            ("output_type", self.output_type.to_string()),
        ];
        // Finite numbers are always JSON.
        let ranges = self.ranges.as_ref().map(|ranges| serde_json::to_string(ranges).unwrap_or_default());
        let optional = [
            ("normalized_whole", self.normalized_whole.then(|| true.to_string())),
            ("model_sha256", self.model_sha256.clone()),
            ("product_library", self.product_library.clone()),
            ("task", self.task.clone()),
            ("ranges", ranges),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        entries.into_iter().chain(optional).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Reads the output of [`Provenance::to_metadata`]; other names are ignored. `source` is the file's name
    /// in messages.
    ///
    /// # Errors
    /// [`Error::BadInput`] if a property is missing or invalid.
    pub fn from_metadata(source: &str, metadata: &Metadata) -> Result<Self> {
        let reader = Reader { source, metadata };
        Ok(Self {
            version: reader.text("version")?,
            arithmetic: reader.version("arithmetic")?,
            reading: reader.version("reading")?,
            model: reader.text("model")?,
            revision: reader.text("revision")?,
            model_sha256: metadata.get("model_sha256").cloned(),
            precision: reader.precision()?,
            precision_arithmetic: reader.text("precision_arithmetic")?,
            device: reader.text("device")?,
            instruction_set: reader.text("instruction_set")?,
            product_library: metadata.get("product_library").cloned(),
            level: reader.parsed("level")?,
            layer: reader.parsed("layer")?,
            pooling: reader.text("pooling")?,
            normalized: reader.parsed("normalized")?,
            normalized_whole: reader.flag("normalized_whole")?,
            dimensions: reader.parsed("dimensions")?,
            prompt: reader.text("prompt")?,
            task: metadata.get("task").cloned(),
            max_length: reader.parsed("max_length")?,
            on_long: reader.text("on_long")?,
            output_type: reader.parsed("output_type")?,
            ranges: reader.ranges()?,
        })
    }
}

/// The names of settings whose effect on bytes differs, the most telling first. A missing version is the
/// first; the model's name has no effect.
pub(crate) fn differences<'a>(left: &'a Metadata, right: &'a Metadata) -> impl Iterator<Item = &'a str> {
    let names: BTreeSet<&str> = left.keys().chain(right.keys()).map(String::as_str).collect();
    // Each of these explains differences of later ones and of others.
    let first = ["reading", "model_sha256", "task", "level", "pooling"];
    let rank = |name: &str| first.iter().position(|other| *other == name).unwrap_or(first.len());
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| rank(name));
    let differs = |name: &&str| !WITHOUT_EFFECT.contains(name) && value(left, name) != value(right, name);
    names.into_iter().filter(differs)
}

/// The values of `READING` in two jobs' settings, if they differ: then so may every token id.
pub(crate) fn other_reading(left: &Metadata, right: &Metadata) -> Option<(String, String)> {
    let [left, right] = [left, right].map(|settings| value(settings, "reading").unwrap_or_default());
    (left != right).then_some((left, right))
}

/// A setting's value; a missing version is the first.
fn value(settings: &Metadata, name: &str) -> Option<String> {
    let first = || VERSIONS.contains(&name).then(|| FIRST_VERSION.to_string());
    settings.get(name).cloned().or_else(first)
}

struct Reader<'a> {
    source: &'a str,
    metadata: &'a Metadata,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Result<String> {
        self.metadata.get(name).cloned().ok_or_else(|| self.refuse(name, "is missing"))
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<T> {
        let text = self.text(name)?;
        text.parse().map_err(|_| self.refuse(name, format!("cannot be {text:?}")))
    }

    /// A flag that is written only if it is set.
    fn flag(&self, name: &str) -> Result<bool> {
        if self.metadata.contains_key(name) { self.parsed(name) } else { Ok(false) }
    }

    fn version(&self, name: &str) -> Result<u32> {
        if self.metadata.contains_key(name) { self.parsed(name) } else { Ok(FIRST_VERSION) }
    }

    fn precision(&self) -> Result<Precision> {
        let name = self.text("precision")?;
        let all = Precision::OF_CPU.into_iter().chain(Precision::OF_CUDA);
        let found = { all }.find(|precision| precision.name() == name);
        found.ok_or_else(|| self.refuse("precision", format!("cannot be {name:?}")))
    }

    fn ranges(&self) -> Result<Option<Ranges>> {
        let Some(json) = self.metadata.get("ranges") else { return Ok(None) };
        let ranges = serde_json::from_str(json);
        ranges.map(Some).map_err(|error| self.refuse("ranges", format!("cannot be read: {error}")))
    }

    fn refuse(&self, name: &str, rule: impl Display) -> Error {
        Error::BadInput { input: self.source.to_owned(), rule: format!("its metadata `{name}` {rule}") }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An example for text vectors.
    pub(crate) fn provenance() -> Provenance {
        Provenance {
            version: "0.1.0".to_owned(),
            arithmetic: 1,
            reading: 1,
            model: "org/name".to_owned(),
            revision: String::new(),
            model_sha256: None,
            precision: Precision::F32,
            precision_arithmetic: "f32".to_owned(),
            device: "cpu".to_owned(),
            instruction_set: "avx2".to_owned(),
            product_library: None,
            level: Level::Text,
            layer: 3,
            pooling: "mean".to_owned(),
            normalized: true,
            normalized_whole: false,
            dimensions: 2,
            prompt: "query: ".to_owned(),
            task: Some("retrieval.query".to_owned()),
            max_length: 256,
            on_long: "truncate".to_owned(),
            output_type: OutputType::F32,
            ranges: None,
        }
    }

    #[test]
    fn a_provenance_comes_back() {
        let ranges = Ranges { min: vec![-1.5, 0.1], max: vec![f32::MAX, 0.3] };
        let optional = Provenance {
            model_sha256: Some("abc".to_owned()),
            product_library: Some("cuBLASLt 13.1".to_owned()),
            ranges: Some(ranges),
            output_type: OutputType::I8,
            level: Level::Token,
            normalized: false,
            normalized_whole: true,
            precision: Precision::Bf16,
            ..provenance()
        };
        for provenance in [provenance(), optional] {
            let mut metadata = provenance.to_metadata();
            metadata.insert("rows_per_shard".to_owned(), "10".to_owned());
            assert_eq!(Provenance::from_metadata("a.parquet", &metadata).unwrap(), provenance);
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let whole = provenance().to_metadata();
        for name in ["model", "layer", "prompt", "output_type"] {
            let mut metadata = whole.clone();
            metadata.remove(name);
            let error = Provenance::from_metadata("a.parquet", &metadata).unwrap_err();
            assert_eq!(error.to_string(), format!("a.parquet: its metadata `{name}` is missing"));
        }
        for (name, value) in
            [("layer", "-1"), ("level", "word"), ("precision", "f64"), ("ranges", "{}"), ("reading", "")]
        {
            let mut metadata = whole.clone();
            metadata.insert(name.to_owned(), value.to_owned());
            let error = Provenance::from_metadata("a.parquet", &metadata).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::BadData);
            assert!(error.to_string().contains(&format!("`{name}` cannot be")), "{error}");
        }
    }

    #[test]
    fn versions_that_are_missing_are_the_first() {
        let mut old = provenance().to_metadata();
        let now = old.clone();
        VERSIONS.iter().for_each(|name| drop(old.remove(*name)));
        assert_eq!(Provenance::from_metadata("a", &old).unwrap(), provenance());
        assert_eq!(differences(&old, &now).next(), None);
        let mut raised = now.clone();
        raised.insert("arithmetic".to_owned(), "2".to_owned());
        assert_eq!(differences(&old, &raised).collect::<Vec<_>>(), ["arithmetic"]);
    }

    #[test]
    fn names_and_versions_of_programs_make_no_difference() {
        let left = provenance().to_metadata();
        let right = Provenance {
            version: "9.9.9".to_owned(),
            model: "other".to_owned(),
            revision: "c0ffee".to_owned(),
            ..provenance()
        };
        let right = right.to_metadata();
        assert_eq!(differences(&left, &right).next(), None);
        let model_sha256 = Some("abc".to_owned());
        let right = Provenance { layer: 4, prompt: String::new(), model_sha256, ..provenance() };
        let right = right.to_metadata();
        let names: Vec<&str> = differences(&left, &right).collect();
        assert_eq!(names, ["model_sha256", "layer", "prompt"]);
    }
}
