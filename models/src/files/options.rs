//! Options for finding models.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Environment;

/// The longest token file, in bytes. A token has about 40.
const TOKEN_LIMIT: u64 = 4096;

/// Options for finding models: [`HubOptions::from_env`], changed by the command line.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HubOptions {
    /// Never query the hub.
    pub offline: bool,
    /// Follow links that point outside the model's folder.
    pub follow_links: bool,
    /// The cache's folder; without one, neither the cache nor the hub is used.
    pub cache: Option<PathBuf>,
    /// A hub other than <https://huggingface.co>.
    pub endpoint: Option<String>,
    /// The token for the hub.
    pub token: Option<Token>,
}

/// The hub's token. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token, or `None` if the text is blank.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The token itself, for the header of a request.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}

impl HubOptions {
    /// The options from this process's environment.
    pub fn from_env() -> Self {
        Self::from_environment(&Environment::of_process())
    }

    /// The options from an environment.
    pub fn from_environment(environment: &Environment) -> Self {
        Self {
            offline: environment.is_on("HF_HUB_OFFLINE") || environment.is_on("TRANSFORMERS_OFFLINE"),
            follow_links: false,
            cache: environment.cache_folder(),
            endpoint: environment.get("HF_ENDPOINT").map(|url| url.trim_end_matches('/').to_owned()),
            token: token(environment),
        }
    }
}

/// `HF_TOKEN`, its older name, or the token file that `hf auth login` writes.
fn token(environment: &Environment) -> Option<Token> {
    let variable = environment.get("HF_TOKEN").or_else(|| environment.get("HUGGING_FACE_HUB_TOKEN"));
    match variable {
        Some(text) => Token::new(text),
        None => token_in(&environment.token_file()?),
    }
}

/// The token in a file. `None` if it cannot be read: most models need no token.
fn token_in(path: &Path) -> Option<Token> {
    let metadata = path.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > TOKEN_LIMIT {
        return None;
    }
    Token::new(&std::fs::read_to_string(path).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> HubOptions {
        HubOptions::from_environment(&pairs.iter().copied().collect())
    }

    #[test]
    fn either_variable_means_offline() {
        assert!(options(&[("HF_HUB_OFFLINE", "1")]).offline);
        assert!(options(&[("TRANSFORMERS_OFFLINE", "true")]).offline);
        assert!(!options(&[("HF_HUB_OFFLINE", "0")]).offline);
    }

    #[test]
    fn the_token_comes_from_a_variable_or_a_file_and_is_not_printed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "hf_file\n").unwrap();
        let path = file.to_str().unwrap();
        let home = folder.path().to_str().unwrap();
        let reveal = |pairs: &[(&str, &str)]| options(pairs).token.map(|token| token.reveal().to_owned());
        assert_eq!(reveal(&[("HF_TOKEN", "hf_variable"), ("HF_TOKEN_PATH", path)]).unwrap(), "hf_variable");
        assert_eq!(reveal(&[("HF_TOKEN_PATH", path)]).unwrap(), "hf_file");
        assert_eq!(reveal(&[("HF_HOME", home)]).unwrap(), "hf_file");
        assert_eq!(reveal(&[("HF_TOKEN_PATH", home)]), None);
        assert!(!format!("{:?}", options(&[("HF_TOKEN", "hf_variable")])).contains("hf_variable"));
    }
}
