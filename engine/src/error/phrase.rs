//! Text that names settings as data.

use std::fmt;

use super::Setting;

/// A message or a hint. Settings in it are data, so that each face of the library can spell them its own way
/// ([`Phrase::render`]); [`Display`](fmt::Display) spells them as the library does: "raise `max_length`".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phrase {
    parts: Vec<PhrasePart>,
    /// Whether its settings are those of an earlier step, which it names: the embedding of a corpus.
    is_of_earlier_step: bool,
    /// For a face that lacks one of the settings.
    otherwise: Option<Box<Phrase>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PhrasePart {
    Text(String),
    Setting(Setting, Option<String>),
}

impl Phrase {
    /// The text, with each setting (and its suggested value, if any) formatted by `say`.
    pub fn render(&self, say: impl Fn(Setting, Option<&str>) -> String) -> String {
        let part = |part: &PhrasePart| match part {
            PhrasePart::Text(text) => text.clone(),
            PhrasePart::Setting(setting, value) => say(*setting, value.as_deref()),
        };
        self.parts.iter().map(part).collect()
    }

    /// The settings in it.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        self.parts.iter().filter_map(|part| match part {
            PhrasePart::Text(_) => None,
            PhrasePart::Setting(setting, _) => Some(*setting),
        })
    }

    /// This phrase, or the first of its alternatives that a face of the library can say, whose settings are those
    /// that `has` knows: a command must not recommend the flag of another one. `None` if there is none.
    pub fn among(&self, has: impl Fn(Setting) -> bool) -> Option<&Self> {
        let mut phrases = std::iter::successors(Some(self), |phrase| phrase.otherwise.as_deref());
        phrases.find(|phrase| phrase.is_of_earlier_step || phrase.settings().all(&has))
    }

    /// This phrase followed by another.
    pub(crate) fn and(mut self, other: impl Into<Self>) -> Self {
        self.parts.extend(other.into().parts);
        self
    }

    /// This phrase about settings of an earlier step, which it names. Every face says it, whatever settings it has.
    pub(crate) fn of_earlier_step(self) -> Self {
        Self { is_of_earlier_step: true, ..self }
    }

    /// This phrase or, where one of its settings does not exist, another. Call it last.
    pub(crate) fn or(self, other: impl Into<Self>) -> Self {
        Self { otherwise: Some(Box::new(other.into())), ..self }
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = |setting: Setting, value: Option<&str>| match value {
            None => format!("`{}`", setting.name()),
            Some(value) => format!("`{}` {value}", setting.name()),
        };
        formatter.write_str(&self.render(say))
    }
}

impl From<PhrasePart> for Phrase {
    fn from(part: PhrasePart) -> Self {
        Self { parts: vec![part], ..Self::default() }
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        PhrasePart::Text(text).into()
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Setting> for Phrase {
    fn from(setting: Setting) -> Self {
        PhrasePart::Setting(setting, None).into()
    }
}

/// A setting and its value.
impl<V: fmt::Display> From<(Setting, V)> for Phrase {
    fn from((setting, value): (Setting, V)) -> Self {
        PhrasePart::Setting(setting, Some(value.to_string())).into()
    }
}

/// A [`Phrase`] from texts, settings, and pairs of a setting and a value:
/// `phrase!["run with ", (Setting::Device, "cpu")]`.
macro_rules! phrase {
    ($($part:expr),+ $(,)?) => { $crate::error::Phrase::default()$(.and($part))+ };
}

pub(crate) use phrase;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_face_says_settings_in_its_own_words() {
        let device = "cpu".to_owned();
        let phrase = phrase!["raise ", Setting::MaxLength, ", or run with ", (Setting::Device, &device)];
        assert_eq!(phrase.to_string(), "raise `max_length`, or run with `device` cpu");
        let keyword = |setting: Setting, value: Option<&str>| match value {
            None => setting.name().to_owned(),
            Some(value) => format!("{}={value:?}", setting.name()),
        };
        assert_eq!(phrase.render(keyword), "raise max_length, or run with device=\"cpu\"");
        assert_eq!(phrase.settings().collect::<Vec<_>>(), [Setting::MaxLength, Setting::Device]);
    }

    #[test]
    fn a_face_that_lacks_a_setting_says_the_alternative() {
        let phrase = phrase!["raise ", Setting::MaxLength].or(phrase!["use ", Setting::Device].or("wait"));
        let said = |known: &[Setting]| phrase.among(|it| known.contains(&it)).map(ToString::to_string);
        assert_eq!(said(&[Setting::MaxLength]).as_deref(), Some("raise `max_length`"));
        assert_eq!(said(&[Setting::Device]).as_deref(), Some("use `device`"));
        assert_eq!(said(&[]).as_deref(), Some("wait"));
        assert_eq!(phrase!["raise ", Setting::MaxLength].among(|_| false), None);
        let earlier = phrase!["embed with ", Setting::Keep].of_earlier_step();
        assert_eq!(earlier.among(|_| false), Some(&earlier));
    }
}
