//! Models of every family.

use nearsay_server::ModelSource;
use nearsay_tests::fixture;
use serde_json::json;

use crate::served::Served;

#[test]
fn every_family_is_served() {
    let families = std::fs::read_dir(fixture("families")).unwrap();
    let mut names: Vec<String> =
        families.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let source = fixture(&format!("families/{name}")).display().to_string();
        let served = Served::with(|config| {
            config.models = vec![ModelSource { name: name.clone(), source }];
            config.aliases.clear();
        });
        let vectors = served.client().post("/embed", &json!({"inputs": ["river", "mill"]})).with(200).json();
        assert_eq!(vectors.as_array().unwrap().len(), 2, "{name}");
        let capabilities = served.client().get("/info").with(200).json()["capabilities"].clone();
        assert_eq!(capabilities[0], "embed", "{name}");
    }
}
