//! Patterns for names that have a text in them, whatever the case of its letters. Each letter is written out with its other
//! case, for databases do not agree which letters are the same.

use sftpgo_core::provider::cases;

/// The pattern for `GLOB` of SQLite, which is about the whole name.
#[cfg(any(feature = "sqlite", test))]
pub(crate) fn glob(text: &str) -> String {
    let pattern = each_letter(text, |sign| match sign {
        '*' | '?' | '[' => format!("[{sign}]"),
        _ => sign.to_string(),
    });
    format!("*{pattern}*")
}

/// The pattern for the regular expressions of PostgreSQL, MySQL and MariaDB.
#[cfg(any(feature = "postgres", feature = "mysql", test))]
pub(crate) fn regular_expression(text: &str) -> String {
    each_letter(text, |sign| format!("\\{sign}"))
}

/// Writes letters that have another case as a class of both. `quote` writes a sign that may mean something else than
/// itself in a pattern.
fn each_letter(text: &str, quote: impl Fn(char) -> String) -> String {
    let letters = text.chars().map(|letter| {
        let mut cases = Vec::from(cases(letter));
        cases.sort_unstable();
        cases.dedup();
        match cases.as_slice() {
            [sign] if sign.is_ascii_punctuation() => quote(*sign),
            [only] => only.to_string(),
            cases => format!("[{}]", String::from_iter(cases)),
        }
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_both_cases_and_signs_are_themselves() {
        assert_eq!(glob("a1É*]^["), "*[Aa]1[Éé][*]]^[[]*");
        assert_eq!(regular_expression("a1É*]^["), r"[Aa]1[Éé]\*\]\^\[");
    }
}
