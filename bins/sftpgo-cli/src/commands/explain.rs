//! `sftpgo-cli user explain`

use crate::{
    cli::Explain,
    client::Client,
    exit::{Failure, Result},
    output::{Format, fields},
    wire::Explanation,
};

/// Shows the answer; a no is told by the exit code too.
pub(super) fn run(client: &Client, format: Format, question: &Explain) -> Result<()> {
    let user = client.user_by_name(&question.name)?;
    let answer = client.explain(user.id, question)?;
    format.print(&answer, table)?;
    if answer.allowed {
        Ok(())
    } else {
        Err(Failure::AnsweredNo)
    }
}

fn table(answer: &Explanation) -> String {
    let allowed = if answer.allowed { "yes" } else { "no" };
    fields([
        ("User", answer.username.clone()),
        ("Operation", answer.operation.clone()),
        ("Path", answer.path.clone()),
        ("New name", answer.target.clone().unwrap_or_default()),
        ("Allowed", allowed.to_owned()),
        ("Rule", answer.rule.clone()),
        ("Permissions", answer.permissions.join(", ")),
        ("Reason", answer.reason.clone()),
    ])
}
