//! Bandwidths: kilobytes (1000 bytes) a second on the wire.

use super::{
    amount::{UNLIMITED, is_unlimited},
    size,
};

/// Reads `500` (KB/s), `5MB`, `1MiB/s` or `unlimited`; a part of a kilobyte counts as a whole one, so
/// that a small limit does not become none.
pub(crate) fn parse(text: &str) -> Result<i32, String> {
    if is_unlimited(text) {
        return Ok(0);
    }
    kilobytes(text)
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| {
            format!(
                "give KB a second up to {}, a size a second such as 5MB, or unlimited",
                i32::MAX
            )
        })
}

fn kilobytes(text: &str) -> Option<u128> {
    let text = text.trim();
    if let Ok(number) = text.parse::<u32>() {
        return Some(number.into());
    }
    let size = text.strip_suffix("/s").unwrap_or(text);
    if size.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    size::bytes(size).map(|bytes| bytes.div_ceil(1000))
}

/// Writes a bandwidth in decimal units, as bandwidths are sold.
pub(crate) fn show(kilobytes: i64) -> String {
    match kilobytes {
        0 => UNLIMITED.to_owned(),
        number if number % 1_000_000 == 0 => format!("{} GB/s", number / 1_000_000),
        number if number % 1000 == 0 => format!("{} MB/s", number / 1000),
        number => format!("{number} KB/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_are_kilobytes_and_units_are_sizes() {
        for (text, kilobytes) in [
            ("500", 500),
            ("0", 0),
            ("unlimited", 0),
            ("5MB", 5000),
            ("5MB/s", 5000),
            ("1MiB", 1049),
            ("1.5MB", 1500),
            ("1b", 1),
        ] {
            assert_eq!(parse(text), Ok(kilobytes), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "-1", "1.5", "500/s", "fast", "2147483648", "3PB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shows_without_losing_any() {
        assert_eq!(show(0), "unlimited");
        assert_eq!(show(1500), "1500 KB/s");
        assert_eq!(show(5000), "5 MB/s");
        assert_eq!(show(2_000_000), "2 GB/s");
    }
}
