//! Whether a number of JSON text survives as one of 64 bits.

use serde_json::Number;

/// The number, if it is a 64-bit integer, or a float that is written with the same digits as the text, up to
/// zeros at the ends.
pub(super) fn exact(json: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(json).ok()?;
    if number.is_i64() || number.is_u64() {
        return Some(number);
    }
    (Decimal::of(json)? == Decimal::of(&number.to_string())?).then_some(number)
}

/// The digits of a number and the power of ten of the last one.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_end_matches('0');
        let digits = significant.trim_start_matches('0').to_owned();
        let zeros = all.len() - significant.len();
        let power: i64 = power.parse().ok()?;
        let exponent = power.checked_sub(fraction.len() as i64)?.checked_add(zeros as i64)?;
        Some(if digits.is_empty() {
            Self { is_negative, digits, exponent: 0 }
        } else {
            Self { is_negative, digits, exponent }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::exact;

    #[test]
    fn numbers_of_64_bits_are_exact() {
        for json in [
            "0",
            "-1",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1.10",
            "1e3",
            "1E+3",
            "-0.0",
            "0.000",
            "1e300",
            "5e-324",
            "100.0",
        ] {
            assert!(exact(json).is_some(), "{json}");
        }
    }

    #[test]
    fn others_are_not() {
        for json in [
            "18446744073709551616",
            "123456789012345678901234567890",
            "-9223372036854775809",
            "3.14159265358979323846",
            "0.1000000000000000055511151231257827",
            "1e400",
            "1e-400",
            "9007199254740993.0",
            // Halfway between two texts of as many digits; the other one is written.
            "32154257559385.813",
            "1e99999999999999999999",
        ] {
            assert!(exact(json).is_none(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn written_digits_of_any_float_are_exact(
            value in any::<f64>().prop_filter("is JSON", |value| value.is_finite())
        ) {
            let json = serde_json::json!(value).to_string();
            prop_assert_eq!(exact(&json).and_then(|number| number.as_f64()), Some(value));
        }
    }
}
