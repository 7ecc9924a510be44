//! Crates use only lower crates.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use nearsay_tests::repository;

use crate::source::{code, sources};

/// Every member, lower ones first.
pub(crate) const LAYERS: [Layer; 10] = [
    Layer { folder: "kernels/cuda-libraries", name: "nearsay-cuda-libraries", uses: &[] },
    Layer { folder: "kernels", name: "nearsay-kernels", uses: &["nearsay-cuda-libraries"] },
    Layer { folder: "models", name: "nearsay-models", uses: &["nearsay-kernels"] },
    Layer { folder: "engine/metrics", name: "nearsay-metrics", uses: &[] },
    Layer {
        folder: "engine",
        name: "nearsay",
        uses: &["nearsay-kernels", "nearsay-models", "nearsay-metrics"],
    },
    // The last one only for its tests.
    Layer { folder: "engine/server", name: "nearsay-server", uses: &["nearsay", "nearsay-tests"] },
    Layer {
        folder: "engine/cli",
        name: "nearsay-cli",
        // The last one only for its tests.
        uses: &["nearsay", "nearsay-kernels", "nearsay-models", "nearsay-server", "nearsay-tests"],
    },
    Layer { folder: "engine/python", name: "nearsay-python", uses: &["nearsay", "nearsay-cli"] },
    Layer {
        folder: "benches",
        name: "nearsay-benches",
        uses: &["nearsay", "nearsay-kernels", "nearsay-models"],
    },
    Layer { folder: "tests", name: "nearsay-tests", uses: &["nearsay", "nearsay-kernels", "nearsay-models"] },
];

/// A workspace member and the members that it may use.
pub(crate) struct Layer {
    pub(crate) folder: &'static str,
    pub(crate) name: &'static str,
    pub(crate) uses: &'static [&'static str],
}
/// The workspace's crates, as named in Cargo.toml.
fn crates() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|layer| layer.name)
}

/// The workspace's crates in all dependency tables of a Cargo.toml: normal, build, dev, per target.
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

/// The workspace's crates that a source uses in paths, by their names in Cargo.toml.
fn used_crates(source: &str) -> BTreeSet<&'static str> {
    let lines = code(source);
    let names = |name: &str| {
        let path = format!("{}::", name.replace('-', "_"));
        let import = format!("use {}", name.replace('-', "_"));
        lines.iter().any(|line| {
            // Whether a path starts here: `::name::` does, `other::name::` does not.
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

/// Crates of the command line, which the library does without.
const OF_THE_COMMAND_LINE: [&str; 8] = [
    "anyhow",
    "clap",
    "clap_builder",
    "comfy-table",
    "indicatif",
    "nearsay-cli",
    "signal-hook",
    "tracing-subscriber",
];

/// The crates of the command line among those of a dependency tree, as `cargo tree` prints it with depths.
/// What is below hf-hub does not count: its downloads come with progress bars that nothing here uses.
fn of_the_command_line(tree: &str) -> BTreeSet<&str> {
    let (mut found, mut hub) = (BTreeSet::new(), None);
    for line in tree.lines() {
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(depth) = line[..digits].parse::<usize>() else { continue };
        let name = line[digits..].split(' ').next().unwrap_or_default();
        hub = hub.filter(|hub| depth > *hub);
        if name == "hf-hub" {
            hub = Some(depth);
        }
        if hub.is_none() && OF_THE_COMMAND_LINE.contains(&name) {
            found.insert(name);
        }
    }
    found
}

#[test]
fn the_library_does_without_the_crates_of_the_command_line() {
    let tree = |package: &str| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["tree", "--offline", "-e", "normal", "--prefix", "depth", "--no-dedupe", "-p", package]);
        let output = cargo.current_dir(repository()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(of_the_command_line(&tree("nearsay")), BTreeSet::new());
    let tree = tree("nearsay-cli");
    let found = of_the_command_line(&tree);
    assert_eq!(found, OF_THE_COMMAND_LINE.into(), "the program has them all");
}

#[test]
fn the_checker_of_trees_leaves_out_what_is_below_the_hub() {
    let tree = "0nearsay v0.1.0\n1hf-hub v0.5.0\n2indicatif v0.18.0\n1clap v4.0.0\n2anyhow v1.0.0";
    assert_eq!(of_the_command_line(tree), BTreeSet::from(["anyhow", "clap"]));
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
