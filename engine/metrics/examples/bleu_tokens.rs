//! Prints the tokens of texts: scripts/differential_lexical/bleu.py compares them with sacrebleu's.
//!
//! usage: bleu_tokens 13a|intl|zh|char|none < texts.jsonl, each line a JSON string. Each line of the output is the
//! tokens with blanks between them, as JSON.

use std::io::{BufRead, Write};

use nearsay_metrics::lexical::bleu::Tokenizer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    use Tokenizer::{Character, Chinese, International, Mteval, None};
    let name = std::env::args().nth(1).ok_or("the tokenizer is missing")?;
    let mut tokenizers = [Mteval, International, Chinese, Character, None].into_iter();
    let tokenizer = tokenizers.find(|tokenizer| tokenizer.name() == name).ok_or("no such tokenizer")?;
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        writeln!(output, "{}", serde_json::to_string(&tokenizer.tokens(&text).join(" "))?)?;
    }
    Ok(())
}
