//! Text from elsewhere, made safe to show on a terminal: names come from clients and must not draw on the
//! administrator's screen.

use std::fmt::Write;

/// The text with every [hidden](is_hidden) character written out, as in `\u{202e}`.
pub(crate) fn visible(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if is_hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

/// Pretty JSON with every hidden character spelt in JSON's own way, so the data stays what it was.
///
/// The line breaks that lay JSON out are let through; serde has already escaped those within strings.
pub(crate) fn visible_json(json: &str) -> String {
    json.chars().fold(String::new(), |mut out, c| {
        if is_hidden(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
        out
    })
}

/// Would the character move the cursor, vanish, or reorder its neighbours?
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        assert_eq!(visible("/srv/Žofie/写真 🎉"), "/srv/Žofie/写真 🎉");
    }

    #[test]
    fn what_draws_on_the_screen_is_written_out() {
        assert_eq!(visible("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(visible("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(visible("exe.\u{202e}gpj"), "exe.\\u{202e}gpj");
        assert_eq!(
            visible("\u{200b}\u{2066}\u{feff}"),
            "\\u{200b}\\u{2066}\\u{feff}"
        );
    }

    #[test]
    fn json_is_spelt_differently_and_means_the_same() {
        let data = serde_json::json!({"name": "\u{9b}\u{202e}\u{e0041}\u{1b}é"});
        let shown = visible_json(&serde_json::to_string_pretty(&data).unwrap());
        assert!(
            shown.contains(r"\u009b\u202e\udb40\udc41\u001bé"),
            "{shown}"
        );
        assert!(shown.starts_with("{\n"), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read, data);
    }
}
