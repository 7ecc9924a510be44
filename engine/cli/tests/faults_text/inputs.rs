//! Input as people have it: folders, documents, arrays, separators of spreadsheets, fields nobody asked for.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use nearsay_tests::desk;
use serde_json::json;

#[test]
fn a_link_to_a_folder_does_not_lead_around_in_circles() {
    let desk = desk!();
    std::fs::create_dir_all(desk.path("d/x")).expect("a folder");
    desk.write("d/x/1.txt", "a\n");
    for name in ["self", "me", "x/up"] {
        symlink(desk.path("d"), desk.path("d").join(name)).expect("a link");
    }
    for input in ["d/**/*.txt", "d/**/**/*.txt", "d/**", "d", "d/"] {
        let run = desk.run(&format!("embed {input} -m BERT")).ok();
        assert_eq!(run.rows().len(), 1, "{input}");
    }
}

#[test]
fn a_folder_is_embedded_in_the_order_of_its_names() {
    let desk = desk!();
    std::fs::create_dir_all(desk.path("d/b")).expect("a folder");
    desk.write("d/c.jsonl", "{\"text\":\"c\"}\n").write("d/a.txt", "a\n").write("d/b/x.md", "# b\n\nb\n");
    desk.write("d/paper.pdf", "%PDF-1.7\n");
    let run = desk.run("embed d -m BERT").ends(0, &["1 .pdf"]);
    assert_eq!(run.ids(), [json!(0), json!("d/b/x.md"), json!(2)]);
    let whole = desk.run("embed d -m BERT --whole-files").ok();
    assert_eq!(whole.ids(), [json!("d/a.txt"), json!("d/b/x.md")]);
    desk.run("embed d -m BERT -o d/out.parquet").ends(2, &["the input folder d holds the output"]);
    desk.run("embed d -m BERT -o d/b/job/").ends(2, &["the input folder d holds the output"]);
    let holds = ["the input folder d holds the output"];
    desk.run("embed d -m BERT --format txt -o d/out.npy").ends(2, &holds);
    desk.run("embed d -m BERT --whole-files -o d/out.jsonl").ok();
    std::fs::remove_file(desk.path("d/out.jsonl")).expect("removed");
    desk.run("embed d -m BERT -o d/out.npy").ends(0, &["warning: not read in the folder d: 1 .pdf\n"]);
    desk.run("embed d d -m BERT")
        .ends(65, &["\"d/b/x.md\" occurs twice", "hint: --no-id numbers the files\n"]);
    std::fs::create_dir(desk.path("pdfs")).expect("a folder");
    desk.write("pdfs/a.pdf", "%PDF-1.7\n");
    desk.run("embed pdfs -m BERT").ends(66, &["(1 .pdf)", "hint: ", "pdftotext"]);
    std::fs::create_dir(desk.path("empty")).expect("a folder");
    desk.run("embed empty -m BERT").ends(66, &["empty", "folder without a file"]);
}

#[test]
fn documents_are_numbered_on_request() {
    use std::os::unix::ffi::OsStrExt;
    let desk = desk!();
    desk.write("s.md", "a river\n").write("a.html", "<p>a river").write("a.txt", "a river\n");
    let name = std::ffi::OsStr::from_bytes(b"n\xff.md");
    std::fs::copy(desk.path("s.md"), desk.path("").join(name)).expect("copied");
    let odd = |rest: &str| {
        let mut command = desk.command(&format!("embed -m BERT {rest}"));
        command.arg(name);
        nearsay_tests::run::finish(rest, command, None)
    };
    odd("").ends(65, &["its path is not UTF-8", "hint: --no-id numbers the files"]);
    assert_eq!(odd("--no-id").ok().ids(), [json!(0)]);
    for (line, ids) in [
        ("a.html", &[json!(0)][..]),
        ("a.txt --whole-files", &[json!(0)]),
        ("s.md s.md", &[json!(0), json!(1)]),
    ] {
        assert_eq!(desk.run(&format!("embed {line} -m BERT --no-id")).ok().ids(), ids, "{line}");
    }
    desk.run("embed a.txt -m BERT --no-id").ends(2, &["--no-id has no effect"]);
}

#[test]
fn options_of_inputs_are_refused_on_texts_of_the_command_line() {
    let desk = desk!();
    for (option, flag) in
        [("--format jsonl", "--format"), ("--lossy", "--lossy"), ("--separator ;", "--separator")]
    {
        let refused = format!("{flag} has no effect");
        desk.run(&format!("embed --text hello -m BERT {option}")).ends(2, &[&refused]);
    }
    desk.write("in.csv", "id,text\n1,a\n");
    let run = desk.run("embed in.csv -m BERT --text-field=").ends(2, &["the name of a field is missing"]);
    assert!(!run.stderr.contains("--no-id"), "{}", run.stderr);
}

#[test]
fn files_of_other_programs_come_with_a_way_to_read_them() {
    let desk = desk!();
    for (name, bytes, hint) in [
        ("a.pdf", "%PDF-1.7\n", "pdftotext"),
        ("a.docx", "PK\u{3}\u{4}", "pandoc"),
        ("a.xlsx", "PK\u{3}\u{4}", "CSV"),
        ("a.zip", "PK\u{3}\u{4}", "unpack"),
        ("a.png", "x", "tesseract"),
        ("a.log", "x", "--format"),
    ] {
        desk.write(name, bytes).run(&format!("embed {name} -m BERT")).ends(2, &[name, "hint:", hint]);
    }
    for (name, bytes, hint) in [("b.txt", "%PDF-1.7\n", "pdftotext"), ("b.csv", "PK\u{3}\u{4}\u{14}", "CSV")]
    {
        desk.write(name, bytes).run(&format!("embed {name} -m BERT")).ends(65, &[name, "hint:", hint]);
    }
}

#[test]
fn every_way_to_write_the_same_rows_is_read() {
    let desk = desk!();
    let expected = desk.write("in.txt", "a river\nsay \"hi\"\n").run("embed in.txt -m BERT").ok().vectors();
    for (name, content, options) in [
        ("in.ndjson", "{\"text\":\"a river\"}\n{\"text\":\"say \\\"hi\\\"\"}\n", ""),
        ("in.json", "[{\"text\":\"a river\"},\n {\n \"text\" : \"say \\\"hi\\\"\" }\n]\n", ""),
        ("lines.json", "{\"text\":\"a river\"}\n{\"text\":\"say \\\"hi\\\"\"}\n", ""),
        ("in.csv", "text;n\na river;1\n\"say \"\"hi\"\"\";2\n", "--separator ;"),
        ("bar.csv", "text|n\na river|1\n\"say \"\"hi\"\"\"|2\n", "--separator |"),
        ("tab.csv", "text\tn\na river\t1\n\"say \"\"hi\"\"\"\t2\n", "--separator tab"),
        ("sep.csv", "sep=;\r\ntext;n\r\na river;1\r\n\"say \"\"hi\"\"\";2\r\n", ""),
        ("in.tsv", "text\tn\na river\t1\n\"say \"\"hi\"\"\"\t2\n", "--quotes always"),
    ] {
        let run = desk.write(name, content).run(&format!("embed {name} -m BERT {options}")).ok();
        assert_eq!(run.vectors(), expected, "{name}");
    }
    desk.run("embed tab.csv -m BERT").ends(65, &["separated by tabs", "hint:", "--separator tab"]);
    desk.run("embed in.tsv -m BERT").ends(0, &["in.tsv", "without quotes", "--quotes always"]);
    desk.run("embed in.txt -m BERT --separator ;").ends(2, &["--separator has no effect"]);
    desk.run("embed in.csv -m BERT --separator ab").ends(2, &["--separator"]);
}

#[test]
fn only_the_fields_that_were_asked_for_are_read() {
    let desk = desk!();
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for value in ["NaN", "Infinity", "1e400", "\"\\ud800\"", deep.as_str()] {
        let line = format!("{{\"more\":{value},\"text\":\"a\",\"year\":1}}\n");
        assert_eq!(
            desk.write("in.jsonl", line).run("embed in.jsonl -m BERT --keep year").ok().rows().len(),
            1
        );
    }
    desk.write("in.jsonl", "{\"text\":\"a\",\"year\":NaN}\n");
    desk.run("embed in.jsonl -m BERT --keep year").ends(65, &["row 1", "`year` is NaN", "NaN is not JSON"]);
}

#[test]
fn numbers_keep_every_digit_in_every_format() {
    let desk = desk!();
    let numbers = ["123456789012345678901234567890", "0.1000000000000000055511151231257827", "-1e400"];
    let lines: String = numbers.map(|number| format!("{{\"text\":\"a\",\"n\":{number}}}\n")).concat();
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    desk.write("in.jsonl", lines).write("in.json", array);
    for input in ["in.jsonl", "in.json"] {
        let run = desk.run(&format!("embed {input} -m BERT --keep n")).ok();
        for (line, number) in run.text().lines().zip(numbers) {
            assert!(line.contains(&format!("\"n\":{number},")), "{line:.80}");
        }
        for output in ["o.parquet", "o.arrow", "o.safetensors"] {
            desk.run(&format!("embed {input} -m BERT --keep n -o {output} --overwrite")).ok();
            let file = desk.read(output);
            let holds = |number: &str| file.windows(number.len()).any(|window| window == number.as_bytes());
            // Parquet compresses its columns.
            assert!(output == "o.parquet" || numbers.iter().all(|number| holds(number)), "{output}");
        }
    }
    // After a thousand floats the column is one of floats, and more digits are refused.
    let mut lines = "{\"text\":\"a\",\"n\":0.5}\n".repeat(1000);
    lines.push_str("{\"text\":\"a\",\"n\":0.12345678901234567890123}\n");
    desk.write("in.jsonl", lines);
    desk.run("embed in.jsonl -m BERT --keep n -o o.parquet --overwrite")
        .ends(65, &["row 1001", "more digits", "hint:", "--json-column"]);
    desk.run("embed in.jsonl -m BERT --keep n --json-column n -o o.parquet --overwrite").ok();
}

#[test]
fn a_column_called_id_can_be_left_alone() {
    let desk = desk!();
    desk.write("in.csv", "id,text\n1,a\n1,b\n").write("in.jsonl", "{\"id\":1.5,\"text\":\"a\"}\n");
    desk.run("embed in.csv -m BERT").ends(65, &["id \"1\" occurs twice", "hint:", "--no-id"]);
    desk.run("embed in.jsonl -m BERT").ends(65, &["`id` is 1.5", "hint:", "--no-id"]);
    assert_eq!(desk.run("embed in.csv -m BERT --no-id").ok().ids(), [json!(0), json!(1)]);
    assert_eq!(desk.run("embed in.jsonl -m BERT --no-id").ok().ids(), [json!(0)]);
    assert!(!desk.run("embed in.csv -m BERT --id-field id").ends(65, &["twice"]).stderr.contains("--no-id"));
    desk.run("embed in.csv -m BERT --id-field id --no-id").ends(2, &["--no-id"]);
    desk.run("embed in.csv -m BERT --id-field=").ends(2, &["id's field is missing", "--no-id"]);
    desk.write("bom.csv", "\u{feff}\u{feff}id,text\nx,a\n");
    assert_eq!(desk.run("embed bom.csv -m BERT").ok().ids(), [json!("x")]);
}

#[test]
fn rows_without_text_are_left_out_on_request() {
    let desk = desk!();
    desk.write(
        "in.jsonl",
        "{\"text\":\"a\"}\n{\"text\":null}\n{\"n\":1}\n{\"text\":\" \"}\n{\"text\":NaN}\n{\"text\":\"b\"}\n",
    );
    desk.run("embed in.jsonl -m BERT").ends(65, &["row 2", "`text` is null", "hint:", "--skip-empty"]);
    let run = desk.run("embed in.jsonl -m BERT --skip-empty").ends(0, &["4 rows without text were left out"]);
    assert_eq!(run.ids(), [json!(0), json!(5)]);
    let json = desk.run("embed in.jsonl -m BERT --skip-empty -o o.npy --json").ok().json();
    assert_eq!((&json["skipped"], &json["texts"]), (&json!(4), &json!(2)));
    desk.run("embed in.jsonl -m BERT --skip-empty -o job/ --rows-per-shard 1").ok();
    desk.run("verify job").ok();
    desk.run("embed in.jsonl -m BERT --skip-empty -o job/ --rows-per-shard 1 --resume").ok();
    desk.run("embed in.jsonl -m BERT --skip-empty --text-field body")
        .ends(65, &["none of the 6 rows", "`body`"]);
}

#[test]
fn texts_on_the_command_line_and_bare_standard_input_are_read() {
    let desk = desk!();
    let expected = desk.write("in.txt", "hello\n-a river\n").run("embed in.txt -m BERT").ok();
    let given = desk.run("embed -m BERT --text hello --text -a").ok();
    assert_eq!(given.ids(), [json!(0), json!(1)]);
    assert_eq!(given.vectors()[0], expected.vectors()[0]);
    assert_ne!(given.vectors()[1], expected.vectors()[1]);
    let piped = desk.run_with("embed -m BERT", "hello\n-a river\n").ok();
    assert_eq!(piped.stdout, expected.stdout);
    desk.run("embed in.txt -m BERT --text hello").ends(2, &["--text"]);
}

#[test]
fn a_stream_answers_each_row_before_the_next_one_comes() {
    let desk = desk!();
    for options in ["", "--format jsonl", "--on-long chunk"] {
        let mut command = desk.command(&format!("embed - --stream -m BERT {options}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("started");
        let mut input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        for row in 0..3 {
            let line = if options.contains("jsonl") { "{\"text\":\"a\"}\n" } else { "a\n" };
            input.write_all(line.as_bytes()).expect("written");
            input.flush().expect("written");
            let mut answer = String::new();
            output.read_line(&mut answer).expect("an answer");
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("a row");
            assert_eq!(answer["id"], row, "{options}");
        }
        drop(input);
        assert!(child.wait().expect("ended").success());
    }
    desk.run_with("embed - --stream -m BERT -o o.npy", "a\n").ends(2, &["--stream"]);
    desk.run_with("embed - --stream -m BERT --output-type i8", "a\n").ends(2, &["--stream", "--calibration"]);
}
