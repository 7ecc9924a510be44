//! The same weights in every supported format.

use super::support::Broken;

#[test]
fn every_format_gives_the_same_bits() {
    let expected = Broken::of("loaders/single").embed(&[]);
    expected.works();
    assert_eq!(expected.stdout.lines().count(), 2);
    for name in ["loaders/sharded", "loaders/pickle", "loaders/f16", "loaders/old-names"] {
        assert_eq!(Broken::of(name).embed(&[]).works().stdout, expected.stdout, "{name}");
    }
}

#[test]
fn safetensors_are_preferred_to_a_pickle() {
    let broken = Broken::new();
    let expected = broken.embed(&[]);
    broken.write("pytorch_model.bin", "no archive");
    assert_eq!(broken.embed(&[]).works().stdout, expected.stdout);
    assert!(broken.inspect(&[]).works().stdout.contains("model.safetensors"));
    broken.remove("model.safetensors").is_refused(&["pytorch_model.bin", "zip archive"]);
}
