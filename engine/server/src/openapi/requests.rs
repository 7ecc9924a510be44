//! The schemas of requests. The routes read their fields one by one, for the sake of their messages; a test compares both.

use serde_json::{Value, json};

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
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Embeddings => open(
                &["input"],
                &[
                    ("input", texts("The text, or the texts.")),
                    ("model", optional(string("The model; by default the first."))),
                    (
                        "encoding_format",
                        optional(words(&["float", "base64"], "Numbers, or base64 of little-endian f32.")),
                    ),
                    ("dimensions", optional(whole(1, "The first values of each vector only."))),
                    (
                        "output_type",
                        optional(words(&["f32", "f16", "binary", "ubinary"], "The type of the values.")),
                    ),
                    ("normalize", optional(boolean("Whether vectors get length 1."))),
                    ("prompt_name", optional(string("One of the model's prompts."))),
                    ("truncate", optional(boolean("False refuses texts that are too long."))),
                    ("truncation_side", optional(words(&["right", "left"], "The end that is cut."))),
                    (
                        "truncate_prompt_tokens",
                        optional(whole(-1, "The longest text in tokens; -1: the model's.")),
                    ),
                ],
            ),
            Self::Embed => {
                closed(&["inputs"], &[inputs(), truncate(), direction(), prompt(), normalize(), dimensions()])
            }
            Self::EmbedAll => closed(&["inputs"], &[inputs(), truncate(), direction(), prompt()]),
            Self::Root => json!({
                "description": "As /embed, /similarity, /embed_sparse, /rerank or /predict, by what the first model is for.",
                "anyOf": [Self::Embed.schema(), Self::Similarity.schema(), Self::Predict.schema(), Self::Rerank.schema()],
            }),
            Self::Similarity => similarity(),
            Self::Rerank => rerank(),
            Self::Documents => open(&["query", "documents"], &of_documents()),
            Self::Predict => closed(&["inputs"], &[labelled(), truncate(), direction(), raw_scores()]),
            Self::Score => score(),
            Self::Pooling => open(
                &["input"],
                &[
                    ("input", texts("The text, or the texts.")),
                    ("model", optional(string("The model; by default the first."))),
                    truncate(),
                ],
            ),
            Self::BertScore => bertscore(),
            Self::OllamaEmbed => open(
                &["input"],
                &[
                    ("input", texts("The text, or the texts.")),
                    ("model", optional(string("The model; by default the first."))),
                    truncate(),
                    ("dimensions", optional(whole(1, "The first values of each vector only."))),
                    ("keep_alive", json!({ "description": "Ignored." })),
                    ("options", json!({ "description": "Ignored." })),
                ],
            ),
            Self::Tokenize => closed(
                &["inputs"],
                &[
                    inputs(),
                    ("add_special_tokens", optional(boolean("Whether special tokens are listed."))),
                    prompt(),
                ],
            ),
            Self::Decode => closed(
                &["ids"],
                &[
                    (
                        "ids",
                        json!({ "description": "The ids of one text, or of several.", "anyOf": [ids(), list(&ids(), 1)] }),
                    ),
                    ("skip_special_tokens", optional(boolean("Whether special tokens are left out."))),
                ],
            ),
        }
    }
}

type Property = (&'static str, Value);

fn inputs() -> Property {
    ("inputs", texts("The text, or the texts."))
}

fn truncate() -> Property {
    ("truncate", optional(boolean("False refuses texts that are too long.")))
}

fn direction() -> Property {
    ("truncation_direction", optional(words(&["Right", "right", "Left", "left"], "The end that is cut.")))
}

fn prompt() -> Property {
    ("prompt_name", optional(string("One of the model's prompts.")))
}

fn normalize() -> Property {
    ("normalize", optional(boolean("Whether vectors get length 1, which is the default.")))
}

fn dimensions() -> Property {
    ("dimensions", optional(whole(1, "The first values of each vector only.")))
}

fn raw_scores() -> Property {
    ("raw_scores", optional(boolean("Logits as they are.")))
}

fn similarity() -> Value {
    let parameters = closed(&[], &[truncate(), direction(), prompt()]);
    let one = closed(
        &["inputs"],
        &[
            (
                "inputs",
                closed(
                    &["source_sentence", "sentences"],
                    &[
                        ("source_sentence", string("The text that the others are compared with.")),
                        ("sentences", texts("The others.")),
                    ],
                ),
            ),
            ("parameters", optional(parameters)),
        ],
    );
    let lists = closed(
        &["text_1", "text_2"],
        &[
            ("text_1", texts("The rows.")),
            ("text_2", texts("The columns.")),
            truncate(),
            direction(),
            prompt(),
        ],
    );
    json!({ "anyOf": [one, lists] })
}

fn of_documents() -> [Property; 7] {
    let text =
        json!({ "type": "object", "required": ["text"], "properties": { "text": { "type": "string" } } });
    let document = json!({ "anyOf": [{ "type": "string" }, text] });
    [
        ("query", string("The query.")),
        ("documents", with(list(&document, 1), "The documents: strings, or objects with a `text`.")),
        ("model", optional(string("The model; by default the first."))),
        ("top_n", optional(whole(1, "The most documents in the answer."))),
        ("return_documents", optional(boolean("Whether the answer has the documents' texts."))),
        ("max_tokens_per_doc", optional(whole(1, "Longer documents are cut to this many tokens."))),
        truncate(),
    ]
}

fn rerank() -> Value {
    let texts = closed(
        &["query", "texts"],
        &[
            ("query", string("The query.")),
            ("texts", texts("The texts.")),
            truncate(),
            direction(),
            raw_scores(),
            ("return_text", optional(boolean("Whether the answer has the texts."))),
        ],
    );
    let mut of_documents = of_documents().to_vec();
    of_documents.push(direction());
    let documents = closed(&["query", "documents"], &of_documents);
    json!({ "anyOf": [texts, documents] })
}

fn labelled() -> Property {
    let pair = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 2 });
    let schema = json!({
        "description": "A text, a list of one text or of the two of a pair, or a list of such lists.",
        "anyOf": [{ "type": "string" }, pair, list(&pair, 1)],
    });
    ("inputs", schema)
}

fn score() -> Value {
    let pair = |left: &'static str, right: &'static str| {
        let (first, second) = (texts("The text, or the texts."), texts("As many, or one for each."));
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

fn bertscore() -> Value {
    let one_or_several = json!({ "anyOf": [{ "type": "string" }, list(&json!({ "type": "string" }), 1)] });
    let references = json!({
        "description": "For each candidate its reference, or a list of several.",
        "anyOf": [{ "type": "string" }, list(&one_or_several, 1)],
    });
    let idf = json!({
        "description": "Weigh tokens by inverse document frequency over the references, or over these texts.",
        "anyOf": [{ "type": "boolean" }, list(&json!({ "type": "string" }), 1), { "type": "null" }],
    });
    closed(
        &["candidates", "references"],
        &[
            ("candidates", texts("The texts to score.")),
            ("references", references),
            ("model", optional(string("The model; by default that of `lang`, or the first."))),
            ("lang", optional(string("The language of the texts, for the model and the baseline."))),
            (
                "layer",
                optional(whole(0, "The layer that is compared; by default that of bert_score's table.")),
            ),
            ("idf", idf),
            ("rescale_with_baseline", optional(boolean("Rescale by bert_score's baseline of the model."))),
        ],
    )
}

fn string(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn boolean(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

fn whole(least: i64, description: &str) -> Value {
    json!({ "type": "integer", "minimum": least, "description": description })
}

fn words(words: &[&str], description: &str) -> Value {
    json!({ "type": "string", "enum": words, "description": description })
}

fn ids() -> Value {
    list(&json!({ "type": "integer", "minimum": 0 }), 0)
}

fn list(items: &Value, least: usize) -> Value {
    json!({ "type": "array", "items": items, "minItems": least })
}

/// A text, or a list of texts.
fn texts(description: &str) -> Value {
    json!({ "description": description, "anyOf": [{ "type": "string" }, list(&json!({ "type": "string" }), 1)] })
}

fn with(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// The same, or null.
fn optional(schema: Value) -> Value {
    match schema.get("type").cloned() {
        Some(Value::String(kind)) if schema.get("enum").is_none() => {
            let mut schema = schema;
            schema["type"] = json!([kind, "null"]);
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// An object without other fields.
fn closed(required: &[&str], properties: &[Property]) -> Value {
    let mut schema = object(required, properties);
    schema["additionalProperties"] = false.into();
    schema
}

/// An object with other fields, which are ignored, and with those that all routes that ignore fields have.
fn open(required: &[&str], properties: &[Property]) -> Value {
    let extras = [
        (
            "priority",
            json!({
                "type": ["integer", "null"], "minimum": i32::MIN, "maximum": i32::MAX,
                "description": "Below 0 is interactive, 0 normal, above 0 bulk.",
            }),
        ),
        ("request_id", optional(string("The id in the answer's `x-request-id`."))),
        ("user", optional(string("Ignored."))),
    ];
    object(required, &[properties, &extras].concat())
}

fn object(required: &[&str], properties: &[Property]) -> Value {
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
