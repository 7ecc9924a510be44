//! Modelling code of a repository's own (`auto_map`). A model with such code may name a known `model_type` and still
//! compute something else, so all but a few classes are refused: those whose mathematics a family here has. Fields
//! and tensors then describe a model, as without code.

use serde_json::Value;

use super::Family;
use super::fields::refused;
use crate::Result;

/// Classes that compute what a family describes, and the repositories that publish them; models may also have a
/// copy of such a class in their own.
const KNOWN: [Code; 6] = [
    Code { family: "gte", repositories: &["Alibaba-NLP/new-impl"], classes: &["NewModel", "GteModel"] },
    Code { family: "nomic_bert", repositories: &["nomic-ai/nomic-bert-2048"], classes: &["NomicBertModel"] },
    Code {
        family: "jina_bert",
        repositories: &["jinaai/jina-bert-implementation", "jinaai/jina-bert-v2-qk-post-norm"],
        classes: &["JinaBertModel"],
    },
    Code {
        family: "jina_v3",
        repositories: &["jinaai/xlm-roberta-flash-implementation"],
        classes: &["XLMRobertaLoRA", "XLMRobertaModel"],
    },
    Code { family: "eurobert", repositories: &[], classes: &["EuroBertModel"] },
    Code { family: "neobert", repositories: &[], classes: &["NeoBERT"] },
];

struct Code {
    family: &'static str,
    repositories: &'static [&'static str],
    classes: &'static [&'static str],
}

impl Code {
    /// `path` is REPOSITORY--module.Class, or module.Class in the model's own repository.
    fn has(&self, path: &str) -> bool {
        let (repository, class) = path.split_once("--").unwrap_or(("", path));
        let is_known = repository.is_empty() || self.repositories.contains(&repository);
        is_known && class.rsplit('.').next().is_some_and(|class| self.classes.contains(&class))
    }
}

/// Refuses code that is not known to compute what `family` describes.
pub(super) fn check(config: &Value, family: &Family) -> Result<()> {
    let Some(path) = config.pointer("/auto_map/AutoModel").and_then(Value::as_str) else { return Ok(()) };
    let known = || KNOWN.iter().filter(|code| code.family == family.name);
    if known().any(|code| code.has(path)) {
        return Ok(());
    }
    let classes: Vec<&str> = known().flat_map(|code| code.classes).copied().collect();
    let rule = match classes.as_slice() {
        [] => "must not name the repository's own code".to_owned(),
        classes => format!("must name a supported class ({})", classes.join(", ")),
    };
    Err(refused("auto_map.AutoModel", format!("{rule}, got `{path}` for the family {}", family.name)))
}
