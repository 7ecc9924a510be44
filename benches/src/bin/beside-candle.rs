//! Encodes the same texts with nearsay and with candle-transformers' `BertModel`, alternating, and prints
//! tokens per second and the ratio as JSON.
//!
//! usage: `beside-candle MODEL TEXTS.jsonl [ROUNDS]`
//!
//! Both get the same token ids; times cover only the encoder and the pooling. Threads: RAYON_NUM_THREADS for
//! candle, the same number for nearsay.

use std::time::Instant;

use anyhow::Context;
use nearsay::text::{Input, RecordStream, TextOptions};
use nearsay::{DeviceChoice, EmbedOptions, Session, SessionOptions};
use nearsay_benches::stock::StockBert;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, path, rest @ ..] = arguments.as_slice() else {
        anyhow::bail!("usage: beside-candle MODEL TEXTS.jsonl [ROUNDS]");
    };
    let rounds: usize = rest.first().map_or(Ok(3), |rounds| rounds.parse()).context("ROUNDS")?;
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok());
    let options = SessionOptions::default().device(DeviceChoice::Cpu).threads(threads.unwrap_or(0));
    let session = Session::with(name, &options)?;
    let embedder = session.embedder(&EmbedOptions::default())?;
    let stock = StockBert::open(session.model().folder().root())?;
    let records = RecordStream::open(&[Input::File(path.into())], &TextOptions::default())?;
    let texts = records.map(|record| Ok(record?.text)).collect::<anyhow::Result<Vec<String>>>()?;
    let tokenized = embedder.tokenize(&texts)?;
    let ids: Vec<Vec<u32>> = tokenized.iter().map(|text| text.ids.clone()).collect();
    let tokens: usize = ids.iter().map(Vec::len).sum();

    let (mut ours, mut theirs, mut worst) = (Vec::new(), Vec::new(), 1.0f32);
    for _ in 0..rounds {
        let start = Instant::now();
        let vectors = embedder.embed_tokenized(&tokenized)?;
        ours.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let stock_vectors = stock.embed(&ids)?;
        theirs.push(start.elapsed().as_secs_f64());
        let cosine = |(a, b): (&[f32], &Vec<f32>)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        worst = vectors.rows().zip(&stock_vectors).map(cosine).fold(worst, f32::min);
    }
    let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| theirs / ours).collect();
    let report = serde_json::json!({
        "texts": texts.len(),
        "tokens": tokens,
        "rounds": rounds,
        "threads": embedder.workers().threads(),
        "nearsay_tokens_per_second": tokens as f64 / median(ours),
        "candle_transformers_tokens_per_second": tokens as f64 / median(theirs),
        "ratio": median(ratios),
        "smallest_cosine_between_them": worst,
    });
    use std::io::Write;
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
