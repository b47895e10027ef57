//! What the web admin keeps between requests.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{maintenance::Imports, overview::Overview};

/// Pages that are kept up to date at once; each takes a connection for as long as it is open.
const WATCHED_PAGES: usize = 32;

/// All of it, once for all addresses that are listened on.
pub(super) struct Kept {
    /// What the dashboard tells that is not at hand.
    pub(super) overview: Overview,
    /// Dumps that admins have sent.
    pub(super) imports: Imports,
    /// Places for pages that are kept up to date.
    pub(super) watched_pages: Arc<Semaphore>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            overview: Overview::default(),
            imports: Imports::default(),
            watched_pages: Arc::new(Semaphore::new(WATCHED_PAGES)),
        }
    }
}
