//! Options for finding models.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Environment, ProgressListener};

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
    /// Ask the hub for the newest commit of a branch or a tag, although the cache has one.
    pub refresh: bool,
    /// The cache's folder; without one, neither the cache nor the hub is used.
    pub cache: Option<PathBuf>,
    /// A hub other than <https://huggingface.co>.
    pub endpoint: Option<String>,
    /// The token for the hub.
    pub token: Option<Token>,
    /// Is called while files are downloaded, and can stop that.
    pub progress: Option<ProgressListener>,
}

/// The hub's token. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    /// The variable or file that it was read from, for messages; empty if it was given by the caller.
    origin: String,
}

impl Token {
    /// A token, or `None` if the text is blank. Blanks at its ends and line breaks anywhere are dropped, as
    /// huggingface_hub does.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.replace(['\r', '\n'], "").trim().to_owned();
        (!text.is_empty()).then(|| Self { text, origin: String::new() })
    }

    fn read_from(self, origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), ..self }
    }

    /// The token itself, for the header of a request.
    pub(super) fn reveal(&self) -> &str {
        &self.text
    }

    /// `the token in HF_TOKEN`, `the token`.
    pub(super) fn name(&self) -> String {
        if self.origin.is_empty() { "the token".to_owned() } else { format!("the token in {}", self.origin) }
    }

    /// The reason why it cannot be a token, if it cannot: one is a word of visible ASCII characters (RFC
    /// 6750) without quotation marks.
    pub(super) fn flaw(&self) -> Option<String> {
        let is_odd = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'');
        let odd = self.text.chars().find(|&c| is_odd(c))?;
        // Never more than one character of it is printed.
        Some(format!("{} has the character {odd:?}, which no token has", self.name()))
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
            offline: environment.is_offline(),
            follow_links: false,
            refresh: false,
            cache: environment.cache_folder(),
            endpoint: environment.get("HF_ENDPOINT").map(|url| url.trim_end_matches('/').to_owned()),
            token: token(environment),
            progress: None,
        }
    }
}

/// `HF_TOKEN`, its older name, or the token file that `hf auth login` writes; none if
/// `HF_HUB_DISABLE_IMPLICIT_TOKEN` is on.
fn token(environment: &Environment) -> Option<Token> {
    if environment.is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
        return None;
    }
    let of_variable = |name: &&str| Some(Token::new(environment.get(name)?)?.read_from(*name));
    let variable = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].iter().find_map(of_variable);
    variable.or_else(|| token_in(&environment.token_file()?))
}

/// The token in a file. `None` if it cannot be read: most models need no token.
fn token_in(path: &Path) -> Option<Token> {
    let metadata = path.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > TOKEN_LIMIT {
        return None;
    }
    Some(Token::new(&std::fs::read_to_string(path).ok()?)?.read_from(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> HubOptions {
        HubOptions::from_environment(&pairs.iter().copied().collect())
    }

    #[test]
    fn offline_is_hf_hub_offline_or_without_it_transformers_offline() {
        let (hub, transformers) = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE");
        for (pairs, offline) in [
            (&[][..], false),
            (&[(hub, "1")], true),
            (&[(hub, "ON")], true),
            (&[(hub, "yes\n")], true),
            (&[(hub, "0")], false),
            (&[(hub, "")], false),
            (&[(transformers, "true")], true),
            (&[(hub, ""), (transformers, "1")], true),
            (&[(hub, "0"), (transformers, "1")], false),
        ] {
            assert_eq!(options(pairs).offline, offline, "{pairs:?}");
        }
    }

    #[test]
    fn the_token_comes_from_a_variable_or_a_file_and_is_not_printed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "hf_file\r\n").unwrap();
        let path = file.to_str().unwrap();
        let home = folder.path().to_str().unwrap();
        let old = "HUGGING_FACE_HUB_TOKEN";
        for (pairs, expected) in [
            (&[("HF_TOKEN", "hf_variable"), ("HF_TOKEN_PATH", path)][..], Some("hf_variable")),
            (&[("HF_TOKEN", " hf_vari\nable\r\n")], Some("hf_variable")),
            (&[("HF_TOKEN", " "), (old, "hf_old")], Some("hf_old")),
            (&[("HF_TOKEN", ""), (old, "\n"), ("HF_TOKEN_PATH", path)], Some("hf_file")),
            (&[("HF_TOKEN_PATH", path)], Some("hf_file")),
            (&[("HF_TOKEN_PATH", "$T/token"), ("T", home)], Some("hf_file")),
            (&[("HF_HOME", home)], Some("hf_file")),
            (&[("HF_HOME", "~"), ("HOME", home)], Some("hf_file")),
            (&[("HF_TOKEN_PATH", home)], None),
            (&[("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")], None),
        ] {
            let found = options(pairs).token;
            assert_eq!(found.as_ref().map(Token::reveal), expected, "{pairs:?}");
        }
        assert!(!format!("{:?}", options(&[("HF_TOKEN", "hf_variable")])).contains("hf_variable"));
    }

    #[test]
    fn an_impossible_token_is_reported_by_its_origin_and_one_character() {
        for (text, shown) in [("\"hf_x\"", "'\"'"), ("hf x", "' '"), ("hf_\u{e9}", "'\u{e9}'")] {
            let flaw = options(&[("HF_TOKEN", text)]).token.unwrap().flaw().unwrap();
            assert!(flaw.contains("HF_TOKEN") && flaw.contains(shown) && !flaw.contains("hf"), "{flaw}");
        }
        assert_eq!(Token::new("hf_aZ09").unwrap().flaw(), None);
    }
}
