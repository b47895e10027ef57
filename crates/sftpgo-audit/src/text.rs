//! Text in JSON that may be read on a terminal.

use std::fmt::Write;

/// JSON escapes what ends a line. What else a terminal acts upon or turns around is escaped here: it can only be inside
/// texts, so escaping it keeps the JSON as it is.
pub fn escape_unseen(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            // Writing to a String does not fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}
