//! Bytes that are not text, and characters that often cause bugs: each is rejected by name or treated like
//! any other text.

use nearsay_tests::desk;
use serde_json::json;

const MARK: &str = "\u{feff}";

#[test]
fn bytes_that_are_not_utf8_are_named_or_replaced_on_request() {
    let desk = desk!();
    desk.write("in.txt", b"a cat\n\xff\xfe\na cat\n");
    let refused = desk.run("embed in.txt -m BERT").ends(65, &["in.txt", "row 2", "byte 6", "UTF-8"]);
    assert_eq!(refused.rows().len(), 1, "the rows before are written");
    let lossy = desk.run("embed in.txt -m BERT --lossy").ends(0, &["2 sequences were not UTF-8"]);
    assert_eq!(lossy.rows().len(), 3);
    desk.write("in.csv", b"id,text\n1,a\n2,\xff\n")
        .write("in.jsonl", b"{\"text\":\"a\"}\n{\"text\":\"\xff\"}\n");
    desk.run("embed in.csv -m BERT").ends(65, &["in.csv", "row 3", "byte 14", "UTF-8"]);
    desk.run("embed in.jsonl -m BERT").ends(65, &["in.jsonl", "row 2", "byte 22", "UTF-8"]);
}

#[test]
fn a_nul_cuts_nothing() {
    let desk = desk!();
    desk.write("in.jsonl", "{\"id\":\"x\\u0000y\",\"text\":\"a\\u0000 river\"}\n")
        .write("in.txt", b"a\0 river\n");
    desk.write("plain.txt", "a river\n");
    let run = desk.run("embed in.jsonl -m BERT").ok();
    assert_eq!(run.ids(), [json!("x\0y")]);
    let plain = desk.run("embed plain.txt -m BERT").ok().vectors();
    assert_eq!(run.vectors(), plain);
    assert_eq!(desk.run("embed in.txt -m BERT").ok().vectors(), plain);
}

#[test]
fn half_a_surrogate_is_refused_and_a_whole_pair_is_its_character() {
    let desk = desk!();
    desk.write("in.jsonl", "{\"text\":\"a\"}\n{\"text\":\"\\ud800\"}\n");
    desk.run("embed in.jsonl -m FIXTURE:families/roberta").ends(65, &["in.jsonl", "row 2"]);
    desk.write("pair.jsonl", "{\"text\":\"\\ud83d\\ude00\"}\n{\"text\":\"😀\"}\n{\"text\":\"a\"}\n");
    let ids = desk.run("embed pair.jsonl -m FIXTURE:families/roberta --level token").ok().token_ids();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    let desk = desk!();
    for (name, text) in [
        ("in.txt", "a river\n".to_owned()),
        ("in.jsonl", "{\"text\":\"a river\"}\n".to_owned()),
        ("in.csv", "text,n\na river,1\n".to_owned()),
        ("in.tsv", "text\tn\na river\t1\n".to_owned()),
    ] {
        let line = format!("embed {name} -m FIXTURE:families/roberta --level token");
        let without = desk.write(name, &text).run(&line).ok().token_ids();
        let with = desk.write(name, format!("{MARK}{text}")).run(&line).ok().token_ids();
        assert_eq!(without, with, "{name}");
        let inside =
            desk.write(name, text.replace("river", &format!("{MARK}river"))).run(&line).ok().token_ids();
        assert_ne!(without, inside, "{name}");
    }
}

#[test]
fn utf16_is_refused_by_name() {
    let desk = desk!();
    let units: Vec<u16> = "a river runs\n".encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [[b"\xff\xfe", &little[..]].concat(), [b"\xfe\xff", &big[..]].concat(), little, big] {
        for name in ["in.txt", "in.jsonl", "in.csv"] {
            desk.write(name, &bytes)
                .run(&format!("embed {name} -m BERT"))
                .ends(65, &[name, "looks like UTF-16"]);
        }
    }
}

#[test]
fn a_carriage_return_before_a_line_end_is_part_of_nothing() {
    let desk = desk!();
    for (name, text) in [
        ("in.txt", "a river\na cat\n"),
        ("in.jsonl", "{\"id\":\"x\",\"text\":\"a river\"}\n{\"id\":\"y\",\"text\":\"a cat\"}\n"),
        ("in.csv", "text,id\na river,x\na cat,y\n"),
        ("in.tsv", "text\tid\na river\tx\na cat\ty\n"),
    ] {
        let line = format!("embed {name} -m BERT");
        let plain = desk.write(name, text).run(&line).ok();
        let windows = desk.write(name, text.replace('\n', "\r\n")).run(&line).ok();
        assert_eq!(plain.stdout, windows.stdout, "{name}");
        assert_eq!(plain.rows().len(), 2, "{name}");
    }
}

#[test]
fn only_a_line_feed_ends_a_row() {
    let desk = desk!();
    let breaks = ["\r", "\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}"];
    let lines: String = breaks.iter().map(|other| format!("a{other}river\n")).collect();
    desk.write("in.txt", &lines).write("plain.txt", "a river\n".repeat(breaks.len()));
    assert_eq!(desk.run("embed in.txt -m BERT").ok().rows().len(), breaks.len());
    let scored = desk.run("score -c in.txt -r plain.txt -m BERT -l 2 --json").ok().json();
    assert_eq!(scored["metrics"]["bertscore"]["segments"].as_array().map(Vec::len), Some(breaks.len()));
}

#[test]
fn emoji_marks_and_scripts_of_all_directions_are_texts_like_any_other() {
    let desk = desk!();
    let lines = [
        "😀 smiles",
        "👩‍👩‍👧‍👦 is one family",
        "🇫🇷🇩🇪 two flags",
        "👍🏽",
        "שלום לכולם",
        "مرحبا بالعالم",
        "\u{202e}backwards\u{202c}",
        "e\u{301}te\u{301}",
        "été",
        "Z\u{336}a\u{336}l\u{336}g\u{336}o\u{336}",
        "한국어",
        "ㅎㅏㄴ",
        "日本語の文",
        "ไทย",
        "नमस्ते",
        "𝒻𝒶𝓃𝒸𝓎",
        "ﬁ ligature",
        "ß ẞ",
        "İstanbul ı",
        "\u{fffd}",
        "\u{10ffff}",
        "\u{e000}",
        "a\u{ad}b",
        "a\u{200d}b",
    ];
    desk.write("in.txt", lines.join("\n")).write("copy.txt", lines.join("\n"));
    for family in ["bert", "roberta", "xlm-roberta", "camembert", "distilbert"] {
        let run = desk.run(&format!("embed in.txt -m FIXTURE:families/{family} --max-length 40")).ok();
        assert_eq!(run.vectors().len(), lines.len(), "{family}");
        let line = format!("score -c in.txt -r copy.txt -m FIXTURE:families/{family} -l 1 --json");
        let f1 = desk.run(&line).ok().json()["metrics"]["bertscore"]["segments"].clone();
        assert_eq!(f1.as_array().map(Vec::len), Some(lines.len()), "{family}");
    }
}

#[test]
fn special_tokens_in_a_text_are_themselves() {
    let desk = desk!();
    desk.write("in.txt", "[CLS]\n[SEP]\n[PAD]\n[MASK]\n[SEP] [PAD] [PAD]\n");
    let run = desk.run("embed in.txt -m BERT --level token").ok();
    let vocabulary = nearsay_tests::json("families/bert/tokenizer.json")["model"]["vocab"].clone();
    let id = |token: &str| vocabulary[token].as_u64().expect("a token");
    let (cls, sep, pad, mask) = (id("[CLS]"), id("[SEP]"), id("[PAD]"), id("[MASK]"));
    let expected: [&[u64]; 5] = [&[cls], &[sep], &[pad], &[mask], &[sep, pad, pad]];
    for (ids, inner) in run.token_ids().iter().zip(expected) {
        assert_eq!(ids[..], [&[cls], inner, &[sep]].concat());
    }
    // A padding token in a text has a vector: nothing masks it.
    let vectors = desk.run("embed in.txt -m BERT").ok().vectors();
    assert_ne!(vectors[1], vectors[4]);
}
