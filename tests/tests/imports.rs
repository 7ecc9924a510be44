//! Imports run one way, unsafe code stays in the kernels and says why it is sound.
//!
//! Each rule is a function of text, so that the tests below also show that it can fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nearsay_tests::repository;

/// Every member, lower ones first.
const LAYERS: [Layer; 7] = [
    Layer { folder: "kernels/cuda-libraries", name: "nearsay-cuda-libraries", uses: &[] },
    Layer { folder: "kernels", name: "nearsay-kernels", uses: &["nearsay-cuda-libraries"] },
    Layer { folder: "models", name: "nearsay-models", uses: &["nearsay-kernels"] },
    Layer { folder: "engine", name: "nearsay", uses: &["nearsay-kernels", "nearsay-models"] },
    Layer {
        folder: "engine/cli",
        name: "nearsay-cli",
        // The last one for its tests.
        uses: &["nearsay", "nearsay-kernels", "nearsay-models", "nearsay-tests"],
    },
    Layer {
        folder: "benches",
        name: "nearsay-benches",
        uses: &["nearsay", "nearsay-kernels", "nearsay-models"],
    },
    Layer { folder: "tests", name: "nearsay-tests", uses: &["nearsay", "nearsay-kernels", "nearsay-models"] },
];

/// A member of the workspace, and the crates of ours that it may use.
struct Layer {
    folder: &'static str,
    name: &'static str,
    uses: &'static [&'static str],
}
/// How many lines above unsafe code its reason may stand.
const REASON_LINES: usize = 4;

/// The crates of ours, as Cargo.toml names them.
fn crates() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|layer| layer.name)
}

/// The crates of ours among a Cargo.toml's dependencies, whatever the table: of the build, for tests, of one target.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let (mut found, mut in_table) = (BTreeSet::new(), false);
    let ours = |name: &str| crates().find(|known| *known == name.trim().trim_matches(['"', '\'']));
    for line in manifest.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            in_table = table.ends_with("dependencies");
            let (parent, name) = table.rsplit_once('.').unwrap_or_default();
            found.extend(ours(name).filter(|_| parent.ends_with("dependencies")));
        } else if in_table && let Some((name, value)) = line.split_once('=') {
            found.extend(ours(name.split('.').next().unwrap_or_default()));
            // `other-name = { package = "nearsay" }`
            let package = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
            found.extend(package.and_then(ours));
        }
    }
    found
}

/// A source without comments and without what stands in plain strings, line by line.
fn code(source: &str) -> Vec<String> {
    let without = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
    };
    source.lines().map(without).collect()
}

/// The words of a line of code.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The crates of ours that a source names as paths, by their names in Cargo.toml.
fn used_crates(source: &str) -> BTreeSet<&'static str> {
    let lines = code(source);
    let names = |name: &str| {
        let path = format!("{}::", name.replace('-', "_"));
        let import = format!("use {}", name.replace('-', "_"));
        lines.iter().any(|line| {
            // A path that begins here: also `::name::`, but not `other::name::`.
            let starts = |at: usize| {
                let before = line[..at].strip_suffix("::").unwrap_or(&line[..at]);
                !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '>'))
            };
            let imports = line.trim().trim_end_matches(';').strip_prefix("pub ").unwrap_or(line.trim());
            line.match_indices(&path).any(|(at, _)| starts(at))
                || imports.trim_end_matches(';') == import
                || imports.starts_with(&format!("{import} as "))
        })
    };
    crates().filter(|name| names(name)).collect()
}

/// The numbers, from 1, of lines with unsafe code.
fn unsafe_lines(source: &str) -> Vec<usize> {
    let is_unsafe = |line: &String| words(line).any(|word| word == "unsafe");
    code(source).iter().enumerate().filter(|(_, line)| is_unsafe(line)).map(|(at, _)| at + 1).collect()
}

/// The names of functions whose contract a `# Safety` section states.
fn documented_functions(source: &str) -> BTreeSet<String> {
    let found = unsafe_lines(source).into_iter().filter(|line| reason_above(source, *line));
    found.filter_map(|line| function(source.lines().nth(line - 1)?)).collect()
}

/// The name of the unsafe function that a line declares.
fn function(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("unsafe fn ")?;
    words(rest).next().map(str::to_owned)
}

fn reason_above(source: &str, line: usize) -> bool {
    let lines: Vec<&str> = source.lines().collect();
    let above = &lines[line.saturating_sub(1 + REASON_LINES)..line - 1];
    above.iter().any(|line| line.contains("SAFETY:") || line.contains("# Safety"))
}

/// Lines with unsafe code that nothing says the reason of. A method of a trait has its contract in the trait.
fn without_reason(source: &str, documented: &BTreeSet<String>) -> Vec<usize> {
    let in_trait = |line: &usize| {
        let name = source.lines().nth(line - 1).and_then(function);
        name.is_some_and(|name| documented.contains(&name))
    };
    unsafe_lines(source).into_iter().filter(|line| !reason_above(source, *line) && !in_trait(line)).collect()
}

/// Whether a source is compiled differently for different features.
fn depends_on_features(source: &str) -> bool {
    code(source).iter().any(|line| {
        let compact: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        (compact.contains("cfg(") || compact.contains("cfg!(") || compact.contains("cfg_attr("))
            && words(line).any(|word| word == "feature")
    })
}

/// The Rust sources below a folder, those of members inside of it apart, with their text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join("Cargo.toml").exists() {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

#[test]
fn the_layers_are_the_members() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let members = LAYERS.map(|layer| format!("\"{}\"", layer.folder)).join(", ");
    assert!(manifest.contains(&format!("members = [{members}]")), "a member is not in LAYERS");
}

#[test]
fn dependencies_run_one_way() {
    for Layer { folder, uses, .. } in LAYERS {
        let path = repository().join(folder).join("Cargo.toml");
        let manifest = fs::read_to_string(&path).unwrap();
        for name in dependencies(&manifest) {
            assert!(uses.contains(&name), "{} depends on {name}", path.display());
        }
    }
}

#[test]
fn sources_use_no_higher_crate() {
    for layer in LAYERS {
        for (path, source) in sources(&repository().join(layer.folder)) {
            for name in used_crates(&source) {
                assert!(layer.uses.contains(&name) || name == layer.name, "{} uses {name}", path.display());
            }
        }
    }
}

#[test]
fn unsafe_code_is_in_the_kernels_alone_and_says_why_it_is_sound() {
    let mut seen = 0;
    for Layer { folder, .. } in LAYERS {
        let all = sources(&repository().join(folder));
        if folder.starts_with("kernels") {
            let documented = all.iter().flat_map(|(_, source)| documented_functions(source)).collect();
            for (path, source) in &all {
                seen += unsafe_lines(source).len();
                assert_eq!(without_reason(source, &documented), [0; 0], "{}", path.display());
            }
        } else {
            for (path, source) in &all {
                assert_eq!(unsafe_lines(source), [0; 0], "{}", path.display());
            }
        }
    }
    assert!(seen > 10, "only {seen} lines of unsafe code were found");
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
fn the_checker_of_manifests_sees_every_table() {
    let found = |text| dependencies(text).into_iter().collect::<Vec<_>>();
    assert_eq!(found("[dependencies]\nnearsay-models.workspace = true"), ["nearsay-models"]);
    assert_eq!(found("[dev-dependencies]\n\"nearsay\" = { path = \"x\" }"), ["nearsay"]);
    assert_eq!(found("[build-dependencies.nearsay]\npath = \"x\""), ["nearsay"]);
    assert_eq!(found("[target.'cfg(unix)'.dependencies]\nnearsay = \"1\""), ["nearsay"]);
    assert_eq!(found("[dependencies]\nother = { package = \"nearsay\" }"), ["nearsay"]);
    assert!(found("[package]\nname = \"nearsay\"\n[dependencies]\nserde = \"1\" # nearsay = 1").is_empty());
}

#[test]
fn the_checker_of_sources_sees_uses_and_no_comments() {
    let found = |text| used_crates(text).into_iter().collect::<Vec<_>>();
    assert_eq!(found("use nearsay::Error;"), ["nearsay"]);
    assert_eq!(found("let x = ::nearsay_models::Model::open();"), ["nearsay-models"]);
    assert!(found("other::nearsay::x(); my_nearsay::y();").is_empty());
    assert_eq!(found("fn f() -> nearsay_models::Error {}"), ["nearsay-models"]);
    assert_eq!(found("    pub use nearsay as engine;"), ["nearsay"]);
    assert!(found("// use nearsay::Error;\nlet my_nearsay::x; \"nearsay::y\"").is_empty());
}

#[test]
fn the_checker_of_unsafe_code_wants_a_reason() {
    let none = BTreeSet::new();
    assert_eq!(without_reason("fn f() {\n    unsafe { g() }\n}", &none), [2]);
    assert_eq!(without_reason("// SAFETY: it is.\nunsafe { g() }", &none), [0; 0]);
    assert_eq!(without_reason("// SAFETY: far away.\n\n\n\n\nunsafe impl Send for X {}", &none), [6]);
    assert_eq!(without_reason("unsafe fn g() {}", &none), [1]);
    let declared = "/// # Safety\n/// A rule.\nunsafe fn g();";
    assert_eq!(without_reason(declared, &none), [0; 0]);
    assert_eq!(without_reason("unsafe fn g() {}", &documented_functions(declared)), [0; 0]);
    assert_eq!(unsafe_lines("#![allow(unsafe_code)]\n// unsafe\nlet x = \"unsafe\";"), [0; 0]);
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
