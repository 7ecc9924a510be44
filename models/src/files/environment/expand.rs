//! `~` and variables in a path, as Python's `os.path.expanduser` and `os.path.expandvars` replace them on
//! POSIX.

use super::Environment;

/// `path` with a `~` at its start and every `$NAME` and `${NAME}` replaced. A variable that is not set stays
/// as it is written. `None` if `~` needs a home folder and there is none.
pub(super) fn expand(path: &str, environment: &Environment) -> Option<String> {
    expand_user(path, environment).map(|path| expand_variables(&path, environment))
}

fn expand_user(path: &str, environment: &Environment) -> Option<String> {
    let Some(rest) = path.strip_prefix('~') else { return Some(path.to_owned()) };
    let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = match user {
        "" => environment.home()?.to_owned(),
        // An unknown user's `~name` stays, as in Python.
        user => match home_of(user) {
            Some(home) => home,
            None => return Some(path.to_owned()),
        },
    };
    let whole = format!("{}{rest}", home.trim_end_matches('/'));
    Some(if whole.is_empty() { "/".to_owned() } else { whole })
}

/// The home folder of a user in /etc/passwd (`name:password:uid:gid:comment:home:shell`).
fn home_of(user: &str) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.into_iter().find(|fields| fields[0] == user).and_then(|fields| Some((*fields.get(5)?).to_owned()))
}

/// Values are inserted as they are: a `$` in them is not expanded again.
fn expand_variables(text: &str, environment: &Environment) -> String {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let (reference, tail) = rest[at..].split_at(reference_length(&rest[at + 1..]) + 1);
        let name = match reference.strip_prefix("${") {
            Some(braced) => braced.strip_suffix('}'),
            None => Some(&reference[1..]),
        };
        let value = name.and_then(|name| environment.variables.get(name));
        expanded.push_str(value.map_or(reference, String::as_str));
        rest = tail;
    }
    expanded.push_str(rest);
    expanded
}

/// The length of the name after a `$`, braces included; 0 if there is none.
fn reference_length(text: &str) -> usize {
    if text.starts_with('{') {
        return text.find('}').map_or(text.len(), |end| end + 1);
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}
