//! What the server does now and did of late.

use std::collections::HashSet;

use askama::Template;
use sftpgo_core::admin::AdminPermissions;

use super::{
    answer::{Reply, page},
    frame::Frame,
    kept::Kept,
    overview::Disk,
    request::Request,
    session::Session,
    status::warnings,
    texts::dashboard as texts,
    words,
};
use crate::{HostKeyInfo, activity::Figures, state::App};

/// Of a picture, in its own units.
const WIDTH: usize = 600;
const HEIGHT: usize = 120;

struct Plot {
    title: &'static str,
    /// The picture in words.
    description: String,
    lines: [PlotLine; 2],
    most: String,
    /// Where it begins.
    since: &'static str,
}

struct PlotLine {
    name: &'static str,
    class: &'static str,
    path: String,
}

/// A time that is drawn: its figures, the seconds of each, and its texts.
struct Time<'a> {
    figures: &'a [Figures],
    seconds: u64,
    since: &'static str,
}

struct DiskRow {
    path: String,
    text: String,
    part: u64,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct DashboardPage<'a> {
    frame: Frame,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    plots: Vec<Plot>,
    disks: Vec<DiskRow>,
    server: Vec<(&'static str, String)>,
    host_keys: &'a [HostKeyInfo],
}

/// `GET /web`
pub(super) async fn show(app: &App, kept: &Kept, request: &Request, session: &Session) -> Reply {
    let mut dashboard = DashboardPage {
        frame: Frame::for_admin(session, texts::TITLE),
        warnings: Vec::new(),
        facts: Vec::new(),
        plots: Vec::new(),
        disks: Vec::new(),
        server: Vec::new(),
        host_keys: &[],
    };
    if session.may(AdminPermissions::VIEW_STATUS) {
        let state = &app.state;
        let overview = kept.overview.figures(&app.state.accounts, &app.calls).await;
        dashboard.warnings = warnings(app, request, &overview).await;
        let hour = state.activity.figures(request.now, 60, 1);
        let day = state.activity.figures(request.now, 96, 15);
        dashboard.facts = facts(app, &hour, overview.users);
        let hour = Time {
            figures: &hour,
            seconds: 60,
            since: texts::HOUR_AGO,
        };
        let day = Time {
            figures: &day,
            seconds: 15 * 60,
            since: texts::DAY_AGO,
        };
        dashboard.plots = vec![
            moved(texts::THROUGHPUT_HOUR, &hour),
            moved(texts::THROUGHPUT_DAY, &day),
            logins(texts::LOGINS_HOUR, &hour),
            logins(texts::LOGINS_DAY, &day),
        ];
        dashboard.disks = overview.disks.iter().filter_map(DiskRow::of).collect();
        dashboard.server = vec![
            (texts::PROVIDER, state.driver.clone()),
            (texts::VERSION, state.version.version.clone()),
        ];
        dashboard.host_keys = &state.ssh.host_keys;
    }
    page(request, &dashboard)
}

impl DiskRow {
    /// None of a disk that did not answer.
    fn of(disk: &Disk) -> Option<Self> {
        let space = disk.space.as_ref().ok()?;
        Some(Self {
            path: disk.path.clone(),
            text: texts::part_of(&words::size(space.used), &words::size(space.all)),
            part: space.part,
        })
    }
}

fn facts(app: &App, hour: &[Figures], users: Option<u64>) -> Vec<(&'static str, String)> {
    let connections = app.state.connections.list();
    let connected: HashSet<_> = connections.iter().map(|one| &one.username).collect();
    let transfers: usize = connections.iter().map(|one| one.transfers.len()).sum();
    let sum = |figure: fn(&Figures) -> u64| hour.iter().map(figure).sum::<u64>();
    let users = users.map_or_else(
        || texts::USERS_UNKNOWN.to_owned(),
        |users| users.to_string(),
    );
    vec![
        (texts::USERS, users),
        (texts::CONNECTED, connected.len().to_string()),
        (texts::SESSIONS, connections.len().to_string()),
        (texts::TRANSFERS, transfers.to_string()),
        (
            texts::UPLOADED,
            words::size(sum(|figures| figures.uploaded)),
        ),
        (
            texts::DOWNLOADED,
            words::size(sum(|figures| figures.downloaded)),
        ),
        (
            texts::LOGINS_OF_HOUR,
            sum(|figures| figures.logins).to_string(),
        ),
        (
            texts::FAILURES_OF_HOUR,
            sum(|figures| figures.failures).to_string(),
        ),
    ]
}

fn moved(title: &'static str, time: &Time<'_>) -> Plot {
    let rates = |figure: fn(&Figures) -> u64| {
        let figures = time.figures.iter().map(figure);
        figures.map(|bytes| bytes / time.seconds).collect()
    };
    let lines = [
        (texts::UPLOAD, rates(|one| one.uploaded)),
        (texts::DOWNLOAD, rates(|one| one.downloaded)),
    ];
    let show = |rate| format!("{}/s", words::size(rate));
    plot(title, time, lines, show)
}

fn logins(title: &'static str, time: &Time<'_>) -> Plot {
    let counts = |figure: fn(&Figures) -> u64| time.figures.iter().map(figure).collect();
    let lines = [
        (texts::LOGINS, counts(|one| one.logins)),
        (texts::FAILURES, counts(|one| one.failures)),
    ];
    plot(title, time, lines, |count| count.to_string())
}

fn plot(
    title: &'static str,
    time: &Time<'_>,
    lines: [(&'static str, Vec<u64>); 2],
    show: impl Fn(u64) -> String,
) -> Plot {
    let highest = |values: &[u64]| values.iter().copied().max().unwrap_or(0);
    let most = lines
        .iter()
        .map(|(_, values)| highest(values))
        .max()
        .unwrap_or(0);
    let described = lines
        .iter()
        .map(|(name, values)| texts::highest(name, &show(highest(values))));
    let description = described.collect::<Vec<_>>().join(". ");
    let classes = ["one", "two"];
    let mut classes = classes.into_iter();
    Plot {
        title,
        description,
        lines: lines.map(|(name, values)| PlotLine {
            name,
            class: classes.next().unwrap_or_default(),
            path: line(&values, most),
        }),
        most: show(most),
        since: time.since,
    }
}

/// A line through the values, as the path of a picture.
fn line(values: &[u64], most: u64) -> String {
    let steps = values.len().saturating_sub(1).max(1);
    let points = values.iter().enumerate().map(|(step, value)| {
        let x = step * WIDTH / steps;
        let height = u128::from(*value) * HEIGHT as u128 / u128::from(most.max(1));
        let y = HEIGHT.saturating_sub(usize::try_from(height).unwrap_or(HEIGHT));
        let letter = if step == 0 { 'M' } else { 'L' };
        format!("{letter}{x} {y}")
    });
    points.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_side_to_side_and_no_higher_than_the_picture() {
        assert_eq!(line(&[0, 5, 10], 10), "M0 120L300 60L600 0");
        assert_eq!(line(&[0, 0], 0), "M0 120L600 120");
        assert_eq!(line(&[u64::MAX], u64::MAX), "M0 0");
        assert_eq!(line(&[], 0), "");
    }
}
