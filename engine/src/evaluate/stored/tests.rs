//! Runs from stored vectors against runs from the texts.

use std::fmt::Write as _;
use std::path::Path;

use super::super::retrieve::{RetrievalOptions, Retriever};
use super::super::{Corpus as TextCorpus, RetrievalScores};
use super::*;
use crate::job::CorpusOptions;
use crate::search::Metric;
use crate::text::TextOptions;
use crate::{EmbedOptions, Session};

const MODEL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/sentence-transformers/dense-prompts");
const WORDS: [&str; 6] = ["river", "mill", "garden", "night", "water", "old"];

/// Writes a corpus with many equal texts, queries and judgements; ids are in no order.
fn write(folder: &Path, documents: usize) {
    let word = |number: usize| WORDS[number % WORDS.len()];
    let (mut corpus, mut queries, mut qrels) = (String::new(), String::new(), String::new());
    for number in 0..documents {
        let id = number * 7919 % documents;
        // Fewer texts than the depth: the last rank is in the middle of equal ones.
        let text = format!("the {} and the {}", word(number % 11), word(number / 11 % 5));
        writeln!(corpus, "{{\"_id\":\"d{id}\",\"id\":\"d{id}\",\"text\":\"{text}\"}}").unwrap();
    }
    for number in 0..6 {
        writeln!(queries, "{{\"_id\":\"q{number}\",\"text\":\"{} at night\"}}", word(number)).unwrap();
        for place in 0..20 {
            writeln!(qrels, "q{number}\td{}\t{}", (number * 131 + place * 17) % documents, place % 3)
                .unwrap();
        }
    }
    writeln!(qrels, "q1\tgone\t1").unwrap();
    for (name, text) in [("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels.tsv", qrels)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

fn files(folder: &Path) -> (Judgements, Queries) {
    let mut judgements = Judgements::read(&folder.join("qrels.tsv")).unwrap();
    let queries = Queries::read(&folder.join("queries.jsonl"), &mut judgements).unwrap();
    (judgements, queries)
}

/// A file of vectors of the corpus.
fn embed(folder: &Path, session: &Session) -> std::path::PathBuf {
    let vectors = folder.join("corpus.parquet");
    let options = EmbedOptions::default().normalize(true);
    let embedder = session.embedder(&options).unwrap();
    let reading = CorpusOptions::default().reading(TextOptions::default().keep(["text"]));
    embedder.embed_files([&folder.join("corpus.jsonl")], &vectors, &reading).unwrap();
    vectors
}

#[test]
fn stored_vectors_have_the_run_of_their_texts_whatever_the_ties_at_the_last_rank() {
    for documents in [40, 3000] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), documents);
        let (judgements, queries) = files(folder.path());
        let session = Session::open(MODEL).unwrap();
        let corpus = TextCorpus::read(&folder.path().join("corpus.jsonl")).unwrap();
        let retriever = Retriever::new(&session, &RetrievalOptions::default()).unwrap();
        let expected = retriever.retrieve(&queries, corpus, |_| ()).unwrap();

        let vectors = embed(folder.path(), &session);
        for metric in [Metric::Cosine, Metric::Dot, Metric::Euclidean] {
            let corpus = Corpus::open(&vectors, metric).unwrap();
            let model = QueryModel::open(&corpus, &session, None, None).unwrap();
            let stored = StoredRetriever::new(&corpus, &model);
            let found = stored.retrieve(&queries).unwrap();
            assert_eq!(found.documents, documents as u64);
            assert_eq!(stored.relevant_outside(&judgements).unwrap(), 1);
            for query in &queries.ids {
                let ids = |run: &Run| run.ranking(query).map(|(id, _)| id.to_owned()).collect::<Vec<_>>();
                assert_eq!(ids(&found.run).len(), documents.min(DEPTH));
                if metric != Metric::Euclidean {
                    assert!(found.run.ranking(query).eq(expected.run.ranking(query)), "{documents} {metric}");
                }
            }
            let scores =
                [&found.run, &expected.run].map(|run| RetrievalScores::new(&judgements, run).means());
            if metric != Metric::Euclidean {
                assert_eq!(scores[0], scores[1]);
            }
        }
    }
}

#[test]
fn distances_are_ranked_by_the_smallest() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 40);
    let (_, queries) = files(folder.path());
    let session = Session::open(MODEL).unwrap();
    let vectors = embed(folder.path(), &session);
    let corpus = Corpus::open(&vectors, Metric::Euclidean).unwrap();
    let model = QueryModel::open(&corpus, &session, None, None).unwrap();
    let run = StoredRetriever::new(&corpus, &model).retrieve(&queries).unwrap().run;
    let scores: Vec<f64> = run.ranking(&queries.ids[0]).map(|(_, score)| score).collect();
    assert!(scores.is_sorted_by(|left, right| left >= right) && scores.iter().all(|score| *score <= 0.0));
}

#[test]
fn ids_that_are_written_alike_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 40);
    let (_, queries) = files(folder.path());
    let lines = "{\"id\":3,\"text\":\"the river\"}\n{\"id\":\"3\",\"text\":\"the mill\"}\n";
    std::fs::write(folder.path().join("corpus.jsonl"), lines).unwrap();
    let session = Session::open(MODEL).unwrap();
    let corpus = Corpus::open(&embed(folder.path(), &session), Metric::Cosine).unwrap();
    let model = QueryModel::open(&corpus, &session, None, None).unwrap();
    let error = StoredRetriever::new(&corpus, &model).retrieve(&queries).unwrap_err();
    assert!(
        error.to_string().ends_with("two of its texts have the id \"3\" as judgements write it"),
        "{error}"
    );
}
