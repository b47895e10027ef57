//! The line on a terminal that says what moves.

use std::{sync::Arc, time::Duration};

use sftpgo_core::{
    event::Operation,
    registry::{ConnectionStatus, Connections, TransferRates},
    user::now_ms,
};
use tokio::time;
use tokio_util::sync::CancellationToken;

use crate::terminal;

const INTERVAL: Duration = Duration::from_secs(1);
/// Columns that every terminal has; a longer line would not be drawn over.
const WIDTH: usize = 78;

/// Draws until `shutdown` fires.
pub(super) async fn draw(connections: Arc<Connections>, shutdown: CancellationToken) {
    let mut rates = TransferRates::default();
    while !shutdown.is_cancelled() {
        terminal::redraw(&line(&mut rates, now_ms(), &connections.list()));
        // Either is a reason to look again.
        let _ = time::timeout(INTERVAL, shutdown.cancelled()).await;
    }
}

fn line(rates: &mut TransferRates, now: i64, listed: &[ConnectionStatus]) -> String {
    let (mut down, mut up, mut transfers) = (0_u64, 0_u64, 0_usize);
    for (connection, rates) in listed.iter().zip(rates.look(listed, now)) {
        for (transfer, rate) in connection.transfers.iter().zip(rates) {
            transfers += 1;
            let sum = match transfer.operation {
                Operation::Download => &mut down,
                Operation::Upload => &mut up,
            };
            *sum = sum.saturating_add(rate);
        }
    }
    let mut line = format!(
        "{}, {}",
        counted(listed.len(), "session"),
        counted(transfers, "transfer")
    );
    if transfers > 0 {
        line += &format!(", down {}/s, up {}/s", bytes(down), bytes(up));
    }
    if let Some(transfer) = listed.iter().find_map(|one| one.transfers.first()) {
        let name = transfer.path.rsplit('/').next().unwrap_or_default();
        line += &format!(": {} of {}", bytes(transfer.size), shown(name));
    }
    line.chars().take(WIDTH).collect()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Writes a size in the unit in which it has up to three digits before the point.
fn bytes(count: u64) -> String {
    let mut unit = 1;
    for name in ["B", "KB", "MB", "GB"] {
        if count < unit * 1000 {
            return format!("{}.{} {name}", count / unit, count % unit * 10 / unit);
        }
        unit *= 1000;
    }
    format!("{}.{} TB", count / unit, count % unit * 10 / unit)
}

/// A client chose the name: nothing in it may move the cursor.
fn shown(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use sftpgo_core::{event::Protocol, registry::TransferStatus};

    use super::*;

    fn downloading(path: &str, size: u64) -> ConnectionStatus {
        ConnectionStatus {
            username: "user".to_owned(),
            connection_id: "SFTP_1".to_owned(),
            client_version: String::new(),
            remote: ([127, 0, 0, 1], 1).into(),
            connected_at: 0,
            last_activity: 0,
            protocol: Protocol::Sftp,
            transfers: vec![TransferStatus {
                operation: Operation::Download,
                path: path.to_owned(),
                started_at: 0,
                size,
                last_activity: 0,
            }],
        }
    }

    #[test]
    fn the_line_tells_what_moved_since_the_last_one() {
        let mut rates = TransferRates::default();
        assert_eq!(line(&mut rates, 0, &[]), "0 sessions, 0 transfers");
        rates.look(&[downloading("/srv/a", 1_000_000)], 1_000);
        let now = [downloading("/srv/a", 3_500_000)];
        assert_eq!(
            line(&mut rates, 2_000, &now),
            "1 session, 1 transfer, down 2.5 MB/s, up 0.0 B/s: 3.5 MB of a"
        );
    }

    #[test]
    fn a_name_moves_no_cursor_and_breaks_no_line() {
        let name = format!("/srv/\x1b[2J\n{}", "x".repeat(500));
        let line = line(&mut TransferRates::default(), 0, &[downloading(&name, 0)]);
        assert!(!line.contains(char::is_control) && line.chars().count() == WIDTH);
    }

    #[test]
    fn figures_have_a_unit_that_fits() {
        for (count, shown) in [
            (0, "0.0 B"),
            (999, "999.0 B"),
            (1_000, "1.0 KB"),
            (1_999_999, "1.9 MB"),
            (5_000_000_000_000, "5.0 TB"),
        ] {
            assert_eq!(bytes(count), shown);
        }
    }
}
