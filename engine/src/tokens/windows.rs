//! All tokens of a long text, in overlapping windows of the model's length.
//!
//! A window has some of the text's tokens, between the special tokens that the tokenizer puts around every text. The next
//! window starts half of its room later, so that a token is in at most two. It is kept in the one where it is more
//! central: where the lesser of the numbers of tokens before it and after it is larger, of equal ones in the first. So
//! every kept token sees a quarter of the room on both sides at least, as far as the text reaches. (A larger overlap
//! would cost more time: with half, two tokens are encoded for each token of the text.)
//!
//! The first token of the first window and the last of the last one are the text's special tokens. A text that fits is
//! one window, which is the text as [`TextTokenizer::encode`] returns it.

use std::borrow::Cow;
use std::ops::Range;

use super::{TextTokenizer, TokenizedText};
use crate::Result;

/// A text with a token in every vocabulary, or an unknown one.
const SAMPLE: &str = "a";

/// Tokenizes texts of any length, and divides them into windows. Cloning shares the vocabulary.
#[derive(Debug, Clone)]
pub(crate) struct WindowTokenizer {
    /// Without a limit.
    whole: TextTokenizer,
    /// Tokens of a window, special tokens included.
    length: usize,
    /// Special tokens before and after a text.
    ends: [usize; 2],
}

/// A window of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenWindow<'a> {
    /// Its tokens.
    pub(crate) tokens: Cow<'a, TokenizedText>,
    /// Those of them that are kept.
    pub(crate) kept: Range<usize>,
}

impl TextTokenizer {
    /// The same tokenizer without a limit, with windows of the length that the limit was.
    ///
    /// # Errors
    /// If the tokenizer fails, or puts special tokens elsewhere than at both ends of a text.
    pub(crate) fn windows(&self) -> Result<WindowTokenizer> {
        let whole = self.with_max_tokens(usize::MAX)?;
        let encoding = whole.run(SAMPLE)?;
        let added = encoding.get_special_tokens_mask();
        let is_added = |added: &&u32| **added == 1;
        let ends =
            [added.iter().take_while(is_added).count(), added.iter().rev().take_while(is_added).count()];
        match ends.iter().sum::<usize>() {
            sum if sum == self.added_tokens => Ok(WindowTokenizer { whole, length: self.max_tokens(), ends }),
            sum => Err(self.refuse(format!(
                "must put its {} special tokens at both ends of a text for windows, and puts {sum} there",
                self.added_tokens
            ))),
        }
    }
}

impl WindowTokenizer {
    /// The tokenizer of whole texts.
    pub(crate) fn whole(&self) -> &TextTokenizer {
        &self.whole
    }

    /// The windows of a text, which the tokenizer of whole texts tokenized.
    pub(crate) fn divide<'a>(&self, text: &'a TokenizedText) -> Vec<TokenWindow<'a>> {
        let [before, after] = self.ends;
        let (tokens, room) = (text.ids.len() - before - after, self.length - before - after);
        if tokens <= room {
            return vec![TokenWindow { tokens: Cow::Borrowed(text), kept: 0..text.ids.len() }];
        }
        let (first, last) = (&text.ids[..before], &text.ids[before + tokens..]);
        let window = |Place { tokens: range, kept }: Place| {
            let inner = &text.ids[before + range.start..before + range.end];
            let start = if range.start == 0 { 0 } else { before + kept.start - range.start };
            let end = before + kept.end - range.start + if range.end == tokens { after } else { 0 };
            let ids = [first, inner, last].concat();
            TokenWindow { tokens: Cow::Owned(TokenizedText { ids, ..text.without_ids() }), kept: start..end }
        };
        places(tokens, room).into_iter().map(window).collect()
    }
}

impl TokenizedText {
    /// Everything but the ids.
    fn without_ids(&self) -> Self {
        let Self { truncated, is_empty, second_part, keys, .. } = *self;
        Self { ids: Vec::new(), truncated, is_empty, second_part, keys }
    }
}

/// The place of a window among a text's tokens.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    tokens: Range<usize>,
    kept: Range<usize>,
}

/// Windows of `room` tokens over `tokens`, which are more.
fn places(tokens: usize, room: usize) -> Vec<Place> {
    let step = room - room / 2;
    let (mut places, mut start, mut kept) = (Vec::new(), 0, 0);
    loop {
        let (end, next) = (start + room, start + step);
        if end >= tokens {
            places.push(Place { tokens: start..tokens, kept: kept..tokens });
            return places;
        }
        // A token of both windows has fewer tokens after it in the first one, and before it in the next one: it is more
        // central in the next one if `token - next > end - 1 - token`.
        let border = (next + end).div_ceil(2);
        places.push(Place { tokens: start..end, kept: kept..border });
        (start, kept) = (next, border);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tokens::tests::open;

    /// The window that each token is kept in, by the rule.
    fn kept_by_rule(tokens: usize, room: usize) -> Vec<usize> {
        let step = room.div_ceil(2);
        let count = 1 + (tokens - room).div_ceil(step);
        let windows: Vec<Range<usize>> =
            (0..count).map(|at| at * step..(at * step + room).min(tokens)).collect();
        let central = |token: usize, window: &Range<usize>| {
            window.contains(&token).then(|| (token - window.start).min(window.end - 1 - token))
        };
        let best = |token: usize| {
            let mut best = None;
            for (at, window) in windows.iter().enumerate() {
                let found = central(token, window);
                if found.is_some() && best.is_none_or(|(value, _)| found > value) {
                    best = Some((found, at));
                }
            }
            best.expect("a window").1
        };
        (0..tokens).map(best).collect()
    }

    fn check_places(tokens: usize, room: usize) {
        let places = places(tokens, room);
        let kept: Vec<usize> = places
            .iter()
            .enumerate()
            .flat_map(|(at, place)| std::iter::repeat_n(at, place.kept.len()))
            .collect();
        assert_eq!(kept, kept_by_rule(tokens, room), "{tokens} in {room}");
        for place in &places {
            assert!(place.tokens.len() <= room && !place.kept.is_empty(), "{tokens} in {room}: {place:?}");
            for token in place.kept.clone() {
                let (before, after) = (token - place.tokens.start, place.tokens.end - 1 - token);
                assert!(before >= token.min(room / 4) && after >= (tokens - 1 - token).min(room / 4));
            }
        }
    }

    #[test]
    fn every_token_is_kept_once_where_it_is_most_central() {
        for room in 1..12 {
            (room + 1..60).for_each(|tokens| check_places(tokens, room));
        }
        // A text of one token more than a window has a second one that starts half a window later.
        assert_eq!(places(9, 8), [Place { tokens: 0..8, kept: 0..6 }, Place { tokens: 4..9, kept: 6..9 }]);
    }

    proptest! {
        #[test]
        fn so_it_is_at_any_length(room in 1_usize..600, more in 1_usize..3000) {
            check_places(room + more, room);
        }
    }

    #[test]
    fn windows_have_special_tokens_and_the_text_has_them_once() {
        for family in ["bert", "roberta", "xlm-roberta"] {
            let tokenizer = open(family, 16);
            let windows = tokenizer.windows().unwrap();
            for count in [0, 1, 3, 13, 14, 15, 22, 100] {
                let text = "the river ".repeat(count);
                let whole = windows.whole().encode(&text).unwrap();
                let parts = windows.divide(&whole);
                let kept: Vec<u32> =
                    parts.iter().flat_map(|part| &part.tokens.ids[part.kept.clone()]).copied().collect();
                assert_eq!(kept, whole.ids, "{family}, {count}");
                let cut = tokenizer.encode(&text).unwrap();
                if cut.truncated {
                    assert!(parts.len() > 1 && parts[0].tokens.ids == cut.ids, "{family}, {count}");
                } else {
                    assert_eq!(parts, [TokenWindow { kept: 0..cut.ids.len(), tokens: Cow::Borrowed(&cut) }]);
                }
                for part in &parts {
                    let ids = &part.tokens.ids;
                    assert!(ids.len() <= 16 && ids[0] == whole.ids[0] && ids.last() == whole.ids.last());
                }
            }
        }
    }
}
