//! Decimal numbers in PostgreSQL's binary form of `numeric`.
//!
//! Big-endian 16-bit numbers: digits to the base 10,000; the power of 10,000 of the first; the sign (0, or 0x4000 if
//! negative); decimals; then the digits, without zeros at either end (`numeric_send` in PostgreSQL's
//! src/backend/utils/adt/numeric.c).

/// Decimal digits in one digit to the base 10,000.
const GROUP: usize = 4;
const NEGATIVE: u16 = 0x4000;

/// Appends a number that is written as `-12.340`; `None` if it is written in another way.
pub(super) fn append(number: &str, out: &mut Vec<u8>) -> Option<()> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => (NEGATIVE, digits),
        None => (0, number),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let before = (GROUP - whole.len() % GROUP) % GROUP;
    let after = (GROUP - decimals.len() % GROUP) % GROUP;
    let padded = format!("{}{whole}{decimals}{}", "0".repeat(before), "0".repeat(after));
    let groups: Vec<u16> = padded
        .as_bytes()
        .chunks(GROUP)
        .map(|group| group.iter().fold(0, |value, digit| 10 * value + u16::from(digit - b'0')))
        .collect();
    let first = groups.iter().position(|group| *group != 0).unwrap_or(groups.len());
    let end = groups.iter().rposition(|group| *group != 0).map_or(first, |last| last + 1);
    let is_zero = first == end;
    let weight = if is_zero { 0 } else { ((before + whole.len()) / GROUP) as i16 - 1 - first as i16 };
    out.extend_from_slice(&((end - first) as u16).to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&if is_zero { 0 } else { sign }.to_be_bytes());
    out.extend_from_slice(&(decimals.len() as u16).to_be_bytes());
    groups[first..end].iter().for_each(|group| out.extend_from_slice(&group.to_be_bytes()));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_around_the_point() {
        for (number, weight, sign, decimals, digits) in [
            ("0", 0, 0, 0, &[][..]),
            ("-0.00", 0, 0, 2, &[]),
            ("1", 0, 0, 0, &[1]),
            ("-12.340", 0, 0x4000, 3, &[12, 3400]),
            ("10000", 1, 0, 0, &[1]),
            ("18446744073709551615", 4, 0, 0, &[1844, 6744, 737, 955, 1615]),
            ("0.00001", -2, 0, 5, &[1000]),
            ("123456.7", 1, 0, 1, &[12, 3456, 7000]),
        ] {
            let mut expected = Vec::new();
            let head = [digits.len() as i16, weight, sign, decimals];
            head.iter().chain(digits).for_each(|value: &i16| expected.extend(value.to_be_bytes()));
            let mut found = Vec::new();
            assert_eq!(append(number, &mut found), Some(()), "{number}");
            assert_eq!(found, expected, "{number}");
        }
        for other in ["", "-", "1e5", ".5", "NaN", "+1"] {
            assert_eq!(append(other, &mut Vec::new()), None, "{other}");
        }
    }
}
