//! The schemas of requests. The routes read their fields one by one, for the sake of their messages; a test compares both.

use serde_json::{Value, json};

use super::bounds::{Bounds, RootBody};
use super::schemas::{
    Property, at_most, boolean, closed, count, list, open, optional, string, whole, with, words,
};

/// The schema of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Embeddings,
    Embed,
    EmbedAll,
    Root,
    Similarity,
    Rerank,
    Documents,
    Predict,
    Score,
    Pooling,
    BertScore,
    OllamaEmbed,
    Tokenize,
    Decode,
}

impl Body {
    pub(super) fn schema(self, bounds: &Bounds) -> Value {
        match self {
            Self::Embeddings => open(
                &["input"],
                &[
                    bounds.inputs_of("input"),
                    ("model", optional(string("The model; by default the first."))),
                    (
                        "encoding_format",
                        optional(words(&["float", "base64"], "Numbers, or base64 of little-endian f32.")),
                    ),
                    bounds.dimensions(),
                    (
                        "output_type",
                        optional(words(&["f32", "f16", "binary", "ubinary"], "The type of the values.")),
                    ),
                    ("normalize", optional(boolean("Whether vectors get length 1."))),
                    bounds.prompt(),
                    ("truncate", optional(boolean("False refuses texts that are too long."))),
                    ("truncation_side", optional(words(&["right", "left"], "The end that is cut."))),
                    bounds.longest(),
                ],
            ),
            Self::Embed => closed(
                &["inputs"],
                &[
                    bounds.inputs(),
                    truncate(),
                    direction(),
                    bounds.prompt(),
                    normalize(),
                    bounds.dimensions(),
                ],
            ),
            Self::EmbedAll => {
                closed(&["inputs"], &[bounds.inputs(), truncate(), direction(), bounds.prompt()])
            }
            Self::Root => root(bounds),
            Self::Similarity => similarity(bounds),
            Self::Rerank => rerank(bounds),
            Self::Documents => open(&["query", "documents"], &of_documents(bounds)),
            Self::Predict => closed(&["inputs"], &[labelled(bounds), truncate(), direction(), raw_scores()]),
            Self::Score => score(bounds),
            Self::Pooling => open(
                &["input"],
                &[
                    bounds.inputs_of("input"),
                    ("model", optional(string("The model; by default the first."))),
                    truncate(),
                ],
            ),
            Self::BertScore => bertscore(bounds),
            Self::OllamaEmbed => open(
                &["input"],
                &[
                    bounds.inputs_of("input"),
                    ("model", optional(string("The model; by default the first."))),
                    truncate(),
                    bounds.dimensions(),
                    ("keep_alive", json!({ "description": "Ignored." })),
                    ("options", json!({ "description": "Ignored." })),
                ],
            ),
            Self::Tokenize => closed(
                &["inputs"],
                &[
                    ("inputs", bounds.texts("The text, or the texts.")),
                    ("add_special_tokens", optional(boolean("Whether special tokens are listed."))),
                    bounds.prompt(),
                ],
            ),
            Self::Decode => closed(
                &["ids"],
                &[
                    (
                        "ids",
                        json!({ "description": "The ids of one text, or of several.", "anyOf": [bounds.ids(0), list(&bounds.ids(0), 1)] }),
                    ),
                    ("skip_special_tokens", optional(boolean("Whether special tokens are left out."))),
                ],
            ),
        }
    }
}

impl Bounds {
    /// A text, or a list of texts.
    fn texts(&self, description: &str) -> Value {
        json!({
            "description": description,
            "anyOf": [{ "type": "string" }, self.list(&json!({ "type": "string" }), 1)],
        })
    }

    /// Texts, or the ids of their tokens.
    fn inputs_of(&self, name: &'static str) -> Property {
        if !self.takes_ids {
            return (name, self.texts("The text, or the texts."));
        }
        let (text, ids) = (json!({ "type": "string" }), self.ids(1));
        let several = self.list(&json!({ "anyOf": [text, ids] }), 1);
        let description = "The text, or the texts; or the ids of tokens in their place.";
        (name, json!({ "description": description, "anyOf": [text, ids, several] }))
    }

    fn inputs(&self) -> Property {
        self.inputs_of("inputs")
    }

    /// The ids of a text's tokens.
    fn ids(&self, least: usize) -> Value {
        let id = json!({ "type": "integer", "minimum": 0 });
        list(&at_most("maximum", self.vocabulary.map(|size| size - 1), id), least)
    }

    /// A list with something for each text.
    fn list(&self, items: &Value, least: usize) -> Value {
        at_most("maxItems", self.inputs, list(items, least))
    }

    fn prompt(&self) -> Property {
        let description = "One of the model's prompts.";
        let schema = match &self.prompts {
            Some(names) => words(&names.iter().map(String::as_str).collect::<Vec<_>>(), description),
            None => string(description),
        };
        ("prompt_name", optional(schema))
    }

    fn dimensions(&self) -> Property {
        let schema = whole(1, "The first values of each vector only.");
        ("dimensions", optional(at_most("maximum", self.dimensions, schema)))
    }

    fn longest(&self) -> Property {
        let least = self.tokens.map_or(1, |[least, _]| least as i64);
        let tokens = at_most(
            "maximum",
            self.tokens.map(|[_, most]| most),
            whole(least, "The longest text in tokens."),
        );
        let description = "The longest text in tokens; -1: the model's.";
        let schema =
            json!({ "description": description, "anyOf": [tokens, { "const": -1 }, { "type": "null" }] });
        ("truncate_prompt_tokens", schema)
    }

    fn layer(&self) -> Property {
        let schema = whole(0, "The layer that is compared; by default that of bert_score's table.");
        ("layer", optional(at_most("maximum", self.layers, schema)))
    }
}

fn root(bounds: &Bounds) -> Value {
    let (vectors, pairs) = ([Body::Embed, Body::Similarity], [Body::Rerank, Body::Predict]);
    let bodies = match bounds.root {
        Some(RootBody::Vectors) => vectors.to_vec(),
        Some(RootBody::SparseVectors) => vec![Body::EmbedAll],
        Some(RootBody::Pairs) => pairs.to_vec(),
        Some(RootBody::Labels) => vec![Body::Predict],
        None => [vectors, pairs].concat(),
    };
    json!({
        "description": "As /embed, /similarity, /embed_sparse, /rerank or /predict, by what the first model is for.",
        "anyOf": bodies.iter().map(|body| body.schema(bounds)).collect::<Vec<_>>(),
    })
}

fn truncate() -> Property {
    ("truncate", optional(boolean("False refuses texts that are too long.")))
}

fn direction() -> Property {
    ("truncation_direction", optional(words(&["Right", "right", "Left", "left"], "The end that is cut.")))
}

fn normalize() -> Property {
    ("normalize", optional(boolean("Whether vectors get length 1, which is the default.")))
}

fn raw_scores() -> Property {
    ("raw_scores", optional(boolean("Logits as they are.")))
}

fn similarity(bounds: &Bounds) -> Value {
    let parameters = closed(&[], &[truncate(), direction(), bounds.prompt()]);
    let one = closed(
        &["inputs"],
        &[
            (
                "inputs",
                closed(
                    &["source_sentence", "sentences"],
                    &[
                        ("source_sentence", string("The text that the others are compared with.")),
                        ("sentences", bounds.texts("The others.")),
                    ],
                ),
            ),
            ("parameters", optional(parameters)),
        ],
    );
    let lists = closed(
        &["text_1", "text_2"],
        &[
            ("text_1", bounds.texts("The rows.")),
            ("text_2", bounds.texts("The columns.")),
            truncate(),
            direction(),
            bounds.prompt(),
        ],
    );
    json!({ "anyOf": [one, lists] })
}

fn of_documents(bounds: &Bounds) -> [Property; 7] {
    let text =
        json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } } });
    let document = json!({ "anyOf": [{ "type": "string" }, text] });
    [
        ("query", string("The query.")),
        ("documents", with(bounds.list(&document, 1), "The documents: strings, or objects with a `text`.")),
        ("model", optional(string("The model; by default the first."))),
        ("top_n", optional(count("The most documents in the answer."))),
        ("return_documents", optional(boolean("Whether the answer has the documents' texts."))),
        ("max_tokens_per_doc", optional(count("Longer documents are cut to this many tokens."))),
        truncate(),
    ]
}

fn rerank(bounds: &Bounds) -> Value {
    let texts = closed(
        &["query", "texts"],
        &[
            ("query", string("The query.")),
            ("texts", bounds.texts("The texts.")),
            truncate(),
            direction(),
            raw_scores(),
            ("return_text", optional(boolean("Whether the answer has the texts."))),
        ],
    );
    let mut of_documents = of_documents(bounds).to_vec();
    of_documents.push(direction());
    let documents = closed(&["query", "documents"], &of_documents);
    json!({ "anyOf": [texts, documents] })
}

fn labelled(bounds: &Bounds) -> Property {
    let pair = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 2 });
    let schema = json!({
        "description": "A text, a list of one text or of the two of a pair, or a list of such lists.",
        "anyOf": [{ "type": "string" }, pair, bounds.list(&pair, 1)],
    });
    ("inputs", schema)
}

fn score(bounds: &Bounds) -> Value {
    let pair = |left: &'static str, right: &'static str| {
        let (first, second) =
            (bounds.texts("The text, or the texts."), bounds.texts("As many, or one for each."));
        open(
            &[left, right],
            &[
                (left, first),
                (right, second),
                ("model", optional(string("The model; by default the first."))),
                truncate(),
            ],
        )
    };
    let names = [("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")];
    json!({ "anyOf": names.map(|(left, right)| pair(left, right)) })
}

fn bertscore(bounds: &Bounds) -> Value {
    let one_or_several =
        json!({ "anyOf": [{ "type": "string" }, bounds.list(&json!({ "type": "string" }), 1)] });
    let references = json!({
        "description": "For each candidate its reference, or a list of several.",
        "anyOf": [{ "type": "string" }, bounds.list(&one_or_several, 1)],
    });
    let idf = json!({
        "description": "Weigh tokens by inverse document frequency over the references, or over these texts.",
        "anyOf": [{ "type": "boolean" }, bounds.list(&json!({ "type": "string" }), 1), { "type": "null" }],
    });
    closed(
        &["candidates", "references"],
        &[
            ("candidates", bounds.texts("The texts to score.")),
            ("references", references),
            ("model", optional(string("The model; by default that of `lang`, or the first."))),
            ("lang", optional(string("The language of the texts, for the model and the baseline."))),
            bounds.layer(),
            ("idf", idf),
            ("rescale_with_baseline", optional(boolean("Rescale by bert_score's baseline of the model."))),
        ],
    )
}
