//! `intl`: the tokenizer of mteval-v14.pl, as sacrebleu 2.6.0 has it. Symbols are separated, and so is punctuation
//! except between numbers. Entities are left alone. There are no blanks around the text, so a point at its end
//! stays with the number before it.
//!
//! sacrebleu takes the general categories from the package `regex`, whose version decides.

use std::sync::LazyLock;

use super::separate::{Class, Classes};
use crate::lexical::blank::is_blank;
use crate::lexical::characters::ranges;

const CODE_POINTS: usize = char::MAX as usize + 1;

/// The classes of all code points. A search in the 400 ranges would be slow for text that is not ASCII.
static CLASSES: LazyLock<Box<[Class; CODE_POINTS]>> = LazyLock::new(|| {
    let mut classes = vec![Class::Word; CODE_POINTS];
    for (category, class) in [(r"\p{P}", Class::Point), (r"\p{N}", Class::Number), (r"\p{S}", Class::Symbol)]
    {
        for (first, last) in ranges(category) {
            classes[first as usize..=last as usize].fill(class);
        }
    }
    ('\0'..=char::MAX).filter(|c| is_blank(*c)).for_each(|blank| classes[blank as usize] = Class::Blank);
    classes.try_into().expect("as many classes as code points")
});

/// Calls `each` with the tokens of a text.
pub(super) fn for_each(text: &str, each: impl FnMut(&str)) {
    let classes: &[Class; CODE_POINTS] = &CLASSES;
    let ascii = classes.first_chunk().expect("ASCII is at the start");
    let other = |character| classes[character as usize];
    Classes { ascii, other, padded: false }.for_each(text, each);
}
