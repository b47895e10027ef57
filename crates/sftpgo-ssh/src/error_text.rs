//! Errors as the system's own programs would say them.

use sftpgo_core::{Error, ErrorKind};

/// Returns what a person reads behind the name of a file.
pub(crate) fn error_text(error: &Error) -> String {
    match error.kind() {
        // This one is the contract's word, the same in every protocol.
        ErrorKind::QuotaExceeded => error.message().to_owned(),
        _ => capitalised(error.message()),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_begin_as_the_systems_do() {
        let missing = Error::not_found("no such file or directory");
        assert_eq!(error_text(&missing), "No such file or directory");
        let full = Error::new(ErrorKind::QuotaExceeded, "quota exceeded");
        assert_eq!(error_text(&full), "quota exceeded");
        assert_eq!(capitalised(""), "");
    }
}
