//! Figures and moments as people read them.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::texts::words as texts;

const UNITS: [&str; 6] = [
    texts::KIB,
    texts::MIB,
    texts::GIB,
    texts::TIB,
    texts::PIB,
    texts::EIB,
];

/// Bytes, as in `1.5 GiB`.
pub(super) fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut rest = bytes as f64;
    let mut unit = "";
    for name in UNITS {
        if rest < 1023.95 {
            break;
        }
        rest /= 1024.0;
        unit = name;
    }
    format!("{rest:.1} {unit}")
}

/// The part of a limit that is used, in percent and no more than all of it; none where there is no limit.
pub(super) fn part(used: u64, limit: u64) -> Option<u64> {
    let part = u128::from(used) * 100 / u128::from(limit.max(1));
    (limit > 0).then(|| u64::try_from(part).unwrap_or(100).min(100))
}

/// A moment in UTC, as in `2026-01-02 03:04`; `never` is for 0.
pub(super) fn moment(milliseconds: i64, never: &str) -> String {
    if milliseconds <= 0 {
        return never.to_owned();
    }
    civil(milliseconds).map_or_else(String::new, |moment| {
        moment.strftime("%Y-%m-%d %H:%M").to_string()
    })
}

/// A day in UTC, as in `2026-01-02`.
pub(super) fn day(milliseconds: i64) -> String {
    civil(milliseconds).map_or_else(String::new, |moment| moment.date().to_string())
}

/// A moment as a field for it has it, in UTC; empty for 0.
pub(super) fn moment_field(milliseconds: i64) -> String {
    if milliseconds == 0 {
        return String::new();
    }
    civil(milliseconds).map_or_else(
        || milliseconds.to_string(),
        |moment| moment.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    )
}

/// Parses what was typed into a field for a time, to Unix milliseconds: a date, a date with a time, in UTC, or nothing for
/// 0.
pub(super) fn parse_moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() || text == "0" {
        return Some(0);
    }
    let moment: DateTime = text.trim_end_matches('Z').parse().ok()?;
    let moment = moment.to_zoned(TimeZone::UTC).ok()?;
    Some(moment.timestamp().as_millisecond())
}

fn civil(milliseconds: i64) -> Option<DateTime> {
    let moment = Timestamp::from_millisecond(milliseconds).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).datetime())
}

/// A whole number as typed, with nothing for 0. One of bytes may have a unit: `10 GiB`, `10G` and `10GB` are the same.
pub(super) fn parse_number(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = text.strip_prefix(digits)?.trim().to_ascii_uppercase();
    let power = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        _ => return None,
    };
    if text.is_empty() {
        return Some(0);
    }
    let number: i64 = digits.parse().ok()?;
    number.checked_mul(1024_i64.checked_pow(power)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (1 << 40, "1.0 TiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_part_is_of_a_limit() {
        assert_eq!(part(5, 0), None);
        assert_eq!(part(5, 10), Some(50));
        assert_eq!(part(50, 10), Some(100));
        assert_eq!(part(u64::MAX, u64::MAX), Some(100));
    }

    #[test]
    fn moments_survive_their_field() {
        for moment in [0, 1_700_000_000_000, 32_503_680_000_000] {
            assert_eq!(parse_moment(&moment_field(moment)), Some(moment));
        }
        assert_eq!(parse_moment("2026-01-02"), parse_moment("2026-01-02 00:00"));
        assert_eq!(parse_moment("1970-01-02"), Some(86_400_000));
        for bad in ["tomorrow", "2026-13-01", "2026-01-02T25:00"] {
            assert_eq!(parse_moment(bad), None, "{bad}");
        }
        assert_eq!(moment(0, "never"), "never");
        assert_eq!(moment(86_400_000, ""), "1970-01-02 00:00");
    }

    #[test]
    fn numbers_may_have_a_unit_of_bytes() {
        for (text, number) in [
            ("", Some(0)),
            (" 12 ", Some(12)),
            ("-1", Some(-1)),
            ("2K", Some(2048)),
            ("2 kb", Some(2048)),
            ("1 GiB", Some(1 << 30)),
            ("1G", Some(1 << 30)),
            ("1.5", None),
            ("x", None),
            ("1X", None),
            ("G", None),
            ("9223372036854775807K", None),
        ] {
            assert_eq!(parse_number(text), number, "{text}");
        }
    }
}
