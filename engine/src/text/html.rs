//! The visible text of a web page, without markup.
//!
//! The `html5gum` crate splits the page into tags and characters by the rules of the WHATWG, entities and
//! unclosed tags included. Here tags become blanks: a paragraph, heading, list or table ends with a blank line;
//! a line break, list entry or table row with the end of a line; a table cell with a blank. Elsewhere blanks
//! and ends of lines collapse to one blank, as in a browser, except inside `pre`. The title comes first.
//! Scripts, styles, templates, drawings and texts for browsers without scripts are left out. Attributes, such
//! as descriptions of images, are not text.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};

/// The text of a page.
pub(super) fn text(page: &str) -> String {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut text = PageText::default();
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => text.start(&tag.name, tag.self_closing),
            Token::EndTag(tag) => text.end(&tag.name),
            Token::String(characters) => text.add(&characters.value),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    text.flush();
    text.text
}

/// The blank between two parts of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Gap {
    #[default]
    Nothing,
    Blank,
    Line,
    Paragraph,
}

/// The gap before and after a tag of this name.
fn gap_of(tag: &[u8]) -> Gap {
    match tag {
        b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"ul" | b"ol" | b"dl" | b"table" | b"pre"
        | b"blockquote" | b"title" | b"figure" | b"section" | b"article" | b"header" | b"footer"
        | b"main" | b"nav" | b"aside" | b"form" | b"fieldset" | b"details" | b"hr" | b"address" | b"body"
        | b"head" => Gap::Paragraph,
        b"br" | b"div" | b"li" | b"tr" | b"dt" | b"dd" | b"option" | b"figcaption" | b"caption"
        | b"summary" | b"legend" | b"thead" | b"tbody" | b"tfoot" | b"center" => Gap::Line,
        b"td" | b"th" | b"button" | b"select" | b"textarea" | b"label" => Gap::Blank,
        _ => Gap::Nothing,
    }
}

/// Whether the content of a tag is not text.
fn is_left_out(tag: &[u8]) -> bool {
    matches!(
        tag,
        b"script" | b"style" | b"template" | b"noscript" | b"svg" | b"iframe" | b"noembed" | b"noframes"
    )
}

#[derive(Default)]
struct PageText {
    text: String,
    /// Characters since the last tag.
    characters: Vec<u8>,
    /// The gap before the next character.
    gap: Gap,
    /// The outermost tag that is left out, and how many of its name are open.
    left_out: Option<(Vec<u8>, usize)>,
    /// Open `pre` tags.
    preformatted: usize,
}

impl PageText {
    fn start(&mut self, tag: &[u8], is_closed: bool) {
        self.flush();
        if let Some((name, depth)) = &mut self.left_out {
            *depth += usize::from(name == tag && !is_closed);
            return;
        }
        self.gap = self.gap.max(gap_of(tag));
        if is_left_out(tag) && !(is_closed && tag == b"svg") {
            self.left_out = Some((tag.to_vec(), 1));
        }
        self.preformatted += usize::from(tag == b"pre");
    }

    fn end(&mut self, tag: &[u8]) {
        self.flush();
        if let Some((name, depth)) = &mut self.left_out {
            *depth -= usize::from(name == tag);
            if *depth == 0 {
                self.left_out = None;
            }
            return;
        }
        self.gap = self.gap.max(gap_of(tag));
        if tag == b"pre" {
            self.preformatted = self.preformatted.saturating_sub(1);
        }
    }

    fn add(&mut self, characters: &[u8]) {
        if self.left_out.is_none() {
            self.characters.extend_from_slice(characters);
        }
    }

    /// Writes the characters since the last tag.
    fn flush(&mut self) {
        let characters = std::mem::take(&mut self.characters);
        for character in String::from_utf8_lossy(&characters).chars() {
            if character.is_ascii_whitespace() && self.preformatted == 0 {
                self.gap = self.gap.max(Gap::Blank);
                continue;
            }
            if !self.text.is_empty() {
                self.text.push_str(match self.gap {
                    Gap::Nothing => "",
                    Gap::Blank => " ",
                    Gap::Line => "\n",
                    Gap::Paragraph => "\n\n",
                });
            }
            self.gap = Gap::Nothing;
            self.text.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_page_becomes_paragraphs_and_lines() {
        let page = "<!DOCTYPE html><html><head><title>The  river</title><style>p { color: red }</style>\n\
            <script>if (a < b) { document.write(\"<p>no</p>\") }</script></head>\n<body><h1>Floods</h1>\n\
            <p>It <b>rose</b>\n  at night &amp; fell<br>by noon.<p>Nobody&nbsp;knew.\n\
            <ul><li>one</li><li>two</li></ul><table><tr><td>a</td><td>b</td></tr><tr><td>c</table>\n\
            <!-- nothing --><noscript>Turn scripts on</noscript><img alt=\"a picture\"></body></html>";
        assert_eq!(
            text(page),
            "The river\n\nFloods\n\nIt rose at night & fell\nby noon.\n\nNobody\u{a0}knew.\n\none\ntwo\n\na b\nc"
        );
    }

    #[test]
    fn preformatted_text_keeps_its_blanks() {
        assert_eq!(text("<p>a</p><pre>if x:\n    y</pre>  b"), "a\n\nif x:\n    y\n\nb");
    }

    #[test]
    fn broken_pages_have_a_text_too() {
        assert_eq!(text("a < b and c > d"), "a < b and c > d");
        assert_eq!(text("<p>open <i>tags"), "open tags");
        assert_eq!(text("<svg><text>x</text><svg></svg></svg>y<svg/>z"), "yz");
        assert_eq!(text("</p></script>a&#x1F600;&bogus;"), "a\u{1f600}&bogus;");
        assert_eq!(text(""), "");
        assert_eq!(text("<p>ü</p>é"), "ü\n\né");
    }
}
