//! What is read again when an operator asks for it by SIGHUP. The configuration file is not: it is read at the start only.

use std::sync::{Arc, Mutex};

use sftpgo_core::sync::lock;

use crate::config::Problem;

type Read = Box<dyn Fn() -> Result<(), Problem> + Send>;

/// Everything that can be read again, in the order in which it was registered.
#[derive(Clone, Default)]
pub(crate) struct Reload {
    parts: Arc<Mutex<Vec<(&'static str, Read)>>>,
}

impl Reload {
    /// Has `read` called at each reload. When it fails, it has to leave what there was; the log says so of `name`.
    pub(crate) fn register(
        &self,
        name: &'static str,
        read: impl Fn() -> Result<(), Problem> + Send + 'static,
    ) {
        lock(&self.parts).push((name, Box::new(read)));
    }

    /// Reads everything again, one after the other. This may wait for disks.
    pub(crate) fn run(&self) {
        for (name, read) in lock(&self.parts).iter() {
            if let Err(problem) = read() {
                log::error!("{name} cannot be read again and stays as it was: {problem}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn everything_is_read_at_each_reload_also_behind_what_fails() {
        let reload = Reload::default();
        let read = Arc::new(AtomicUsize::new(0));
        for fails in [true, false] {
            let read = Arc::clone(&read);
            reload.register("a part", move || {
                read.fetch_add(1, Ordering::Relaxed);
                if fails {
                    return Err(Problem::new("a file", "is broken"));
                }
                Ok(())
            });
        }
        reload.run();
        assert_eq!(read.load(Ordering::Relaxed), 2);
        reload.run();
        assert_eq!(read.load(Ordering::Relaxed), 4);
    }
}
