//! Notices when a connection's thread has nothing to do for a while.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Builder, sync::Notify, time::sleep};

/// Timers wake a thread too, a long one several times, and a client that asks now and then leaves it quiet between.
const FEW: u64 = 8;

/// How often a thread was woken.
#[derive(Default)]
pub(crate) struct Wakes {
    count: AtomicU64,
    /// It has fallen quiet, and nothing was done about it yet.
    is_due: AtomicBool,
    is_quiet: AtomicBool,
    again: Notify,
}

impl Wakes {
    /// Counts for the one thread of a runtime, which calls `when_quiet` before it waits, with little on its stack.
    pub(crate) fn counted_by(
        runtime: &mut Builder,
        when_quiet: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Self> {
        let wakes = Arc::new(Self::default());
        let (parked, woken) = (Arc::clone(&wakes), Arc::clone(&wakes));
        runtime.on_thread_park(move || {
            if parked.is_due.load(Ordering::Relaxed) {
                parked.is_due.store(false, Ordering::Relaxed);
                when_quiet();
            }
        });
        runtime.on_thread_unpark(move || woken.add());
        wakes
    }

    /// Notices each time that the thread had nothing to do for `time`; then no timer wakes it until something else has.
    pub(crate) async fn watch(&self, time: Duration) -> Infallible {
        loop {
            self.until_quiet(time).await;
            self.is_due.store(true, Ordering::Relaxed);
            self.is_quiet.store(true, Ordering::Relaxed);
            self.again.notified().await;
        }
    }

    fn add(&self) {
        // Only this thread writes, so that no locked instruction is needed.
        let count = self.count.load(Ordering::Relaxed);
        self.count.store(count.wrapping_add(1), Ordering::Relaxed);
        if self.is_quiet.load(Ordering::Relaxed) {
            self.is_quiet.store(false, Ordering::Relaxed);
            self.again.notify_one();
        }
    }

    async fn until_quiet(&self, time: Duration) {
        loop {
            let before = self.count.load(Ordering::Relaxed);
            sleep(time).await;
            if is_quiet(self.count.load(Ordering::Relaxed).wrapping_sub(before)) {
                return;
            }
        }
    }
}

fn is_quiet(wakes_meanwhile: u64) -> bool {
    wakes_meanwhile <= FEW
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn a_thread_falls_quiet_once_each_time_it_was_woken() {
        let (told, mut quiet) = unbounded_channel();
        let mut runtime = Builder::new_current_thread();
        let tell = move || told.send(()).unwrap();
        let wakes = Wakes::counted_by(runtime.enable_all(), tell);
        runtime.build().unwrap().block_on(async {
            let watched = Arc::clone(&wakes);
            tokio::spawn(async move { match watched.watch(SOON).await {} });
            for _ in 0..3 {
                while quiet.try_recv().is_err() {
                    sleep(SOON).await;
                }
                assert!(quiet.is_empty(), "it is quiet only once");
            }
        });
    }

    #[test]
    fn a_thread_that_is_woken_often_is_not_quiet() {
        for (wakes, quiet) in [(0, true), (FEW, true), (FEW + 1, false), (u64::MAX, false)] {
            assert_eq!(is_quiet(wakes), quiet, "{wakes}");
        }
    }
}
