//! The program of the README.
#![allow(clippy::print_stdout)]

use nearsay::{Embedder, Scorer};

fn main() -> nearsay::Result<()> {
    let embedder = Embedder::open("sentence-transformers/all-MiniLM-L6-v2")?;
    let corpus = embedder.embed(&["A river ran over its banks.", "The flood came at night."])?;
    let query = embedder.prompt("query")?.embed(&["flooding"])?;
    for hit in &corpus.search(&query, 1)?[0] {
        println!("{:.3}  row {}", hit.score, hit.row);
    }
    let scorer = Scorer::for_language("en")?;
    let scores = scorer.score(&[("The cat sat.", "A cat was sitting.")])?;
    println!("F1 {:.4}  {}", scores[0].f1, scorer.signature());
    Ok(())
}
