//! The Porter stemmer as ROUGE uses it.
//!
//! Source: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with the changes of NLTK's
//! `PorterStemmer` in its default mode (NLTK 3.10.4): a table of irregular forms; `ies` and `ied` of words of
//! four letters become `ie`; `y` becomes `i` after a consonant that is not the whole stem; `bli`, `fulli` and
//! `logi` in step 2, and `alli` before its other suffixes; a vowel and a consonant alone count as `*o`.
//!
//! Words are lower-case ASCII. Digits and other characters count as consonants, as in NLTK. A word with
//! other characters is left alone.

/// Irregular forms and their stems.
const IRREGULAR: &[(&str, &str)] = &[
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("inning", "inning"),
    ("innings", "inning"),
    ("outing", "outing"),
    ("outings", "outing"),
    ("canning", "canning"),
    ("cannings", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// Suffixes that step 2 replaces. A longer suffix comes before the shorter ones that it ends with.
const STEP_2: &[(&str, &str)] = &[
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

/// Suffixes that step 3 replaces.
const STEP_3: &[(&str, &str)] = &[
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

/// Suffixes that step 4 drops, in the order in which they are tried.
const STEP_4: &[&str] = &[
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
];

/// Replaces the contents of `stem` by the stem of a lower-case word.
pub fn stem_into(word: &str, stem: &mut String) {
    stem.clear();
    if let Some((_, irregular)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        stem.push_str(irregular);
        return;
    }
    stem.push_str(word);
    if word.len() <= 2 || !word.is_ascii() {
        return;
    }
    plural(stem);
    past_or_participle(stem);
    final_y(stem);
    step_2(stem);
    replace_suffix(stem, STEP_3);
    step_4(stem);
    final_e(stem);
    if stem.ends_with("ll") && measure(&stem.as_bytes()[..stem.len() - 1]) > 1 {
        stem.pop();
    }
}

/// Step 1a.
fn plural(word: &mut String) {
    if word.ends_with("ies") {
        let dropped = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - dropped);
    } else if word.ends_with("sses") {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
}

/// Step 1b.
fn past_or_participle(word: &mut String) {
    if word.ends_with("ied") {
        let dropped = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - dropped);
        return;
    }
    if let Some(rest) = word.strip_suffix("eed") {
        if measure(rest.as_bytes()) > 0 {
            word.pop();
        }
        return;
    }
    let rest = word.strip_suffix("ed").or_else(|| word.strip_suffix("ing"));
    let Some(rest) = rest.filter(|rest| has_vowel(rest.as_bytes())) else { return };
    word.truncate(rest.len());
    repair(word);
}

/// The end of step 1b: restores an `e` that was lost before `ed` or `ing`, or drops a doubled consonant.
fn repair(word: &mut String) {
    let bytes = word.as_bytes();
    if ["at", "bl", "iz"].iter().any(|suffix| word.ends_with(suffix)) {
        word.push('e');
    } else if ends_in_double_consonant(bytes) {
        if !word.ends_with(['l', 's', 'z']) {
            word.pop();
        }
    } else if measure(bytes) == 1 && ends_in_short_syllable(bytes) {
        word.push('e');
    }
}

/// Step 1c.
fn final_y(word: &mut String) {
    let Some(rest) = word.strip_suffix('y') else { return };
    if rest.len() > 1 && ends_in_consonant(rest.as_bytes()) {
        word.pop();
        word.push('i');
    }
}

/// Step 2. A word without its `alli` can have another of the suffixes: `relationalli`.
fn step_2(word: &mut String) {
    if word.strip_suffix("alli").is_some_and(|rest| measure(rest.as_bytes()) > 0) {
        word.truncate(word.len() - 2);
    }
    if let Some(rest) = word.strip_suffix("ogi").and_then(|rest| rest.ends_with('l').then_some(rest)) {
        // The measure counts the l, so that `theologi` is treated as `philologi` is.
        if measure(rest.as_bytes()) > 0 {
            word.pop();
        }
        return;
    }
    replace_suffix(word, STEP_2);
}

/// Replaces the first suffix of a list that the word has, if a vowel and a consonant are before it.
fn replace_suffix(word: &mut String, rules: &[(&str, &str)]) {
    let found = rules.iter().find_map(|(suffix, new)| Some((word.strip_suffix(suffix)?, new)));
    let Some((rest, new)) = found else { return };
    if measure(rest.as_bytes()) > 0 {
        word.truncate(rest.len());
        word.push_str(new);
    }
}

fn step_4(word: &mut String) {
    let found = STEP_4.iter().find_map(|suffix| Some((*suffix, word.strip_suffix(suffix)?)));
    let Some((suffix, rest)) = found else { return };
    if measure(rest.as_bytes()) > 1 && (suffix != "ion" || rest.ends_with(['s', 't'])) {
        word.truncate(rest.len());
    }
}

/// Step 5a.
fn final_e(word: &mut String) {
    let Some(rest) = word.strip_suffix('e') else { return };
    let measure = measure(rest.as_bytes());
    if measure > 1 || measure == 1 && !ends_in_short_syllable(rest.as_bytes()) {
        word.pop();
    }
}

/// Whether each letter is a consonant. A `y` is one unless it follows one.
fn consonants(word: &[u8]) -> impl Iterator<Item = bool> {
    word.iter().scan(false, |consonant, letter| {
        *consonant = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => !*consonant,
            _ => true,
        };
        Some(*consonant)
    })
}

/// How often a consonant follows a vowel: the paper's m.
fn measure(word: &[u8]) -> usize {
    let (mut count, mut after_vowel) = (0, false);
    for consonant in consonants(word) {
        count += usize::from(consonant && after_vowel);
        after_vowel = !consonant;
    }
    count
}

/// The paper's *v*.
fn has_vowel(word: &[u8]) -> bool {
    consonants(word).any(|consonant| !consonant)
}

fn ends_in_consonant(word: &[u8]) -> bool {
    consonants(word).last().unwrap_or(false)
}

/// The paper's *d.
fn ends_in_double_consonant(word: &[u8]) -> bool {
    matches!(word, [.., before, last] if before == last) && ends_in_consonant(word)
}

/// The paper's *o: consonant, vowel, consonant, and the last is not w, x or y. In NLTK also a vowel and a
/// consonant that are the whole word.
fn ends_in_short_syllable(word: &[u8]) -> bool {
    let mut last = [None; 3];
    for consonant in consonants(word) {
        last = [last[1], last[2], Some(consonant)];
    }
    match last {
        [Some(true), Some(false), Some(true)] => !matches!(word.last(), Some(b'w' | b'x' | b'y')),
        [None, Some(false), Some(true)] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
