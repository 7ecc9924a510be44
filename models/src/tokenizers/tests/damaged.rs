//! Files that are cut, oversized, of another kind, or that break a rule: an error that names the place.

use super::*;

/// What is said about these files, without the folder.
fn refusal(files: &[(&str, &[u8])], model_type: &str) -> String {
    let directory = folder(files);
    let built = find(&directory, model_type).unwrap().expect("files").build(1000);
    let error = built.unwrap_err().to_string();
    error.replace(&format!("{}/", directory.path().display()), "")
}

/// A field of protocol buffers that has a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 128);
    [&[number << 3 | 2, content.len() as u8], content].concat()
}

fn piece(text: &str, score: f32, kind: u8) -> Vec<u8> {
    let score = [&[2 << 3 | 5][..], &score.to_le_bytes()].concat();
    field(1, &[field(1, text.as_bytes()), score, vec![3 << 3, kind]].concat())
}

/// A model with these pieces; `trainer` is its trainer_spec.
fn model(pieces: &[&str], trainer: &[u8]) -> Vec<u8> {
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|text| piece(text, -1.0, 1)).collect();
    [pieces.concat(), field(2, trainer)].concat()
}

const ALBERT: [&str; 5] = ["<pad>", "<unk>", "[CLS]", "[SEP]", "\u{2581}a"];

/// unk_id 1.
const UNKNOWN_IS_1: [u8; 3] = [0xc0, 0x02, 1];

fn of_model(bytes: &[u8]) -> String {
    refusal(&[("spiece.model", bytes)], "albert")
}

#[test]
fn a_model_with_everything_is_accepted() {
    let bytes = model(&ALBERT, &UNKNOWN_IS_1);
    let built = find(&folder(&[("spiece.model", &bytes)]), "albert").unwrap().unwrap().build(1000).unwrap();
    let built: serde_json::Value = serde_json::from_str(&built).unwrap();
    assert_eq!((&built["model"]["unk_id"], &built["model"]["vocab"][4][0]), (&1.into(), &"\u{2581}a".into()));
}

#[test]
fn a_cut_inside_a_field_is_refused() {
    let bytes = model(&ALBERT, &UNKNOWN_IS_1);
    let mut ends = vec![0];
    ends.extend(ALBERT.iter().map(|text| piece(text, -1.0, 1).len()));
    (1..ends.len()).for_each(|index| ends[index] += ends[index - 1]);
    for length in 0..bytes.len() {
        let built =
            find(&folder(&[("spiece.model", &bytes[..length])]), "albert").unwrap().unwrap().build(1000);
        // After a piece, the rest may be a model of these pieces.
        assert!(built.is_err() || ends[1..].contains(&length), "{length}");
    }
    assert_eq!(of_model(&bytes[..30]), "spiece.model, byte 18: needs 14 more bytes, and 12 are left");
}

#[test]
fn a_model_that_breaks_a_rule_is_refused_by_place() {
    let with = |pieces: &[Vec<u8>]| [pieces.concat(), model(&ALBERT, &UNKNOWN_IS_1)].concat();
    for (bytes, expected) in [
        (vec![0xff; 12], "spiece.model, byte 0: a number must have at most 10 bytes, and has more"),
        (vec![1 << 3 | 3], "spiece.model, byte 0: a field must have wire type 0, 1, 2 or 5, got 3"),
        (vec![1 << 3, 0], "spiece.model, byte 2: field 1 has another type than a SentencePiece model's"),
        (
            vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            "spiece.model, byte 9: needs 72057594037927935 more bytes, and 0 are left",
        ),
        (with(&[field(1, &field(1, b"\xff"))]), "spiece.model, byte 4: a text must be UTF-8, and is not"),
        (with(&[piece("", 0.0, 1)]), "spiece.model, piece 0: must have a text, and is empty"),
        (with(&[piece("x", f32::NAN, 1)]), "spiece.model, piece 0: `x` must have a finite score, got NaN"),
        (
            with(&[piece("[SEP]", 0.0, 1)]),
            "spiece.model, piece 4: must differ from all others, and is `[SEP]` as piece 0 is",
        ),
        (
            model(&ALBERT, &[3 << 3, 3]),
            "spiece.model, trainer_spec.model_type: must be 1 (unigram) or 2 (byte pairs), got 3",
        ),
        (
            model(&ALBERT, &[0xc0, 0x02, 5]),
            "spiece.model, trainer_spec.unk_id: must be the index of one of 5 pieces, got 5",
        ),
        (Vec::new(), "spiece.model is not a vocabulary: it is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "spiece.model is a Git LFS pointer, not a vocabulary",
        ),
    ] {
        assert_eq!(of_model(&bytes), expected);
    }
    let negative = [&[0xc0, 0x02][..], &[0xff; 9], &[1]].concat();
    assert!(of_model(&model(&ALBERT, &negative)).ends_with("pieces, got -1"));
}

#[test]
fn a_model_of_another_family_lacks_pieces_or_tokens() {
    let bytes = model(&["<unk>", "<s>", "</s>"], &[3 << 3, 1]);
    let error = refusal(&[("sentencepiece.bpe.model", &bytes)], "xlm-roberta");
    assert_eq!(error, "sentencepiece.bpe.model: must have more than 3 pieces, got 3");
    // No row is left for a [CLS].
    let directory = folder(&[("spiece.model", &bytes)]);
    let error = find(&directory, "albert").unwrap().unwrap().build(3).unwrap_err().to_string();
    assert!(error.ends_with("must have `[CLS]`, which is put around every text, and does not"), "{error}");
}

#[test]
fn pairs_of_a_long_piece_are_not_looked_for() {
    let long = "a".repeat(600);
    let text = [&[0x0a, 0xd8, 0x04], long.as_bytes()].concat();
    let piece = [&[0x0a, 0xdb, 0x04], &text[..]].concat();
    let bytes = [model(&ALBERT, &[&UNKNOWN_IS_1[..], &[3 << 3, 2]].concat()), piece].concat();
    assert_eq!(of_model(&bytes), "spiece.model, piece 5: must have at most 512 characters, got 600");
}

#[test]
fn a_vocabulary_that_breaks_a_rule_is_refused_by_line_or_token() {
    let words = |text: &[u8]| refusal(&[("vocab.txt", text)], "bert");
    let unknown = "vocab.txt: must have `[UNK]`, which stands for unknown words, and does not";
    assert_eq!(words(b"[CLS]\n[SEP]\n"), unknown);
    assert_eq!(words(b"[UNK]\n\xff\n"), "vocab.txt, byte 6: must be UTF-8, and is not");
    assert_eq!(words(b""), "vocab.txt is not a vocabulary: it is empty");
    let bytes = |vocab: &str, merges: &str| {
        refusal(&[("vocab.json", vocab.as_bytes()), ("merges.txt", merges.as_bytes())], "roberta")
    };
    let vocab = r#"{"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4}"#;
    assert_eq!(bytes(vocab, "#version\na b\na\n"), "merges.txt, line 3: must have two tokens, got 1");
    assert_eq!(bytes(vocab, "#version\na b c\n"), "merges.txt, line 2: must have two tokens, got 3");
    assert_eq!(bytes(vocab, "#version\n\n"), "merges.txt, line 2: must have two tokens, got 0");
    let error = "merges.txt, line 2: must merge tokens of vocab.json to another, which has no `ba`";
    assert_eq!(bytes(vocab, "#version\nb a\n"), error);
    let error = bytes(r#"{"a": 0, "b": 0}"#, "");
    assert_eq!(error, "vocab.json, token `b`: must have an id of its own, and has 0 as `a` has");
    for (vocab, part) in [("[]", "invalid type"), (r#"{"a": -1}"#, "field a: invalid"), ("{", "EOF")] {
        let error = bytes(vocab, "");
        assert!(error.starts_with("vocab.json") && error.contains(part), "{error}");
    }
}

#[test]
fn an_oversized_file_is_refused_unread() {
    let directory = folder(&[("vocab.txt", b"")]);
    let file = fs::File::options().write(true).open(directory.path().join("vocab.txt")).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = find(&directory, "bert").unwrap().unwrap().build(9).unwrap_err().to_string();
    assert!(error.ends_with("vocab.txt has 1099511627776 bytes; at most 67108864 are read"), "{error}");
}

#[test]
fn a_setting_of_another_type_or_size_is_refused_by_name() {
    let bytes = model(&ALBERT, &UNKNOWN_IS_1);
    for (model_type, config, rule) in [
        ("albert", r#"{"keep_accents": "no"}"#, "field keep_accents: must be true or false, got \"no\""),
        (
            "t5",
            r#"{"extra_ids": 99999999}"#,
            "field extra_ids: must be a number from 0 to 65536, got 99999999",
        ),
        ("t5", r#"{"extra_ids": -1}"#, "field extra_ids: must be a number from 0 to 65536, got -1"),
        (
            "t5",
            r#"{"additional_special_tokens": ["<extra_id_0>"]}"#,
            "must name all 100 tokens of `extra_ids` or none, and names 1",
        ),
        ("pegasus", r#"{"mask_token_sent": null}"#, "field mask_token_sent: must be a token"),
        (
            "t5",
            r#"{"additional_special_tokens": 3}"#,
            "field additional_special_tokens: must be a list, got 3",
        ),
    ] {
        let error =
            refusal(&[("spiece.model", &bytes), ("tokenizer_config.json", config.as_bytes())], model_type);
        assert!(error.starts_with("tokenizer_config.json") && error.contains(rule), "{error}");
    }
    let config = br#"{"src_lang": "tlh"}"#;
    let bytes = model(&["<unk>", "<s>", "</s>", "a"], &[3 << 3, 1]);
    let error = refusal(&[("sentencepiece.bpe.model", &bytes), ("tokenizer_config.json", config)], "mbart");
    assert!(
        error.contains("src_lang: must be one of the language codes ar_AR, ") && error.ends_with("got `tlh`")
    );
}
