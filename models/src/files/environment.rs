//! The environment variables that say where models are.
//!
//! All of them are read here, once, into an [`Environment`]. Everything else, tests included, depends only on
//! its arguments. Names, order and expansion are huggingface_hub's (its module `constants`, version 1.x),
//! with one difference: a variable that is set and blank counts as unset.

mod expand;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use expand::expand;

/// A copy of the environment variables. An empty or blank variable counts as unset.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of this process. Those that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        let pair = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let mut variables: BTreeMap<String, String> = std::env::vars_os().filter_map(pair).collect();
        // Without HOME, the system's list of users names the home folder.
        if variables.get("HOME").is_none_or(|home| home.trim().is_empty()) {
            let home = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok());
            variables.extend(home.map(|home| ("HOME".to_owned(), home)));
        }
        Self { variables }
    }

    /// A variable's value without blanks at its ends, if it is set and not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a variable is set to 1, ON, YES or TRUE, in any case: huggingface_hub's rule.
    pub fn is_on(&self, name: &str) -> bool {
        const ON: [&str; 4] = ["1", "ON", "YES", "TRUE"];
        self.get(name).is_some_and(|value| ON.iter().any(|on| value.eq_ignore_ascii_case(on)))
    }

    /// Whether the hub must not be asked. `TRANSFORMERS_OFFLINE` counts only without `HF_HUB_OFFLINE`.
    pub fn is_offline(&self) -> bool {
        let name =
            if self.get("HF_HUB_OFFLINE").is_some() { "HF_HUB_OFFLINE" } else { "TRANSFORMERS_OFFLINE" };
        self.is_on(name)
    }

    /// The folder of the cache: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, then `hub` in
    /// [`Self::huggingface_home`].
    pub fn cache_folder(&self) -> Option<PathBuf> {
        self.folder(&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"], "hub")
    }

    /// `HF_HOME`, else `huggingface` in `XDG_CACHE_HOME` or `~/.cache`. None without a home folder.
    pub fn huggingface_home(&self) -> Option<PathBuf> {
        self.home_text().map(PathBuf::from)
    }

    /// The file with the hub's token: `HF_TOKEN_PATH`, else `token` in [`Self::huggingface_home`].
    pub fn token_file(&self) -> Option<PathBuf> {
        self.folder(&["HF_TOKEN_PATH"], "token")
    }

    /// The first of these variables that is set, else `below` in [`Self::huggingface_home`], expanded.
    fn folder(&self, names: &[&str], below: &str) -> Option<PathBuf> {
        let named = names.iter().find_map(|name| self.get(name)).map(str::to_owned);
        let path = named.or_else(|| Some(join(&self.home_text()?, below)))?;
        expand(&path, self).map(PathBuf::from)
    }

    fn home_text(&self) -> Option<String> {
        let caches = || self.get("XDG_CACHE_HOME").map_or_else(|| "~/.cache".to_owned(), str::to_owned);
        let path = self.get("HF_HOME").map_or_else(|| join(&caches(), "huggingface"), str::to_owned);
        expand(&path, self)
    }

    /// The user's home folder.
    fn home(&self) -> Option<&str> {
        self.get("HOME").or_else(|| self.get("USERPROFILE"))
    }
}

fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// The names alone: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
    }
}

impl<'a, V: Into<String>> FromIterator<(&'a str, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (&'a str, V)>>(pairs: I) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        Self { variables }
    }
}

/// The folder of the Hugging Face cache in this process's environment; none without a home folder.
pub fn cache_folder() -> Option<PathBuf> {
    Environment::of_process().cache_folder()
}

#[cfg(test)]
mod tests;
