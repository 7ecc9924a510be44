//! The parts of a document: headings of Markdown and blank lines.
//!
//! A heading is a line that starts with one to six `#` and a blank (at most three blanks before it), or one or
//! more lines of text over a line of `=` or `-`. Between two fences (lines of three or more backquotes or tildes)
//! nothing is a heading or a blank line: code stays together if it fits.

use std::ops::Range;

/// Positions in a text, in bytes and in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Starts of headings.
    headings: Vec<usize>,
    /// Starts of the lines after blank ones, without the blanks at their start.
    paragraphs: Vec<usize>,
}

impl Outline {
    pub(super) fn of(text: &str) -> Self {
        let mut outline = Self::default();
        let (mut start, mut fence) = (0, None);
        // The first line of the paragraph so far, which an underline makes a heading.
        let mut paragraph: Option<usize> = None;
        let mut after_blank = false;
        for line in text.split_inclusive('\n') {
            let content = line.trim();
            let first_letter = start + line.len() - line.trim_start().len();
            match (fence, fence_of(line)) {
                (None, Some(opening)) => fence = Some(opening),
                (Some((mark, length)), Some((closing, count)))
                    if mark == closing && count >= length && is_only(content, mark) =>
                {
                    fence = None;
                    paragraph = None;
                    start += line.len();
                    continue;
                }
                _ => {}
            }
            if after_blank && !content.is_empty() {
                outline.paragraphs.push(first_letter);
            }
            let is_text = fence.is_none() && !content.is_empty();
            let underlined =
                paragraph.filter(|_| is_text && (is_only(content, '=') || is_only(content, '-')));
            if let Some(first) = underlined {
                outline.headings.push(first);
            } else if is_text && is_heading(line) {
                outline.headings.push(first_letter);
            }
            let goes_on = is_text && underlined.is_none() && !is_heading(line) && !is_only(content, '-');
            paragraph = goes_on.then(|| paragraph.unwrap_or(first_letter));
            after_blank = fence.is_none() && content.is_empty();
            start += line.len();
        }
        outline
    }

    /// The end of the last part that ends in `range` before a heading, else, from `half` on, at a blank line.
    pub(super) fn last_end(&self, text: &str, range: Range<usize>, half: usize) -> Option<usize> {
        let last = |starts: &[usize], from: usize| {
            let count = starts.partition_point(|start| *start <= range.end);
            starts[..count].last().copied().filter(|start| *start >= from)
        };
        let start = last(&self.headings, range.start).or_else(|| last(&self.paragraphs, half))?;
        Some(text[..start].trim_end().len())
    }

    /// Whether a heading starts here.
    pub(super) fn is_heading(&self, position: usize) -> bool {
        self.headings.binary_search(&position).is_ok()
    }
}

/// The mark and length of a fence.
fn fence_of(line: &str) -> Option<(char, usize)> {
    let line = indented(line)?;
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = line.chars().take_while(|character| *character == mark).count();
    (length >= 3).then_some((mark, length))
}

fn is_heading(line: &str) -> bool {
    let Some(line) = indented(line) else { return false };
    let marks = line.chars().take_while(|character| *character == '#').count();
    (1..=6).contains(&marks) && line[marks..].starts_with([' ', '\t'])
}

/// A line without the blanks at its start, if they are few enough.
fn indented(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(' ');
    (line.len() - rest.len() <= 3).then_some(rest)
}

fn is_only(content: &str, mark: char) -> bool {
    !content.is_empty() && content.chars().all(|character| character == mark)
}

#[cfg(test)]
mod tests {
    use super::Outline;

    fn headings(text: &str) -> Vec<&str> {
        let line = |start: &usize| text[*start..].lines().next().unwrap_or_default();
        Outline::of(text).headings.iter().map(line).collect()
    }

    #[test]
    fn headings_are_found_outside_code() {
        let text = "# One\ntext\n\n```sh\n# no\n\n## no\n```\n### Two #\n#no\n####### no\n    # no\n\
            ~~~~\n# no\n```\n~~~\n# no\n~~~~\n   ## Three\r\n";
        assert_eq!(headings(text), ["# One", "### Two #", "## Three"]);
    }

    #[test]
    fn lines_under_text_make_headings() {
        assert_eq!(headings("One\n===\n\nTwo\nlines\n---\n\n---\ntext\n"), ["One", "Two"]);
        assert_eq!(headings("---\ntitle: x\n---\nb\n"), ["title: x"]);
        assert!(headings("").is_empty() && headings("a\n\n=\n").is_empty());
    }

    #[test]
    fn blank_lines_part_paragraphs() {
        let text = "a\n\n \t\nb\nc\n\nd";
        let paragraphs = Outline::of(text).paragraphs;
        assert_eq!(paragraphs.iter().map(|&start| &text[start..start + 1]).collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(Outline::of("```\na\n\nb\n```\n").paragraphs, [0; 0]);
    }

    #[test]
    fn a_heading_goes_before_a_blank_line() {
        let text = "aaaa\n# b\ncccc\n\ndddd";
        let outline = Outline::of(text);
        assert_eq!(outline.last_end(text, 2..18, 9), Some(4));
        assert_eq!(outline.last_end(text, 6..18, 9), Some(13));
        assert_eq!(outline.last_end(text, 6..18, 17), None);
        assert!(outline.is_heading(5) && !outline.is_heading(9));
    }
}
