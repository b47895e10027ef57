//! Sizes in bytes, as people write them.

use super::amount::{UNLIMITED, is_unlimited};

const KIB: u128 = 1 << 10;

/// Reads `10GiB`, `500MB`, `1.5T`, `1024` or `unlimited` (0 on the wire).
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    if is_unlimited(text) {
        return Ok(0);
    }
    let bytes = bytes(text).ok_or("give a size such as 1024, 500MB or 10GiB, or unlimited")?;
    i64::try_from(bytes).map_err(|_| format!("more than {} bytes", i64::MAX))
}

/// Bytes in a number with an optional unit; a fraction of a byte is dropped.
pub(super) fn bytes(text: &str) -> Option<u128> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, name) = text.split_at(end);
    let unit = unit(name.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // Nine digits tell every byte of a GiB apart and cannot overflow below.
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let whole: u64 = whole.parse().ok()?;
    let fraction: u128 = fraction.parse().ok()?;
    Some(u128::from(whole) * unit + fraction * unit / scale)
}

/// Returns the bytes of a unit as coreutils has it: `K` and `KiB` are 1024, `KB` is 1000.
fn unit(name: &str) -> Option<u128> {
    Some(match name.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => KIB,
        "m" | "mib" => KIB.pow(2),
        "g" | "gib" => KIB.pow(3),
        "t" | "tib" => KIB.pow(4),
        "p" | "pib" => KIB.pow(5),
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "pb" => 1_000_000_000_000_000,
        _ => return None,
    })
}

/// Three significant digits at most, in powers of 1024: `1.5 MiB`.
pub(crate) fn show(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes.unsigned_abs() < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = i128::from(bytes) * 10;
    let mut name = "B";
    for unit in UNITS {
        if tenths.abs() < 10_235 {
            break;
        }
        tenths = (tenths + 512 * tenths.signum()) / 1024;
        name = unit;
    }
    match (tenths / 10, (tenths % 10).abs()) {
        (whole, 0) => format!("{whole} {name}"),
        (whole, tenth) => format!("{whole}.{tenth} {name}"),
    }
}

/// Writes a limit as [`show`] writes a size; 0 is none.
pub(crate) fn show_limit(bytes: i64) -> String {
    if bytes == 0 {
        UNLIMITED.to_owned()
    } else {
        show(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("1024", 1024),
            ("0", 0),
            ("unlimited", 0),
            ("500MB", 500_000_000),
            ("10GiB", 10_737_418_240),
            ("10gib", 10_737_418_240),
            ("10G", 10_737_418_240),
            ("10 GB", 10_000_000_000),
            ("1.5KiB", 1536),
            ("0.5k", 512),
            ("7b", 7),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_size() {
        for text in [
            "",
            "GiB",
            "-1",
            "+1",
            "1.",
            ".5",
            "1.5.5",
            "10XB",
            "1e3",
            "0x10",
            "1,5G",
            "9223372036854775808",
            "18446744073709551616",
            "8192PiB",
            "0.1234567890K",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shows_the_nearest_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (1_048_575, "1 MiB"),
            (10_737_418_240, "10 GiB"),
            (1_000_000_000, "953.7 MiB"),
            (i64::MAX, "8192 PiB"),
            (-1536, "-1.5 KiB"),
        ] {
            assert_eq!(show(bytes), text, "{bytes}");
        }
        assert_eq!(show_limit(0), "unlimited");
        assert_eq!(show_limit(2048), "2 KiB");
    }
}
