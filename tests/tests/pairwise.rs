//! Every candidate against every reference: the bits of single pairs, in bounded memory; and the candidate with the
//! highest expected score.

use std::io::Write;
use std::path::Path;

use nearsay::score::bertscore::{PairGrid, PairwiseBounds, PairwiseNotices, Scores};
use nearsay::score::mbr::{Mbr, MbrChoice, Utility};
use nearsay::text::Input;
use nearsay::{
    Cancel, Control, DeviceChoice, ErrorKind, ScoreOptions, Scorer, Session, SessionOptions, Workers,
};
use nearsay_tests::{fixture, json};

const HIDDEN: [&str; 3] = ["bert", "t5", "modernbert"];

fn scorer(folder: &Path, batch_tokens: usize, threads: usize) -> Scorer {
    let options =
        SessionOptions::default().device(DeviceChoice::Cpu).batch_tokens(batch_tokens).threads(threads);
    let session = Session::with(folder.to_str().unwrap(), &options).unwrap();
    let layer = session.recipe().num_layers();
    session.scorer(&ScoreOptions::default().layer(layer)).unwrap()
}

/// Candidates and references; texts occur on both sides, twice, and without a word.
fn texts() -> [Vec<String>; 2] {
    let pairs: Vec<(String, String)> = serde_json::from_value(json("bertscore/pairs.json")).unwrap();
    let (mut candidates, mut references): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
    candidates.truncate(19);
    references.truncate(21);
    candidates.extend([references[3].clone(), candidates[0].clone(), String::new()]);
    references.extend([candidates[5].clone(), references[1].clone(), String::new()]);
    [candidates, references]
}

/// Every pair alone, row by row.
fn alone(scorer: &Scorer, candidates: &[String], references: &[String]) -> Vec<[u32; 3]> {
    let pairs = candidates
        .iter()
        .flat_map(|candidate| references.iter().map(move |reference| (candidate, reference)));
    pairs.map(|pair| bits(&scorer.score(&[pair]).unwrap()[0])).collect()
}

fn bits(scores: &Scores) -> [u32; 3] {
    [scores.precision, scores.recall, scores.f1].map(f32::to_bits)
}

/// All pairs of some grids, and what was noticed.
fn together(
    scorer: &Scorer,
    grids: &[PairGrid<'_>],
    bounds: PairwiseBounds,
) -> (Vec<Vec<[u32; 3]>>, PairwiseNotices) {
    let mut matrices = vec![Vec::new(); grids.len()];
    let notices = scorer.score_grids(
        grids,
        bounds,
        |_| (),
        |band| {
            assert_eq!(matrices[band.grid].len(), band.first * band.references, "bands come in order");
            assert_eq!(band.references, grids[band.grid].references.len());
            matrices[band.grid].extend(band.rows().flatten().map(bits));
            Ok(())
        },
    );
    (matrices, notices.unwrap())
}

#[test]
fn pairs_have_the_bits_of_single_pairs_whatever_the_bounds_and_threads() {
    let [candidates, references] = texts();
    let grids = [
        PairGrid { candidates: &candidates, references: &references },
        PairGrid { candidates: &references[..5], references: &candidates[..1] },
        PairGrid { candidates: &candidates, references: &candidates },
    ];
    for family in HIDDEN {
        let folder = fixture(&format!("families/{family}"));
        let single = scorer(&folder, 512, 1);
        let expected: Vec<_> =
            grids.iter().map(|grid| alone(&single, grid.candidates, grid.references)).collect();
        for (batch_tokens, threads) in [(1, 1), (64, 3), (4096, 2)] {
            let scorer = scorer(&folder, batch_tokens, threads);
            for bounds in [
                PairwiseBounds::default(),
                PairwiseBounds::default().score_bytes(1),
                PairwiseBounds::default().vector_bytes(40_000).score_bytes(2_000),
                PairwiseBounds::default().vector_bytes(1),
            ] {
                let (matrices, notices) = together(&scorer, &grids, bounds);
                assert!(matrices == expected, "{family}, {batch_tokens}, {threads}, {bounds:?}");
                assert_eq!(notices.pairs as usize, expected.iter().map(Vec::len).sum::<usize>());
            }
        }
    }
}

#[test]
fn each_text_is_encoded_once_or_memory_is_bounded() {
    let [candidates, references] = texts();
    let grid = [PairGrid { candidates: &candidates, references: &references }];
    let mut distinct: Vec<&String> = candidates.iter().chain(&references).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let scorer = scorer(&fixture("families/bert"), 512, 2);
    let (_, whole) = together(&scorer, &grid, PairwiseBounds::default());
    assert_eq!((whole.encoded, whole.distinct), (distinct.len() as u64, distinct.len() as u64));
    let cut = |text: &&&String| scorer.score(&[(text, text)]).unwrap().notices.truncated > 0;
    assert_eq!((whole.empty, whole.truncated), (1, distinct.iter().filter(cut).count() as u64));
    let size = |text: &&String| {
        let one = std::slice::from_ref(*text);
        together(&scorer, &[PairGrid { candidates: one, references: one }], PairwiseBounds::default())
            .1
            .vector_bytes
    };
    let largest = distinct.iter().map(size).max().unwrap();
    assert_eq!(distinct.iter().map(size).sum::<u64>(), whole.vector_bytes);
    for share in [1, 2, 3, 4, 8] {
        let bound = whole.vector_bytes / share;
        let bounds = PairwiseBounds::default().vector_bytes(bound as usize);
        let (_, notices) = together(&scorer, &grid, bounds);
        // A text of more than a quarter of the bound is let in all the same, as a candidate, a reference, or both.
        let most = bound.max(bound / 2 + largest).max(2 * largest);
        assert!(notices.vector_bytes <= most, "{share}: {notices:?}");
        assert_eq!(notices.encoded > whole.encoded, share > 1, "{share}: {notices:?}");
    }
}

#[test]
fn a_band_stays_within_the_bound_of_scores() {
    let [candidates, references] = texts();
    let grid = [PairGrid { candidates: &candidates, references: &references }];
    let bounds = PairwiseBounds::default().score_bytes(3 * references.len() * size_of::<Scores>());
    let mut rows = Vec::new();
    let scorer = scorer(&fixture("families/bert"), 512, 2);
    let each = |band: nearsay::score::bertscore::ScoreBand<'_>| {
        rows.push(band.rows().len());
        Ok(())
    };
    scorer.score_grids(&grid, bounds, |_| (), each).unwrap();
    assert_eq!(rows, [3, 3, 3, 3, 3, 3, 3, 1]);
}

#[test]
fn idf_and_rescaling_are_those_of_single_pairs() {
    let [candidates, references] = texts();
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("baseline.tsv");
    std::fs::write(&baseline, "LAYER,P,R,F\n0,0.1,0.1,0.1\n1,0.2,0.3,0.4\n2,0.3,0.4,0.25\n").unwrap();
    let session = scorer(&fixture("families/bert"), 512, 2).session().clone();
    let scorer = session.scorer(&ScoreOptions::default().layer(2).rescaled_with(&baseline)).unwrap();
    let texts = |texts: &[String]| nearsay::score::TextSource::of_texts("memory", texts.to_vec());
    let source = nearsay::score::PairSource::new(texts(&candidates), vec![texts(&references)]);
    let scorer = scorer.weighted_by_idf(&source).unwrap();
    let grid = [PairGrid { candidates: &candidates, references: &references }];
    let expected = alone(&scorer, &candidates, &references);
    assert!(together(&scorer, &grid, PairwiseBounds::default()).0[0] == expected);
}

#[test]
fn a_call_is_stopped_and_an_empty_side_refused() {
    let [candidates, references] = texts();
    let scorer = scorer(&fixture("families/bert"), 512, 2);
    let cancel = Cancel::new();
    let stopped = scorer.with_cancel(&cancel);
    let grid = [PairGrid { candidates: &candidates, references: &references }];
    let bounds = PairwiseBounds::default().score_bytes(1);
    let mut bands = 0;
    let ended = stopped.score_grids(
        &grid,
        bounds,
        |_| (),
        |_| {
            bands += 1;
            cancel.cancel();
            Ok(())
        },
    );
    assert_eq!((ended.unwrap_err().kind(), bands), (ErrorKind::Cancelled, 1));
    let empty = [grid[0], PairGrid { candidates: &[], references: &references }];
    let error = scorer.score_grids(&empty, bounds, |_| (), |_| Ok(())).unwrap_err();
    assert!(error.to_string().ends_with(&format!("grid 1 has 0 and {}", references.len())), "{error}");
}

/// The choices for rows of candidates, with the weights in the field `w`.
fn choose(
    utility: &Utility,
    rows: &[serde_json::Value],
    weights: Option<&str>,
    threads: usize,
) -> Vec<MbrChoice> {
    let mut file = tempfile::NamedTempFile::with_suffix(".jsonl").unwrap();
    rows.iter().for_each(|row| writeln!(file, "{row}").unwrap());
    let workers = Workers::new(std::num::NonZero::new(threads));
    let control = Control::default();
    let mut choices = Vec::new();
    let mbr = Mbr { utility, weights, workers: &workers, control: &control };
    let summary = mbr.run(&Input::File(file.path().to_owned()), |some| {
        choices.extend_from_slice(some);
        Ok(())
    });
    assert_eq!(summary.unwrap().rows as usize, rows.len());
    choices
}

/// By the definition, from the scores of single pairs.
fn expected(score: impl Fn(&str, &str) -> f64, candidates: &[String], weights: &[f64]) -> (usize, f64) {
    let total: f64 = weights.iter().sum();
    let mean = |candidate: &String| {
        let weighted =
            candidates.iter().zip(weights).map(|(reference, weight)| weight * score(candidate, reference));
        weighted.fold(0.0, |sum, score| sum + score) / total
    };
    let means: Vec<f64> = candidates.iter().map(mean).collect();
    let best = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (means.iter().position(|mean| *mean == best).unwrap(), best)
}

#[test]
fn the_best_candidate_is_that_of_the_definition() {
    let [candidates, references] = texts();
    let all = [&candidates[..], &references[..]].concat();
    // Rows of 1 to 9 candidates; the last two are equal in each.
    let rows: Vec<Vec<String>> = (1..10)
        .map(|count| {
            (0..count).map(|at| all[(3 * count + at.min(count.max(2) - 2)) % all.len()].clone()).collect()
        })
        .collect();
    let weights: Vec<Vec<f64>> =
        rows.iter().map(|row| (0..row.len()).map(|at| ((7 * at + 3) % 5) as f64 / 4.0).collect()).collect();
    let lines: Vec<serde_json::Value> = rows
        .iter()
        .zip(&weights)
        .enumerate()
        .map(|(id, (row, weights))| serde_json::json!({"id": format!("{id}"), "candidates": row, "w": weights}))
        .collect();
    let bert = scorer(&fixture("families/bert"), 64, 2);
    let text = |spec: &str| {
        let metric = nearsay::metrics::lexical::text_metric(&spec.parse().unwrap()).unwrap();
        let alone = nearsay::metrics::lexical::text_metric(&spec.parse().unwrap()).unwrap();
        let score = move |candidate: &str, reference: &str| {
            let mut statistics = vec![0.0; alone.statistics().len()];
            let mut scorer = alone.row_scorer();
            scorer.prepare(&[reference]);
            scorer.statistics(candidate, &mut statistics);
            alone.segment_score(&statistics)
        };
        (Utility::of_texts(metric.into()).unwrap(), Box::new(score) as Box<dyn Fn(&str, &str) -> f64>)
    };
    let single = bert.clone();
    let by_bert = move |candidate: &str, reference: &str| {
        f64::from(single.score(&[(candidate, reference)]).unwrap()[0].f1)
    };
    let utilities = [
        (Utility::BertScore(Box::new(bert)), Box::new(by_bert) as Box<dyn Fn(&str, &str) -> f64>),
        text("chrf"),
        text("bleu"),
        text("chrf++"),
    ];
    for (utility, score) in &utilities {
        for threads in [1, 3] {
            for (field, weights) in [(None, None), (Some("w"), Some(&weights))] {
                let choices = choose(utility, &lines, field, threads);
                for (at, choice) in choices.iter().enumerate() {
                    let same = vec![1.0; rows[at].len()];
                    let weights = weights.map_or(&same, |weights| &weights[at]);
                    let (index, best) = expected(score, &rows[at], weights);
                    assert_eq!((choice.index, choice.score.to_bits()), (index, best.to_bits()), "{choice:?}");
                    assert_eq!((&choice.text, choice.id.text()), (&rows[at][index], at.to_string().into()));
                }
            }
        }
    }
}

#[test]
fn only_some_metrics_are_utilities() {
    let metric = |name: &str| nearsay::metrics::lexical::text_metric(&name.parse().unwrap()).unwrap();
    let error = Utility::of_texts(metric("ter").into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().ends_with("bertscore, chrf or bleu, and not by ter"), "{error}");
    let signature = Utility::of_texts(metric("chrf").into()).unwrap().signature();
    assert!(signature.starts_with("chrf|nrefs:1|case:mixed|"), "{signature}");
}

#[test]
fn references_that_stay_encoded_change_no_bit() {
    let [mut candidates, references] = texts();
    candidates.resize(references.len(), "a text of its own".to_owned());
    let pairs: Vec<(&String, &String)> = candidates.iter().zip(&references).collect();
    for family in HIDDEN {
        let fresh = || scorer(&fixture(&format!("families/{family}")), 64, 2);
        let expected = fresh().score(&pairs).unwrap();
        let kept = fresh().with_references(&references, usize::MAX).unwrap();
        let found = kept.score(&pairs).unwrap();
        let compared: Vec<_> = found.scores.iter().map(bits).collect();
        assert_eq!(compared, expected.scores.iter().map(bits).collect::<Vec<_>>(), "{family}");
        assert!(found.notices.encoded < expected.notices.encoded, "{family}");
        // Another layer has no use for them.
        let other = kept.at_layer(1).unwrap().score(&pairs).unwrap();
        assert_eq!(other.notices.encoded, expected.notices.encoded, "{family}");
    }
    let error = scorer(&fixture("families/bert"), 64, 1).with_references(&references, 1000).unwrap_err();
    assert!(error.to_string().contains("bytes, more than 1000"), "{error}");
    assert_eq!(error.kind(), ErrorKind::TryAgain);
}

#[test]
fn an_explanation_has_the_maxima_that_scores_are_means_of() {
    let scorer = scorer(&fixture("families/bert"), 64, 1);
    let found = scorer.explain("the river of bread", "a judge of the night").unwrap();
    let columns = found.reference.len();
    assert_eq!(found.similarities.len(), found.candidate.len() * columns);
    let rows = found.similarities.chunks_exact(columns).zip(&found.candidate);
    let (mut sum, mut weights) = (0.0, 0.0);
    for (row, token) in rows {
        let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        sum += f64::from(best) * token.weight;
        weights += token.weight;
    }
    assert!((sum / weights - f64::from(found.scores.precision)).abs() < 1e-6);
    assert_eq!((found.candidate[0].token.as_str(), found.candidate[0].weight), ("[CLS]", 0.0));
}
