//! Passwords and public keys, from where the command line says they are.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{
    cli::PasswordSource,
    exit::{Failure, Result},
    values::public_keys,
};

/// The most bytes that are read of a file. No password or set of keys is near it, and a wrong file may be without end.
const MAX_BYTES: u64 = 1 << 20;

/// The password of the one source given, if any.
pub(super) fn password(source: &PasswordSource) -> Result<Option<String>> {
    if let Some(path) = &source.password_file {
        let name = path.display();
        return one_line(&file(path)?, &name.to_string()).map(Some);
    }
    if source.password_stdin {
        let name = "standard input";
        return one_line(&text(io::stdin().lock(), name)?, name).map(Some);
    }
    Ok(None)
}

/// The one line of a file.
pub(super) fn line_of(path: &Path, what: &str) -> Result<String> {
    let line = one_line(&file(path)?, &path.display().to_string());
    line.map_err(|_| Failure::Usage(format!("{} holds no {what}", path.display())))
}

/// The keys of all files, in their order.
pub(super) fn public_keys(paths: &[impl AsRef<Path>]) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let lines = public_keys::lines(&file(path)?)
            .map_err(|problem| Failure::Usage(format!("{} {problem}", path.display())))?;
        keys.extend(lines);
    }
    Ok(keys)
}

/// `echo` and editors end a line; more than one is a mistake that would lock its user out.
fn one_line(text: &str, name: &str) -> Result<String> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::Usage(format!("{name} holds no password")));
    }
    if line.contains(['\n', '\r', '\0']) {
        return Err(Failure::Usage(format!(
            "{name} holds more than one line, where a password is one"
        )));
    }
    Ok(line.to_owned())
}

fn file(path: &Path) -> Result<String> {
    let name = path.display().to_string();
    let file =
        File::open(path).map_err(|error| Failure::Usage(format!("cannot read {name}: {error}")))?;
    text(file, &name)
}

fn text(from: impl Read, name: &str) -> Result<String> {
    let mut text = String::new();
    from.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Usage(format!("cannot read {name}: {error}")))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::Usage(format!("{name} is too large")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_and_keeps_its_blanks() {
        for text in [" secret word ", " secret word \n", " secret word \r\n"] {
            assert_eq!(one_line(text, "x").unwrap(), " secret word ");
        }
        for text in ["", "\n", "\r\n", "a\nb\n", "a\n\n", "a\rb", "a\0b"] {
            assert!(one_line(text, "x").is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_has_no_end_is_not_read_to_it() {
        assert!(text(io::repeat(b'a'), "x").is_err());
        assert_eq!(
            text(io::repeat(b'a').take(MAX_BYTES), "x").unwrap().len() as u64,
            MAX_BYTES
        );
    }
}
