//! `models pull`, `models inspect`, and what is shown of a download.

use std::process::Stdio;
use std::time::Duration;

use nearsay_tests::fixture;
use nearsay_tests::hub::{Behaviour, COMMIT, Hub, files};
use nearsay_tests::run::finish;
use nearsay_tests::signals::{send, wait_until};
use serde_json::{Value, json};

use super::{command, desk, run};

const STS: &str = "sentence-transformers/dense-prompts";
const WEIGHTS: &str = "model.safetensors";

fn is_weights(name: &str) -> bool {
    name.ends_with(".safetensors")
}

#[test]
fn pull_prints_the_folder_and_the_model_works_offline_then() {
    let (desk, hub) = (desk(), Hub::of_folder(&fixture(STS)));
    let pulled = run(&desk, &hub, "models pull org/name").ends(0, &["downloading org/name@main to "]);
    let folder = desk.path("cache").join(format!("models--org--name/snapshots/{COMMIT}"));
    assert_eq!(pulled.text(), format!("{}\n", folder.display()));
    let json = run(&desk, &hub, "models pull org/name --json -q").ok();
    assert!(json.stderr.is_empty(), "{}", json.stderr);
    let facts = json.json();
    assert_eq!((&facts["name"], &facts["commit"]), (&json!("org/name"), &json!(COMMIT)));
    assert_eq!((&facts["revision"], &facts["family"]), (&json!("main"), &json!("bert")));
    assert_eq!(facts["folder"], folder.to_str().unwrap());
    hub.requests();
    let mut offline = command(&desk, &hub, "embed in.txt -m org/name");
    offline.env("HF_HUB_OFFLINE", "1");
    let expected = desk.run("embed in.txt -m STS").ok().stdout;
    assert_eq!(finish("embed", offline, None).ok().stdout, expected);
    assert!(hub.requests().is_empty());
    run(&desk, &hub, &format!("models pull org/name@{COMMIT}")).ok();
    assert!(hub.requests().is_empty(), "a commit never changes");
    let own = format!("models pull {}", folder.display());
    assert_eq!(run(&desk, &hub, &own).ok().text(), pulled.text());
    run(&desk, &hub, "models pull BERT").ends(2, &["is a folder", "by its name"]);
}

#[test]
fn pull_refuses_before_weights_and_fails_by_name() {
    let mut unsupported = files(&fixture(STS), "");
    unsupported.iter_mut().find(|(name, _)| name == "config.json").unwrap().1 =
        b"{\"model_type\": \"gpt2\"}".to_vec();
    let (desk, hub) = (desk(), Hub::with(unsupported));
    for line in
        ["models pull org/name", "embed in.txt -m org/name", "score -c in.txt -r ref.txt -m org/name -l 1"]
    {
        let refused = run(&desk, &hub, line).ends(78, &["model_type", "`gpt2`"]);
        assert!(refused.stdout.is_empty());
        assert!(hub.asked().iter().all(|name| !is_weights(name)), "{line}");
    }
    run(&desk, &hub, "models pull org/other")
        .ends(78, &["org/other was not found", "401", "hint:", "spelling"]);
    run(&desk, &hub, "models pull all-minilm-l6-v2")
        .ends(78, &["hint: did you mean sentence-transformers/all-MiniLM-L6-v2, on the hub?"]);
    hub.behave(Behaviour { errors: vec![("main".to_owned(), 429, String::new())], ..Behaviour::default() });
    run(&desk, &hub, "models pull org/name").ends(78, &["429", "hint: the hub limits how often"]);
    run(&desk, &hub, "models pull").ends(2, &["NAME[@REV]"]);
}

#[test]
fn pull_reports_unknown_fields_and_strictly_before_weights() {
    let mut unknown = files(&fixture(STS), "");
    let config = &mut unknown.iter_mut().find(|(name, _)| name == "config.json").unwrap().1;
    let mut fields: Value = serde_json::from_slice(config).unwrap();
    fields["wavelength"] = json!(5);
    *config = fields.to_string().into_bytes();
    let (desk, hub) = (desk(), Hub::with(unknown));
    let parts = ["config.json", "wavelength"];
    run(&desk, &hub, "models pull org/name --strict").ends(78, &parts);
    assert!(hub.asked().iter().all(|name| !is_weights(name)));
    let pulled = run(&desk, &hub, "models pull org/name").ends(0, &parts);
    assert_eq!(pulled.stderr.matches("warning: ").count(), 1, "{}", pulled.stderr);
    run(&desk, &hub, "models pull org/name --strict").ends(78, &parts);
}

#[test]
fn inspect_downloads_no_weights_unless_they_are_verified() {
    let (desk, hub) = (desk(), Hub::of_folder(&fixture(STS)));
    let described = run(&desk, &hub, "models inspect org/name --json").ok().json();
    assert!(hub.asked().iter().all(|name| !is_weights(name)));
    assert_eq!((&described["weights"], &described["tensors"]), (&Value::Null, &Value::Null));
    assert!(run(&desk, &hub, "models inspect org/name").ok().text().contains("not downloaded"));
    let verified = run(&desk, &hub, "models inspect org/name --json --verify").ok().json();
    assert!(hub.asked().iter().all(|name| is_weights(name)));
    let whole = run(&desk, &hub, "models inspect org/name --json").ok().json();
    assert_eq!(whole["weights"], WEIGHTS);
    for (name, value) in whole.as_object().unwrap() {
        assert_eq!(&verified[name], value, "{name}");
        let same = if matches!(name.as_str(), "weights" | "tensors") { &Value::Null } else { value };
        assert_eq!(&described[name], same, "{name}");
    }
}

/// A model whose weights are so large that their download can be watched.
fn slow_hub() -> Hub {
    let mut slow = files(&fixture(STS), "");
    let weights = &mut slow.iter_mut().find(|(name, _)| name == WEIGHTS).unwrap().1;
    let (length, rest) = weights.split_first_chunk::<8>().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    let (start, added) = (data.len(), 400_000);
    header["padding"] = json!({"dtype": "U8", "shape": [added], "data_offsets": [start, start + added]});
    let (header, data) = (header.to_string(), [data, &vec![7; added]].concat());
    *weights = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
    let hub = Hub::with(slow);
    hub.behave(Behaviour { pause: Duration::from_millis(20), ..Behaviour::default() });
    hub
}

#[test]
fn a_terminal_gets_a_bar_with_file_bytes_and_time_left() {
    let (desk, hub) = (desk(), slow_hub());
    let mut on_terminal = command(&desk, &hub, "models pull org/name");
    let program = desk.program().to_owned();
    let arguments: Vec<_> = on_terminal.get_args().map(ToOwned::to_owned).collect();
    let spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut python = std::process::Command::new("python3");
    python.args(["-c", spawn]).arg(program).args(arguments).current_dir(desk.path("")).env("TERM", "xterm");
    for (name, value) in on_terminal.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    python.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    on_terminal.stdin(Stdio::null());
    let shown = finish("models pull on a terminal", python, None).ok();
    let text = shown.text();
    for part in ["downloading org/name@main", WEIGHTS, "KiB/", "left"] {
        assert!(text.contains(part), "{part}: {text:?}");
    }
    assert!(text.trim_end().ends_with(COMMIT), "the folder comes last, and the bar is gone: {text:?}");
}

#[test]
fn a_signal_stops_a_download_and_the_next_one_continues_it() {
    let (desk, hub) = (desk(), slow_hub());
    let mut child = command(&desk, &hub, "embed in.txt -m org/name").spawn().unwrap();
    let blobs = desk.path("cache/models--org--name/blobs");
    let part = || {
        let entries = std::fs::read_dir(&blobs).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "part")).find_map(|entry| {
            entry.metadata().ok().map(|metadata| metadata.len()).filter(|&length| length > 20_000)
        })
    };
    wait_until("a part of the weights", || part().is_some());
    send("-INT", &child);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(part().is_some());
    hub.requests();
    hub.behave(Behaviour::default());
    let expected = desk.run("embed in.txt -m STS").ok().stdout;
    assert_eq!(run(&desk, &hub, "embed in.txt -m org/name").ok().stdout, expected);
    let ranges: Vec<String> = hub.requests().into_iter().filter_map(|request| request.range).collect();
    assert!(!ranges.contains(&"bytes=0-".to_owned()), "{ranges:?}");
}

#[test]
fn a_log_gets_a_line_every_ten_seconds_and_quiet_none() {
    let (desk, hub) = (desk(), slow_hub());
    hub.behave(Behaviour { pause: Duration::from_millis(115), ..Behaviour::default() });
    let logged = run(&desk, &hub, "models pull org/name").ok();
    let lines: Vec<&str> = logged.stderr.lines().collect();
    assert!(lines[0].starts_with("downloading org/name@main to "), "{lines:?}");
    let progress: Vec<&&str> = lines.iter().filter(|line| line.contains("KiB of")).collect();
    assert!((1..=3).contains(&progress.len()), "{lines:?}");
    assert!(progress[0].starts_with(WEIGHTS) && progress[0].ends_with(" left"), "{lines:?}");
    hub.behave(Behaviour::default());
    std::fs::remove_dir_all(desk.path("cache")).unwrap();
    let quiet = run(&desk, &hub, "models pull org/name -q").ok();
    assert!(quiet.stderr.is_empty(), "{}", quiet.stderr);
}
