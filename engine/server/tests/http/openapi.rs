//! The OpenAPI document says what the routes take.

use nearsay_tests::fixture;
use serde_json::{Map, Value, json};

use crate::served::Served;

/// A request that each route takes.
fn smallest(path: &str) -> Value {
    match path {
        "/v1/embeddings" | "/embeddings" | "/pooling" | "/api/embed" => json!({"input": "river"}),
        "/rerank" => json!({"query": "river", "texts": ["mill"]}),
        "/v1/rerank" | "/v2/rerank" => json!({"query": "river", "documents": ["mill"]}),
        "/v1/score" | "/score" => json!({"text_1": "river", "text_2": "mill"}),
        "/bertscore" => json!({"candidates": ["river"], "references": ["mill"], "layer": 1}),
        "/similarity" => json!({"text_1": "river", "text_2": "mill"}),
        "/decode" => json!({"ids": [1]}),
        _ => json!({"inputs": "river"}),
    }
}

/// The names of the fields of a request, in the first of its alternatives that has all fields of `body`.
fn properties(schema: &Value, body: &Value) -> Vec<String> {
    let own = [schema.clone()];
    let alternatives = schema["anyOf"].as_array().map_or(&own[..], |alternatives| alternatives);
    let has = |schema: &&Value| {
        body.as_object().unwrap().keys().all(|name| schema["properties"].get(name).is_some())
    };
    let found = alternatives.iter().find(has).expect("an alternative");
    found["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn fields_are_those_that_routes_read() {
    let of = |name: &str| {
        let source = fixture(name).display().to_string();
        Served::with(|config| config.models[0].source = source)
    };
    let (vectors, sparse, labels) =
        (Served::new(), of("sparse-encoders/bert"), of("cross-encoders/bert-three-labels"));
    let document = vectors.client().get("/openapi.json").with(200).json();
    let mut compared = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("post") else { continue };
        let served = match path.as_str() {
            "/embed_sparse" => &sparse,
            "/predict" => &labels,
            _ => &vectors,
        };
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = smallest(path);
        let mut properties = properties(schema, &body);
        properties.sort();
        // All fields in the document; the optional ones are null.
        let nulls: Map<String, Value> = properties.iter().map(|name| (name.clone(), Value::Null)).collect();
        let mut all = Value::Object(nulls);
        body.as_object().unwrap().iter().for_each(|(name, value)| all[name] = value.clone());
        let answer = served.client().post(path, &all);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("x-nearsay-ignored"), None, "{path}");
        let mut unknown = body.clone();
        unknown["no_such_field"] = 1.into();
        let answer = served.client().post(path, &unknown);
        if answer.status == 200 {
            assert_eq!(answer.header("x-nearsay-ignored"), Some("no_such_field"), "{path}");
            continue;
        }
        // Routes that refuse unknown fields list those that they know.
        let text = answer.with(400).text().to_owned();
        let known =
            text.split("known fields: ").nth(2).or_else(|| text.split("known fields: ").nth(1)).unwrap();
        let known = known.split('"').next().unwrap();
        let mut known: Vec<&str> = known.split(", ").collect();
        known.sort_unstable();
        // /rerank asks whether there are documents, and /similarity whether there is a pair.
        known.retain(|name| path != "/similarity" || !["inputs", "parameters"].contains(name));
        assert_eq!(known, properties, "{path}");
        compared += 1;
    }
    assert_eq!(compared, 11);
}

#[test]
fn keys_are_in_the_document_if_there_are_any() {
    let open = Served::new().client().get("/openapi.json").with(200).json();
    assert_eq!(open["paths"]["/embed"]["post"].get("security"), None);
    let document = nearsay_server::openapi();
    assert!(document["paths"]["/embed"]["post"]["security"].is_array());
    assert_eq!(document["paths"]["/health"]["get"].get("security"), None);
    assert_eq!(document["openapi"], "3.1.0");
}

/// The document's routes as a table.
fn table(document: &Value) -> String {
    let mut table = "| route | answer | errors as |\n|---|---|---|\n".to_owned();
    for (path, methods) in nearsay_server::routes() {
        let shown = path.replace("{*name}", "NAME");
        let method = if methods == "POST" { "post" } else { "get" };
        let operation = &document["paths"][path.replace("{*", "{")][method];
        let [summary, form] = [&operation["summary"], &operation["tags"][0]].map(|it| it.as_str().unwrap());
        table += &format!("| `{} {shown}` | {summary} | {form} |\n", method.to_uppercase());
    }
    table
}

/// With `NEARSAY_WRITE_TABLES=1` the tables are written.
#[test]
fn tables_in_the_documentation_are_those_of_the_document() {
    const START: &str = "<!-- routes: written by engine/server/tests/http/openapi.rs -->\n";
    const END: &str = "<!-- end of routes -->";
    let expected = table(&nearsay_server::openapi());
    for name in ["README.md", "docs/serving.md"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(START).expect("the start of the table");
        let (found, after) = rest.split_once(END).expect("the end of the table");
        if found != expected && std::env::var_os("NEARSAY_WRITE_TABLES").is_some() {
            std::fs::write(&path, format!("{before}{START}{expected}{END}{after}")).unwrap();
            continue;
        }
        assert!(
            found == expected,
            "the table in {name} is not\n{expected}: set NEARSAY_WRITE_TABLES=1 to write it"
        );
    }
}
