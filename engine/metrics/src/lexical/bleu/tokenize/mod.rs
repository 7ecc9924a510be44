//! The tokenizers of BLEU, as sacrebleu 2.6.0 has them.
//!
//! Every tokenizer inserts blanks and removes none, so its tokens are parts of the text: nothing is copied. Only
//! 13a also replaces entities, in texts that have some.

mod char;
mod intl;
mod mteval;
mod separate;
mod zh;

#[cfg(test)]
mod reference;

pub(super) use mteval::Cleaner;

use crate::lexical::blank;

/// How a text is split into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tokenizer {
    /// `13a`: ASCII punctuation is separated as in mteval-v13a.pl, the tokenizer of WMT.
    #[default]
    Mteval,
    /// `intl`: Unicode punctuation and symbols are separated as in mteval-v14.pl.
    International,
    /// `zh`: Chinese characters are tokens, the rest is split as by 13a.
    Chinese,
    /// `char`: every character is a token.
    Character,
    /// `none`: the text is split at blanks.
    None,
}

impl Tokenizer {
    /// The names in settings and signatures, the default first.
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("13a", Self::Mteval),
        ("intl", Self::International),
        ("zh", Self::Chinese),
        ("char", Self::Character),
        ("none", Self::None),
    ];

    /// The name in settings and signatures.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }

    /// The tokens of a text.
    pub fn tokens(self, text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        self.for_each(text, &mut Cleaner::default(), |token| tokens.push(token.to_owned()));
        tokens
    }

    /// Calls `each` with the tokens of a text, in their order.
    pub(super) fn for_each(self, text: &str, cleaner: &mut Cleaner, each: impl FnMut(&str)) {
        let text = blank::trim_end(text);
        match self {
            Self::Mteval => mteval::for_each(cleaner.clean(text), each),
            Self::International => intl::for_each(text, each),
            Self::Chinese => zh::for_each(text, each),
            Self::Character => char::for_each(text, each),
            Self::None => blank::words(text).for_each(each),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Characters that the rules are about, and some of all other kinds.
    fn hard_text() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            4 => "[.,]{1,5}",
            4 => "[0-9]",
            3 => "[ a-]",
            2 => "[\\[\\]{}~`_^@:;<=>?!\"#$%&'()*+/|\\\\]",
            1 => "[\u{1c}\u{85}\u{a0}\u{2028}\u{3000}\t\n\r]",
            1 => "[中、。﹏％½²٣Ⅷ€«»—\u{301}\u{2001}\u{2a6d}\u{2a6e}\u{20000}]",
            1 => "(&quot;|&amp;|&lt;|&gt;|&amp;lt;|<skipped>|-\n|&amp;amp;|<ski|pped>)",
            1 => any::<char>().prop_map(String::from),
        ];
        proptest::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn tokens_equal_those_of_the_passes(text in hard_text()) {
            for (name, tokenizer) in Tokenizer::NAMES {
                prop_assert_eq!(tokenizer.tokens(&text), reference::tokens(tokenizer, &text), "{}", name);
            }
        }
    }

    #[test]
    fn names_are_in_the_order_of_the_variants() {
        for (name, tokenizer) in Tokenizer::NAMES {
            assert_eq!(tokenizer.name(), name);
        }
    }

    /// Printed by sacrebleu 2.6.0.
    #[test]
    fn tokens_of_examples() {
        let text = "It's 1,990.5-2 \u{201c}a.,b\u{201d}.. (5%) &amp;lt;in 1990.";
        let cases = [
            (Tokenizer::Mteval, "It's 1,990.5 - 2 “a . , b” . . ( 5 % ) < in 1990 ."),
            (Tokenizer::International, "It ' s 1,990.5-2 “ a . , b ” . . ( 5 % ) & amp ; lt ; in 1990."),
            (Tokenizer::Chinese, "It's 1,990.5 - 2 “ a . , b ” . . ( 5 % ) & amp ; lt ; in 1990."),
            (Tokenizer::None, "It's 1,990.5-2 “a.,b”.. (5%) &amp;lt;in 1990."),
        ];
        for (tokenizer, tokens) in cases {
            assert_eq!(tokenizer.tokens(text).join(" "), tokens, "{tokenizer:?}");
        }
        assert_eq!(Tokenizer::Character.tokens("a\u{301} \u{2028}中"), ["a", "\u{301}", "中"]);
    }
}
