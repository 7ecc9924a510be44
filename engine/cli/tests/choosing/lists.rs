//! `nearsay models`: families, cached models, well-known ones.

use std::fs;

use nearsay_tests::fixture;
use nearsay_tests::hub::Hub;
use serde_json::json;

use super::{command, desk, run};

#[test]
fn the_list_has_families_cached_models_and_ten_well_known_ones() {
    let (desk, hub) = (desk(), Hub::of_folder(&fixture("families/roberta")));
    let empty = run(&desk, &hub, "models").ok();
    assert!(empty.text().contains("no models in the cache"), "{}", empty.text());
    run(&desk, &hub, "models pull org/name -q").ok();
    for folder in ["models--acme--empty", "models--acme--broken/snapshots", "datasets--acme--words"] {
        fs::create_dir_all(desk.path("cache").join(folder)).unwrap();
    }
    hub.requests();
    let text = run(&desk, &hub, "models").ok();
    assert!(text.text().starts_with("bert "), "{}", text.text());
    for part in ["model_type bert", "org/name", "acme/empty", "incomplete", "BAAI/bge-m3", "English", "MB"] {
        assert!(text.text().contains(part), "{part}: {}", text.text());
    }
    assert!(!text.text().contains("acme/words"));
    let is_wide = |line: &&str| line.chars().count() > 80 && !line.contains("the cache ");
    let wide: Vec<&str> = text.text().lines().filter(is_wide).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let families = run(&desk, &hub, "models list --json").ok().json();
    let families = families.as_array().unwrap();
    let family = |name: &str| families.iter().find(|family| family["family"] == name).unwrap();
    assert_eq!(family("bert")["model_types"], json!(["bert"]));
    let cached = &family("roberta")["cached"];
    assert_eq!((cached.as_array().unwrap().len(), &cached[0]["name"]), (1, &json!("org/name")));
    assert!(cached[0]["parameters"].as_u64().unwrap() > 0 && cached[0]["bytes"].as_u64().unwrap() > 0);
    assert!(cached[0]["dimensions"].as_u64().unwrap() > 0);
    let known: Vec<_> = families.iter().flat_map(|family| family["well_known"].as_array().unwrap()).collect();
    assert_eq!(known.len(), 10);
    for model in known {
        for key in ["name", "languages", "use"] {
            assert!(model[key].as_str().is_some_and(|text| !text.is_empty()), "{model}");
        }
        assert!(
            model["parameters"].as_u64().unwrap() > 1_000_000 && model["dimensions"].as_u64().unwrap() >= 384
        );
        assert_eq!(model["cached"], false);
    }
    assert!(hub.requests().is_empty(), "a list needs no hub");
}

#[test]
fn a_list_works_without_a_home_folder_or_with_a_file_in_its_place() {
    let (desk, hub) = (desk(), Hub::with([("x", "y")]));
    let mut elsewhere = command(&desk, &hub, "models");
    elsewhere.env("HF_HUB_CACHE", desk.path("in.txt"));
    let run = nearsay_tests::run::finish("models", elsewhere, None).ok();
    assert!(run.text().contains("no models in the cache"), "{}", run.text());
}
