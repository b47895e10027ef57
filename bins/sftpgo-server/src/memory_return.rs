//! What connections took of the machine's memory goes back to the system once they have gone.
//!
//! A crowd leaves heaps with much that is free between little that is in use, and pages of the program that nothing else
//! needs. Both are given back when connections have become few, and seldom while they come and go as usual: what is used
//! again at once would only be asked for again.

use std::{sync::Arc, time::Duration};

use sftpgo_core::registry::Connections;
use tokio::{task::spawn_blocking, time};

use crate::allocator;

/// Between two looks at how many connections there are.
const INTERVAL: Duration = Duration::from_secs(5);
/// Connections at once that leave much behind.
const CROWD: usize = 64;
/// Looks between two times that memory goes back, which costs processor time: 20 seconds.
const PAUSE: u32 = 4;
/// The same where there were fewer connections, such as one of a monitor every few seconds: a minute.
const PAUSE_OF_FEW: u32 = 12;

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
struct Crowd {
    /// The most at once since they have been few.
    most: usize,
    /// Looks since memory went back.
    looks: u32,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            most: 0,
            looks: u32::MAX,
        }
    }
}

impl Crowd {
    /// There were `peak` connections at most since the last look. Have at least half of the crowd gone, and is the last time
    /// that they had long enough ago?
    fn has_gone(&mut self, peak: usize) -> bool {
        self.most = self.most.max(peak);
        self.looks = self.looks.saturating_add(1);
        let pause = if self.most >= CROWD {
            PAUSE
        } else {
            PAUSE_OF_FEW
        };
        let has_gone = self.most > 0 && peak <= self.most / 2 && self.looks >= pause;
        if has_gone {
            *self = Self {
                most: peak,
                looks: 0,
            };
        }
        has_gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The looks at which a crowd of such peaks has gone.
    fn gone(peaks: &[usize]) -> Vec<usize> {
        let mut crowd = Crowd::default();
        let looks = peaks.iter().enumerate();
        looks
            .filter_map(|(look, peak)| crowd.has_gone(*peak).then_some(look))
            .collect()
    }

    #[test]
    fn a_crowd_has_gone_when_it_is_half_and_again_when_that_is_half() {
        let peaks = [0, 100, 300, 151, 150, 150, 150, 150, 76, 75];
        assert_eq!(gone(&peaks), [4, 9]);
    }

    #[test]
    fn memory_does_not_go_back_again_at_once() {
        assert_eq!(gone(&[300, 0, 300, 0, 0, 0, 0]), [1, 5]);
        let peaks = [&[300, 50][..], &[0; 20]].concat();
        assert_eq!(gone(&peaks), [1, 13], "few are left of the crowd");
    }

    #[test]
    fn connections_that_come_and_go_one_by_one_are_no_work_for_ever() {
        let peaks = [1, 0].repeat(15);
        assert_eq!(gone(&peaks), [1, 13, 25]);
    }
}
