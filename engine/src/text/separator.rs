//! The character between two fields of a csv or tsv row, and whether fields may be quoted.

use std::fmt;
use std::str::FromStr;

/// The character between two fields: one of ASCII, such as `,`, `;`, `|` or a tab, but not a letter, a digit, a
/// quote, a blank or the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Separator(char);

impl Separator {
    /// `,`
    pub const COMMA: Self = Self(',');
    /// `;`
    pub const SEMICOLON: Self = Self(';');
    /// `|`
    pub const BAR: Self = Self('|');
    /// A tab.
    pub const TAB: Self = Self('\t');

    /// The separator that is this character; `None` if it cannot be one.
    pub fn new(character: char) -> Option<Self> {
        let can_be = character == '\t' || character.is_ascii_punctuation() && character != '"';
        can_be.then_some(Self(character))
    }

    /// The character.
    pub fn character(self) -> char {
        self.0
    }

    /// The separator that Excel states in a first line `sep=;`, if `line` is one.
    pub(super) fn stated(line: &str) -> Option<Self> {
        let line = line.trim_start_matches('\u{feff}').trim_matches('"');
        let value = line.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
        let mut characters = value.chars();
        let separator = Self::new(characters.next()?)?;
        characters.next().is_none().then_some(separator)
    }
}

/// As in a message: `';'`, `tab`.
impl fmt::Display for Separator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            '\t' => formatter.write_str("tab"),
            character => write!(formatter, "'{character}'"),
        }
    }
}

impl FromStr for Separator {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut characters = name.chars();
        let named = match (name, characters.next(), characters.next()) {
            ("tab" | "\\t", ..) => Some(Self::TAB),
            (_, Some(character), None) => Self::new(character),
            _ => None,
        };
        named.ok_or_else(|| {
            format!("`{name}` cannot separate fields; a separator is one character such as , ; | or tab")
        })
    }
}

/// Whether separated fields may be quoted as in RFC 4180: `"say ""hi"""`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Quotes {
    /// In csv, and not in tsv: public sets of sentences have lines that start with a lone quote.
    #[default]
    Auto,
    /// Yes, as pandas and Excel write.
    Always,
    /// No: a quote is a character like any other.
    Never,
}

#[cfg(test)]
mod tests {
    use super::Separator;

    #[test]
    fn separators_are_named_by_themselves() {
        for (name, character) in [(";", ';'), ("|", '|'), ("tab", '\t'), ("\\t", '\t'), ("\t", '\t')] {
            assert_eq!(name.parse::<Separator>().map(Separator::character), Ok(character));
        }
        for name in ["", ";;", "\"", "a", " ", "\n", "é", "1"] {
            assert!(name.parse::<Separator>().is_err(), "{name:?}");
        }
        assert_eq!(
            (Separator::TAB.to_string(), Separator::SEMICOLON.to_string()),
            ("tab".into(), "';'".into())
        );
    }

    #[test]
    fn excel_states_its_separator() {
        for line in ["sep=;", "SEP=;", "\"sep=;\"", "\u{feff}sep=;"] {
            assert_eq!(Separator::stated(line), Some(Separator::SEMICOLON), "{line}");
        }
        assert_eq!(Separator::stated("sep=\t"), Some(Separator::TAB));
        for line in ["sep=", "sep", "sep=ab", "separator;text", "é=;;"] {
            assert_eq!(Separator::stated(line), None, "{line}");
        }
    }
}
