//! Asking for pages of users.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::place;

#[derive(Clone, Copy)]
pub(super) struct Page {
    pub(super) port: u16,
    /// The number of the user before the page; none for the first page.
    pub(super) after: Option<usize>,
}

/// Asks for a page of a hundred this often, in turn over one connection, and answers how long each took.
pub(super) async fn ask(page: Page, times: u32) -> Result<Vec<Duration>> {
    tokio::task::spawn_blocking(move || {
        let agent = ureq::Agent::new_with_defaults();
        let Page { port, after } = page;
        let after = after.map_or_else(String::new, place::name);
        let path = format!("http://127.0.0.1:{port}/api/v1/user?limit=100&after={after}");
        (0..times).map(|_| time(&agent, &path)).collect()
    })
    .await?
}

fn time(agent: &ureq::Agent, path: &str) -> Result<Duration> {
    let start = Instant::now();
    let body = agent.get(path).call()?.body_mut().read_to_vec()?;
    let took = start.elapsed();
    ensure!(body.starts_with(b"[{"), "the page has no users");
    Ok(took)
}
