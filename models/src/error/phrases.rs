//! Parts of messages that depend on values.

/// The place of a JSON error, if known.
pub(super) fn place(field: &str) -> String {
    match field {
        "." | "?" => String::new(),
        _ => format!(", field {field}"),
    }
}

/// The place in a file, if it is known.
pub(super) fn comma(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(", {place}") }
}

/// The files that could replace a missing tokenizer.json.
pub(super) fn instead(files: &[&str]) -> String {
    if files.is_empty() { String::new() } else { format!(" and no {}", files.join(" with ")) }
}

pub(super) fn similar(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let names: Vec<String> = names.iter().map(|name| name.escape_debug().to_string()).collect();
    format!("; it has {}, ..", names.join(", "))
}

/// The tasks that a model has.
pub(super) fn tasks(tasks: &[String]) -> String {
    if tasks.is_empty() {
        "it has no tasks".to_owned()
    } else {
        format!("its tasks are {}", tasks.join(", "))
    }
}
