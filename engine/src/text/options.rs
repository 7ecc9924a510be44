//! How to read an input: fields, format and limits.

use super::{InputFormat, Quotes, Separator};
use crate::error::{Phrase, phrase};
use crate::{Error, Result, Setting};

/// Longest row, in bytes, unless [`TextOptions::max_row_bytes`] is set. No model reads a text of this size; a
/// file with a longer row is most likely not text, or has lost its newlines.
pub const MAX_ROW_BYTES: usize = 64 << 20;

/// The default field for ids, and the name of ids in every output.
const ID: &str = "id";
/// The name of a row's vector in outputs with columns.
const EMBEDDING: &str = "embedding";

/// How to read an input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextOptions {
    /// The fields or columns that make up the text, in this order. Lines of a txt file have no fields and are
    /// the text.
    pub text_fields: Vec<String>,
    /// The string between two text fields.
    pub join: String,
    /// The field or column of the id. If named, it must exist; if not, `id` is used if it exists.
    pub id_field: Option<String>,
    /// Number the rows, even if there is a field `id`; files that are one text have their number too, not their
    /// path.
    pub no_id: bool,
    /// Fields or columns that go along with a record: its [`Kept`](super::Kept), in this order.
    pub keep: Vec<String>,
    /// The format, overriding the input's name.
    pub format: Option<InputFormat>,
    /// The character between two fields of csv and tsv; `None`: that of a first line `sep=;`, else that of the
    /// format.
    pub separator: Option<Separator>,
    /// Whether fields of csv and tsv may be quoted.
    pub quotes: Quotes,
    /// A file is one text, whose id is its path: txt, md or html.
    pub whole_files: bool,
    /// Leave out and count rows without text: null, missing, empty or blank. Other rows keep their numbers.
    pub skip_empty: bool,
    /// Keep rows whose text is null or missing, with an empty text and [`Record::has_text`](super::Record::has_text)
    /// false: a reference that does not exist. Not together with `skip_empty`.
    pub keep_missing: bool,
    /// Longest row, in bytes, without its end; longest text if rows are not lines.
    pub max_row_bytes: usize,
    /// Replace bytes that are not UTF-8 with U+FFFD and count them, instead of refusing them.
    pub lossy: bool,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            text_fields: vec!["text".to_owned()],
            join: " ".to_owned(),
            id_field: None,
            no_id: false,
            keep: Vec::new(),
            format: None,
            separator: None,
            quotes: Quotes::Auto,
            whole_files: false,
            skip_empty: false,
            keep_missing: false,
            max_row_bytes: MAX_ROW_BYTES,
            lossy: false,
        }
    }
}

impl TextOptions {
    /// The text is in these fields, joined in this order.
    #[must_use]
    pub fn text_fields<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { text_fields: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Texts of several fields are joined with `separator`.
    #[must_use]
    pub fn join(self, separator: &str) -> Self {
        Self { join: separator.to_owned(), ..self }
    }

    /// The id is in this field.
    #[must_use]
    pub fn id_field(self, name: &str) -> Self {
        Self { id_field: Some(name.to_owned()), ..self }
    }

    /// Rows are numbered, and their ids ignored.
    #[must_use]
    pub fn no_id(self) -> Self {
        Self { no_id: true, ..self }
    }

    /// Fields of csv and tsv are separated by this character.
    #[must_use]
    pub fn separator(self, separator: Separator) -> Self {
        Self { separator: Some(separator), ..self }
    }

    /// Sets whether fields of csv and tsv may be quoted.
    #[must_use]
    pub fn quotes(self, quotes: Quotes) -> Self {
        Self { quotes, ..self }
    }

    /// Each file is one text.
    #[must_use]
    pub fn whole_files(self) -> Self {
        Self { whole_files: true, ..self }
    }

    /// Rows without text are left out and counted.
    #[must_use]
    pub fn skip_empty(self) -> Self {
        Self { skip_empty: true, ..self }
    }

    /// Keeps rows without text, marked as such.
    #[must_use]
    pub fn keep_missing(self) -> Self {
        Self { keep_missing: true, ..self }
    }

    /// These fields go along with the records.
    #[must_use]
    pub fn keep<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { keep: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// The input has this format, whatever its name.
    #[must_use]
    pub fn format(self, format: InputFormat) -> Self {
        Self { format: Some(format), ..self }
    }

    /// Bytes that are not UTF-8 are replaced, or refused.
    #[must_use]
    pub fn lossy(self, lossy: bool) -> Self {
        Self { lossy, ..self }
    }

    /// Checks that the fields do not contradict each other.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the field.
    pub fn check(&self) -> Result<()> {
        if self.text_fields.is_empty() {
            return Err(Error::usage("no text field is named; a text needs at least one"));
        }
        if let Some(field) = first_twice(&self.text_fields) {
            return Err(Error::usage(format!("the text field `{field}` is named twice")));
        }
        if let Some(field) = first_twice(&self.keep) {
            return Err(Error::usage(format!("the field to keep `{field}` is named twice")));
        }
        if let (true, Some(field)) = (self.no_id, &self.id_field) {
            return Err(Error::usage_hint(
                format!("the field `{field}` is named for the id, and rows are to be numbered instead"),
                phrase!["leave out ", Setting::NoId, " or the field of the id"],
            ));
        }
        if self.id_field.as_ref().is_some_and(String::is_empty) {
            return Err(Error::usage_hint(
                "the name of the id's field is missing",
                phrase![Setting::NoId, " numbers the rows instead of reading an id"],
            ));
        }
        if self.text_fields.iter().chain(&self.keep).any(String::is_empty) {
            return Err(Error::usage("the name of a field is missing"));
        }
        self.keep.iter().try_for_each(|field| self.check_kept(field))
    }

    fn check_kept(&self, field: &str) -> Result<()> {
        let what = match field {
            _ if Some(field) == self.id_column() => "the id, which is always kept",
            ID => "the id in the output",
            EMBEDDING => "the vector in the output",
            _ => return Ok(()),
        };
        Err(Error::usage(format!("the field `{field}` cannot be kept: that name is {what}")))
    }

    /// Whether a text may be null or missing.
    pub(super) fn allows_missing(&self) -> bool {
        self.skip_empty || self.keep_missing
    }

    /// The field of the id, which must exist only if the user named it; `None` if rows are numbered.
    pub(super) fn id_column(&self) -> Option<&str> {
        (!self.no_id).then(|| self.id_field.as_deref().unwrap_or(ID))
    }

    /// The remedy if the field `id`, which nobody named, cannot be the id.
    pub(super) fn id_remedy(&self) -> Option<Phrase> {
        let remedy = || phrase![Setting::NoId, " numbers the rows and leaves a field `id` alone"];
        self.id_field.is_none().then(remedy)
    }
}

fn first_twice(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::TextOptions;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn refused(options: TextOptions) -> String {
        let error = options.check().expect_err("contradicts itself");
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        error.to_string()
    }

    fn keeping(keep: &[&str]) -> TextOptions {
        TextOptions { keep: names(keep), ..TextOptions::default() }
    }

    #[test]
    fn default_and_a_kept_text_are_fine() {
        assert!(TextOptions::default().check().is_ok());
        assert!(keeping(&["text", "year", "ID"]).check().is_ok());
    }

    #[test]
    fn field_twice_is_usage() {
        assert_eq!(refused(keeping(&["a", "b", "a"])), "the field to keep `a` is named twice");
        let twice = TextOptions { text_fields: names(&["a", "a"]), ..TextOptions::default() };
        assert_eq!(refused(twice), "the text field `a` is named twice");
        let none = TextOptions { text_fields: vec![], ..TextOptions::default() };
        assert_eq!(refused(none), "no text field is named; a text needs at least one");
    }

    #[test]
    fn a_missing_name_is_usage_and_only_that_of_the_id_can_be_done_without() {
        let text = TextOptions { text_fields: names(&[""]), ..TextOptions::default() };
        for options in [text, keeping(&["a", ""])] {
            let error = options.check().expect_err("no name");
            assert_eq!(
                (error.to_string(), error.hint()),
                ("the name of a field is missing".to_owned(), None)
            );
        }
        let error = TextOptions::default().id_field("").check().expect_err("no name");
        assert_eq!(error.to_string(), "the name of the id's field is missing");
        assert!(error.hint().is_some_and(|hint| hint.to_string().starts_with("`no_id` numbers the rows")));
    }

    #[test]
    fn kept_field_must_not_have_a_name_of_the_output() {
        let taken = "the field `id` cannot be kept: that name is the id, which is always kept";
        assert_eq!(refused(keeping(&["id"])), taken);
        let vector = "the field `embedding` cannot be kept: that name is the vector in the output";
        assert_eq!(refused(keeping(&["a", "embedding"])), vector);
        let key = |keep| TextOptions { id_field: Some("key".to_owned()), ..keeping(keep) };
        let taken = "the field `key` cannot be kept: that name is the id, which is always kept";
        assert_eq!(refused(key(&["key"])), taken);
        assert_eq!(refused(key(&["id"])), "the field `id` cannot be kept: that name is the id in the output");
    }
}
