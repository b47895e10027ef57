//! Moments: Unix milliseconds on the wire, where 0 is never.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{
    Date, OffsetDateTime, Time,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const SECOND: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

/// Reads `2027-01-01` (its first moment in UTC), RFC 3339, `12h`, `30d`, `4w` from now, or `never`.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    parse_at(text, now())
}

/// The present, in Unix milliseconds.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

fn parse_at(text: &str, now: i64) -> Result<i64, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("never") {
        return Ok(0);
    }
    let millis = day(text)
        .or_else(|| moment(text))
        .or_else(|| from_now(text, now))
        .ok_or("give a day (2027-01-01), a time (2027-01-01T12:00:00Z), 30d from now, or never")?;
    // 0 would say never, and what is before it is refused by the server.
    if millis < 1 {
        return Err("must be after 1970-01-01".to_owned());
    }
    Ok(millis)
}

fn day(text: &str) -> Option<i64> {
    let date = Date::parse(text, DAY).ok()?;
    Some(unix_millis(date.with_time(Time::MIDNIGHT).assume_utc()))
}

fn moment(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(unix_millis)
}

fn from_now(text: &str, now: i64) -> Option<i64> {
    let (number, hours) = [("h", 1), ("d", 24), ("w", 24 * 7)]
        .into_iter()
        .find_map(|(unit, hours)| text.strip_suffix(unit).map(|number| (number, hours)))?;
    let number: u32 = number.parse().ok()?;
    let millis = i64::from(number) * hours * 60 * 60 * 1000;
    // Beyond the year 9999 it could not be shown.
    let moment = now.checked_add(millis)?;
    from_unix_millis(moment).map(|_| moment)
}

fn unix_millis(moment: OffsetDateTime) -> i64 {
    moment.unix_timestamp() * 1000 + i64::from(moment.millisecond())
}

/// A moment in UTC to the second, or `never`.
pub(crate) fn show(millis: i64) -> String {
    if millis == 0 {
        return "never".to_owned();
    }
    from_unix_millis(millis)
        .and_then(|moment| moment.format(SECOND).ok())
        .unwrap_or_else(|| format!("{millis} ms"))
}

fn from_unix_millis(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(millis.div_euclid(1000)).ok()
}

/// Says how long ago a moment was, in its largest unit: `3 min`.
pub(crate) fn show_since(millis: i64, now: i64) -> String {
    // A server whose clock is ahead has moments yet to come.
    let seconds = now.saturating_sub(millis).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T00:00:00Z
    const NOW: i64 = 1_795_478_400_000;
    const HOUR: i64 = 3_600_000;

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [
            ("never", 0),
            ("Never", 0),
            ("2027-01-01", 1_798_761_600_000),
            ("2028-02-29", 1_835_395_200_000),
            ("2027-01-01T00:00:00Z", 1_798_761_600_000),
            ("2027-01-01T01:00:00+01:00", 1_798_761_600_000),
            ("2027-01-01T00:00:00.250Z", 1_798_761_600_250),
            ("12h", NOW + 12 * HOUR),
            ("30d", NOW + 30 * 24 * HOUR),
            ("4w", NOW + 28 * 24 * HOUR),
            ("0d", NOW),
        ] {
            assert_eq!(parse_at(text, NOW), Ok(millis), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "tomorrow",
            "2027-02-29",
            "2027-13-01",
            "01/02/2027",
            "2027-01-01T00:00:00",
            "30",
            "-1d",
            "1.5d",
            "30m",
            "4294967295w",
            "1970-01-01",
            "1969-12-31",
            "day",
        ] {
            assert!(parse_at(text, NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn shows_moments_in_utc() {
        assert_eq!(show(0), "never");
        assert_eq!(show(NOW + 1999), "2026-11-24 00:00:01 UTC");
        assert_eq!(show(i64::MAX), format!("{} ms", i64::MAX));
    }

    #[test]
    fn shows_how_long_ago() {
        for (ago, text) in [
            (0, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (HOUR, "1 h"),
            (49 * HOUR, "2 d"),
            (-HOUR, "0 s"),
        ] {
            assert_eq!(show_since(NOW - ago, NOW), text);
        }
    }
}
