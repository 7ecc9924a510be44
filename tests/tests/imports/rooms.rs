//! The rooms of the engine use only earlier rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use nearsay_tests::repository;

use crate::source::{code, sources, words};

/// The modules of `engine/src/lib.rs`, lower ones first.
const ROOMS: [&str; 15] = [
    "error", "guard", "text", "tokens", "session", "vectors", "embed", "job", "rerank", "score", "search",
    "index", "export", "evaluate", "bench",
];

/// Names that a source may use as `crate::name`, and their rooms: rooms and their re-exports in lib.rs, and
/// `None` for items of other crates.
struct Names(BTreeMap<String, Option<&'static str>>);

impl Names {
    fn of_library(source: &str) -> Self {
        let mut names = BTreeMap::new();
        for room in ROOMS {
            names.insert(room.to_owned(), Some(room));
        }
        for statement in code(source).join(" ").split(';') {
            let Some((_, path)) = statement.split_once("pub use ") else { continue };
            let room = ROOMS.into_iter().find(|room| path.starts_with(&format!("{room}::")));
            for name in leaves(path) {
                names.insert(name, room);
            }
        }
        Self(names)
    }

    /// The rooms that a source uses, and the names after `crate::` that lib.rs lacks.
    fn used(&self, source: &str) -> (BTreeSet<&'static str>, BTreeSet<String>) {
        let (mut rooms, mut unknown) = (BTreeSet::new(), BTreeSet::new());
        for name in after_crate(source) {
            match self.0.get(&name) {
                Some(room) => rooms.extend(*room),
                None => drop(unknown.insert(name)),
            }
        }
        (rooms, unknown)
    }
}

/// The last names of a path with groups: `a::{B, c::D}` has B and D.
fn leaves(path: &str) -> Vec<String> {
    let whole = |part: &&str| !part.trim().is_empty();
    let parts = path.split(['{', '}', ',']).filter(whole).map(|part| part.trim());
    let last = |part: &str| words(part).last().map(str::to_owned).filter(|name| !name.is_empty());
    parts.filter(|part| !part.ends_with("::")).filter_map(last).collect()
}

/// The first names of paths that start with `crate::`, groups included.
fn after_crate(source: &str) -> Vec<String> {
    let text = code(source).join("\n");
    let mut found = Vec::new();
    for (at, path) in text.match_indices("crate::") {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + path.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.extend(words(rest).next().map(str::to_owned));
            continue;
        };
        let (mut depth, mut is_first) = (0, true);
        for token in tokens(group) {
            match token {
                "{" => depth += 1,
                "}" if depth == 0 => break,
                "}" => depth -= 1,
                "," => is_first |= depth == 0,
                name if depth == 0 && is_first => {
                    found.push(name.to_owned());
                    is_first = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// Words, braces and commas of a text.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !is_part(c) && !matches!(c, '{' | '}' | ','));
        let end = match rest.chars().next()? {
            c if is_part(c) => rest.find(|c: char| !is_part(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let token;
        (token, rest) = rest.split_at(end);
        Some(token)
    })
}

/// The rooms after `room`.
fn later(room: &str) -> &'static [&'static str] {
    let at = ROOMS.iter().position(|known| *known == room).unwrap();
    &ROOMS[at + 1..]
}

#[test]
fn the_rooms_are_the_modules_of_the_library() {
    let library = fs::read_to_string(repository().join("engine/src/lib.rs")).unwrap();
    let module = |line: &String| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    let modules: BTreeSet<String> = code(&library).iter().filter_map(module).collect();
    assert_eq!(modules, ROOMS.map(str::to_owned).into());
}

#[test]
fn rooms_use_those_before_them() {
    let folder = repository().join("engine/src");
    let names = Names::of_library(&fs::read_to_string(folder.join("lib.rs")).unwrap());
    let mut seen = 0;
    for (path, source) in sources(&folder) {
        let first = path.strip_prefix(&folder).unwrap().components().next().unwrap();
        let room = first.as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        let (used, unknown) = names.used(&source);
        assert!(unknown.is_empty(), "{} names {unknown:?}, which lib.rs has not", path.display());
        for other in later(room) {
            assert!(!used.contains(other), "{} uses the later room {other}", path.display());
        }
        seen += used.len();
    }
    assert!(seen > 100, "only {seen} uses of rooms were found");
}

#[test]
fn the_checker_of_rooms_sees_groups_paths_and_names_of_the_root() {
    let names =
        Names::of_library("pub mod text;\npub use text::{Record, parts::Piece};\npub use other::Thing;");
    let used = |source| names.used(source);
    assert_eq!(used("use crate::job::Job;").0, BTreeSet::from(["job"]));
    assert_eq!(used("use crate::{Thing, embed::{self, Embedder}, search};").0, ["embed", "search"].into());
    assert_eq!(used("fn f(x: crate::score::Pair) {}").0, BTreeSet::from(["score"]));
    assert_eq!(used("use crate::{Piece};\nuse crate::Record;").0, BTreeSet::from(["text"]));
    assert_eq!(used("use crate::Missing;").1, BTreeSet::from(["Missing".to_owned()]));
    let (rooms, unknown) = used("// crate::job\nlet x = \"crate::job\"; my_crate::job(); use crate::Thing;");
    assert!(rooms.is_empty() && unknown.is_empty(), "{rooms:?} {unknown:?}");
    assert!(later("text").contains(&"job") && !later("job").contains(&"text"));
}
