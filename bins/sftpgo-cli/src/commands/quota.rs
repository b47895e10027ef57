//! `sftpgo-cli quota …`

use crate::{
    cli::QuotaCommand,
    client::Client,
    exit::{Failure, Result},
    output::{Format, Table, fields},
    values::{date, text::visible},
    wire::{EndedQuotaScan, QuotaScan},
};

pub(super) fn run(client: &Client, format: Format, command: QuotaCommand) -> Result<()> {
    match command {
        QuotaCommand::Scan { name } => {
            let answer = client.start_quota_scan(&name)?;
            super::done(format, &answer, &format!("The scan of {name} has started."))
        }
        QuotaCommand::Last { name } => {
            let user = client.user_by_name(&name)?;
            let ended = client.ended_quota_scans(user.id)?;
            format.print(ended.as_slice(), |ended| match ended {
                [last, ..] => shown(last),
                [] => format!("No scan of {name} has ended since the server was started.\n"),
            })?;
            match ended.first() {
                None => Err(Failure::AnsweredNo),
                Some(last) if !last.error.is_empty() => Err(Failure::Refused(last.error.clone())),
                Some(last) if !last.unreadable.is_empty() => Err(Failure::LeftOut),
                Some(_) => Ok(()),
            }
        }
        QuotaCommand::List => format.print(client.quota_scans()?.as_slice(), table),
    }
}

fn shown(ended: &EndedQuotaScan) -> String {
    let unreadable: Vec<_> = ended.unreadable.iter().map(|path| visible(path)).collect();
    fields([
        ("User", ended.username.clone()),
        ("Began", date::show(ended.start_time)),
        ("Ended", date::show(ended.end_time)),
        ("Unreadable", unreadable.join(", ")),
        ("Error", ended.error.clone()),
    ])
}

fn table(scans: &[QuotaScan]) -> String {
    if scans.is_empty() {
        return "No scans are running.\n".to_owned();
    }
    let mut table = Table::new(["USER", "SINCE"]);
    for scan in scans {
        table.row([scan.username.clone(), date::show(scan.start_time)]);
    }
    table.render()
}
