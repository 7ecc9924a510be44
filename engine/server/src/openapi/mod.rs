//! The OpenAPI document of all routes.

mod bounds;
mod requests;
mod schemas;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::errors::{CohereError, Form, OllamaError, OpenAiError, TeiError};
use crate::routes::answers::{
    BertScoreAnswer, CohereRerankAnswer, EmbeddingsAnswer, Info, ModelList, ModelObject, OllamaEmbedAnswer,
    OllamaTags, OllamaVersion, PoolingAnswer, Predictions, Rank, RerankAnswer, ScoreAnswer, SparseValue,
    Token,
};
use crate::routes::{Access, Route};
pub(crate) use bounds::Bounds;
use requests::Body;

const DESCRIPTION: &str = "Embeddings, scores and reranking. Every request may have the headers x-nearsay-priority \
                           (interactive, normal or bulk), x-nearsay-timeout-ms (milliseconds until the answer must be \
                           there), x-request-id and traceparent.";

/// What a route does.
struct Described {
    path: &'static str,
    summary: &'static str,
    body: Option<Body>,
    answer: fn(&mut Schemas) -> Content,
}

/// The body of an answer: its type and schema; `None`: there is none.
type Content = Option<(&'static str, Value)>;

/// The schemas that answers refer to.
#[derive(Default)]
struct Schemas(Vec<(String, RefOr<Schema>)>);

impl Schemas {
    /// A reference to the schema of a type.
    fn of<T: ToSchema>(&mut self) -> Value {
        T::schemas(&mut self.0);
        self.0.push((T::name().into_owned(), T::schema()));
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }

    fn json<T: ToSchema>(&mut self) -> Content {
        Some(("application/json", self.of::<T>()))
    }
}

/// A list of `T`, as JSON.
fn list<T: ToSchema>(schemas: &mut Schemas) -> Content {
    Some(("application/json", json!({ "type": "array", "items": schemas.of::<T>() })))
}

/// A list of lists of `T`, as JSON.
fn lists<T: ToSchema>(schemas: &mut Schemas) -> Content {
    let row = json!({ "type": "array", "items": schemas.of::<T>() });
    Some(("application/json", json!({ "type": "array", "items": row })))
}

/// `depth` lists in each other of numbers.
fn numbers(depth: usize) -> Content {
    let nested = |items, _| json!({ "type": "array", "items": items });
    Some(("application/json", (0..depth).fold(json!({ "type": "number" }), nested)))
}

const fn get(path: &'static str, summary: &'static str, answer: fn(&mut Schemas) -> Content) -> Described {
    Described { path, summary, body: None, answer }
}

const fn post(
    path: &'static str,
    body: Body,
    summary: &'static str,
    answer: fn(&mut Schemas) -> Content,
) -> Described {
    Described { path, summary, body: Some(body), answer }
}

/// All routes, in the order of the table in the README.
const DESCRIBED: [Described; 28] = [
    post("/v1/embeddings", Body::Embeddings, "OpenAI's embeddings", Schemas::json::<EmbeddingsAnswer>),
    post("/embeddings", Body::Embeddings, "as /v1/embeddings", Schemas::json::<EmbeddingsAnswer>),
    get("/v1/models", "the models", Schemas::json::<ModelList>),
    get(crate::routes::MODEL, "one model", Schemas::json::<ModelObject>),
    post("/embed", Body::Embed, "a vector per text", |_| numbers(2)),
    post("/", Body::Root, "what the first model is for", root),
    post("/invocations", Body::Root, "as /", root),
    post("/embed_all", Body::EmbedAll, "a vector per token", |_| numbers(3)),
    post("/embed_sparse", Body::EmbedAll, "a sparse vector per text", lists::<SparseValue>),
    post("/similarity", Body::Similarity, "cosines of texts", |_| {
        Some(("application/json", json!({ "anyOf": [numbers(1)?.1, numbers(2)?.1] })))
    }),
    post("/rerank", Body::Rerank, "texts or documents, best first", |schemas| {
        let ranks = json!({ "type": "array", "items": schemas.of::<Rank>() });
        Some(("application/json", json!({ "anyOf": [ranks, schemas.of::<RerankAnswer>()] })))
    }),
    post("/predict", Body::Predict, "labels of texts or pairs", Schemas::json::<Predictions>),
    post("/v1/rerank", Body::Documents, "documents, best first, as Jina's", Schemas::json::<RerankAnswer>),
    post(
        "/v2/rerank",
        Body::Documents,
        "documents, best first, as Cohere's",
        Schemas::json::<CohereRerankAnswer>,
    ),
    post("/v1/score", Body::Score, "scores of pairs, as vLLM's", Schemas::json::<ScoreAnswer>),
    post("/score", Body::Score, "as /v1/score", Schemas::json::<ScoreAnswer>),
    post("/pooling", Body::Pooling, "a vector per token, as vLLM's", Schemas::json::<PoolingAnswer>),
    post("/bertscore", Body::BertScore, "BERTScore of pairs", Schemas::json::<BertScoreAnswer>),
    post(
        "/api/embed",
        Body::OllamaEmbed,
        "a vector per text, as Ollama's",
        Schemas::json::<OllamaEmbedAnswer>,
    ),
    get("/api/tags", "the models, as Ollama's", Schemas::json::<OllamaTags>),
    get("/api/version", "the version, as Ollama's", Schemas::json::<OllamaVersion>),
    post("/tokenize", Body::Tokenize, "tokens and their characters", lists::<Token>),
    post("/decode", Body::Decode, "token ids to texts", list::<String>),
    get("/info", "the first model, and all limits", Schemas::json::<Info>),
    get("/health", "whether the process works", |_| None),
    get("/ready", "whether requests should be sent here", |_| None),
    get("/metrics", "metrics, for Prometheus", |_| Some(("text/plain", json!({ "type": "string" })))),
    get("/openapi.json", "this document", |_| Some(("application/json", json!({ "type": "object" })))),
];

/// The answer of `/` and `/invocations`.
fn root(schemas: &mut Schemas) -> Content {
    let lists = |item: Value| json!({ "type": "array", "items": item });
    let (rank, sparse) = (lists(schemas.of::<Rank>()), lists(lists(schemas.of::<SparseValue>())));
    let schema =
        json!({ "anyOf": [numbers(1)?.1, numbers(2)?.1, sparse, rank, schemas.of::<Predictions>()] });
    Some(("application/json", schema))
}

/// The document. `keys`: whether clients need one.
pub(crate) fn document(routes: &[Route], keys: bool, bounds: &Bounds) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for described in &DESCRIBED {
        let Some(route) = routes.iter().find(|route| route.path == described.path) else { continue };
        let method = if described.body.is_some() { "post" } else { "get" };
        let path = described.path.replace("{*", "{");
        paths.insert(path, json!({ method: operation(described, route, keys, (bounds, &mut schemas)) }));
    }
    let components: Map<String, Value> =
        schemas.0.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "nearsay",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": components },
    });
    if keys {
        document["components"]["securitySchemes"] = json!({
            "bearer": { "type": "http", "scheme": "bearer" },
            "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
        });
    }
    document
}

fn operation(
    described: &Described,
    route: &Route,
    keys: bool,
    (bounds, schemas): (&Bounds, &mut Schemas),
) -> Value {
    let form = match route.form {
        Form::OpenAi => schemas.of::<OpenAiError>(),
        Form::Tei => schemas.of::<TeiError>(),
        Form::Cohere => schemas.of::<CohereError>(),
        Form::Ollama => schemas.of::<OllamaError>(),
    };
    let refusal = |description: &str| json!({ "description": description, "content": { "application/json": { "schema": form.clone() } } });
    let mut responses = Map::new();
    responses.insert("200".to_owned(), success((described.answer)(schemas)));
    responses.insert("403".to_owned(), refusal("the name in Host, or the page in Origin, is not allowed"));
    let is_open = route.access == Access::Open;
    if keys && !is_open {
        responses.insert("401".to_owned(), refusal("no key, or a wrong one"));
    }
    if is_open {
        responses.insert("503".to_owned(), json!({ "description": "not now" }));
    } else {
        responses.insert("503".to_owned(), refusal("not now, or not in time"));
        responses.insert("500".to_owned(), refusal("an internal error"));
    }
    if described.path.contains('{') {
        responses.insert("404".to_owned(), refusal("no such model"));
    }
    if described.body.is_some() {
        for (status, description) in [
            ("400", "a value breaks a rule"),
            ("404", "no such model"),
            ("408", "the body did not arrive in time"),
            ("411", "the length of the body is not stated"),
            ("413", "more than a limit of the server"),
            ("415", "the body is not JSON, or is compressed"),
            ("424", "the model cannot do that"),
            ("429", "too much waits"),
        ] {
            responses.insert(status.to_owned(), refusal(description));
        }
    }
    let mut operation = json!({
        "summary": described.summary,
        "operationId": format!("{}{}", if described.body.is_some() { "post" } else { "get" }, described.path.replace(['/', '{', '}', '*', '.'], "_")),
        "tags": [route.form.name()],
        "responses": responses,
    });
    let mut parameters = Vec::new();
    if described.path.contains('{') {
        parameters
            .push(json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }));
    }
    if let Some(body) = described.body {
        let schema = body.schema(bounds);
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if keys && !is_open {
        operation["security"] = json!([{ "bearer": [] }, { "key": [] }]);
    }
    operation
}

fn success(content: Content) -> Value {
    match content {
        None => json!({ "description": "yes" }),
        Some((media, schema)) => {
            json!({ "description": "the answer", "content": { media: { "schema": schema } } })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn every_route_is_described_once() {
        let mut known: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
        let mut described: Vec<&str> = DESCRIBED.iter().map(|described| described.path).collect();
        known.sort_unstable();
        described.sort_unstable();
        assert_eq!(known, described);
    }

    #[test]
    fn every_reference_has_a_schema() {
        let document = document(&ROUTES, true, &Bounds::default());
        let text = document.to_string();
        let references: Vec<&str> = text.split("\"$ref\":\"#/components/schemas/").skip(1).collect();
        assert!(references.len() > 40);
        for reference in references {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
