//! Splits one row with quotes (RFC 4180), line by line.

use super::lines::line_body;

/// The splitter's position in a row.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum QuoteState {
    /// At the start of a field, the only place where a quote opens one.
    #[default]
    Start,
    /// In an unquoted field.
    Plain,
    /// In a quoted field.
    Quoted,
    /// After a quote in such a field: its end, or the first half of a doubled quote.
    QuoteSeen,
}

/// Splits one row.
pub(super) struct Splitter {
    separator: char,
    state: QuoteState,
    fields: Vec<String>,
    field: String,
}

impl Splitter {
    pub(super) fn new(separator: char) -> Self {
        Self { separator, state: QuoteState::default(), fields: Vec::new(), field: String::new() }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn push(&mut self, line: &str) -> Result<(), String> {
        let body = line_body(line);
        for character in body.chars() {
            self.step(character)?;
        }
        if self.state == QuoteState::Quoted {
            self.field.push_str(&line[body.len()..]);
        }
        Ok(())
    }

    /// Whether a quote is open, so that the row has another line.
    pub(super) fn is_open(&self) -> bool {
        self.state == QuoteState::Quoted
    }

    fn step(&mut self, character: char) -> Result<(), String> {
        self.state = match (self.state, character) {
            (QuoteState::Start, '"') => QuoteState::Quoted,
            (QuoteState::Quoted, '"') => QuoteState::QuoteSeen,
            (QuoteState::Start | QuoteState::Plain | QuoteState::QuoteSeen, _)
                if character == self.separator =>
            {
                self.fields.push(std::mem::take(&mut self.field));
                QuoteState::Start
            }
            (QuoteState::QuoteSeen, '"') | (QuoteState::Quoted, _) => {
                self.field.push(character);
                QuoteState::Quoted
            }
            (QuoteState::Start | QuoteState::Plain, _) => {
                self.field.push(character);
                QuoteState::Plain
            }
            (QuoteState::QuoteSeen, _) => {
                return Err(format!(
                    "field {} goes on after its closing quote; a quote inside quotes must be doubled",
                    self.fields.len() + 1
                ));
            }
        };
        Ok(())
    }

    /// The fields of the row.
    pub(super) fn finish(mut self) -> Vec<String> {
        self.fields.push(self.field);
        self.fields
    }
}

#[cfg(test)]
mod tests {
    use super::Splitter;

    fn split(row: &str, separator: char) -> Vec<String> {
        let mut splitter = Splitter::new(separator);
        splitter.push(row).expect("a row");
        splitter.finish()
    }

    #[test]
    fn agrees_with_the_csv_crate() {
        for row in [
            "a,b,c\n",
            "a,,\n",
            ",,\n",
            "\"a,b\",c\n",
            "\"say \"\"hi\"\"\",x\n",
            "5\" pipe,\"\"\n",
            "a b , c\n",
        ] {
            for separator in [',', ';', '|', '\t'] {
                let row = row.replace(',', &separator.to_string());
                let mut reader = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .delimiter(separator as u8)
                    .from_reader(row.as_bytes());
                let expected = reader.records().next().expect("a row").expect("a row");
                assert_eq!(split(&row, separator), expected.iter().collect::<Vec<_>>(), "{row:?}");
            }
        }
    }

    #[test]
    fn text_after_a_closing_quote_is_refused() {
        let rule = Splitter::new(',').push("a,\"b\"c\n").expect_err("malformed");
        assert_eq!(rule, "field 2 goes on after its closing quote; a quote inside quotes must be doubled");
    }
}
