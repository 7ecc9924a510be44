//! TER as its definition reads: strings, complete tables, every shift carried out. For tests.

/// Replaces parts of a fixed width from left to right, each after the end of the last.
fn substitute(text: &str, width: usize, rule: impl Fn(&[char]) -> Option<String>) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (mut at, mut result) = (0, String::new());
    while at < characters.len() {
        match characters.get(at..at + width).and_then(&rule) {
            Some(replacement) => {
                result += &replacement;
                at += width;
            }
            None => {
                result.push(characters[at]);
                at += 1;
            }
        }
    }
    result
}

fn pad(text: &str, class: &str) -> String {
    let ranges: Vec<Vec<char>> = class.split(' ').map(|range| range.chars().collect()).collect();
    let is_chosen = |c: char| ranges.iter().any(|range| range[0] <= c && c <= range[range.len() - 1]);
    substitute(text, 1, |part| is_chosen(part[0]).then(|| format!(" {} ", part[0])))
}

fn normalize(text: &str, asian: bool) -> String {
    let mut text = text.replace("\n-", "").replace('\n', " ");
    for (escape, character) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
        text = text.replace(escape, character);
    }
    text = pad(&format!(" {text} "), "{~ [` !& (+ :@ /");
    text = text.replace("'s ", " 's ");
    let is_mark = |c: char| c == '.' || c == ',';
    let digit = |c: char| c.is_ascii_digit();
    text = substitute(&text, 2, |p| (!digit(p[0]) && is_mark(p[1])).then(|| format!("{} {} ", p[0], p[1])));
    text = substitute(&text, 2, |p| (is_mark(p[0]) && !digit(p[1])).then(|| format!(" {} {}", p[0], p[1])));
    text = substitute(&text, 2, |p| (digit(p[0]) && p[1] == '-').then(|| format!("{} - ", p[0])));
    if asian {
        text = pad(&text, "\u{4e00}\u{9fff} \u{3400}\u{4dbf}");
        text = pad(&text, "\u{31c0}\u{31ef} \u{2e80}\u{2eff}");
        text = pad(&text, "\u{3300}\u{33ff} \u{f900}\u{faff} \u{fe30}\u{fe4f}");
        text = pad(&text, "\u{3200}\u{3f22}");
        text = pad(&text, ASIAN_PUNCTUATION);
        text = pad(&text, FULL_WIDTH_PUNCTUATION);
    }
    text
}

const ASIAN_PUNCTUATION: &str =
    "\u{3001} \u{3002} \u{3008}\u{3011} \u{3014}\u{301f} \u{ff61}\u{ff65} \u{30fb}";
const FULL_WIDTH_PUNCTUATION: &str =
    "\u{ff0e} \u{ff0c} \u{ff1f} \u{ff1a} \u{ff1b} \u{ff01} \u{ff02} \u{ff08} \u{ff09}";

fn prepare(text: &str, norm: bool, punctuation: bool, asian: bool) -> String {
    // Blanks that only Python knows become one that all know.
    let blank = |c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c);
    let mut text = text.trim_end_matches(blank).to_lowercase();
    if norm && !text.is_empty() {
        text = normalize(&text, asian);
    }
    if !punctuation {
        text.retain(|c| !".,?:;!\"()".contains(c));
        if asian {
            let removed = [ASIAN_PUNCTUATION, FULL_WIDTH_PUNCTUATION].map(|class| pad_alone(&text, class));
            text.retain(|c| !removed.iter().any(|removed| removed.contains(&c)));
        }
    }
    text.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The characters that [`pad`] pads.
fn pad_alone(text: &str, class: &str) -> Vec<char> {
    text.chars().filter(|c| *c != ' ' && pad(&c.to_string(), class).len() > c.len_utf8()).collect()
}

pub(super) fn candidate_words(text: &str, norm: bool, punctuation: bool, asian: bool) -> Vec<String> {
    prepare(text, norm, punctuation, asian).split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

pub(super) fn reference_words(text: &str, norm: bool, punctuation: bool, asian: bool) -> Vec<String> {
    candidate_words(&prepare(text, norm, punctuation, asian), norm, punctuation, asian)
}

type Table = Vec<Vec<Option<usize>>>;

/// The complete table; cells outside the band, and those that no path reaches, are none.
fn distances(candidate: &[String], reference: &[String]) -> Table {
    let (n, m) = (candidate.len(), reference.len());
    let ratio = m as f64 / n as f64;
    let beam = if ratio / 2.0 > 25.0 { (ratio / 2.0 + 25.0).ceil() } else { 25.0 };
    let mut table: Table = vec![vec![None; m + 1]; n + 1];
    table[0] = (0..=m).map(Some).collect();
    for i in 1..=n {
        let diagonal = (i as f64 * ratio).floor();
        for j in 0..=m {
            let before_end = i == n || (j as f64) < diagonal + beam;
            if (j as f64) < diagonal - beam || !before_end {
                continue;
            }
            let pair = (j > 0).then(|| table[i - 1][j - 1].map(|d| d + cost(candidate, reference, i, j)));
            let alone = table[i - 1][j].map(|d| d + 1);
            let missing = if j > 0 { table[i][j - 1].map(|d| d + 1) } else { None };
            table[i][j] = [pair.flatten(), alone, missing].into_iter().flatten().min();
        }
    }
    table
}

fn cost(candidate: &[String], reference: &[String], i: usize, j: usize) -> usize {
    usize::from(candidate[i - 1] != reference[j - 1])
}

/// The cells of the path from the start to the end.
fn path(table: &Table, candidate: &[String], reference: &[String]) -> Vec<(usize, usize)> {
    let (mut i, mut j) = (candidate.len(), reference.len());
    let mut cells = vec![(i, j)];
    while (i, j) != (0, 0) {
        let here = table[i][j].unwrap();
        let comes_from = |cell: Option<usize>, cost: usize| cell.is_some_and(|d| d + cost == here);
        if i > 0 && j > 0 && comes_from(table[i - 1][j - 1], cost(candidate, reference, i, j)) {
            (i, j) = (i - 1, j - 1);
        } else if i > 0 && comes_from(table[i - 1][j], 1) {
            i -= 1;
        } else {
            j -= 1;
        }
        cells.insert(0, (i, j));
    }
    cells
}

/// All shifts of a round as (start, length, target), in the order in which they are tried.
fn shifts(candidate: &[String], reference: &[String]) -> Vec<(usize, usize, usize)> {
    let table = distances(candidate, reference);
    let cells = path(&table, candidate, reference);
    let is_error = |step: &[(usize, usize)]| table[step[0].0][step[0].1] != table[step[1].0][step[1].1];
    let candidate_error = |i: usize| cells.windows(2).any(|s| s[0].0 == i && s[1].0 == i + 1 && is_error(s));
    let reference_error = |j: usize| cells.windows(2).any(|s| s[0].1 == j && s[1].1 == j + 1 && is_error(s));
    let partner = |j: usize| {
        let step = cells.windows(2).find(|s| s[0].1 == j && s[1].1 == j + 1).unwrap();
        step[1].0 as isize - 1
    };
    let mut found = Vec::new();
    for start in 0..candidate.len() {
        for place in (0..reference.len()).filter(|place| place.abs_diff(start) <= 50) {
            for length in 1..=10.min(candidate.len() - start).min(reference.len() - place) {
                if candidate[start..start + length] != reference[place..place + length] {
                    break;
                }
                let inside = start as isize..(start + length) as isize;
                if inside.contains(&partner(place))
                    || !(start..start + length).any(candidate_error)
                    || !(place..place + length).any(reference_error)
                {
                    continue;
                }
                let before = if place == 0 { 0 } else { (partner(place - 1) + 1) as usize };
                let after = (place..place + length).map(|j| (partner(j) + 1) as usize);
                let mut targets: Vec<usize> = std::iter::once(before).chain(after).collect();
                targets.dedup();
                found.extend(targets.into_iter().map(|target| (start, length, target)));
            }
        }
    }
    found
}

fn shifted(candidate: &[String], (start, length, target): (usize, usize, usize)) -> Vec<String> {
    let mut words = candidate.to_vec();
    let moved: Vec<String> = words.drain(start..start + length).collect();
    // The target counts the stretch itself if it is after its end.
    let at = if target > start + length { target - length } else { target };
    let at = at.min(words.len());
    words.splice(at..at, moved);
    words
}

pub(super) fn edits(candidate: &[String], reference: &[String]) -> usize {
    if reference.is_empty() || candidate.is_empty() {
        return candidate.len() + reference.len();
    }
    let mut candidate = candidate.to_vec();
    let (mut count, mut tried) = (0, 0);
    loop {
        let end = |words: &[String]| distances(words, reference)[words.len()][reference.len()].unwrap();
        let distance = end(&candidate);
        let shifts = shifts(&candidate, reference);
        tried += shifts.len();
        let saved = |words: &[String]| distance as isize - end(words) as isize;
        let best = shifts.into_iter().map(|shift| (saved(&shifted(&candidate, shift)), shift)).max_by_key(
            |(saved, (start, length, target))| (*saved, *length, -(*start as isize), -(*target as isize)),
        );
        match best {
            Some((saved, shift)) if saved > 0 && tried < 1000 => candidate = shifted(&candidate, shift),
            _ => return count + distance,
        }
        count += 1;
    }
}
