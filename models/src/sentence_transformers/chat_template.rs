//! The chat template of a reranker that is a language model: a program in Jinja that turns an instruction, a query and a
//! document into the text that the model reads.
//!
//! Sources: sentence_transformers/base/modality.py and base/modules/transformer.py, version 6, for the messages of a pair;
//! utils/chat_template_utils.py of transformers 5.24 for the language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, context};
use serde_json::{Value, json};

use super::chat_settings::ChatSettings;
use crate::files::{CONFIG_LIMIT, ModelFolder, TOKENIZER_CONFIG, join, read_limited, special_tokens};
use crate::{Error, Result};

/// The file with the template.
pub(crate) const FILE: &str = "chat_template.jinja";

/// Steps that a template may take for one pair; known templates take under a thousand.
const FUEL: u64 = 1_000_000;

/// How the text of a message is given to a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageFormat {
    /// A string.
    Flat,
    /// A list of one part: `{"type": "text", "text": ..}`.
    Structured,
}

impl MessageFormat {
    /// The format that a template seems to expect.
    fn guess(template: &str) -> Self {
        const OF_PARTS: [&str; 6] =
            ["content[0]", ".type", "'type'", "\"type\"", "item.type", "message.content["];
        if OF_PARTS.iter().any(|part| template.contains(part)) { Self::Structured } else { Self::Flat }
    }

    fn content(self, text: &str) -> Value {
        match self {
            Self::Flat => json!(text),
            Self::Structured => json!([{"type": "text", "text": text}]),
        }
    }
}

/// A template. Cloning shares it.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Arc<Environment<'static>>,
    /// The file that has it, for errors.
    path: PathBuf,
    source: Arc<str>,
    format: MessageFormat,
    /// Values that the template reads besides messages.
    variables: Arc<BTreeMap<String, Value>>,
}

impl PartialEq for ChatTemplate {
    fn eq(&self, other: &Self) -> bool {
        let Self { environment: _, path, source, format, variables } = self;
        (path, source, format, variables) == (&other.path, &other.source, &other.format, &other.variables)
    }
}

impl Eq for ChatTemplate {}

impl ChatTemplate {
    /// Reads the template in the transformer's folder.
    ///
    /// # Errors
    /// If there is none, if it is not valid, or if one of the two texts of a pair has no effect on its result.
    pub(super) fn read(folder: &ModelFolder, settings: ChatSettings) -> Result<Self> {
        let (path, source) = source(folder)?;
        let environment = environment(&source).map_err(|error| refused(&path, &error))?;
        let special_tokens = special_tokens(folder)?.into_iter().map(|(name, token)| (name, json!(token)));
        let mut variables: BTreeMap<String, Value> = special_tokens.collect();
        variables.insert("add_generation_prompt".to_owned(), json!(false));
        variables.extend(settings.variables);
        let template = Self {
            environment: Arc::new(environment),
            format: settings.format.unwrap_or_else(|| MessageFormat::guess(&source)),
            path,
            source: source.into(),
            variables: Arc::new(variables),
        };
        template.check_that_pairs_count()?;
        Ok(template)
    }

    /// The text of a pair. An empty `instruction` is left out.
    ///
    /// # Errors
    /// If the template fails.
    pub fn render(&self, instruction: &str, query: &str, document: &str) -> Result<String> {
        let texts = [("system", instruction), ("query", query), ("document", document)];
        let is_there = |(role, text): &(&str, &str)| *role != "system" || !text.is_empty();
        let message =
            |(role, text): (&str, &str)| json!({"role": role, "content": self.format.content(text)});
        let messages: Vec<Value> = texts.into_iter().filter(is_there).map(message).collect();
        let variables = minijinja::Value::from(Serde(&*self.variables));
        let context = context! { messages => minijinja::Value::from(Serde(&messages)), ..variables };
        let rendered = self.environment.get_template(FILE).and_then(|template| template.render(context));
        rendered.map_err(|error| refused(&self.path, &error))
    }

    /// A template for other conversations may leave out messages whose roles it does not know.
    fn check_that_pairs_count(&self) -> Result<()> {
        let text = self.render("", "query", "document")?;
        let others = [("query", "another", "document"), ("document", "query", "another")];
        for (role, query, document) in others {
            if self.render("", query, document)? == text {
                let rule = format!(
                    "must put the message of the role {role} into its text, and its result is the same for \
                     different ones"
                );
                return Err(self.rule(rule));
            }
        }
        Ok(())
    }

    fn rule(&self, rule: String) -> Error {
        Error::Config { path: self.path.clone(), field: "chat_template".to_owned(), rule }
    }
}

/// The file and the text of the template.
fn source(folder: &ModelFolder) -> Result<(PathBuf, String)> {
    if let Some(path) = folder.transformer_file(FILE)? {
        let text = String::from_utf8(read_limited(&path, CONFIG_LIMIT)?);
        let text = text.map_err(|error| {
            refused(&path, &format!("it is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
        })?;
        folder.mark_read(&join(folder.transformer_prefix(), FILE));
        return Ok((path, text));
    }
    let config: Value = folder.read_transformer_json(TOKENIZER_CONFIG)?.unwrap_or_default();
    let path = folder.root().join(folder.transformer_prefix()).join(TOKENIZER_CONFIG);
    let stated = &config["chat_template"];
    // Several have names.
    let named = stated.as_array().into_iter().flatten();
    let default = named.into_iter().find(|template| template["name"] == "default");
    match default.map_or(stated, |template| &template["template"]).as_str() {
        Some(text) => Ok((path, text.to_owned())),
        None => {
            let rule = format!(
                "must be a template, since pairs are messages for this model, or be in the file {FILE}, got {}",
                if stated.is_null() { "none" } else { "templates without the name default" }
            );
            Err(Error::Config { path, field: "chat_template".to_owned(), rule })
        }
    }
}

/// Jinja as transformers sets it up.
fn environment(source: &str) -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> std::result::Result<(), _> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_template_owned(FILE, source.to_owned())?;
    Ok(environment)
}

fn refused(path: &Path, error: &dyn std::fmt::Display) -> Error {
    let rule = format!("cannot be used: {error}");
    Error::Config { path: path.to_owned(), field: "chat_template".to_owned(), rule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::test_files::model_folder;

    const TEMPLATE: &str = "\
{%- set system = messages | selectattr('role', 'eq', 'system') | map(attribute='content') | first | default('Judge.') -%}
<s>{{ system }}
{% for message in messages if message.role != 'system' %}
  <{{ message['role'] }}>: {{ message.content.strip() }}
{% endfor %}
{% if add_generation_prompt %}
<answer>
{%- endif %}
";

    fn read(source: &str, settings: ChatSettings) -> Result<ChatTemplate> {
        let (_directory, folder) = model_folder(&[(FILE, source.as_bytes())]);
        ChatTemplate::read(&folder, settings)
    }

    #[test]
    fn a_pair_is_rendered_as_jinja_does() {
        let template = read(TEMPLATE, ChatSettings::default()).unwrap();
        let expected = "<s>Judge.\n  <query>: a\n  <document>: b\n";
        assert_eq!(template.render("", "a ", "b").unwrap(), expected);
        let variables = [("add_generation_prompt".to_owned(), json!(true))].into();
        let template = read(TEMPLATE, ChatSettings { format: None, variables }).unwrap();
        let expected = "<s>Is it so?\n  <query>: a\n  <document>: <b>\n<answer>";
        assert_eq!(template.render("Is it so?", "a", "<b>").unwrap(), expected);
    }

    #[test]
    fn a_text_is_a_part_where_the_template_reads_parts() {
        let source = "{% for message in messages %}{{ message.content[0].text }};{% endfor %}";
        let template = read(source, ChatSettings::default()).unwrap();
        assert_eq!(template.render("i", "q", "d").unwrap(), "i;q;d;");
    }

    #[test]
    fn the_template_may_be_in_the_tokenizers_settings() {
        let source = "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}";
        for stated in [
            json!(source),
            json!([{"name": "other", "template": "x"}, {"name": "default", "template": source}]),
        ] {
            let config = json!({"chat_template": stated, "eos_token": "</s>"}).to_string();
            let (_directory, folder) = model_folder(&[(TOKENIZER_CONFIG, config.as_bytes())]);
            let template = ChatTemplate::read(&folder, ChatSettings::default()).unwrap();
            assert_eq!(template.render("", "q", "d").unwrap(), "q</s>d</s>");
        }
    }

    #[test]
    fn a_template_that_cannot_be_used_is_refused() {
        for (source, part) in [
            ("{% for %}", "syntax error"),
            (
                "{% for message in messages %}{% if message.role == 'user' %}{{ message.content }}{% endif %}{% endfor %}",
                "role query",
            ),
            ("{{ messages[0].content }}", "role document"),
            ("{{ raise_exception('only users speak') }}", "only users speak"),
            ("{% for a in range(10000) %}{% for b in range(10000) %}{{ b }}{% endfor %}{% endfor %}", "fuel"),
            ("{{ messages.no_such_method() }}", "no_such_method"),
        ] {
            let message = read(source, ChatSettings::default()).unwrap_err().to_string();
            assert!(message.contains(FILE) && message.contains(part), "{source}: {message}");
        }
        let (_directory, folder) = model_folder(&[(TOKENIZER_CONFIG, b"{}")]);
        let message = ChatTemplate::read(&folder, ChatSettings::default()).unwrap_err().to_string();
        assert!(message.contains("must be a template") && message.ends_with("got none"), "{message}");
    }
}
