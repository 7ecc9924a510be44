//! The text after a command's options: examples, lists and paragraphs.
//!
//! It is written as it is printed. A line without indentation that ends in a colon is a heading. Below
//! `Examples:`, an indented line that starts with `#` is a comment about the command after it; below other
//! headings, indented lines are entries: a name, two blanks, a text.

/// A heading and what is below it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section<'a> {
    /// The heading without its colon; `None` for paragraphs that have none.
    pub(crate) heading: Option<&'a str>,
    pub(crate) parts: Vec<Part<'a>>,
}

/// A part of a section.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Paragraph(&'a str),
    Comment(&'a str),
    Command(&'a str),
    Entry(&'a str, &'a str),
}

/// The kind of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Heading,
    Comment,
    Command,
    Other,
}

/// The kind of a line, judged without its neighbors.
pub(super) fn kind(line: &str) -> Line {
    let inner = line.trim_start();
    match (inner.len() < line.len(), inner) {
        (false, text) if text.ends_with(':') => Line::Heading,
        (true, text) if text.starts_with('#') => Line::Comment,
        (true, text) if text.starts_with("nearsay ") || text.contains("| nearsay ") => Line::Command,
        _ => Line::Other,
    }
}

/// The sections of a text, in order.
pub(crate) fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut after_blank = true;
    for line in text.lines() {
        let inner = line.trim();
        let part = match kind(line) {
            _ if inner.is_empty() => {
                after_blank = true;
                continue;
            }
            Line::Heading => {
                sections.push(Section { heading: inner.strip_suffix(':'), parts: Vec::new() });
                after_blank = false;
                continue;
            }
            Line::Comment => Part::Comment(inner.trim_start_matches(['#', ' '])),
            Line::Command => Part::Command(inner),
            Line::Other if line.starts_with(' ') => {
                let (name, text) = inner.split_once("  ").unwrap_or((inner, ""));
                Part::Entry(name, text.trim_start())
            }
            Line::Other => Part::Paragraph(inner),
        };
        let is_apart = after_blank && matches!(part, Part::Paragraph(_));
        match sections.last_mut() {
            Some(section) if !is_apart || section.heading.is_none() => section.parts.push(part),
            _ => sections.push(Section { heading: None, parts: vec![part] }),
        }
        after_blank = false;
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_divided_at_headings_and_paragraphs() {
        let text = "Examples:\n  # a comment\n  nearsay embed a.txt\n  cat a | nearsay embed -\n\nA paragraph.\n\nMore.\n\n\
                    Exit codes:\n   0  done\n  65  bad data";
        assert_eq!(
            sections(text),
            [
                Section {
                    heading: Some("Examples"),
                    parts: vec![
                        Part::Comment("a comment"),
                        Part::Command("nearsay embed a.txt"),
                        Part::Command("cat a | nearsay embed -")
                    ]
                },
                Section {
                    heading: None,
                    parts: vec![Part::Paragraph("A paragraph."), Part::Paragraph("More.")]
                },
                Section {
                    heading: Some("Exit codes"),
                    parts: vec![Part::Entry("0", "done"), Part::Entry("65", "bad data")]
                },
            ]
        );
        assert!(sections("").is_empty());
    }
}
