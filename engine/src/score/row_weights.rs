//! Weights of rows in means over rows: a field of the rows, or a file with a number per row.

use std::sync::Arc;

use nearsay_metrics::statistics::ExactSum;

use super::digest::TextDigest;
use super::{TextColumn, TextSource};
use crate::error::shorten;
use crate::text::{Input, InputFormat, TextOptions};
use crate::{Error, Result};

/// The column of a .csv or .tsv, unless another is named.
const COLUMN: &str = "weight";

/// Digits of a file's SHA-256 in a signature.
const DIGEST_DIGITS: usize = 12;

/// How much each row counts in a mean over rows: Σ weight * value / Σ weight. Weights are finite, not negative, and not
/// all 0.
#[derive(Debug, Clone, PartialEq)]
pub struct RowWeights {
    name: String,
    sha256: String,
    values: Arc<[f64]>,
}

impl RowWeights {
    /// Reads the weights in a file, in the order of the rows: a number per line, or the column of a .csv or .tsv, which
    /// is `weight` unless another is named.
    ///
    /// # Errors
    /// If the file cannot be read or has another format; [`Error::BadRow`] for a weight, and [`Error::BadInput`] for all
    /// together, that break a rule.
    pub fn read(column: &TextColumn) -> Result<Self> {
        let options = TextOptions::default().text_fields([COLUMN]).no_id().format(format(&column.input)?);
        let source = TextSource::of_column(column, &options)?;
        let (mut values, mut digest) = (Vec::new(), TextDigest::default());
        for record in source.records()? {
            let record = record?;
            digest.add(Some(&record.text));
            let number = record.text.trim().parse().map_err(|_| format!("`{}`", shorten(&record.text)));
            let rule = |rule| Error::BadRow { input: source.name().to_owned(), row: record.row, rule };
            values.push(check(number).map_err(rule)?);
        }
        let sha256 = digest.finish();
        let name = sha256[..DIGEST_DIGITS].to_owned();
        Self { name, sha256, values: values.into() }.checked(source.name())
    }

    /// The weights in the field of an input.
    pub(super) fn of_field(field: &str, values: Vec<f64>, input: &str) -> Result<Self> {
        let mut digest = TextDigest::default();
        values.iter().for_each(|value| digest.add(Some(&value.to_string())));
        let name = format!("field:{}", escaped(field));
        Self { name, sha256: digest.finish(), values: values.into() }.checked(input)
    }

    /// The weights of a run.
    pub(super) fn recorded(name: &str, sha256: &str, values: Vec<f64>, input: &str) -> Result<Self> {
        for (value, row) in values.iter().zip(1..) {
            let bad = |rule| Error::BadRow { input: input.to_owned(), row, rule };
            check(Ok(*value)).map_err(bad)?;
        }
        Self { name: name.to_owned(), sha256: sha256.to_owned(), values: values.into() }.checked(input)
    }

    /// The name in signatures: `field:NAME`, or the first digits of the SHA-256 of a file's weights.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of the weights, each followed by a newline: of a .txt that ends in one, that of the file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// A weight per row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Checks that there is a weight for each row; `name` is the file's.
    ///
    /// # Errors
    /// [`Error::BadInput`] with both counts.
    pub fn check_rows(&self, rows: u64, name: &str) -> Result<()> {
        let weights = self.values.len() as u64;
        if weights == rows {
            return Ok(());
        }
        let rule = format!("must have as many weights as there are rows, got {weights} and {rows}");
        Err(Error::BadInput { input: name.to_owned(), rule })
    }

    fn checked(self, input: &str) -> Result<Self> {
        let sum = self.values.iter().copied().collect::<ExactSum>().value();
        if sum > 0.0 && sum.is_finite() {
            return Ok(self);
        }
        let rule = match self.values.len() {
            0 => "must have a weight for each row, and has none".to_owned(),
            count if sum == 0.0 => format!("row weights must not all be 0, and all {count} are"),
            _ => format!("row weights must add up to a finite number, and add up to {sum}"),
        };
        Err(Error::BadInput { input: input.to_owned(), rule })
    }
}

/// A weight, unless it breaks the rule; `number` is the value in words if it is not a number.
pub(super) fn check(number: Result<f64, String>) -> Result<f64, String> {
    let refused = match number {
        // Adding 0 turns -0 into 0.
        Ok(number) if number.is_finite() && number >= 0.0 => return Ok(number + 0.0),
        Ok(number) => number.to_string(),
        Err(found) => found,
    };
    Err(format!("a row's weight must be a finite number of at least 0, got {refused}"))
}

/// The format by the file's name; a name without a known extension is a .txt.
fn format(input: &Input) -> Result<InputFormat> {
    let by_name = match input {
        Input::File(path) => InputFormat::from_path(path).unwrap_or(InputFormat::Txt),
        Input::Stdin | Input::Text(_) => InputFormat::Txt,
    };
    match by_name {
        InputFormat::Txt | InputFormat::Csv | InputFormat::Tsv => Ok(by_name),
        other => Err(Error::usage_hint(
            format!("row weights are read from .txt, .csv and .tsv, and {input} is a .{other}"),
            "score the file's own rows, and name the field with the weights",
        )),
    }
}

/// A name with the characters escaped as in a URL that a signature gives a meaning or a terminal may not show.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        match character {
            '-' | '_' | '.' => text.push(character),
            character if character.is_alphanumeric() => text.push(character),
            character => {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).bytes();
                bytes.for_each(|byte| text.push_str(&format!("%{byte:02X}")));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::ErrorKind;
    use crate::vectors::write::hexadecimal;

    fn read(name: &str, text: &str, field: Option<&str>) -> Result<RowWeights> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        RowWeights::read(&TextColumn { input: Input::File(path), field: field.map(str::to_owned) })
    }

    #[test]
    fn a_number_per_line_and_a_column_are_read() {
        let text = "1\n 0.5 \n0\n1e2\n";
        for name in ["w.txt", "weights"] {
            let weights = read(name, text, None).unwrap();
            assert_eq!(weights.values(), [1.0, 0.5, 0.0, 100.0]);
            assert_eq!(weights.sha256(), hexadecimal(&Sha256::digest(text)));
            assert_eq!(weights.name(), &weights.sha256()[..12]);
        }
        let table = "id,weight,n\na,1,3\na,2,4\n";
        assert_eq!(read("w.csv", table, None).unwrap().values(), [1.0, 2.0]);
        assert_eq!(read("w.csv", table, Some("n")).unwrap().values(), [3.0, 4.0]);
    }

    #[test]
    fn every_weight_that_breaks_a_rule_is_refused_with_its_row() {
        for (text, got) in
            [("1\n-1\n", "-1"), ("1\nnan\n", "NaN"), ("1\ninf\n", "inf"), ("1\n\n1\n", "``"), ("1\nx", "`x`")]
        {
            let error = read("w.txt", text, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadData);
            let expected =
                format!("w.txt, row 2: a row's weight must be a finite number of at least 0, got {got}");
            assert!(error.to_string().ends_with(&expected), "{error}");
        }
        for (text, rule) in [
            ("0\n-0\n", "row weights must not all be 0, and all 2 are"),
            ("1e308\n1e308\n", "must add up to a finite number, and add up to inf"),
            ("", "must have a weight for each row, and has none"),
        ] {
            let error = read("w.txt", text, None).unwrap_err();
            assert!(error.kind() == ErrorKind::BadData && error.to_string().ends_with(rule), "{error}");
        }
        let error = read("w.jsonl", "{}", None).unwrap_err();
        assert!(error.kind() == ErrorKind::Usage && error.to_string().ends_with("w.jsonl is a .jsonl"));
        let error = read("w.txt", "1\n", None).unwrap().check_rows(3, "w.txt").unwrap_err();
        assert_eq!(error.to_string(), "w.txt: must have as many weights as there are rows, got 1 and 3");
    }

    #[test]
    fn names_of_fields_keep_to_the_form_of_signatures() {
        let weights = RowWeights::of_field("a|b, c)\n猫", vec![1.0], "x").unwrap();
        assert_eq!(weights.name(), "field:a%7Cb%2C%20c%29%0A猫");
    }
}
