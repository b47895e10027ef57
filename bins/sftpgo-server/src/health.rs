//! Whether the user store answers: a gauge, and a log line when that changes.

use std::{sync::Arc, time::Duration};

use sftpgo_api::Metrics;
use sftpgo_core::{Error, ErrorKind, Provider};
use tokio::{task::spawn_blocking, time};

const INTERVAL: Duration = Duration::from_secs(5);
/// The time after which a store that does not answer is asked again.
const UNTIL_BACK: Duration = Duration::from_secs(1);

/// Asks for as long as the server runs.
pub(crate) async fn watch(provider: Arc<dyn Provider>, metrics: Metrics) {
    let mut answered = true;
    loop {
        let provider = Arc::clone(&provider);
        let checked = match spawn_blocking(move || provider.check()).await {
            Ok(checked) => checked,
            Err(failed) if failed.is_panic() => Err(Error::new(
                ErrorKind::Internal,
                "the check of the data provider panicked",
            )
            .with_source(failed)),
            Err(_) => return,
        };
        metrics.set_provider_availability(checked.is_ok());
        match &checked {
            Ok(()) if !answered => log::info!("the data provider answers again"),
            Err(error) if answered => log::error!(
                "the data provider does not answer, so logins fail and usage is kept in memory until it does: {error}"
            ),
            _ => {}
        }
        answered = checked.is_ok();
        time::sleep(if answered { INTERVAL } else { UNTIL_BACK }).await;
    }
}
