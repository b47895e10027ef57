//! Questions to the person at the terminal.

use std::io::{self, IsTerminal};

use crate::{
    exit::{Failure, Result},
    output,
    values::text::visible,
};

/// Is somebody there to answer?
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal()
}

/// A new password, typed twice without showing it.
pub(crate) fn new_password(username: &str) -> Result<String> {
    let shown = visible(username);
    let first = hidden(&format!("Password for {shown}: "))?;
    if first.is_empty() {
        return Err(Failure::Usage("the password is empty".to_owned()));
    }
    if hidden("The same again: ")? != first {
        return Err(Failure::Usage("the two passwords differ".to_owned()));
    }
    Ok(first)
}

/// Only a typed yes counts.
pub(crate) fn confirm(question: &str) -> Result<bool> {
    output::question(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::Usage(format!("cannot read the answer: {error}")))?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

fn hidden(question: &str) -> Result<String> {
    rpassword::prompt_password(question)
        .map_err(|error| Failure::Usage(format!("cannot ask for the password: {error}")))
}
