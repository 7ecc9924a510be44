//! Downloads that broke off, and what they leave.

use std::fs;

use nearsay_models::{Error, Model};
use nearsay_tests::fixture;
use nearsay_tests::hub::{Behaviour, Hub, NAME, Request};

use super::{STS, WEIGHTS, folder, options};

#[test]
fn an_interrupted_file_is_continued_where_it_broke_off() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
    let options = options(cache.path(), &hub);
    let size = fs::read(fixture(STS).join(WEIGHTS)).unwrap().len();
    // More often than a download continues by itself: hf-hub tries once more than it is asked to, and ignores
    // the result of that.
    hub.behave(Behaviour { breaks: Some((WEIGHTS.to_owned(), 5000, 4)), ..Behaviour::default() });
    let error = Model::open(NAME, &options).unwrap_err();
    assert!(matches!(&error, Error::ModelNotFound { .. }), "{error}");
    assert!(error.hint().unwrap().contains("network"), "{error}");
    hub.requests();
    hub.behave(Behaviour::default());
    Model::open(NAME, &options).unwrap();
    let ranges: Vec<String> = hub.requests().into_iter().filter_map(|Request { range, .. }| range).collect();
    assert!(
        ranges.contains(&"bytes=5000-".to_owned()) && !ranges.contains(&"bytes=0-".to_owned()),
        "{ranges:?}"
    );
    // A break is continued within one download too.
    let cache = folder();
    let options = self::options(cache.path(), &hub);
    hub.behave(Behaviour { breaks: Some((WEIGHTS.to_owned(), 5000, 1)), ..Behaviour::default() });
    let model = Model::open(NAME, &options).unwrap();
    assert_eq!(model.folder().file(WEIGHTS).unwrap().unwrap().metadata().unwrap().len(), size as u64);
}

#[test]
fn remains_of_a_download_neither_block_nor_harm_it() {
    let (cache, hub) = (folder(), Hub::of_folder(&fixture(STS)));
    let options = options(cache.path(), &hub);
    let model = Model::open(NAME, &options).unwrap();
    let link = model.folder().root().join(WEIGHTS);
    let blob = link.canonicalize().unwrap();
    let whole = fs::read(&blob).unwrap();
    let mut wrong = whole.clone();
    wrong[100] ^= 1;
    // The blob or its part as they may be left: complete but not renamed, damaged, too long, broken off.
    let cases: [(&str, &[u8], bool); 6] = [
        ("part", &whole, false),
        ("part", &wrong, true),
        ("part", &[&whole[..], b"x"].concat(), true),
        ("part", &whole[..777], true),
        ("blob", &whole, false),
        ("blob", &wrong, true),
    ];
    for (what, bytes, is_fetched) in cases {
        fs::remove_file(&link).unwrap();
        fs::remove_file(&blob).ok();
        let path = if what == "part" { blob.with_extension("part") } else { blob.clone() };
        fs::write(path, bytes).unwrap();
        hub.requests();
        let model = Model::open(NAME, &options).unwrap();
        let path = model.folder().file(WEIGHTS).unwrap().unwrap();
        assert!(fs::read(&path).unwrap() == whole, "{what}: {}", bytes.len());
        assert!(path.canonicalize().unwrap() == blob);
        let ranges = hub.requests().into_iter().filter_map(|request| request.range);
        assert_eq!(
            ranges.filter(|range| range != "bytes=0-0").count() > 0,
            is_fetched,
            "{what}: {}",
            bytes.len()
        );
    }
}

#[test]
fn shards_and_modules_that_are_missing_make_a_snapshot_incomplete() {
    for (name, fixture_name) in [
        ("model-00002-of-00002.safetensors", "loaders/sharded"),
        ("1_Pooling/config.json", STS),
        ("2_Dense/config.json", STS),
        ("2_Dense/model.safetensors", STS),
        ("tokenizer.json", STS),
    ] {
        let (cache, hub) = (folder(), Hub::of_folder(&fixture(fixture_name)));
        let options = options(cache.path(), &hub);
        let model = Model::open(NAME, &options).unwrap();
        fs::remove_file(model.folder().root().join(name)).unwrap();
        let mut offline = options.clone();
        offline.offline = true;
        let message = Model::open(NAME, &offline).unwrap_err().to_string();
        assert!(message.contains("is incomplete"), "{name}: {message}");
        hub.requests();
        Model::open(NAME, &options).unwrap();
        assert_eq!(hub.asked(), [name]);
    }
}
