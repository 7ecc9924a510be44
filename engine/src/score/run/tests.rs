use std::fs;
use std::num::NonZero;

use nearsay_metrics::lexical::{MetricSpec, text_metric};

use super::*;
use crate::ErrorKind;
use crate::score::systems::{Measurement, ScoreMetric, System};
use crate::score::{PairSource, PairSurvey, SurveyOptions, TextSource};
use crate::session::{Control, Workers};

fn texts(name: &str, texts: &[&str]) -> TextSource {
    TextSource::of_texts(name, texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

fn source() -> PairSource {
    let system = |name: &str, outputs: &[&str]| System::new(name, texts(&format!("{name}.txt"), outputs));
    PairSource::of_systems(
        vec![system("a", &["a cat sat", "the dog", ""]), system("b", &["a cat", "the dog ran", "x\ny"])],
        vec![texts("one.txt", &["a cat sat", "the dog ran", "x y"]), texts("two.txt", &["cats", "", "z"])],
    )
}

const SPECS: [&str; 3] = ["bleu", "chrf(nw=2)", "rougeL"];

fn survey(source: &PairSource) -> PairSurvey {
    source.survey(SurveyOptions { ids: true, texts: true, recurring: false }).unwrap()
}

fn write(target: &Path, source: &PairSource, replace: bool) -> crate::Result<()> {
    let survey = survey(source);
    let metric = |spec: &&str| {
        let metric = text_metric(&spec.parse::<MetricSpec>().unwrap()).unwrap();
        ScoreMetric::text(metric)
    };
    let metrics: Vec<ScoreMetric> = SPECS.iter().map(metric).collect();
    let measured = Measurement {
        metrics: &metrics,
        workers: &Workers::new(NonZero::new(2)),
        control: &Control::default(),
        progress: &|_, _| (),
        known: Vec::new(),
    }
    .run(source, &survey)?;
    RunWriter::create(target, replace)?.write(&RunContents {
        source,
        survey: &survey,
        measured: &measured,
        specs: &SPECS.map(str::to_owned),
        command: &["score".to_owned()],
        pairing: &Pairing { by: "rows".to_owned(), ..Pairing::default() },
        warnings: &[],
        texts: true,
        earlier: None,
    })
}

#[test]
fn a_run_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("run");
    write(&target, &source(), false).unwrap();
    let run = Run::open(&target).unwrap();
    assert_eq!((run.rows(), run.systems().len(), run.metrics().len()), (3, 2, 3));
    assert!(run.problems().unwrap().is_empty());
    let measured = run.measured().unwrap();
    let survey = survey(&source());
    let texts = run.texts(false).unwrap().unwrap();
    let rows = |source: &PairSource| source.rows().unwrap().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(rows(&texts), rows(&source()));
    for (recorded, metric) in run.metrics().iter().zip(&measured.metrics) {
        assert_eq!(metric.metric.signature(measured.references).to_string(), recorded.signature);
        assert!(metric.samples.iter().all(|sample| sample.len() as u64 == survey.rows));
    }
    let names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["run"]);
}

#[test]
fn the_same_inputs_make_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let targets = ["one", "two/"].map(|name| folder.path().join(name));
    targets.iter().for_each(|target| write(target, &source(), false).unwrap());
    for name in ["run.json", "segments.parquet", "statistics.parquet", "texts.parquet"] {
        let [one, two] = [&targets[0], &targets[1]].map(|target| fs::read(target.join(name)).unwrap());
        assert_eq!(one, two, "{name}");
    }
}

#[test]
fn every_flipped_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("run");
    write(&target, &source(), false).unwrap();
    for name in ["run.json", "segments.parquet", "statistics.parquet", "texts.parquet"] {
        let path = target.join(name);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            let found = Run::open(&target).and_then(|run| run.problems());
            assert!(!matches!(found.as_deref(), Ok([])), "byte {at} of {name}");
        }
        fs::write(&path, &good).unwrap();
    }
    assert!(Run::open(&target).unwrap().problems().unwrap().is_empty());
}

#[test]
fn a_run_is_replaced_only_if_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("run");
    write(&target, &source(), false).unwrap();
    let error = write(&target, &source(), false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CannotCreate);
    assert!(error.hint().is_some(), "{error}");
    write(&target, &source().with_systems(&[1]), true).unwrap();
    assert_eq!(Run::open(&target).unwrap().systems().len(), 1);
    // Something else is never replaced.
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a"), "").unwrap();
    assert_eq!(write(&other, &source(), true).unwrap_err().kind(), ErrorKind::CannotCreate);
    assert_eq!(write(&other.join("a"), &source(), true).unwrap_err().kind(), ErrorKind::CannotCreate);
}

#[test]
fn a_folder_that_is_not_a_run_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("run.json"), "{\"a\": 1}").unwrap();
    assert_eq!(write(&project, &source(), true).unwrap_err().kind(), ErrorKind::CannotCreate);
    // Nor is a run with something else in it.
    let target = folder.path().join("run");
    write(&target, &source(), false).unwrap();
    fs::write(target.join("notes.txt"), "mine").unwrap();
    let error = write(&target, &source(), true).unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
    assert_eq!(fs::read_to_string(target.join("notes.txt")).unwrap(), "mine");
    // A damaged one is.
    fs::remove_file(target.join("notes.txt")).unwrap();
    let text = fs::read_to_string(target.join("run.json")).unwrap();
    fs::write(target.join("run.json"), &text[..100]).unwrap();
    write(&target, &source(), true).unwrap();
    assert!(Run::open(&target).is_ok());
}

#[test]
fn links_are_not_followed_to_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("run.json"), "mine").unwrap();
    std::os::unix::fs::symlink(&victim, folder.path().join(".run.unfinished")).unwrap();
    let error = write(&folder.path().join("run"), &source(), false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CannotCreate);
    assert_eq!(fs::read_to_string(victim.join("run.json")).unwrap(), "mine");
    // A link to a run leads to it.
    let target = folder.path().join("real");
    write(&target, &source(), false).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    write(&link, &source().with_systems(&[0]), true).unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(Run::open(&target).unwrap().systems().len(), 1);
}

#[test]
fn a_description_that_no_run_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("run");
    write(&target, &source(), false).unwrap();
    let path = target.join("run.json");
    let good = fs::read_to_string(&path).unwrap();
    for (old, new) in
        [("\"name\": \"b\"", "\"name\": \"a\""), ("\"rows\": 3", "\"rows\": 18446744073709551615")]
    {
        let start = good.rfind("  \"sha256\"").unwrap();
        let edited = good[..start].replacen(old, new, 1);
        assert_ne!(edited, good[..start], "{old}");
        let digest = crate::vectors::write::hexadecimal(&<sha2::Sha256 as sha2::Digest>::digest(&edited));
        fs::write(&path, format!("{edited}  \"sha256\": \"{digest}\"\n}}\n")).unwrap();
        assert_eq!(Run::open(&target).unwrap_err().kind(), ErrorKind::BadData, "{old}");
    }
}

#[test]
fn a_newer_run_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("run");
    write(&target, &source(), false).unwrap();
    let path = target.join("run.json");
    let newer =
        fs::read_to_string(&path).unwrap().replacen("\"format_version\": 1", "\"format_version\": 2", 1);
    fs::write(&path, &newer).unwrap();
    for error in [Run::open(&target).unwrap_err(), write(&target, &source(), true).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Model, "{error}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
}

#[test]
fn remains_of_a_killed_run_are_replaced_and_are_not_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("run");
    let remains = folder.path().join(".run.unfinished");
    fs::create_dir(&remains).unwrap();
    for name in ["segments.parquet", ".nearsay-lock", "run.json"] {
        fs::write(remains.join(name), "half").unwrap();
    }
    assert!(!is_run(&target));
    write(&target, &source(), false).unwrap();
    assert!(Run::open(&target).unwrap().problems().unwrap().is_empty());
    assert!(!remains.exists() && !target.join(".nearsay-lock").exists());
    // A run that is replaced is whole until then.
    fs::create_dir(&remains).unwrap();
    fs::write(remains.join("run.json"), "half").unwrap();
    assert!(Run::open(&target).unwrap().problems().unwrap().is_empty());
}

#[test]
fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("run");
    let first = RunWriter::create(&target, false).unwrap();
    let error = RunWriter::create(&target, false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert!(error.to_string().contains("run is in use"), "{error}");
    drop(first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
