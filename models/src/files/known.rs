//! Ten well-known models that can be loaded: for a list to choose from, and to recognise a name.
//!
//! Sizes are those of the published checkpoints, pooler included; languages those of the models' cards.

/// The purpose of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Use {
    /// Embeddings of sentences and passages.
    Embed,
    /// BERTScore.
    Score,
}

impl Use {
    /// `embed` or `score`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Score => "score",
        }
    }
}

/// A well-known model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownModel {
    /// Its name on the hub.
    pub name: &'static str,
    /// The family that it belongs to.
    pub family: &'static str,
    /// Its parameters.
    pub parameters: u64,
    /// Values per vector.
    pub dimensions: usize,
    /// The languages that it was trained for.
    pub languages: &'static str,
    /// Its purpose.
    pub made_for: Use,
}

/// Ten well-known models, the smallest of each use first.
pub const KNOWN_MODELS: [KnownModel; 10] = [
    embedding("sentence-transformers/all-MiniLM-L6-v2", "bert", 22_713_216, 384, ENGLISH),
    embedding("BAAI/bge-small-en-v1.5", "bert", 33_360_000, 384, ENGLISH),
    embedding("sentence-transformers/multi-qa-distilbert-cos-v1", "distilbert", 66_362_880, 768, ENGLISH),
    embedding("sentence-transformers/all-distilroberta-v1", "roberta", 82_118_400, 768, ENGLISH),
    embedding("BAAI/bge-base-en-v1.5", "bert", 109_482_240, 768, ENGLISH),
    embedding("intfloat/multilingual-e5-small", "bert", 117_653_760, 384, "about 100 languages"),
    embedding(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "bert",
        117_653_760,
        384,
        "over 50 languages",
    ),
    embedding("BAAI/bge-m3", "roberta", 567_754_752, 1024, "over 100 languages"),
    embedding("google-bert/bert-base-multilingual-cased", "bert", 177_853_440, 768, "104 languages")
        .made_for_scores(),
    embedding("FacebookAI/roberta-large", "roberta", 355_359_744, 1024, ENGLISH).made_for_scores(),
];

const ENGLISH: &str = "English";

const fn embedding(
    name: &'static str,
    family: &'static str,
    parameters: u64,
    dimensions: usize,
    languages: &'static str,
) -> KnownModel {
    KnownModel { name, family, parameters, dimensions, languages, made_for: Use::Embed }
}

impl KnownModel {
    const fn made_for_scores(self) -> Self {
        Self { made_for: Use::Score, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FAMILIES, Recipe, Shape};

    #[test]
    fn every_known_model_is_of_a_family_that_loads_and_has_another_name() {
        for model in KNOWN_MODELS {
            assert!(FAMILIES.iter().any(|family| family.name == model.family), "{}", model.name);
            assert_eq!(KNOWN_MODELS.iter().filter(|other| other.name == model.name).count(), 1);
        }
    }

    /// Sizes from each model's config.json: vocabulary, positions, and a pooler of h^2 + h or none.
    #[test]
    fn parameters_are_those_of_the_sizes() {
        for (name, shape, vocab_size, max_positions, has_pooler) in [
            ("sentence-transformers/all-MiniLM-L6-v2", "minilm-l6", 30_522, 512, true),
            ("BAAI/bge-small-en-v1.5", "minilm-l12", 30_522, 512, true),
            ("sentence-transformers/multi-qa-distilbert-cos-v1", "distilbert", 30_522, 512, false),
            ("BAAI/bge-base-en-v1.5", "bert-base", 30_522, 512, true),
            ("intfloat/multilingual-e5-small", "minilm-l12", 250_037, 512, true),
            ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "minilm-l12", 250_037, 512, true),
            ("BAAI/bge-m3", "xlm-roberta-large", 250_002, 8194, true),
            ("google-bert/bert-base-multilingual-cased", "bert-base", 119_547, 512, true),
            ("FacebookAI/roberta-large", "roberta-large", 50_265, 514, true),
        ] {
            let mut config = Shape::find(shape).unwrap().config();
            config["vocab_size"] = vocab_size.into();
            config["max_position_embeddings"] = max_positions.into();
            let recipe = Recipe::read(&config).unwrap();
            let hidden = recipe.hidden_dim();
            let pooler = if has_pooler { hidden * hidden + hidden } else { 0 };
            let known = KNOWN_MODELS.iter().find(|model| model.name == name).unwrap();
            let parameters = recipe.parameters(recipe.num_layers()) + pooler;
            assert_eq!((known.parameters, known.dimensions), (parameters as u64, hidden), "{name}");
        }
        // Half the layers of RoBERTa.
        let recipe = Shape::find("roberta-base").unwrap().recipe().unwrap();
        let hidden = recipe.hidden_dim();
        let known = KNOWN_MODELS.iter().find(|model| model.name.ends_with("all-distilroberta-v1")).unwrap();
        assert_eq!(known.parameters, (recipe.parameters(6) + hidden * hidden + hidden) as u64);
    }
}
