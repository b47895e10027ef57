//! What the server does now and did of late.

use std::collections::HashSet;

use askama::Template;
use sftpgo_core::admin::AdminPermissions;

use super::{
    activity::Figures,
    answer::{Reply, page},
    frame::Frame,
    request::Request,
    session::Session,
    status::warnings,
    words,
};
use crate::state::App;

/// Of a picture, in its own units.
const WIDTH: usize = 600;
const HEIGHT: usize = 120;

struct Plot {
    title: &'static str,
    /// The picture in words.
    description: String,
    lines: [PlotLine; 2],
    most: String,
}

struct PlotLine {
    name: &'static str,
    class: &'static str,
    path: String,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct DashboardPage {
    frame: Frame,
    warnings: Vec<String>,
    facts: Vec<(&'static str, String)>,
    plots: Vec<Plot>,
}

/// `GET /web`
pub(super) async fn show(app: &App, request: &Request, session: &Session) -> Reply {
    let mut dashboard = DashboardPage {
        frame: Frame::for_admin(session, "Dashboard"),
        warnings: Vec::new(),
        facts: Vec::new(),
        plots: Vec::new(),
    };
    if session.may(AdminPermissions::VIEW_STATUS) {
        dashboard.warnings = warnings(app, request).await;
        let activity = &app.state.activity;
        let hour = activity.figures(request.now, 60, 1);
        let day = activity.figures(request.now, 96, 15);
        dashboard.facts = facts(app, &hour);
        dashboard.plots = vec![
            moved("Throughput, last hour", &hour, 60),
            moved("Throughput, last day", &day, 15 * 60),
            logins("Logins, last hour", &hour),
            logins("Logins, last day", &day),
        ];
    }
    page(request, &dashboard)
}

fn facts(app: &App, hour: &[Figures]) -> Vec<(&'static str, String)> {
    let connections = app.state.connections.list();
    let users: HashSet<_> = connections.iter().map(|one| &one.username).collect();
    let transfers: usize = connections.iter().map(|one| one.transfers.len()).sum();
    let sum = |figure: fn(&Figures) -> u64| hour.iter().map(figure).sum::<u64>();
    vec![
        ("Users connected", users.len().to_string()),
        ("Sessions", connections.len().to_string()),
        ("Transfers", transfers.to_string()),
        (
            "Uploaded in the last hour",
            words::size(sum(|figures| figures.uploaded)),
        ),
        (
            "Downloaded in the last hour",
            words::size(sum(|figures| figures.downloaded)),
        ),
        (
            "Failed logins in the last hour",
            sum(|figures| figures.failures).to_string(),
        ),
    ]
}

fn moved(title: &'static str, figures: &[Figures], seconds: u64) -> Plot {
    let up: Vec<_> = figures.iter().map(|one| one.uploaded / seconds).collect();
    let down: Vec<_> = figures.iter().map(|one| one.downloaded / seconds).collect();
    let show = |rate| format!("{}/s", words::size(rate));
    plot(title, [("Upload", up), ("Download", down)], show)
}

fn logins(title: &'static str, figures: &[Figures]) -> Plot {
    let good: Vec<_> = figures.iter().map(|one| one.logins).collect();
    let failed: Vec<_> = figures.iter().map(|one| one.failures).collect();
    let show = |count: u64| count.to_string();
    plot(title, [("Logins", good), ("Failures", failed)], show)
}

fn plot(
    title: &'static str,
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
        .map(|(name, values)| format!("{name}: {} at the most", show(highest(values))));
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
