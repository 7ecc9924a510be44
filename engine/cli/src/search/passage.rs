//! Answers for people: a line per hit, and below it the passage, wrapped, its best sentence in bold.

use std::ops::Range;

use console::measure_text_width;
use nearsay::search::{SearchAnswer, SearchHit};
use serde_json::Value;

use super::explained;
use crate::style::Style;
use crate::table::visible;
use crate::terminal::Stream;

/// Lines of a passage at most.
const MAX_LINES: usize = 4;
/// Widest line of a passage: longer ones are hard to read.
const MAX_WIDTH: usize = 110;
/// Narrowest line of a passage, however narrow the terminal is.
const MIN_WIDTH: usize = 20;
/// Blanks before a passage.
const INDENT: &str = "    ";
/// Stands for what is left out.
const ELLIPSIS: &str = "...";

/// The text of an answer for a terminal of this width.
pub(super) fn lines(answer: &SearchAnswer, width: usize) -> String {
    let mut text = String::new();
    if let Some(id) = &answer.query_id {
        let query = answer.query.as_deref().map(|query| format!("  {}", shown(query)));
        let title = fitted(&format!("{}{}", shown(&id.text()), query.unwrap_or_default()), width);
        text.push_str(&format!("{}\n", Stream::Stdout.paint(Style::Dim, &title)));
    }
    let digits = answer.hits.len().to_string().len();
    for hit in &answer.hits {
        text.push_str(&title(hit, digits, width));
        if let Some(text_of_hit) = &hit.text {
            let before = hit.before.as_deref().unwrap_or_default();
            let passage = format!("{before}{text_of_hit}{}", hit.after.as_deref().unwrap_or_default());
            let mark = hit.marks.first().map(|mark| mark.start + before.len()..mark.end + before.len());
            for line in wrapped(&passage, mark.as_ref(), hit.continues_at.is_some(), passage_width(width)) {
                text.push_str(&format!("{INDENT}{line}\n"));
            }
        }
        for line in explained::lines(hit.explanation.as_deref().unwrap_or_default(), passage_width(width)) {
            text.push_str(&format!("{INDENT}{line}\n"));
        }
    }
    text
}

fn passage_width(width: usize) -> usize {
    width.saturating_sub(INDENT.len()).clamp(MIN_WIDTH, MAX_WIDTH)
}

/// ` 1   0.7312  mill.md  chunk 2 (310-742)  year=1990`
fn title(hit: &SearchHit, digits: usize, width: usize) -> String {
    let mut parts = vec![format!("{:>digits$}", hit.rank)];
    parts.push(format!("{:>7.4}", hit.score.or(hit.distance).unwrap_or_default()));
    parts.push(shown(&hit.id.text()));
    if let (Some(chunk), Some(start), Some(end)) = (hit.chunk, hit.byte_start, hit.byte_end) {
        parts.push(format!("chunk {chunk} (bytes {start}-{end})"));
    }
    for (name, value) in &hit.columns {
        let value = match value {
            Value::String(text) => shown(text),
            other => other.to_string(),
        };
        parts.push(format!("{}={value}", shown(name)));
    }
    format!("{}\n", fitted(&parts.join("  "), width))
}

/// One line without control characters.
fn shown(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The start of a line that is too wide.
pub(super) fn fitted(line: &str, width: usize) -> String {
    if measure_text_width(line) <= width {
        return line.to_owned();
    }
    let room = width.saturating_sub(ELLIPSIS.len());
    let mut fitted = String::new();
    for character in line.chars() {
        fitted.push(character);
        if measure_text_width(&fitted) > room {
            fitted.pop();
            break;
        }
    }
    fitted + ELLIPSIS
}

/// A word as it is shown, and whether it is part of the best sentence.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    text: String,
    is_marked: bool,
}

/// The words of a text in pieces that fit a line.
fn words(text: &str, mark: Option<&Range<usize>>, width: usize) -> Vec<Word> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let is_marked = mark.is_some_and(|mark| mark.contains(&start));
        let mut piece = String::new();
        for character in visible(word).chars() {
            piece.push(character);
            if measure_text_width(&piece) > width {
                let last = piece.pop();
                words.push(Word { text: std::mem::take(&mut piece), is_marked });
                piece.extend(last);
            }
        }
        words.push(Word { text: piece, is_marked });
    }
    words
}

/// The lines of a passage, from its start, or from a line before its best sentence if that would not be seen.
fn wrapped(text: &str, mark: Option<&Range<usize>>, is_cut: bool, width: usize) -> Vec<String> {
    // Room for the ellipsis of omitted text before or after.
    let room = width.saturating_sub(ELLIPSIS.len() + 1).max(1);
    let words = words(text, mark, room);
    let lines = lines_of(&words, room);
    let marked =
        lines.iter().position(|line| words[line.clone()].iter().any(|word| word.is_marked)).unwrap_or(0);
    let end_of_mark =
        lines.iter().rposition(|line| words[line.clone()].iter().any(|word| word.is_marked)).unwrap_or(0);
    let first = match end_of_mark < MAX_LINES {
        true => 0,
        false => marked.saturating_sub(1).min(lines.len().saturating_sub(MAX_LINES)),
    };
    let last = lines.len().min(first + MAX_LINES);
    let mut shown: Vec<String> =
        lines[first..last].iter().map(|line| painted(&words[line.clone()])).collect();
    if first > 0
        && let Some(line) = shown.first_mut()
    {
        line.insert_str(0, &format!("{ELLIPSIS} "));
    }
    if (last < lines.len() || is_cut)
        && let Some(line) = shown.last_mut()
    {
        line.push_str(&format!(" {ELLIPSIS}"));
    }
    shown
}

/// The words of each line.
fn lines_of(words: &[Word], width: usize) -> Vec<Range<usize>> {
    let (mut lines, mut start, mut used) = (Vec::new(), 0, 0);
    for (index, word) in words.iter().enumerate() {
        let own = measure_text_width(&word.text);
        if index > start && used + 1 + own > width {
            lines.push(start..index);
            (start, used) = (index, 0);
        }
        used += own + usize::from(index > start);
    }
    if start < words.len() {
        lines.push(start..words.len());
    }
    lines
}

/// Words with blanks between them, the marked ones in bold.
fn painted(words: &[Word]) -> String {
    let parts = words.chunk_by(|left, right| left.is_marked == right.is_marked);
    let part = |part: &[Word]| {
        let text = part.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        if part[0].is_marked { Stream::Stdout.paint(Style::Mark, &text) } else { text }
    };
    parts.map(part).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_wrapped_to_the_width_and_the_mark_is_in_view() {
        let text = (0..200).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
        for width in [20, 40, 76, 110] {
            let lines = wrapped(&text, None, false, width);
            assert_eq!(lines.len(), MAX_LINES);
            assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{width}: {lines:?}");
            assert!(lines[0].starts_with("word0 ") && lines[3].ends_with(" ..."));
            let start = text.find("word150").unwrap();
            let lines = wrapped(&text, Some(&(start..start + 20)), false, width);
            assert!(
                lines[0].starts_with("... ") && lines.iter().any(|line| line.contains("word150")),
                "{lines:?}"
            );
            assert!(lines.iter().all(|line| measure_text_width(line) <= width + 4), "{width}: {lines:?}");
        }
        assert_eq!(wrapped("one two", None, false, 40), ["one two"]);
        assert_eq!(wrapped("one two", None, true, 40), ["one two ..."]);
        assert!(wrapped(" \n", None, false, 40).is_empty());
    }

    #[test]
    fn words_wider_than_a_line_are_divided_and_control_characters_escaped() {
        let lines = wrapped(&"数".repeat(30), None, false, 20);
        assert!(lines.len() == 4 && lines.iter().all(|line| measure_text_width(line) <= 20), "{lines:?}");
        let lines = wrapped("a\u{1b}[31mb\u{7}\nc\u{202e}d", None, false, 60);
        assert_eq!(lines, ["a\\u{1b}[31mb\\u{7} c\\u{202e}d"]);
    }

    #[test]
    fn a_title_has_one_line_and_fits() {
        let long = "x\n\u{1b}y ".repeat(100);
        assert_eq!(measure_text_width(&fitted(&shown(&long), 30)), 30);
        assert!(!shown(&long).contains(['\n', '\u{1b}']));
    }
}
