//! What requests have besides their work on routes that ignore unknown fields: OpenAI's, Cohere's and Ollama's.

use axum::response::Response;
use hyper::header::HeaderValue;
use nearsay::session::scheduler::Class;

use super::Terms;
use crate::errors::Refusal;
use crate::ids::is_clean;
use crate::json::Fields;

/// The most names of fields that are listed as ignored.
const MOST_IGNORED: usize = 20;

/// Urgency, id and ignored fields of a request.
pub(super) struct Extras {
    pub(super) class: Class,
    /// The client's id of the request.
    pub(super) id: Option<String>,
    ignored: Vec<String>,
}

impl Extras {
    /// Reads `priority`, `request_id` and `user`, and takes all other fields as ignored.
    pub(super) fn read(mut fields: Fields, terms: &Terms) -> Result<Self, Refusal> {
        // Accepted without an effect, as by OpenAI's own.
        fields.text("user")?;
        let priority = fields.whole("priority", i64::from(i32::MIN)..=i64::from(i32::MAX))?;
        let class = terms.class.or(priority.map(Class::of_priority)).unwrap_or_default();
        let id = fields.text("request_id")?.filter(|id| is_clean(id));
        Ok(Self { class, id, ignored: fields.ignored() })
    }

    /// The same with these fields, which have no effect here.
    pub(super) fn ignoring(mut self, names: &[(&str, bool)]) -> Self {
        let given = names.iter().filter(|(_, is_given)| *is_given);
        self.ignored.extend(given.map(|(name, _)| (*name).to_owned()));
        self
    }

    /// Lists the ignored fields in a header.
    pub(super) fn list_ignored(&self, response: &mut Response) {
        if let Some(names) = listed(&self.ignored) {
            response.headers_mut().insert("x-nearsay-ignored", names);
        }
    }
}

/// Names of fields as the value of a header; characters that it cannot have are `?`.
fn listed(names: &[String]) -> Option<HeaderValue> {
    let plain = |name: &String| -> String {
        let plain = |c: char| if c.is_ascii_graphic() && c != ',' { c } else { '?' };
        name.chars().take(64).map(plain).collect()
    };
    let mut listed: Vec<String> = names.iter().take(MOST_IGNORED).map(plain).collect();
    if names.len() > MOST_IGNORED {
        listed.push(format!("and {} more", names.len() - MOST_IGNORED));
    }
    if listed.is_empty() { None } else { HeaderValue::try_from(listed.join(", ")).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_names_are_clean() {
        assert_eq!(listed(&[]), None);
        let names = ["trucate", "a\r\nset-cookie: x", "ä,b"].map(str::to_owned);
        assert_eq!(listed(&names).unwrap(), "trucate, a??set-cookie:?x, ??b");
        let many: Vec<String> = (0..22).map(|number| format!("f{number}")).collect();
        assert!(listed(&many).unwrap().to_str().unwrap().ends_with(", f19, and 2 more"));
    }
}
