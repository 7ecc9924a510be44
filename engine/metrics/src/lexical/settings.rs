//! Metrics as they are asked for: `bleu`, `chrf(nw=2)`, `rougeL(stem=yes,tok=unicode)`.

use std::fmt;
use std::str::FromStr;

/// Why a metric cannot be computed as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// Parentheses are missing, or a setting is not `key=value`.
    Malformed {
        /// The whole text.
        spec: String,
    },
    /// The name is not that of a metric.
    UnknownMetric {
        /// Its name.
        metric: String,
    },
    /// A metric does not have this setting.
    UnknownSetting {
        /// The metric.
        metric: String,
        /// The setting.
        key: String,
        /// The settings that it has, separated by commas.
        known: String,
    },
    /// A setting is there twice.
    Repeated {
        /// The metric.
        metric: String,
        /// The setting.
        key: String,
    },
    /// A setting has a value that it cannot have.
    BadValue {
        /// The metric.
        metric: String,
        /// The setting.
        key: String,
        /// The value.
        value: String,
        /// The values that it can have, in words.
        rule: String,
    },
}

impl fmt::Display for SpecError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { spec } => {
                write!(formatter, "a metric is NAME or NAME(key=value,..), got `{spec}`")
            }
            Self::UnknownMetric { metric } => write!(formatter, "unknown metric `{metric}`"),
            Self::UnknownSetting { metric, known, key } if known.is_empty() => {
                write!(formatter, "{metric} has no settings, got `{key}`")
            }
            Self::UnknownSetting { metric, key, known } => {
                write!(formatter, "{metric} has the settings {known}, got `{key}`")
            }
            Self::Repeated { metric, key } => {
                write!(formatter, "{metric} has the setting `{key}` twice")
            }
            Self::BadValue { metric, key, value, rule } => {
                write!(formatter, "{metric}({key}=..) must be {rule}, got `{value}`")
            }
        }
    }
}

impl std::error::Error for SpecError {}

/// A metric's name and the settings that were given for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSpec {
    name: String,
    settings: Vec<(String, String)>,
}

impl MetricSpec {
    /// The metric of this name with its defaults.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), settings: Vec::new() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether no setting was given.
    pub fn is_plain(&self) -> bool {
        self.settings.is_empty()
    }

    /// The value of a setting, if it was given.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The same with a setting, unless it was given already.
    #[must_use]
    pub fn or(mut self, key: &str, value: &str) -> Self {
        if self.get(key).is_none() {
            self.settings.push((key.to_owned(), value.to_owned()));
        }
        self
    }

    /// The specs of a list separated by commas, of which those in parentheses separate settings.
    ///
    /// # Errors
    /// [`SpecError::Malformed`] and [`SpecError::Repeated`].
    pub fn parse_list(list: &str) -> Result<Vec<Self>, SpecError> {
        let (mut depth, mut start, mut specs) = (0_usize, 0, Vec::new());
        for (at, byte) in list.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => {
                    specs.push(list[start..at].parse()?);
                    start = at + 1;
                }
                _ => {}
            }
        }
        specs.push(list[start..].parse()?);
        Ok(specs)
    }

    /// The settings, for a metric to take those that it knows.
    pub fn settings(&self) -> Settings<'_> {
        Settings { metric: &self.name, left: self.settings.clone(), known: Vec::new() }
    }
}

impl FromStr for MetricSpec {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let malformed = || SpecError::Malformed { spec: spec.to_owned() };
        let (name, inside) = match spec.split_once('(') {
            None => (spec, None),
            Some((name, rest)) => (name, Some(rest.strip_suffix(')').ok_or_else(malformed)?)),
        };
        let name = name.trim();
        if name.is_empty() || name.contains(')') || inside.is_some_and(|inside| inside.contains(['(', ')'])) {
            return Err(malformed());
        }
        let mut settings: Vec<(String, String)> = Vec::new();
        for setting in inside.into_iter().flat_map(|inside| inside.split(',')) {
            let (key, value) = setting.split_once('=').ok_or_else(malformed)?;
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            if settings.iter().any(|(known, _)| *known == key) {
                return Err(SpecError::Repeated { metric: name.to_owned(), key });
            }
            settings.push((key, value));
        }
        Ok(Self { name: name.to_owned(), settings })
    }
}

impl fmt::Display for MetricSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if self.settings.is_empty() {
            return Ok(());
        }
        let settings: Vec<String> =
            self.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(formatter, "({})", settings.join(","))
    }
}

/// The settings of one metric, taken one by one; [`finish`](Self::finish) refuses those that are left.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    metric: &'a str,
    left: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Settings<'_> {
    /// The name of the metric.
    pub fn metric(&self) -> &str {
        self.metric
    }

    /// Takes a setting that is a choice of words; the first is the default.
    ///
    /// # Errors
    /// [`SpecError::BadValue`].
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Result<T, SpecError> {
        let rule = || choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
        match self.take(key) {
            None => Ok(choices[0].1),
            Some(value) => {
                let found = choices.iter().find(|(word, _)| *word == value).map(|(_, choice)| *choice);
                found.ok_or_else(|| self.bad_value(key, &value, &rule()))
            }
        }
    }

    /// Takes `yes` or `no`.
    ///
    /// # Errors
    /// [`SpecError::BadValue`].
    pub fn flag(&mut self, key: &'static str, default: bool) -> Result<bool, SpecError> {
        let choices = [("no", false), ("yes", true)];
        match default {
            false => self.choice(key, &choices),
            true => self.choice(key, &[choices[1], choices[0]]),
        }
    }

    /// Takes a number; `accepts` enforces `rule`.
    ///
    /// # Errors
    /// [`SpecError::BadValue`].
    pub fn number<T: FromStr>(
        &mut self,
        key: &'static str,
        default: T,
        rule: &str,
        accepts: impl Fn(&T) -> bool,
    ) -> Result<T, SpecError> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let number = value.parse().ok().filter(accepts);
        number.ok_or_else(|| self.bad_value(key, &value, rule))
    }

    /// Takes a setting as it was written.
    pub fn take(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        let at = self.left.iter().position(|(given, _)| given == key)?;
        Some(self.left.remove(at).1)
    }

    /// The error of a value that the setting cannot have.
    pub fn bad_value(&self, key: &str, value: &str, rule: &str) -> SpecError {
        SpecError::BadValue {
            metric: self.metric.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            rule: rule.to_owned(),
        }
    }

    /// To be called when all known settings are taken.
    ///
    /// # Errors
    /// [`SpecError::UnknownSetting`] if any is left.
    pub fn finish(self) -> Result<(), SpecError> {
        match self.left.into_iter().next() {
            None => Ok(()),
            Some((key, _)) => Err(SpecError::UnknownSetting {
                metric: self.metric.to_owned(),
                key,
                known: self.known.join(", "),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_outside_parentheses() {
        let specs = MetricSpec::parse_list("bleu(tok=intl,case=lc),chrf, rougeL(stem=yes)").unwrap();
        let written: Vec<String> = specs.iter().map(MetricSpec::to_string).collect();
        assert_eq!(written, ["bleu(tok=intl,case=lc)", "chrf", "rougeL(stem=yes)"]);
        assert_eq!(specs[0].get("case"), Some("lc"));
        assert_eq!(specs[1].clone().or("case", "lc").or("case", "mixed").to_string(), "chrf(case=lc)");
    }

    #[test]
    fn malformed_specs_are_refused() {
        for spec in [
            "",
            "bleu,",
            "bleu(",
            "bleu)",
            "bleu(tok)",
            "bleu(tok=intl",
            "(tok=intl)",
            "bleu((a=b))",
            "a(b=c)d",
        ] {
            let error = MetricSpec::parse_list(spec).unwrap_err();
            assert!(matches!(error, SpecError::Malformed { .. }), "{spec}: {error}");
        }
        let error = MetricSpec::parse_list("bleu(tok=intl,tok=13a)").unwrap_err();
        assert_eq!(error.to_string(), "bleu has the setting `tok` twice");
    }

    #[test]
    fn settings_are_taken_and_checked() {
        let spec: MetricSpec = "x(a=lc,n=3,f=no,odd=1)".parse().unwrap();
        let mut settings = spec.settings();
        assert_eq!(settings.choice("a", &[("mixed", 0), ("lc", 1)]), Ok(1));
        assert_eq!(settings.number("n", 4, "1 to 9", |n| (1..10).contains(n)), Ok(3));
        assert_eq!((settings.flag("f", true), settings.flag("g", true)), (Ok(false), Ok(true)));
        let error = settings.finish().unwrap_err();
        assert_eq!(error.to_string(), "x has the settings a, n, f, g, got `odd`");
        let spec: MetricSpec = "x(n=0,a=up)".parse().unwrap();
        let error = spec.settings().number("n", 4, "1 to 9", |n: &u32| *n > 0).unwrap_err();
        assert_eq!(error.to_string(), "x(n=..) must be 1 to 9, got `0`");
        let error = spec.settings().choice("a", &[("mixed", 0), ("lc", 1)]).unwrap_err();
        assert_eq!(error.to_string(), "x(a=..) must be mixed or lc, got `up`");
    }
}
