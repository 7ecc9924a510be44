//! Models from a hub: what is fetched, in which order, what is refused before it costs, and what is said of
//! failures.

mod answers;
mod order;
mod remains;

use std::path::Path;

use nearsay_models::HubOptions;
use nearsay_tests::hub::Hub;

const STS: &str = "sentence-transformers/dense-prompts";
const WEIGHTS: &str = "model.safetensors";

fn options(cache: &Path, hub: &Hub) -> HubOptions {
    let mut options = HubOptions::default();
    options.cache = Some(cache.to_owned());
    options.endpoint = Some(hub.endpoint.clone());
    options
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}
