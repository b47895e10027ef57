//! Letting other threads go first.

/// Steps of "niceness": a thread that is this much lower gets a third of another's time where both want the same core,
/// and all of it where nobody else does. More would let logins starve beside many busy transfers.
const STEPS: i32 = 5;

/// Lowers the priority of the calling thread, for good: whoever may not raise priorities cannot take it back.
/// Where the system keeps none for each thread nothing happens.
pub fn lower_for_this_thread() {
    #[cfg(target_os = "linux")]
    if let Err(errno) = lower() {
        log::debug!("the priority of a thread could not be lowered: {errno}");
    }
}

/// On Linux "this process" of the call is the calling thread.
#[cfg(target_os = "linux")]
fn lower() -> rustix::io::Result<()> {
    let now = rustix::process::getpriority_process(None)?;
    rustix::process::setpriority_process(None, now.saturating_add(STEPS))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn one_thread_is_lowered_and_no_other() {
        let now = || rustix::process::getpriority_process(None).unwrap();
        let before = now();
        let lowered = std::thread::spawn(move || {
            lower_for_this_thread();
            now()
        });
        // The lowest there is is 19.
        assert_eq!(lowered.join().unwrap(), (before + STEPS).min(19));
        assert_eq!(now(), before);
    }
}
