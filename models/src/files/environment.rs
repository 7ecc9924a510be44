//! The environment variables that say where models are.
//!
//! All of them are read here, once, into an [`Environment`]. Everything else, tests included, depends only on
//! its arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The variables that huggingface_hub and we read.
const VARIABLES: [&str; 12] = [
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HOME",
    "HUGGINGFACE_HUB_CACHE",
    "HUGGING_FACE_HUB_TOKEN",
    "TRANSFORMERS_OFFLINE",
    "USERPROFILE",
    "XDG_CACHE_HOME",
];

/// A copy of the environment variables about models. An empty variable counts as unset.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        VARIABLES.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?))).collect()
    }

    /// A variable's value, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable is set to 1, ON, YES or TRUE, in any case: huggingface_hub's rule.
    pub fn is_on(&self, name: &str) -> bool {
        const ON: [&str; 4] = ["1", "ON", "YES", "TRUE"];
        self.get(name).is_some_and(|value| ON.iter().any(|on| value.eq_ignore_ascii_case(on)))
    }

    /// The folder of the cache: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, then `hub` in
    /// [`Self::huggingface_home`].
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let named = self.path("HF_HUB_CACHE").or_else(|| self.path("HUGGINGFACE_HUB_CACHE"));
        named.or_else(|| Some(self.huggingface_home()?.join("hub")))
    }

    /// `HF_HOME`, else `huggingface` in `XDG_CACHE_HOME` or `~/.cache`. None without a home folder.
    pub fn huggingface_home(&self) -> Option<PathBuf> {
        let caches = || self.path("XDG_CACHE_HOME").or_else(|| Some(self.home()?.join(".cache")));
        self.path("HF_HOME").or_else(|| Some(caches()?.join("huggingface")))
    }

    /// The file with the hub's token: `HF_TOKEN_PATH`, else `token` in [`Self::huggingface_home`].
    pub fn token_file(&self) -> Option<PathBuf> {
        self.path("HF_TOKEN_PATH").or_else(|| Some(self.huggingface_home()?.join("token")))
    }

    fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }

    /// A variable as a path, with a leading `~` expanded, as huggingface_hub does.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let value = Path::new(self.get(name)?);
        match value.strip_prefix("~") {
            Ok(rest) => Some(self.home()?.join(rest)),
            Err(_) => Some(value.to_owned()),
        }
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
mod tests {
    use super::*;

    fn cache(pairs: &[(&str, &str)]) -> Option<PathBuf> {
        pairs.iter().copied().collect::<Environment>().cache_folder()
    }

    #[test]
    fn the_cache_is_found_in_the_documented_order() {
        let mut pairs = vec![
            ("HF_HUB_CACHE", "/a"),
            ("HUGGINGFACE_HUB_CACHE", "/b"),
            ("HF_HOME", "/c"),
            ("XDG_CACHE_HOME", "/d"),
            ("HOME", "/e"),
        ];
        for expected in ["/a", "/b", "/c/hub", "/d/huggingface/hub", "/e/.cache/huggingface/hub"] {
            assert_eq!(cache(&pairs), Some(PathBuf::from(expected)));
            pairs.remove(0);
        }
        assert_eq!(cache(&pairs), None);
    }

    #[test]
    fn an_empty_variable_is_unset_and_a_tilde_is_home() {
        assert_eq!(cache(&[("HF_HUB_CACHE", ""), ("HF_HOME", "/c")]), Some(PathBuf::from("/c/hub")));
        assert_eq!(cache(&[("HF_HOME", "~/x"), ("HOME", "/e")]), Some(PathBuf::from("/e/x/hub")));
    }

    #[test]
    fn on_is_one_of_four_words() {
        for (value, on) in
            [("1", true), ("True", true), ("yes", true), ("oN", true), ("0", false), ("2", false)]
        {
            assert_eq!([("X", value)].into_iter().collect::<Environment>().is_on("X"), on, "{value}");
        }
    }
}
