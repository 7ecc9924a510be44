//! safetensors files with a false header or length.

use super::support::{Broken, container, entry};

const FILE: &str = "model.safetensors";
const WORDS: &str = "embeddings.word_embeddings.weight";

#[test]
fn a_header_longer_than_the_file_is_refused_without_memory() {
    for (length, parts) in [(u64::MAX >> 1, "9223372036854775807"), (1 << 20, "1048584")] {
        let broken = Broken::new();
        let mut bytes = broken.read(FILE);
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        broken.write(FILE, bytes);
        broken.embed(&[]).is_refused(&[FILE, parts]).is_cheap();
        broken.is_refused(&[FILE, parts]);
    }
}

#[test]
fn a_file_shorter_than_its_prefix_is_incomplete() {
    for length in [0, 7] {
        let broken = Broken::new();
        broken.set_length(FILE, length).is_refused(&[FILE, "incomplete", &format!("{length} bytes"), "8"]);
    }
    let broken = Broken::new();
    broken.write(FILE, [0; 8]).is_refused(&[FILE, "header"]);
}

#[test]
fn a_header_of_blanks_takes_no_memory() {
    for length in [99_000_000, 4_000_000] {
        let broken = Broken::new();
        broken.write(FILE, container(&" ".repeat(length), &[]));
        broken.embed(&[]).is_refused(&[FILE, "header"]).is_cheap();
    }
}

#[test]
fn a_file_cut_short_is_incomplete_and_one_too_long_has_trailing_bytes() {
    let whole = Broken::new().read(FILE).len() as u64;
    for length in [whole - 1, whole / 2] {
        let parts = [FILE, "incomplete", &length.to_string(), &whole.to_string()];
        Broken::new().set_length(FILE, length).is_refused(&parts);
    }
    let parts = [FILE, "trailing", &whole.to_string(), &(whole + 2).to_string()];
    Broken::new().set_length(FILE, whole + 2).is_refused(&parts);
}

#[test]
fn tensors_that_do_not_lie_back_to_back_are_refused() {
    let layouts = [
        ("overlap", [(0, 8), (4, 12)], "4..12"),
        ("hole", [(0, 8), (12, 20)], "12..20"),
        ("inverted", [(8, 0), (8, 16)], "8..0"),
        ("late", [(4, 12), (12, 20)], "4..12"),
    ];
    for (name, [a, b], shown) in layouts {
        let header =
            serde_json::json!({"a": entry("F32", &[2], a.0, a.1), "b": entry("F32", &[2], b.0, b.1)});
        let broken = Broken::new();
        broken.write(FILE, container(&header.to_string(), &[0; 24]));
        let run = broken.embed(&[]);
        assert!(run.stderr.contains(shown) || name == "inverted", "{name}: {run:?}");
        run.is_refused(&[FILE, "tensor ", "data"]);
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let tensor = entry("F32", &[2], 0, 8).to_string();
    let broken = Broken::new();
    broken.write(FILE, container(&format!(r#"{{"twin":{tensor},"twin":{tensor}}}"#), &[0; 8]));
    broken.is_refused(&[FILE, "twin", "twice"]);
}

#[test]
fn a_shape_that_overflows_or_does_not_fit_its_bytes_is_refused() {
    for (shape, part) in [
        (vec![u64::MAX, 2], "overflows"),
        (vec![1 << 62, 4], "overflows"),
        (vec![1 << 40, 16], "bytes"),
        (vec![179, 16], "bytes"),
    ] {
        let broken = Broken::new();
        broken.edit_weights(|header, _| header[WORDS]["shape"] = serde_json::json!(shape));
        broken.embed(&[]).is_refused(&[FILE, WORDS, part, &shape[0].to_string()]).is_cheap();
    }
}

#[test]
fn headers_that_are_no_list_of_tensors_are_refused() {
    let deep = "[".repeat(200_000);
    for header in
        ["[]", "{", "null", r#"{"a":1}"#, r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, &deep]
    {
        let broken = Broken::new();
        broken.write(FILE, container(header, &[]));
        broken.embed(&[]).is_refused(&[FILE, "header"]).is_cheap();
    }
}
