//! `sftpgo-cli quota …`

use crate::{
    cli::QuotaCommand,
    client::Client,
    exit::Result,
    output::{Format, Table},
    values::date,
    wire::QuotaScan,
};

pub(super) fn run(client: &Client, format: Format, command: QuotaCommand) -> Result<()> {
    match command {
        QuotaCommand::Scan { name } => {
            let answer = client.start_quota_scan(&name)?;
            super::done(format, &answer, &format!("The scan of {name} has started."))
        }
        QuotaCommand::List => format.print(client.quota_scans()?.as_slice(), table),
    }
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
