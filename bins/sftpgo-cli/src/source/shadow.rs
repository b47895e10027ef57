//! `/etc/shadow`, as `shadow(5)` has it: password hashes and when accounts end.

use std::collections::HashMap;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The lines of a shadow file by user name.
pub(super) struct Shadow<'a>(HashMap<&'a str, Line<'a>>);

/// What one line says.
pub(super) struct Line<'a> {
    hash: &'a str,
    last_change: &'a str,
    longest: &'a str,
    expires: &'a str,
}

impl<'a> Shadow<'a> {
    /// The first line of a name counts, as for the system.
    pub(super) fn parse(text: &'a str) -> Self {
        let mut lines = HashMap::new();
        for line in text.lines() {
            let mut fields = line.split(':');
            let (Some(name), Some(hash)) = (fields.next(), fields.next()) else {
                continue;
            };
            let line = Line {
                hash,
                last_change: fields.next().unwrap_or_default(),
                longest: fields.nth(1).unwrap_or_default(),
                expires: fields.nth(2).unwrap_or_default(),
            };
            lines.entry(name).or_insert(line);
        }
        Self(lines)
    }

    pub(super) fn line(&self, name: &str) -> Option<&Line<'a>> {
        self.0.get(name)
    }
}

impl<'a> Line<'a> {
    pub(super) fn hash(&self) -> &'a str {
        self.hash
    }

    /// When the account ends, in Unix milliseconds; 0 is never.
    pub(super) fn expiration_date(&self) -> Result<i64, String> {
        match days(self.expires, "expiry")? {
            None => Ok(0),
            // The manual leaves it open whether this is never or long ago.
            Some(0) => Ok(1),
            Some(days) => days
                .checked_mul(DAY_MS)
                .ok_or_else(|| "its expiry is out of range".to_owned()),
        }
    }

    /// Nothing, or why the system would let nobody in before the password is changed.
    pub(super) fn check_age(&self, today: i64) -> Result<(), String> {
        let last_change = days(self.last_change, "last change of the password")?;
        if last_change == Some(0) {
            return Err("its password has to be changed before the next login".to_owned());
        }
        let longest = days(self.longest, "age of the password")?;
        match last_change.zip(longest) {
            Some((day, longest)) if day.saturating_add(longest) < today => {
                Err("its password has expired".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A number of days; empty and -1 are none.
fn days(field: &str, name: &str) -> Result<Option<i64>, String> {
    match field.trim() {
        "" | "-1" => Ok(None),
        text => text
            .parse()
            .ok()
            .filter(|days| *days >= 0)
            .map(Some)
            .ok_or_else(|| format!("its {name} cannot be read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<'_> {
        Shadow::parse(text).0.remove("bob").unwrap()
    }

    #[test]
    fn fields_are_found_by_their_place() {
        let text = "root:*:1\n\nbroken\nbob:$6$s$h:20000:0:99999:7:30:20001:\nbob:second:::::::\n";
        let line = line(text);
        assert_eq!(line.hash(), "$6$s$h");
        assert_eq!(
            (line.last_change, line.longest, line.expires),
            ("20000", "99999", "20001")
        );
        assert!(Shadow::parse(text).line("broken").is_none());
        assert!(Shadow::parse(text).line("carol").is_none());
    }

    #[test]
    fn an_account_ends_as_its_day_begins() {
        for (field, moment) in [
            ("", 0),
            ("-1", 0),
            ("0", 1),
            ("1", DAY_MS),
            ("20820", 1_798_848_000_000),
        ] {
            let text = format!("bob:x::::::{field}:");
            assert_eq!(line(&text).expiration_date(), Ok(moment), "{field}");
        }
        for field in [
            "x",
            "-2",
            "1.5",
            "9223372036854775807",
            "99999999999999999999",
        ] {
            assert!(
                line(&format!("bob:x::::::{field}:"))
                    .expiration_date()
                    .is_err(),
                "{field}"
            );
        }
        assert_eq!(line("bob:x").expiration_date(), Ok(0), "a short line");
    }

    #[test]
    fn a_password_that_has_to_be_changed_first_lets_nobody_in() {
        for (changed, longest, may) in [
            ("100", "99999", true),
            ("100", "10", true),
            ("100", "9", false),
            ("100", "", true),
            ("", "9", true),
            ("0", "99999", false),
            ("x", "", false),
            ("100", "x", false),
            ("9223372036854775807", "9223372036854775807", true),
        ] {
            let text = format!("bob:h:{changed}:0:{longest}:7:::");
            assert_eq!(
                line(&text).check_age(110).is_ok(),
                may,
                "{changed} {longest}"
            );
        }
    }
}
