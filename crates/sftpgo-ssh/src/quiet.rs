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
    is_quiet: AtomicBool,
    again: Notify,
}

impl Wakes {
    /// Counts for the one thread of a runtime.
    pub(crate) fn counted_by(runtime: &mut Builder) -> Arc<Self> {
        let wakes = Arc::new(Self::default());
        let counted = Arc::clone(&wakes);
        runtime.on_thread_unpark(move || counted.add());
        wakes
    }

    /// Calls `action` on this thread each time that it had nothing to do for `time`; then no timer wakes it until
    /// something else has.
    pub(crate) async fn when_quiet(&self, time: Duration, action: impl Fn()) -> Infallible {
        loop {
            self.until_quiet(time).await;
            action();
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
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    fn counting_runtime() -> (tokio::runtime::Runtime, Arc<Wakes>) {
        let mut runtime = Builder::new_current_thread();
        let wakes = Wakes::counted_by(runtime.enable_all());
        (runtime.build().unwrap(), wakes)
    }

    async fn tell_when_quiet(wakes: Arc<Wakes>, told: UnboundedSender<u64>) {
        let count = Arc::clone(&wakes);
        let tell = move || told.send(count.count.load(Ordering::Relaxed)).unwrap();
        match wakes.when_quiet(SOON, tell).await {}
    }

    #[test]
    fn a_thread_falls_quiet_once_each_time_it_was_woken() {
        let (runtime, wakes) = counting_runtime();
        runtime.block_on(async {
            let (told, mut quiet) = unbounded_channel();
            tokio::spawn(tell_when_quiet(Arc::clone(&wakes), told));
            let mut before = None;
            for _ in 0..3 {
                let wakes = loop {
                    match quiet.try_recv() {
                        Ok(wakes) => break wakes,
                        Err(_) => sleep(SOON).await,
                    }
                };
                assert!(before < Some(wakes), "it was not woken in between");
                before = Some(wakes);
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
