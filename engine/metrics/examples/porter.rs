//! Prints the stems of words, one per line: scripts/differential_lexical/rouge.py compares them with NLTK's.

use std::io::{BufRead, Write};

use nearsay_metrics::lexical::rouge::stem_into;

fn main() -> std::io::Result<()> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut stem = String::new();
    for word in std::io::stdin().lock().lines() {
        stem_into(&word?, &mut stem);
        writeln!(output, "{stem}")?;
    }
    Ok(())
}
