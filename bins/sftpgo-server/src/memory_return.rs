//! What connections took of the machine's memory goes back to the system once they have gone.
//!
//! A crowd leaves heaps with much that is free between little that is in use, and pages of the program that nothing else
//! needs. Both are given back when connections have become few, and never while they come and go as usual: what is used
//! again at once would only be asked for again.

use std::{sync::Arc, time::Duration};

use sftpgo_core::registry::Connections;
use tokio::{task::spawn_blocking, time};

use crate::allocator;

/// Between two looks at how many connections there are.
const INTERVAL: Duration = Duration::from_secs(5);

/// Looks for as long as the server runs.
pub(crate) async fn watch(connections: Arc<Connections>) {
    let mut crowd = Crowd::default();
    loop {
        time::sleep(INTERVAL).await;
        if crowd.has_gone(connections.take_peak()) && spawn_blocking(give_back).await.is_err() {
            return;
        }
    }
}

fn give_back() {
    // Takes memory itself.
    #[cfg(target_os = "linux")]
    crate::program_pages::give_back();
    allocator::return_free_memory();
}

/// How many connections there have been.
#[derive(Default)]
struct Crowd {
    /// The most at once since they have been few.
    most: usize,
}

impl Crowd {
    /// There were `peak` connections at most since the last look. Have at least half of the crowd gone?
    fn has_gone(&mut self, peak: usize) -> bool {
        let has_gone = self.most > 0 && peak <= self.most / 2;
        self.most = if has_gone { peak } else { self.most.max(peak) };
        has_gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_has_gone_when_it_is_half_and_again_when_that_is_half() {
        let mut crowd = Crowd::default();
        let peaks = [0, 100, 300, 151, 150, 150, 76, 75, 0, 0, 1, 1, 0, 0];
        let gone: Vec<_> = peaks.into_iter().map(|peak| crowd.has_gone(peak)).collect();
        let (yes, no) = (true, false);
        assert_eq!(
            gone,
            [no, no, no, no, yes, no, no, yes, yes, no, no, no, yes, no]
        );
    }
}
