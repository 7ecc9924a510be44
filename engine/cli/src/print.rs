//! Results to standard output, and how numbers are written for people.

use std::io::Write;
use std::time::Duration;

use indicatif::HumanCount;

/// Writes a value as one line of JSON to stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> nearsay::Result<()> {
    print_line(&to_json(value)?)
}

/// Formats a value as one line of JSON.
pub(crate) fn to_json(value: &impl serde::Serialize) -> nearsay::Result<String> {
    serde_json::to_string(value).map_err(|error| nearsay::Error::Bug(error.to_string()))
}

/// Writes a line to stdout.
pub(crate) fn print_line(line: &str) -> nearsay::Result<()> {
    print_bytes(format!("{line}\n").as_bytes())
}

/// Writes bytes to stdout.
pub(crate) fn print_bytes(bytes: &[u8]) -> nearsay::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(|source| nearsay::Error::Io {
        action: "writing",
        target: "standard output".to_owned(),
        source,
    })
}

/// `3 texts were`, `1 text was`.
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", HumanCount(count), if count == 1 { one } else { many })
}

/// A number without decimals and with grouped thousands.
pub(crate) fn grouped(number: f64) -> String {
    HumanCount(number.round() as u64).to_string()
}

/// A size: `312 bytes`, `0.9 MiB`, `23.4 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return plural(count, "byte", "bytes");
    }
    // The unit in which it is at least a half.
    let fits = |power: &usize| count as f64 >= 0.5 * 1024_f64.powi(*power as i32 + 1);
    let power = (1..UNITS.len()).rev().find(fits).unwrap_or(0);
    format!("{:.1} {}", count as f64 / 1024_f64.powi(power as i32 + 1), UNITS[power])
}

/// A time: `0.25 s`, `4.2 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn seconds(time: Duration) -> String {
    let whole = time.as_secs_f64().round() as u64;
    match time.as_secs_f64() {
        seconds if seconds < 0.995 => format!("{seconds:.2} s"),
        seconds if seconds < 119.95 => format!("{seconds:.1} s"),
        _ if whole < 7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Things per second of a time: `2,274`; below ten with a decimal.
pub(crate) fn per_second(count: u64, time: Duration) -> String {
    let rate = count as f64 / time.as_secs_f64().max(1e-9);
    if rate < 9.95 { format!("{rate:.1}/s") } else { format!("{}/s", grouped(rate)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [(0.4, "0"), (999.4, "999"), (999.6, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(
            (plural(1, "row", "rows"), plural(1200, "row", "rows")),
            ("1 row".into(), "1,200 rows".into())
        );
    }

    #[test]
    fn sizes_have_the_unit_that_people_would_use() {
        for (count, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1,023 bytes"),
            (1024, "1.0 KiB"),
            (300 << 10, "300.0 KiB"),
            (921_600, "0.9 MiB"),
            (24_598_140 << 10, "23.5 GiB"),
            (3 << 40, "3.0 TiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn times_get_coarser_as_they_get_longer() {
        for (millis, text) in [
            (0, "0.00 s"),
            (254, "0.25 s"),
            (994, "0.99 s"),
            (996, "1.0 s"),
            (4200, "4.2 s"),
            (119_900, "119.9 s"),
            (119_960, "2 min 0 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(seconds(Duration::from_millis(millis)), text, "{millis}");
        }
    }

    #[test]
    fn rates_are_whole_unless_they_are_small() {
        for (count, millis, text) in [(9563, 4205, "2,274/s"), (3, 1000, "3.0/s"), (0, 0, "0.0/s")] {
            assert_eq!(per_second(count, Duration::from_millis(millis)), text);
        }
    }
}
