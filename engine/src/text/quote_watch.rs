//! Notices a tsv whose fields are quoted, as pandas and Excel write them: its quotes would become part of the
//! texts.

use super::remarks::remark;
use crate::Setting;
use crate::error::phrase;

/// Text fields after which a decision is made.
const ENOUGH: u64 = 100;

/// Watches the text fields of an input that is read without quotes.
#[derive(Debug, Default)]
pub(super) struct QuoteWatch {
    fields: u64,
    quoted: u64,
    is_done: bool,
}

impl QuoteWatch {
    /// Looks at a text.
    pub(super) fn see(&mut self, field: &str, input: &str) {
        if self.is_done {
            return;
        }
        self.fields += 1;
        let inside = field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        self.quoted += u64::from(inside.is_some());
        if inside.is_some_and(has_doubled_quotes) {
            return self.say(input, "a text has doubled quotes in quotes, like \"say \"\"hi\"\"\"");
        }
        if self.fields == ENOUGH {
            self.end(input);
        }
    }

    /// The last text was seen.
    pub(super) fn end(&mut self, input: &str) {
        if !self.is_done && 2 * self.quoted > self.fields {
            return self.say(input, "most texts are in quotes");
        }
        self.is_done = true;
    }

    fn say(&mut self, input: &str, sign: &str) {
        self.is_done = true;
        let remedy = phrase![(Setting::Quotes, "always")];
        remark(format!(
            "{input}: {sign}; tsv is read without quotes, so they are part of the texts. If pandas or Excel wrote it, read it with {remedy}"
        ));
    }
}

/// Whether all quotes in a field are doubled, and there are some.
fn has_doubled_quotes(inside: &str) -> bool {
    inside.contains('"') && !inside.replace("\"\"", "").contains('"')
}

#[cfg(test)]
mod tests {
    use super::QuoteWatch;

    fn is_noticed(fields: &[&str]) -> bool {
        let mut watch = QuoteWatch::default();
        for field in fields {
            watch.see(field, "in.tsv");
            if watch.is_done {
                return true;
            }
        }
        let is_quoted = 2 * watch.quoted > watch.fields;
        watch.end("in.tsv");
        is_quoted
    }

    #[test]
    fn quoted_files_are_noticed() {
        for fields in [&["a", "b", "\"say \"\"hi\"\"\""][..], &["\"a\"", "\"b\"", "c"], &["\"\""]] {
            assert!(is_noticed(fields), "{fields:?}");
        }
    }

    #[test]
    fn sentences_with_quotes_are_not() {
        for fields in [
            &["\"Yes\", he said, \"no\"", "a", "b"][..],
            &["\"Yes\"", "a", "b"],
            &["5\" of snow", "\"open"],
            &[],
        ] {
            assert!(!is_noticed(fields), "{fields:?}");
        }
    }
}
