//! The fields of one JSON object, as their JSON text: none is read here.

use std::borrow::Cow;

use super::scan::value_length;
use crate::text::fault::Checked;

/// The fields of an object, in order.
pub(super) struct Fields<'a> {
    row: &'a str,
    position: usize,
    is_first: bool,
}

/// A field.
pub(super) struct JsonField<'a> {
    /// Its name as in the row, quotes included.
    name: &'a str,
    /// Its value.
    pub(super) value: RawValue<'a>,
}

/// The JSON text of a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawValue<'a> {
    pub(super) json: &'a str,
    /// The byte of the row where it starts.
    pub(super) start: usize,
}

impl<'a> Fields<'a> {
    /// The fields of a row that starts with `{`.
    pub(super) fn of(row: &'a str) -> Self {
        let position = row.find('{').map_or(row.len(), |brace| brace + 1);
        Self { row, position, is_first: true }
    }

    /// The next field; `None` after the last, if the row ends there.
    ///
    /// # Errors
    /// The rule of JSON that the row breaks.
    pub(super) fn next(&mut self) -> Checked<Option<JsonField<'a>>> {
        let separator = self.peek();
        if separator == Some(b'}') {
            self.position += 1;
            return match self.peek() {
                None => Ok(None),
                Some(_) => Err(self.expected("the end of the row")),
            };
        }
        if !self.is_first {
            self.expect(b',', "`,` or `}`")?;
        }
        self.is_first = false;
        if self.peek() != Some(b'"') {
            return Err(self.expected("a name in quotes"));
        }
        let name = self.value()?.json;
        self.expect(b':', "`:`")?;
        self.peek();
        Ok(Some(JsonField { name, value: self.value()? }))
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.row.as_bytes();
        while bytes.get(self.position).is_some_and(u8::is_ascii_whitespace) {
            self.position += 1;
        }
        bytes.get(self.position).copied()
    }

    fn expect(&mut self, byte: u8, what: &str) -> Checked<()> {
        if self.peek() != Some(byte) {
            return Err(self.expected(what));
        }
        self.position += 1;
        Ok(())
    }

    fn value(&mut self) -> Checked<RawValue<'a>> {
        let start = self.position;
        let length = self.row.get(start..).and_then(value_length).ok_or_else(|| self.expected("a value"))?;
        self.position += length;
        Ok(RawValue { json: &self.row[start..self.position], start })
    }

    fn expected(&self, what: &str) -> crate::text::fault::Fault {
        format!("not valid JSON: expected {what} at byte {} of the row", self.position + 1).into()
    }
}

impl<'a> JsonField<'a> {
    /// Whether its name is `name`.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let bare = &self.name[1..self.name.len() - 1];
        bare == name || bare.contains('\\') && self.name().is_some_and(|own| own == name)
    }

    /// Its name; `None` if that is not a string, because of half a surrogate or a control character.
    pub(super) fn name(&self) -> Option<Cow<'a, str>> {
        let bare = &self.name[1..self.name.len() - 1];
        if bare.contains('\\') {
            return serde_json::from_str(self.name).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(bare))
    }
}
