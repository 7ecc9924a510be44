//! Model families are compiled the same way in every build.

use nearsay_tests::repository;

use crate::source::{code, sources, words};

/// Whether a source depends on features.
fn depends_on_features(source: &str) -> bool {
    code(source).iter().any(|line| {
        let compact: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        (compact.contains("cfg(") || compact.contains("cfg!(") || compact.contains("cfg_attr("))
            && words(line).any(|word| word == "feature")
    })
}

#[test]
fn families_are_the_same_in_every_build() {
    let all = sources(&repository().join("models/src/families"));
    assert!(!all.is_empty());
    for (path, source) in all {
        assert!(!depends_on_features(&source), "{}", path.display());
    }
}

#[test]
fn the_checker_of_features_sees_attributes_and_macros() {
    assert!(depends_on_features("#[cfg(feature = \"cuda\")]"));
    assert!(
        depends_on_features("#[cfg(all(unix, feature = \"x\"))]")
            && depends_on_features("if cfg!( feature = \"x\") {}")
    );
    assert!(!depends_on_features("#[cfg(test)]\n// cfg(feature)\n#[target_feature(enable = \"avx2\")]"));
}
