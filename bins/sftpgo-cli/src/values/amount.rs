//! Numbers of things (files, sessions) where 0 on the wire is unlimited.

/// Reads `100` or `unlimited`.
pub(crate) fn parse(text: &str) -> Result<i32, String> {
    if is_unlimited(text) {
        return Ok(0);
    }
    text.parse()
        .ok()
        .filter(|number| *number >= 0)
        .ok_or_else(|| format!("give a whole number up to {}, or unlimited", i32::MAX))
}

/// Shows what [`parse`] reads.
pub(crate) fn show(number: i64) -> String {
    if number == 0 {
        UNLIMITED.to_owned()
    } else {
        number.to_string()
    }
}

/// The word for no limit, in any case of letters.
pub(crate) fn is_unlimited(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case(UNLIMITED)
}

/// The word for no limit.
pub(crate) const UNLIMITED: &str = "unlimited";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_the_word_are_no_limit() {
        assert_eq!(parse("unlimited"), Ok(0));
        assert_eq!(parse("Unlimited"), Ok(0));
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(show(0), "unlimited");
    }

    #[test]
    fn numbers_stay_within_the_wire() {
        assert_eq!(parse("2147483647"), Ok(i32::MAX));
        assert_eq!(show(12), "12");
        for bad in ["2147483648", "-1", "1.5", "", "many", "10k"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
