//! Text that names settings as data.

use std::fmt;

use super::Setting;

/// A message or a hint. Settings in it are data, so that each face of the library can spell them its own way
/// ([`Phrase::render`]); [`Display`](fmt::Display) spells them as the library does: "raise `max_length`".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phrase(Vec<PhrasePart>);

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
        self.0.iter().map(part).collect()
    }

    /// The settings in it.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        self.0.iter().filter_map(|part| match part {
            PhrasePart::Text(_) => None,
            PhrasePart::Setting(setting, _) => Some(*setting),
        })
    }

    /// This phrase followed by another.
    pub(crate) fn and(mut self, other: impl Into<Self>) -> Self {
        self.0.extend(other.into().0);
        self
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

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Self(vec![PhrasePart::Text(text)])
    }
}

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Setting> for Phrase {
    fn from(setting: Setting) -> Self {
        Self(vec![PhrasePart::Setting(setting, None)])
    }
}

/// A setting and its value.
impl<V: fmt::Display> From<(Setting, V)> for Phrase {
    fn from((setting, value): (Setting, V)) -> Self {
        Self(vec![PhrasePart::Setting(setting, Some(value.to_string()))])
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
}
