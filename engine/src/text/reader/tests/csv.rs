//! Separated fields, with and without quotes.

use super::*;

#[test]
fn quotes_hold_separators_and_newlines() {
    let bytes = b"id,text\na,\"one, \"\"two\"\"\r\nthree\"\nb,four\n";
    let records = read(InputFormat::Csv, bytes, &options()).expect("readable");
    let rows: Vec<_> = records.iter().map(|record| (record.row, record.text.as_str())).collect();
    assert_eq!(rows, [(2, "one, \"two\"\r\nthree"), (4, "four")]);
    assert_eq!(records[0].id, string("a"));
}

#[test]
fn ids_are_strings() {
    assert_eq!(ids(InputFormat::Csv, b"id,text\n1,one\n,two\n"), [string("1"), string("")]);
    assert_eq!(ids(InputFormat::Csv, b"n,text\n1,one\n2,two\n"), [RecordId::Row(0), RecordId::Row(1)]);
}

#[test]
fn missing_column_lists_those_there_are() {
    refused(
        InputFormat::Csv,
        b"id,body\n1,one\n",
        "in.csv: the header has no column `text`; its columns are `id`, `body`",
    );
    let error = read(InputFormat::Csv, b"text\none\n", &id_options("key")).expect_err("missing");
    assert_eq!(error.to_string(), "in.csv: the header has no column `key`; its columns are `text`");
}

#[test]
fn only_column_is_not_guessed() {
    refused(
        InputFormat::Csv,
        b"body\none\n",
        "in.csv: the header has no column `text`; its columns are `body`",
    );
}

#[test]
fn other_separator_is_told() {
    refused(
        InputFormat::Csv,
        b"id;text\n1;one\n",
        "in.csv: the header has no column `text`; its columns are `id;text`; it looks separated by ';'",
    );
    let tabs = failure(InputFormat::Csv, b"id\ttext\n").to_string();
    assert!(tabs.ends_with("it looks separated by tabs"), "{tabs}");
    let commas = failure(InputFormat::Tsv, b"id,text\n").to_string();
    assert!(commas.ends_with("it looks separated by ','"), "{commas}");
}

#[test]
fn column_twice_is_refused() {
    refused(InputFormat::Csv, b"text,text\na,b\n", "in.csv: the header has the column `text` twice");
}

#[test]
fn ragged_row_names_its_line() {
    refused(
        InputFormat::Csv,
        b"id,text\na,\"one\ntwo\"\nb\n",
        "in.csv, row 4: the number of fields is 1; the header has 2",
    );
    refused(
        InputFormat::Csv,
        b"id,text\na,b,c\n",
        "in.csv, row 2: the number of fields is 3; the header has 2",
    );
}

#[test]
fn unclosed_quote_names_the_line_it_is_in() {
    refused(
        InputFormat::Csv,
        b"text\nok\n\"open\nmore\nmore\n",
        "in.csv, row 3: a quote is opened in this row and never closed",
    );
}

#[test]
fn blank_line_is_a_text_or_refused() {
    assert_eq!(texts(InputFormat::Csv, b"text\none\n\ntwo\n\n"), ["one", "", "two", ""]);
    assert_eq!(texts(InputFormat::Csv, b"id,text\na,one\n\n"), ["one"]);
    refused(
        InputFormat::Csv,
        b"id,text\n\na,one\n",
        "in.csv, row 2: the row is blank; only the last one may be",
    );
}

#[test]
fn tsv_has_no_quotes() {
    let bytes = b"score\ttext\n5.0\t\"She said, no\n4.0\t5\" of snow\n";
    assert_eq!(texts(InputFormat::Tsv, bytes), ["\"She said, no", "5\" of snow"]);
    refused(InputFormat::Tsv, b"a\ttext\n1\n", "in.tsv, row 2: the number of fields is 1; the header has 2");
}

#[test]
fn other_separators_are_read_on_request() {
    use crate::text::{Quotes, Separator};
    for (separator, mark) in [(Separator::SEMICOLON, ";"), (Separator::BAR, "|"), (Separator::TAB, "\t")] {
        let bytes = "id;text\n1;\"a;b\"\n2;\"say \"\"hi\"\"\"\n".replace(';', mark);
        let records =
            read(InputFormat::Csv, bytes.as_bytes(), &options().separator(separator)).expect("rows");
        let texts: Vec<&str> = records.iter().map(|record| record.text.as_str()).collect();
        assert_eq!(texts, [&format!("a{mark}b"), "say \"hi\""]);
    }
    let bytes = b"id\ttext\n1\t\"a\tb\nc\"\n2\t\"say \"\"hi\"\"\"\n";
    let records = read(InputFormat::Tsv, bytes, &options().quotes(Quotes::Always)).expect("rows");
    assert_eq!((records[0].text.as_str(), records[1].text.as_str()), ("a\tb\nc", "say \"hi\""));
    let records = read(InputFormat::Csv, b"text\n\"a\"\n", &options().quotes(Quotes::Never)).expect("rows");
    assert_eq!(records[0].text, "\"a\"");
    let error = failure(InputFormat::Csv, b"id;text\n1;a\n");
    assert!(error.hint().is_some_and(|hint| hint.to_string() == "read it with `separator` ';'"));
}

#[test]
fn a_first_line_that_states_the_separator_is_followed() {
    for start in ["sep=;\n", "\u{feff}sep=;\r\n", "\"sep=;\"\n"] {
        let records = read(InputFormat::Csv, format!("{start}id;text\n1;a\n").as_bytes(), &options());
        let records = records.expect("rows");
        assert_eq!((records[0].text.as_str(), records[0].row), ("a", 3));
    }
    assert_eq!(texts(InputFormat::Csv, b"sep=,\ntext\na\n"), ["a"]);
}

#[test]
fn marks_before_the_header_are_not_part_of_a_name() {
    for start in ["\u{feff}", "\u{feff}\u{feff}", "\u{feff}\u{feff}\u{feff}"] {
        for header in ["id,text\n", "\"id\",text\n", "\"\u{feff}id\",text\n"] {
            assert_eq!(ids(InputFormat::Csv, format!("{start}{header}x,a\n").as_bytes()), [string("x")]);
        }
    }
}

#[test]
fn a_line_break_in_quotes_of_a_tsv_has_a_remedy() {
    let error = failure(InputFormat::Tsv, b"id\ttext\n1\t\"a\nb\"\n");
    assert_eq!(error.to_string(), "in.tsv, row 3: the number of fields is 1; the header has 2");
    let error = failure(InputFormat::Tsv, b"text\tid\n\"a\nb\"\t1\n");
    assert!(error.hint().is_some_and(|hint| hint.to_string().contains("`quotes` always")), "{error}");
}
