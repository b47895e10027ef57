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

/// Asks a question, of which only a typed yes counts as one.
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

/// Asks for a line that is shown while it is typed.
pub(crate) fn line(question: &str) -> Result<String> {
    check_somebody_is_there()?;
    output::question(question)?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::Usage(format!("cannot read the answer: {error}")))?;
    Ok(answer.trim().to_owned())
}

/// Asks for something that is not shown while it is typed.
pub(crate) fn secret(question: &str) -> Result<String> {
    check_somebody_is_there()?;
    hidden(question)
}

fn check_somebody_is_there() -> Result<()> {
    if is_interactive() {
        return Ok(());
    }
    Err(Failure::Usage(
        "something has to be asked and there is no terminal to ask at: see --help for the options that say it"
            .to_owned(),
    ))
}

fn hidden(question: &str) -> Result<String> {
    rpassword::prompt_password(question)
        .map_err(|error| Failure::Usage(format!("cannot ask for the password: {error}")))
}
